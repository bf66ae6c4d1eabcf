/* test_generate.c -- text token by token: what is kept says what the whole says. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tutti/generate.h>

#include "learn/nn/layers/kinds.h"
#include "learn/nn/model.h"
#include "learn/predict/sample.h"

#define VOCABULARY 9
#define TOKENS 90

struct net { const char *kind, *layers; int64_t context; };

/* Of every kind that says it can go on where a sequence stopped. */
static const struct net nets[] = {
	{ "rnn", "rnn: {hidden: 7, num_layers: 2, dropout: 0.3}", 0 },
	{ "rnn", "rnn: {hidden: 7, activation: relu}", 0 },
	{ "lstm", "lstm: {hidden: 7}, lstm: {hidden: 5, num_layers: 2}", 0 },
	{ "gru", "gru: {hidden: 7, num_layers: 2, bias: no}", 0 },
	{ "attention", "attention: {heads: 2, causal: yes}", 128 },
	{ "attention", "attention: {heads: 3, causal: yes, rotary: yes}", 128 },
	{ "transformer", "transformer: {heads: 2, causal: yes, norm_first: yes, dropout: 0.1}, "
	  "transformer: {heads: 3, causal: yes, rotary: yes, activation: gelu}", 100 },
	{ "positions", "positions: {max: 96}, attention: {heads: 4, causal: yes}", 0 },
	{ "positions", "positions: {kind: sinusoidal}, gru: {hidden: 12}", 0 },
	{ "repeat", "repeat: {times: 2, layers: [lstm: {hidden: 12}]}", 0 },
	{ "sequence", "sequence: {layers: [gru: {hidden: 4}]}", 0 },
	{ "residual", "residual: {body: [attention: {heads: 2, causal: yes}, dropout: {p: 0.5}]}", 0 },
	{ "branches", "branches: {join: add, paths: [[gru: {hidden: 4}], [dense: {out: 4}]]}", 0 },
};

static tt_status make_net(const char *layers, tt_model **out)
{
	char text[1000];
	tt_spec *spec = NULL;
	tt_status st;

	snprintf(text, sizeof text, "name: net\nmodel: {inputs: {t: {shape: [-1], type: i32}}, "
	         "layers: [embedding: {rows: %d, dim: 12}, %s, dense: {out: %d}]}\n"
	         "train: {threads: 1, tune_kernels: no, seed: 5}\n", VOCABULARY, layers, VOCABULARY);
	if ((st = tt_spec_parse(&spec, "net.yaml", text)) == TT_OK)
		st = tt_model_new(out, spec);
	tt_spec_free(&spec);
	return st;
}

static void fill(int32_t *token, int n)
{
	uint32_t noise = 7;

	for (int i = 0; i < n; i++) {
		noise = noise * 1664525 + 1013904223;
		token[i] = (int32_t)(noise >> 16) % VOCABULARY;
	}
}

/* What the whole sequence says of the token behind its last one. */
static void whole(tt_session *s, const int32_t *token, int64_t n, float out[VOCABULARY])
{
	static float all[TOKENS * 2 * VOCABULARY];
	const int64_t offsets[2] = { 0, n };
	const tt_column c = { .size = sizeof c, .name = "t", .type = TT_I32, .ndim = 1,
	                      .shape = { -1 }, .data = token, .offsets = offsets };
	const tt_column *at = &c;

	assert_ok(tt_session_predict(s, &(tt_batch){ .size = sizeof(tt_batch), .columns = 1,
	                                             .column = &at, .n = 1 }, all));
	memcpy(out, all + (n - 1) * VOCABULARY, sizeof *out * VOCABULARY);
}

static void compare(const struct net *net, tt_generator *g, tt_session *s, const int32_t *token,
                    int64_t n)
{
	float kept[VOCABULARY], want[VOCABULARY];

	assert_ok(tt_generator_probabilities(g, kept));
	whole(s, token, n, want);
	for (int i = 0; i < VOCABULARY; i++)
		if (!(fabs((double)kept[i] - want[i]) <= 5e-6))
			fail_msg("%s: after %lld tokens %d has %.9g, of the whole %.9g", net->layers,
			         (long long)n, i, (double)kept[i], (double)want[i]);
}

static void goes_on(const struct net *net)
{
	int32_t token[TOKENS];
	tt_generator *g = NULL;
	tt_session *s = NULL;
	tt_model *m = NULL;

	fill(token, TOKENS);
	assert_ok(make_net(net->layers, &m));
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_generator_new(&g, s, TT_GENERATE_OPTS(.context = net->context)));
	assert_ok(tt_generator_read(g, token, 75));             /* pieces of 64, 8, 1 */
	compare(net, g, s, token, 75);
	for (int i = 75; i < TOKENS; i++) {
		assert_ok(tt_generator_read(g, token + i, 1));
		if (i % 5 == 0)
			compare(net, g, s, token, i + 1);
	}
	tt_generator_free(&g);
	tt_session_free(&s);
	tt_model_free(&m);
}

static void what_is_kept_says_what_the_whole_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		goes_on(&nets[i]);
}

static void every_kind_with_states_is_tried(void **state)
{
	(void)state;
	for (const struct layer_kind *const *k = layer_kinds; *k; k++) {
		int found = (*k)->time < TIME_PLACES;

		for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
			found |= strcmp(nets[i].kind, (*k)->name) == 0;
		if (!found)
			fail_msg("layer %s says that it goes on where a sequence stopped: try it",
			         (*k)->name);
	}
}

