/* cmd_generate.c -- tutti generate: text from a language model. */
#include <tutti/generate.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kit/clock.h"
#include "kit/paths.h"
#include "print/json.h"
#include "verbs.h"

struct generate_args {
	struct common common;
	int64_t       length, top_k, seed, context, threads;
	int           no_prompt;
	const char   *prompt, *stop, *temperature, *top_p, *kernel_cache, *precision;
};

#define AT(field) offsetof(struct generate_args, field)
static const char *const precisions[] = { "f32", "bf16", NULL };

static const struct flag generate_flags[] = {
	{ "prompt",  'p', FLAG_TEXT, AT(prompt), "TEXT", .help =
	  "what to go on from, shown first (the end of a line, which is not); -: all of stdin" },
	{ "no-prompt", 0, FLAG_YES, AT(no_prompt), .help =
	  "show what is written alone" },
	{ "stop",    0,   FLAG_TEXT, AT(stop), "TEXT", .help =
	  "end where this would be written, and leave it out" },
	{ "length",  'n', FLAG_INT,  AT(length), "N", .min = 1, .max = INT32_MAX, .def = "500", .help =
	  "tokens to write" },
	{ "temperature", 0, FLAG_TEXT, AT(temperature), "T", .def = "1", .help =
	  "below 1 what is likely becomes likelier; 0: always the likeliest token" },
	{ "top-k",   'k', FLAG_INT,  AT(top_k), "K", .max = INT32_MAX, .def = "0", .help =
	  "draw from the K likeliest tokens alone; 0: from all" },
	{ "top-p",   0,   FLAG_TEXT, AT(top_p), "P", .def = "1", .help =
	  "draw from the likeliest tokens that together have this share; 1: from all" },
	{ "seed",    's', FLAG_INT,  AT(seed), "S", .max = INT64_MAX, .def = "1", .help =
	  "another one, another text" },
	{ "context", 0,   FLAG_INT,  AT(context), "N", .max = 1 << 20, .def = "0", .help =
	  "tokens that attention looks back; when they are full it forgets the older half; 0: as many "
	  "places as the net has numbers for, else 1024" },
	{ "precision", 0, FLAG_TEXT, AT(precision), "WORD", .words = precisions, .help =
	  "of computing (the spec's)" },
	{ "threads", 't', FLAG_INT,  AT(threads), "N", .max = 4096, .def = "0", .help =
	  "compute threads; 0: all cores" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ .kind = FLAG_END },
};

static const struct example generate_examples[] = {
	{ "tutti generate runs/char-lstm --prompt 'The license ' --temperature 0.7",
	  "500 characters in the manner of the text that the net has learnt" },
	{ "tutti generate best.safetensors -p 'Copyright' -n 80 --temperature 0",
	  "what it finds likeliest, one character after the other" },
	{ "tutti generate runs/char-gpt -p - --stop '.' <begin.txt", "to the end of the sentence" },
	{ NULL, NULL },
};

struct generation {
	const struct generate_args *args;
	tt_model     *model;
	tt_session   *session;
	tt_generator *generator;
	struct str    prompt;
	struct str    text;                /* what was written               */
	size_t        shown;               /* bytes of it                    */
	int64_t       tokens;
	int           met;                 /* --stop                         */
	double        seconds;             /* without those that made programs */
};

#define PROMPT_MOST ((size_t)16 << 20)

static tt_status read_prompt(struct generation *g)
{
	const char *given = g->args->prompt;
	char part[4096];
	size_t n;

	if (!given || strcmp(given, "-") != 0) {
		str_add(&g->prompt, given && *given ? given : "\n");
		return str_status(&g->prompt);
	}
	while ((n = fread(part, 1, sizeof part, stdin)) > 0 && g->prompt.len <= PROMPT_MOST)
		str_add_bytes(&g->prompt, part, n);
	if (ferror(stdin))
		return err_set(TT_EIO, "stdin cannot be read");
	if (!g->prompt.len || g->prompt.len > PROMPT_MOST)
		return err_set(TT_EINVAL, "stdin: %s", g->prompt.len ? "a prompt has at most 16 MiB"
		                                                     : "nothing to go on from");
	return str_status(&g->prompt);
}

static tt_status number(const char *option, const char *word, double *out)
{
	char *end;

	*out = strtod(word, &end);
	if (end != word && !*end && isfinite(*out) && *out >= 0)
		return TT_OK;
	return err_set(TT_EINVAL, "--%s wants a number from 0 on, not '%.40s'", option, word);
}

static tt_status open_generation(struct call *c, struct generation *g, tt_generate_opts *o)
{
	const char *cache, *path;
	tt_status st;

	if ((st = paths_checkpoint(c->arena, c->args.v[0], &path)) == TT_OK &&
	    (st = paths_kernel_cache(c->arena, g->args->kernel_cache, &cache)) == TT_OK &&
	    (st = tt_model_load(&g->model, path)) == TT_OK &&
	    (st = tt_session_new(&g->session, g->model, TT_SESSION_OPTS(
		.threads = (int)g->args->threads, .kernel_cache = cache,
		.precision = g->args->precision))) == TT_OK)
		st = tt_generator_new(&g->generator, g->session, o);
	return st;
}

