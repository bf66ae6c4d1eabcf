/* The fuzz driver for builds without libFuzzer: run the target on every file of a
 * corpus folder, then on `count` mutations of them.  The mutations come from a fixed
 * seed, so a failure repeats; the failing input is left in the working folder. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CORPUS_MAX 512
#define INPUT_MAX  ((size_t)1 << 18)

struct input { uint8_t *p; size_t n; };
static struct input corpus[CORPUS_MAX];
static size_t corpus_n;
static const char *target;

/* The last input, for the postmortem: sanitizers call this before they abort. */
static struct input now;
void __sanitizer_set_death_callback(void (*f)(void)) __attribute__((weak));

static void leave_input(void)
{
	char name[256];
	FILE *f;

	snprintf(name, sizeof name, "crash-%s", target);
	if (!(f = fopen(name, "wb")))
		return;
	fwrite(now.p, 1, now.n, f);
	fclose(f);
	fprintf(stderr, "the input that failed is in %s\n", name);
}

static void run(const uint8_t *p, size_t n)
{
	/* A copy of exact size: reading one byte too far is seen. */
	now.p = malloc(n ? n : 1);
	now.n = n;
	if (!now.p)
		abort();
	if (n)
		memcpy(now.p, p, n);
	LLVMFuzzerTestOneInput(now.p, n);
	free(now.p);
	now = (struct input){0};
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *dir)
{
	struct dirent **e;
	int n = scandir(dir, &e, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char path[4096];
		char *p = NULL;
		size_t size;

		snprintf(path, sizeof path, "%s/%s", dir, e[i]->d_name);
		if (e[i]->d_name[0] != '.' && corpus_n < CORPUS_MAX &&
		    file_read_all(path, INPUT_MAX, &p, &size) == TT_OK)
			corpus[corpus_n++] = (struct input){ (uint8_t *)p, size };
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	if (corpus_n == 0)              /* without examples, from nothing */
		corpus[corpus_n++] = (struct input){ mem_calloc(1, 1), 0 };
}

/* ---- mutations: each takes the buffer (room INPUT_MAX) and gives its new size ---- */

static size_t flip_bit(struct rng *r, uint8_t *p, size_t n)
{
	if (n)
		p[rng_below(r, (uint32_t)n)] ^= (uint8_t)(1u << rng_below(r, 8));
	return n;
}

static size_t set_byte(struct rng *r, uint8_t *p, size_t n)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '"', '\'', ':', '-', '{', '[',
	                               '&', '*', '<', ',', '9', ' ' };

	if (n)
		p[rng_below(r, (uint32_t)n)] = odd[rng_below(r, sizeof odd)];
	return n;
}

/* A number of 1, 2, 4 or 8 bytes at its extremes: lengths and offsets. */
static size_t set_number(struct rng *r, uint8_t *p, size_t n)
{
	size_t width = (size_t)1 << rng_below(r, 4);
	uint8_t fill = rng_below(r, 2) ? 0xff : 0;

	if (n < width)
		return n;
	p += rng_below(r, (uint32_t)(n - width + 1));
	memset(p, fill, width);
	if (rng_below(r, 2))
		p[rng_below(r, 2) ? 0 : width - 1] = (uint8_t)rng_u32(r);
	return n;
}

static size_t cut_tail(struct rng *r, uint8_t *p, size_t n)
{
	(void)p;
	return n ? rng_below(r, (uint32_t)n) : 0;
}

static size_t drop_part(struct rng *r, uint8_t *p, size_t n)
{
	size_t at, len;

	if (n < 2)
		return n;
	at = rng_below(r, (uint32_t)n);
	len = 1 + rng_below(r, (uint32_t)(n - at < 16 ? n - at : 16));
	memmove(p + at, p + at + len, n - at - len);
	return n - len;
}

static size_t insert_part(struct rng *r, uint8_t *p, size_t n)
{
	const struct input *from = &corpus[rng_below(r, (uint32_t)corpus_n)];
	size_t at, src, len;

	if (from->n == 0)
		return n;
	at = rng_below(r, (uint32_t)n + 1);
	src = rng_below(r, (uint32_t)from->n);
	len = 1 + rng_below(r, (uint32_t)(from->n - src < 64 ? from->n - src : 64));
	if (n + len > INPUT_MAX)
		return n;
	memmove(p + at + len, p + at, n - at);
	memcpy(p + at, from->p + src, len);
	return n + len;
}

static size_t (*const mutations[])(struct rng *r, uint8_t *p, size_t n) = {
	flip_bit, set_byte, set_number, cut_tail, drop_part, insert_part,
};

static size_t mutate(struct rng *r, uint8_t *p)
{
	const struct input *from = &corpus[rng_below(r, (uint32_t)corpus_n)];
	size_t n = from->n;

	if (n)
		memcpy(p, from->p, n);
	for (uint32_t i = 1 + rng_below(r, 6); i > 0; i--)
		n = mutations[rng_below(r, sizeof mutations / sizeof mutations[0])](r, p, n);
	return n;
}

int main(int argc, char **argv)
{
	uint8_t *p = malloc(INPUT_MAX);
	long count;

	if (argc < 2 || !p) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER [MUTATIONS]\n", argv[0]);
		return 2;
	}
	target = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	count = argc > 2 ? atol(argv[2]) : 1000;
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(leave_input);
	read_corpus(argv[1]);
	for (size_t i = 0; i < corpus_n; i++)
		run(corpus[i].p, corpus[i].n);
	for (long i = 0; i < count; i++) {
		struct rng r;

		rng_init(&r, rng_key(1, RNG_TEST), (uint64_t)i, 0);
		run(p, mutate(&r, p));
	}
	printf("%s: %zu files and %ld mutations\n", target, corpus_n, count);
	for (size_t i = 0; i < corpus_n; i++)
		mem_free(corpus[i].p);
	free(p);
	return 0;
}