/* With room for `limit` places the next token is read behind the last half of them. */
static void forgets(const struct net *net, int64_t limit)
{
	const int64_t half = limit / 2;
	int32_t token[TOKENS * 2];
	tt_generator *g = NULL;
	tt_session *s = NULL;
	tt_model *m = NULL;

	fill(token, TOKENS * 2);
	assert_ok(make_net(net->layers, &m));
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_generator_new(&g, s, TT_GENERATE_OPTS(.context = net->context)));
	assert_ok(tt_generator_read(g, token, limit));
	compare(net, g, s, token, limit);
	assert_ok(tt_generator_read(g, token + limit, 1));
	compare(net, g, s, token + half, half + 1);
	assert_ok(tt_generator_read(g, token + limit + 1, half));
	compare(net, g, s, token + limit, half + 1);
	tt_generator_free(&g);
	tt_session_free(&s);
	tt_model_free(&m);
}

static void what_is_long_ago_is_forgotten(void **state)
{
	static const struct { struct net net; int64_t limit; } limited[] = {
		{ { "", "positions: {max: 64}, attention: {heads: 4, causal: yes}", 0 }, 64 },
		{ { "", "positions: {max: 64}, attention: {heads: 4, causal: yes}", 90 }, 64 },
		{ { "", "positions: {max: 70}, transformer: {heads: 4, causal: yes}", 16 }, 16 },
		{ { "", "attention: {heads: 2, causal: yes, rotary: yes}, lstm: {hidden: 4}", 16 }, 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
		forgets(&limited[i].net, limited[i].limit);
}

static void draw(tt_session *s, uint64_t seed, int32_t out[40])
{
	const int32_t first = 3;
	tt_generator *g = NULL;
	const char *text = "";

	assert_ok(tt_generator_new(&g, s, TT_GENERATE_OPTS(.temperature = 1, .seed = seed)));
	assert_status(tt_generator_next(g, NULL, NULL), TT_EINVAL);
	assert_error("nothing has been read");
	assert_ok(tt_generator_read(g, &first, 1));
	for (int i = 0; i < 40; i++)
		assert_ok(tt_generator_next(g, &out[i], &text));
	assert_null(text);                                      /* there is no vocabulary */
	assert_status(tt_generator_text(g, "a", 1), TT_EINVAL);
	assert_error("no vocabulary");
	assert_status(tt_generator_read(g, &(int32_t){ VOCABULARY }, 1), TT_EINVAL);
	assert_error("rows 0 to 8");
	tt_generator_free(&g);
}

static void a_seed_is_a_text(void **state)
{
	int32_t one[40], again[40], other[40];
	tt_session *s = NULL;
	tt_model *m = NULL;

	(void)state;
	assert_ok(make_net("gru: {hidden: 7}", &m));
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
	draw(s, 1, one);
	draw(s, 1, again);
	draw(s, 2, other);
	assert_memory_equal(one, again, sizeof one);
	assert_memory_not_equal(one, other, sizeof one);
	tt_session_free(&s);
	tt_model_free(&m);
}

static void nets_that_cannot_go_on_say_why(void **state)
{
	static const struct { const char *layers, *says; } bad[] = {
		{ "attention: {heads: 2}", "sees later places" },
		{ "gru: {hidden: 4, bidirectional: yes}", "from their end" },
		{ "lstm: {hidden: 4, output: last}", "one answer for a sequence" },
		{ "seqpool", "one answer for a sequence" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		tt_generator *g = NULL;
		tt_session *s = NULL;
		tt_model *m = NULL;

		assert_ok(make_net(bad[i].layers, &m));
		assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
		assert_status(tt_generator_new(&g, s, TT_GENERATE_OPTS(.seed = 1)), TT_ESHAPE);
		assert_error(bad[i].says);
		assert_null(g);
		assert_status(tt_generator_new(&g, s, TT_GENERATE_OPTS(.top_p = 2)), TT_EINVAL);
		assert_error("top_p 2");
		tt_session_free(&s);
		tt_model_free(&m);
	}
}

/* ---- drawing ---- */

static int drawn(const struct sample_opts *o, const float *score, double u)
{
	struct ranked room[4];

	return sample_draw(o, score, 4, u, room);
}

/* Shares 0.1, 0.4, 0.2, 0.3. */
static void draws_by_share(void **state)
{
	const float score[4] = { logf(1), logf(4), logf(2), logf(3) };
	const float even[4] = { 1, 1, -INFINITY, 1 };

	(void)state;
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0 }, score, 0.39), 1);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0 }, score, 0.41), 3);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0 }, score, 0.89), 2);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0 }, score, 0.91), 0);
	assert_int_equal(drawn(&(struct sample_opts){ 0, 0, 0 }, score, 0.99), 1);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 2, 0 }, score, 0.99), 3);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 2, 0 }, score, 0.56), 1);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0.65 }, score, 0.99), 3);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0.75 }, score, 0.99), 2);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 1e-9 }, score, 0.99), 1);
	assert_int_equal(drawn(&(struct sample_opts){ 0.5, 0, 0 }, score, 0.53), 1);   /* 16 of 30 */
	assert_int_equal(drawn(&(struct sample_opts){ 0.5, 0, 0 }, score, 0.54), 3);
	assert_int_equal(drawn(&(struct sample_opts){ 0, 0, 0 }, even, 0.5), 0);
	assert_int_equal(drawn(&(struct sample_opts){ 1, 0, 0 }, even, 1 - 1e-16), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_says_what_the_whole_says),
		cmocka_unit_test(every_kind_with_states_is_tried),
		cmocka_unit_test(what_is_long_ago_is_forgotten),
		cmocka_unit_test(a_seed_is_a_text),
		cmocka_unit_test(nets_that_cannot_go_on_say_why),
		cmocka_unit_test(draws_by_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
