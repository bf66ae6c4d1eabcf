/* bench_tokenizer TOKENIZER.json|SIZE TEXT [--ids|--json] -- megabytes a second, or what comes out.
 *
 * SIZE trains a byte-level BPE of so many tokens on the text first.  --ids writes the numbers, one
 * text for each line; --json the tokenizer.  bench/versus-tokenizers holds it to Hugging Face's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/text/vocabulary.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static tt_status make(struct vocabulary *v, const char *what, const struct text_piece *text)
{
	struct text_piece file = { .name = what };
	const double begin = now();
	char *json = NULL;
	tt_status st;

	if (!str_ends_with(what, ".json")) {
		st = vocabulary_build(v, TOKENS_BPE, text, 1, (size_t)atol(what));
		if (st == TT_OK)
			fprintf(stderr, "trained: %d tokens in %.3f s\n", v->n, now() - begin);
		return st;
	}
	st = file_read_all(what, 0, &json, &file.n);
	file.p = json;
	if (st == TT_OK)
		st = vocabulary_parse(v, &file);
	mem_free(json);
	return st;
}

static tt_status write_ids(const struct vocabulary *v, const struct text_piece *text)
{
	struct encoding e = {0};
	tt_status st = TT_OK;

	for (size_t at = 0, k; st == TT_OK && at < text->n; at += k + 1) {
		const char *end = memchr(text->p + at, '\n', text->n - at);

		k = (end ? (size_t)(end - text->p) : text->n) - at;
		e.n = 0;
		st = vocabulary_encode(v, &(struct text_piece){ text->p + at, k, 0, text->name }, &e);
		for (size_t i = 0; st == TT_OK && i < e.n; i++)
			printf(i ? " %d" : "%d", e.id[i]);
		puts("");
	}
	encoding_release(&e);
	return st;
}

static tt_status measure(const struct vocabulary *v, const struct text_piece *text)
{
	double best = 1e9;
	size_t n = 0;
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < 5; i++) {
		struct encoding e = {0};
		const double begin = now();

		st = vocabulary_encode(v, text, &e);
		best = now() - begin < best ? now() - begin : best;
		n = e.n;
		encoding_release(&e);
	}
	printf("%zu bytes, %zu tokens, %.1f MB/s\n", text->n, n, 1e-6 * (double)text->n / best);
	return st;
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "";
	struct text_piece text = { .name = argc > 2 ? argv[2] : "" };
	struct vocabulary v = {0};
	char *p = NULL;
	tt_status st;

	if (argc < 3) {
		fputs("bench_tokenizer TOKENIZER.json|SIZE TEXT [--ids|--json]\n", stderr);
		return 2;
	}
	st = file_read_all(argv[2], 0, &p, &text.n);
	text.p = p;
	if (st == TT_OK && (st = make(&v, argv[1], &text)) == TT_OK) {
		if (strcmp(how, "--json") == 0)
			puts(v.recipe);
		else
			st = strcmp(how, "--ids") == 0 ? write_ids(&v, &text) : measure(&v, &text);
	}
	if (st != TT_OK)
		fprintf(stderr, "bench_tokenizer: %s\n", tt_last_error());
	vocabulary_release(&v);
	mem_free(p);
	return st == TT_OK ? 0 : 1;
}
