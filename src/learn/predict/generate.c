/* generate.c -- see tutti/generate.h.
 *
 *   tokens --> program of 1, 8 or 64 places --> scores of what follows the last
 *                ^ states         | states
 *                +----------------+
 */
#include <tutti/generate.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sized.h"
#include "data/text/vocabulary.h"
#include "learn/predict/sample.h"
#include "learn/predict/session_own.h"
#include "sys/thread.h"

#define CONTEXT 1024

static const int64_t pieces[] = { 64, 8, 1 };   /* places of a program */
#define PIECE_MAX 64

struct tt_generator {
	tt_session           *session;
	tt_generate_opts      opts;
	struct program_cache *programs;
	struct nn_states      states;
	float               **state;        /* [states.n]                                     */
	int64_t               kept;         /* places that there is room for; 0: no limit     */
	int64_t               at;           /* places so far                                  */
	int32_t              *past;         /* [kept]: their tokens                           */
	float                *score;        /* [outputs]: of what follows                     */
	struct ranked        *room;
	uint64_t              drawn;
	double                making;       /* seconds in which programs were made           */
	int                   ready;        /* enum no/yes: there are scores                  */
	struct vocabulary     words;        /* n 0: the model has none                        */
	struct str            text;         /* of the token drawn last                        */
};

/* ---- life ---- */

static tt_status read_opts(const tt_generate_opts *given, tt_generate_opts *o)
{
	tt_status st = sized_options(o, sizeof *o, given, "tt_generate_opts");

	if (st != TT_OK)
		return st;
	if (!(o->temperature >= 0 && o->temperature <= 1e6) || o->top_k < 0 ||
	    !(o->top_p >= 0 && o->top_p <= 1) || o->context < 0 || o->context > 1 << 20)
		return err_set(TT_EINVAL, "temperature %g, top_k %d, top_p %g, context %lld: none may be "
		               "negative, top_p is a share, and the context at most %d tokens",
		               o->temperature, o->top_k, o->top_p, (long long)o->context, 1 << 20);
	return TT_OK;
}

static tt_status check_model(const struct tt_model *m)
{
	if (m->n_inputs != 1 || !net_input_ragged(&m->input[0]) || m->input[0].desc.ndim != 2)
		return err_set(TT_ESHAPE, "a net that text is generated from reads one sequence of tokens "
		               "(model.inputs: {tokens: {shape: [-1], type: i32}}); this one has %d "
		               "input%s", m->n_inputs, m->n_inputs == 1 ? " that is none" : "s");
	if (!m->per_place)
		return err_set(TT_ESHAPE, "a net that text is generated from answers at each place with "
		               "the next token; this one gives one answer for a sequence");
	if (m->input[0].tokens && m->outputs > m->input[0].tokens)
		return err_set(TT_ESHAPE, "the net answers with one of %lld tokens, but reads %lld (%s): "
		               "it cannot go on from its answers", (long long)m->outputs,
		               (long long)m->input[0].tokens, m->input[0].embedding);
	return TT_OK;
}

static int has_limit(const struct nn_states *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->v[i].form == STATE_APPENDED)
			return 1;
	return s->places > 0;
}

/* What states there are, and for how many places: as many as the net has numbers for, or as
 * wanted. */
static tt_status find_states(tt_generator *g)
{
	const struct tt_model *m = g->session->model;
	struct nn_shape shape = { .batch = 1, .length = 1, .purpose = NN_STEP, .kept = CONTEXT };
	tt_status st;

	if (g->opts.context)
		shape.kept = g->opts.context;
	if ((st = nn_states(m, &shape, &g->states)) != TT_OK)
		return st;
	if (g->states.places && (!g->opts.context || g->states.places < g->opts.context)) {
		shape.kept = g->states.places;
		nn_states_release(&g->states);
		if ((st = nn_states(m, &shape, &g->states)) != TT_OK)
			return st;
	}
	g->kept = has_limit(&g->states) ? shape.kept : 0;
	return TT_OK;
}

static size_t state_bytes(const struct nn_state *s)
{
	return tensor_bytes(&s->desc);
}

static tt_status make_room(tt_generator *g)
{
	const size_t outputs = (size_t)g->session->model->outputs;

	g->state = mem_calloc((size_t)g->states.n + 1, sizeof *g->state);
	g->past = mem_calloc((size_t)g->kept + 1, sizeof *g->past);
	g->score = mem_calloc(outputs, sizeof *g->score);
	g->room = mem_calloc(outputs, sizeof *g->room);
	if (!g->state || !g->past || !g->score || !g->room)
		return TT_ENOMEM;
	for (int i = 0; i < g->states.n; i++) {
		if (!(g->state[i] = mem_alloc_aligned(state_bytes(&g->states.v[i]))))
			return TT_ENOMEM;
		memset(g->state[i], 0, state_bytes(&g->states.v[i]));
	}
	return TT_OK;
}