/* ---- writing ---- */

/* As much of it as --stop cannot begin in. */
static size_t may_show(const struct generation *g)
{
	const char *stop = g->args->stop;
	size_t n = stop ? strlen(stop) : 0;

	for (n = n > g->text.len ? g->text.len : n; n > 0; n--)
		if (memcmp(g->text.p + g->text.len - n, stop, n) == 0)
			break;
	return g->text.len - n;
}

/* Is --stop in what has come since byte `from`? */
static int meets_stop(struct generation *g, size_t from)
{
	const char *stop = g->args->stop, *at;
	const size_t back = stop && *stop ? strlen(stop) - 1 : 0;

	if (!stop || !*stop || !g->text.p ||
	    !(at = strstr(g->text.p + (from > back ? from - back : 0), stop)))
		return 0;
	g->text.len = (size_t)(at - g->text.p);
	g->text.p[g->text.len] = '\0';
	return 1;
}

static tt_status show(struct generation *g, size_t to)
{
	if (g->args->common.json || to <= g->shown)
		return TT_OK;
	if (fwrite(g->text.p + g->shown, 1, to - g->shown, stdout) != to - g->shown || fflush(stdout))
		return err_set(TT_EIO, "stdout cannot be written");
	g->shown = to;
	return TT_OK;
}

static tt_status show_prompt(const struct generation *g)
{
	if (g->args->common.json || g->args->no_prompt || !g->args->prompt || !*g->args->prompt)
		return TT_OK;
	if (fwrite(g->prompt.p, 1, g->prompt.len, stdout) != g->prompt.len || fflush(stdout))
		return err_set(TT_EIO, "stdout cannot be written");
	return TT_OK;
}

/* Each token as it comes, for a reader who waits; with --json all of them at the end. */
static tt_status write_all(struct generation *g)
{
	const double begin = clock_seconds(), made = tt_generator_making(g->generator);
	tt_status st = show_prompt(g);

	while (st == TT_OK && !g->met && g->tokens < g->args->length) {
		const size_t from = g->text.len;
		const char *text;

		if ((st = tt_generator_next(g->generator, NULL, &text)) != TT_OK)
			break;
		g->tokens++;
		str_add(&g->text, text);
		if ((st = str_status(&g->text)) != TT_OK)
			break;
		g->met = meets_stop(g, from);
		st = show(g, g->met ? g->text.len : may_show(g));
	}
	g->seconds = clock_seconds() - begin - (tt_generator_making(g->generator) - made);
	return st == TT_OK ? show(g, g->text.len) : st;
}

static tt_status tell(struct generation *g)
{
	const double speed = g->seconds > 0 ? (double)g->tokens / g->seconds : 0;
	struct json j = { 0 };

	if (!g->args->common.json) {
		putchar('\n');
		if (!g->args->common.quiet)
			fprintf(stderr, "%lld tokens, %.0f/s\n", (long long)g->tokens, speed);
		return TT_OK;
	}
	json_open(&j, NULL, '{');
	json_text(&j, "prompt", g->prompt.p);
	json_text(&j, "text", g->text.p ? g->text.p : "");
	json_int(&j, "tokens", g->tokens);
	json_text(&j, "end", g->met ? "stop" : "length");
	json_number(&j, "tokens_per_second", speed);
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status run_generate(struct call *c)
{
	struct generation g = { .args = c->opts };
	tt_generate_opts o = { .size = sizeof o, .top_k = (int)g.args->top_k,
	                       .seed = (uint64_t)g.args->seed, .context = g.args->context };
	tt_status st;

	if ((st = number("temperature", g.args->temperature, &o.temperature)) == TT_OK &&
	    (st = number("top-p", g.args->top_p, &o.top_p)) == TT_OK &&
	    (st = read_prompt(&g)) == TT_OK && (st = open_generation(c, &g, &o)) == TT_OK &&
	    (st = tt_generator_text(g.generator, g.prompt.p, g.prompt.len)) == TT_OK &&
	    (st = write_all(&g)) == TT_OK)
		st = tell(&g);
	str_release(&g.prompt);
	str_release(&g.text);
	tt_generator_free(&g.generator);
	tt_session_free(&g.session);
	tt_model_free(&g.model);
	return st;
}

const struct verb verb_generate = {
	.name = "generate", .args = "RUN|CHECKPOINT", .min_args = 1, .max_args = 1,
	.summary = "text from a language model, token by token",
	.text =
	"Goes on from a text with what the model of a checkpoint (of a run folder: its best) finds\n"
	"likely, one token after the other.  The model is one that answers with the next token at\n"
	"each place, as nets trained on text: sources do.  The same seed writes the same text.\n",
	.examples = generate_examples, .flags = generate_flags,
	.opts_size = sizeof(struct generate_args), .run = run_generate,
};