static tt_status take_vocabulary(tt_generator *g)
{
	const struct known_columns k = nn_known_columns(g->session->model);

	return !k.class_names ? TT_OK : vocabulary_take(&g->words, &(struct vocabulary_known){
		k.class_names, k.classes, k.recipe });
}

static tt_status open(tt_generator *g, const tt_generate_opts *o)
{
	tt_status st;

	engine_enter(g->session->engine);
	if ((st = read_opts(o, &g->opts)) != TT_OK ||
	    (st = check_model(g->session->model)) != TT_OK || (st = find_states(g)) != TT_OK ||
	    (st = make_room(g)) != TT_OK || (st = take_vocabulary(g)) != TT_OK)
		return st;
	return program_cache_share(&g->programs, g->session->steps);
}

tt_status tt_generator_new(tt_generator **out, tt_session *s, const tt_generate_opts *o)
{
	tt_generator *g;
	tt_status st;

	if (!out || !s)
		return err_null(__func__);
	if (!(g = mem_calloc(1, sizeof *g)))
		return TT_ENOMEM;
	g->session = s;
	if ((st = open(g, o)) == TT_OK)
		*out = g;
	else
		tt_generator_free(&g);
	return st;
}

void tt_generator_free(tt_generator **gp)
{
	tt_generator *g = gp ? *gp : NULL;

	if (!g)
		return;
	program_cache_free(&g->programs);
	for (int i = 0; g->state && i < g->states.n; i++)
		mem_free(g->state[i]);
	mem_free(g->state);
	mem_free(g->past);
	mem_free(g->score);
	mem_free(g->room);
	vocabulary_release(&g->words);
	str_release(&g->text);
	nn_states_release(&g->states);
	mem_free(g);
	*gp = NULL;
}

/* ---- steps ---- */

/* What the program has made of the states. */
static void take_states(tt_generator *g, const struct program *p, int64_t n)
{
	for (int i = 0; i < g->states.n; i++) {
		const struct nn_state *s = &g->states.v[i];
		const float *made = program_output(p, s->output);
		const size_t row = (size_t)s->desc.dim[s->desc.ndim - 1];

		if (s->form == STATE_REPLACED)
			memcpy(g->state[i], made, state_bytes(s));
		else
			memcpy(g->state[i] + (size_t)g->at * row, made, (size_t)n * row * sizeof *made);
	}
}

static tt_status find_program(tt_generator *g, int64_t n, struct program **out)
{
	const double start = thread_seconds();
	tt_status st = program_cache_get(g->programs, (struct sizes){
		.batch = 1, .length = n, .kept = g->kept ? g->kept : 1 }, out);

	g->making += thread_seconds() - start;
	return st;
}

double tt_generator_making(const tt_generator *g)
{
	return g ? g->making : 0;
}

/* n tokens, for which there is a program and room. */
static tt_status run_piece(tt_generator *g, const int32_t *token, int64_t n)
{
	static const struct program_run run = { .sample_stride = 1 };
	const struct tt_model *m = g->session->model;
	const int32_t length = (int32_t)n;
	float as_floats[PIECE_MAX];
	int32_t places[PIECE_MAX];
	struct program *p;
	tt_status st = find_program(g, n, &p);

	if (st != TT_OK)
		return st;
	for (int64_t i = 0; i < n; i++) {
		as_floats[i] = (float)token[i];
		places[i] = (int32_t)(g->at + i);
	}
	program_set_input(p, 0, m->input[0].desc.dtype == DTYPE_S32 ? (const void *)token : as_floats);
	program_set_input(p, 1, &length);
	program_set_input(p, 2, places);
	for (int i = 0; i < g->states.n; i++)
		program_set_input(p, g->states.v[i].input, g->state[i]);
	if ((st = program_run(p, &run)) != TT_OK)
		return st;
	memcpy(g->score, (const float *)program_output(p, 0) + (n - 1) * m->outputs,
	       (size_t)m->outputs * sizeof *g->score);
	take_states(g, p, n);
	if (g->kept)
		memcpy(g->past + g->at, token, (size_t)n * sizeof *token);
	g->at += n;
	g->ready = 1;
	return TT_OK;
}

static tt_status run_all(tt_generator *g, const int32_t *token, int64_t n)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && n > 0; )
		if (pieces[i] <= n) {
			st = run_piece(g, token, pieces[i]);
			token += pieces[i];
			n -= pieces[i];
		} else {
			i++;
		}
	return st;
}

/* The older half is forgotten; the rest is read again, as the beginning. */
static tt_status forget(tt_generator *g)
{
	const int64_t left = g->kept / 2;

	for (int i = 0; i < g->states.n; i++)
		memset(g->state[i], 0, state_bytes(&g->states.v[i]));
	memmove(g->past, g->past + g->at - left, (size_t)left * sizeof *g->past);
	g->at = 0;
	return run_all(g, g->past, left);
}

static tt_status check_tokens(const tt_generator *g, const int32_t *token, int64_t n)
{
	const struct net_input *in = &g->session->model->input[0];

	for (int64_t i = 0; in->tokens && i < n; i++)
		if (token[i] < 0 || token[i] >= in->tokens)
			return err_set(TT_EINVAL, "token %lld is %d; embedding '%.60s' has the rows 0 to %lld",
			               (long long)i, token[i], in->embedding, (long long)in->tokens - 1);
	return TT_OK;
}

tt_status tt_generator_read(tt_generator *g, const int32_t *token, int64_t n)
{
	tt_status st;

	if (!g || !token)
		return err_null(__func__);
	if (n < 1)
		return err_set(TT_EINVAL, "%lld tokens to read: there is at least one", (long long)n);
	if ((st = check_tokens(g, token, n)) != TT_OK)
		return st;
	engine_enter(g->session->engine);
	while (st == TT_OK && n > 0) {
		int64_t fit = g->kept && n > g->kept - g->at ? g->kept - g->at : n;

		st = fit ? run_all(g, token, fit) : forget(g);
		token += fit;
		n -= fit;
	}
	return st;
}

tt_status tt_generator_text(tt_generator *g, const char *text, size_t n)
{
	const struct text_piece t = { text, n, 0, "the text" };
	struct encoding e = {0};
	tt_status st;

	if (!g || !text)
		return err_null(__func__);
	if (!g->words.n)
		return err_set(TT_EINVAL, "the model has no vocabulary: give it tokens, by "
		               "tt_generator_read");
	if ((st = vocabulary_encode(&g->words, &t, &e)) == TT_OK)
		st = tt_generator_read(g, e.id ? e.id : &(int32_t){0}, (int64_t)e.n);
	encoding_release(&e);
	return st;
}

/* ---- what follows ---- */

static tt_status check_ready(const tt_generator *g)
{
	return g->ready ? TT_OK : err_set(TT_EINVAL, "nothing has been read that a token could follow");
}

tt_status tt_generator_probabilities(tt_generator *g, float *out)
{
	tt_status st;

	if (!g || !out)
		return err_null(__func__);
	if ((st = check_ready(g)) == TT_OK)
		sample_softmax(g->score, (int)g->session->model->outputs, out);
	return st;
}

static tt_status draw(tt_generator *g, int32_t *out)
{
	const struct sample_opts o = { g->opts.temperature, g->opts.top_k, g->opts.top_p };
	const int n = (int)g->session->model->outputs;
	struct rng r;

	rng_init(&r, rng_key(g->opts.seed, RNG_SAMPLE), g->drawn, 0);
	for (int i = 0; i < n; i++)
		if (!isfinite(g->score[i]))
			return err_set(TT_ENAN, "the score of token %d is %g", i, (double)g->score[i]);
	if (g->words.n > 1 && g->words.unknown >= 0 && g->words.unknown < n)
		g->score[g->words.unknown] = -INFINITY;         /* it stands for no text */
	*out = sample_draw(&o, g->score, n, rng_uniform(&r), g->room);
	g->drawn++;
	return TT_OK;
}

/* A token that the vocabulary lacks has no text. */
static tt_status text_of(tt_generator *g, int32_t token, const char **out)
{
	size_t n = 0;
	const char *p = token < g->words.n ? vocabulary_text(&g->words, token, &n) : "";

	g->text.len = 0;
	str_add_bytes(&g->text, p, n);
	*out = g->words.n ? g->text.p : NULL;
	return str_status(&g->text);
}

tt_status tt_generator_next(tt_generator *g, int32_t *token, const char **text)
{
	int32_t drawn;
	tt_status st;

	if (!g)
		return err_null(__func__);
	if ((st = check_ready(g)) != TT_OK || (st = draw(g, &drawn)) != TT_OK ||
	    (st = tt_generator_read(g, &drawn, 1)) != TT_OK)
		return st;
	if (token)
		*token = drawn;
	return text ? text_of(g, drawn, text) : TT_OK;
}
