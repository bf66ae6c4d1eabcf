#include "data/cut.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define T struct split_opts
const struct option split_options[] = {
	OPT_DOUBLE(T, valid, "0", 0, 0.9, "share of data.train that is validation data"),
	OPT_DOUBLE(T, test,  "0", 0, 0.9, "share that neither trains nor validates: `tutti eval RUN "
	           "--part test`"),
	OPT_ENUM  (T, stratify, "no", option_no_yes, "of each class the same share"),
	OPT_TEXT  (T, group, NULL, "of a table: a column whose equal cells stay in one part; it is no "
	           "feature"),
	OPT_INT   (T, seed,  "1", 0, INT32_MAX, "of the order in which samples are dealt"),
	OPT_INT   (T, folds, "0", 0, 1000, "instead of `valid`: so many parts (`tutti train --folds`)"),
	OPT_INT   (T, fold,  "0", 0, 999, "which of the folds is validation data"),
	OPT_END
};
#undef T

static tt_status check(const struct split_opts *o, const struct cut_samples *s)
{
	if (o->folds == 1 || (o->folds && o->fold >= o->folds))
		return err_set(TT_ESPEC, "data.split: fold %d of %d: there are at least 2, from 0 on",
		               o->fold, o->folds);
	if (o->folds && o->valid > 0)
		return err_set(TT_ESPEC, "data.split: give valid or folds, not both");
	if (o->valid + o->test > 0.95)
		return err_set(TT_ESPEC, "data.split: valid %g and test %g leave nothing to train on",
		               o->valid, o->test);
	if (o->stratify && !s->class)
		return err_set(TT_ESPEC, "data.split: stratify is for classes; the target has none");
	if (o->stratify && s->group)
		return err_set(TT_ESPEC, "data.split: stratify and group do not go together");
	return TT_OK;
}

/* Room in each part, in samples; folds by their numbers behind. */
struct deal { int64_t test, valid, taken, fold; };

/* The next samples in order: test first, then validation, then training. */
static uint8_t next_part(const struct split_opts *o, struct deal *d, int64_t samples)
{
	const int64_t at = d->taken;

	d->taken += samples;
	if (at < d->test)
		return TT_PART_TEST;
	if (o->folds)
		return d->fold++ % o->folds == o->fold ? TT_PART_VALID : TT_PART_TRAIN;
	return at < d->test + d->valid ? TT_PART_VALID : TT_PART_TRAIN;
}

static struct deal deal_of(const struct split_opts *o, int64_t n)
{
	return (struct deal){ llround(o->test * (double)n), llround(o->valid * (double)n), 0, 0 };
}

/* Each class is dealt by itself; folds go on where the class before has stopped. */
static tt_status deal_samples(const struct split_opts *o, const struct cut_samples *s,
                              uint8_t *part)
{
	const struct rng_key key = rng_key((uint64_t)o->seed, RNG_PARTS);
	const int classes = o->stratify ? s->classes + 1 : 1;
	struct deal *d = mem_calloc((size_t)classes, sizeof *d);
	int64_t fold = 0;

	if (!d)
		return TT_ENOMEM;
	for (int64_t i = 0; o->stratify && i < s->n; i++)
		d[s->class[i] + 1].taken++;
	for (int k = 0; k < classes; k++) {
		const int64_t n = o->stratify ? d[k].taken : s->n;

		d[k] = deal_of(o, n);
		d[k].fold = fold;
		fold += n - d[k].test;
	}
	for (int64_t i = 0; i < s->n; i++) {
		const int64_t at = (int64_t)rng_permute(key, 0, (uint64_t)s->n, (uint64_t)i);

		part[at] = next_part(o, &d[o->stratify ? s->class[at] + 1 : 0], 1);
	}
	mem_free(d);
	return TT_OK;
}

static tt_status deal_groups(const struct split_opts *o, const struct cut_samples *s, uint8_t *part)
{
	const struct rng_key key = rng_key((uint64_t)o->seed, RNG_PARTS);
	struct deal d = deal_of(o, s->n);
	int64_t *size = mem_calloc((size_t)s->groups + 1, sizeof *size);
	uint8_t *of = mem_calloc((size_t)s->groups + 1, 1);

	for (int64_t i = 0; size && of && i < s->n; i++)
		size[s->group[i]]++;
	for (uint64_t i = 0; size && of && i < s->groups; i++) {
		const uint64_t g = rng_permute(key, 0, s->groups, i);

		of[g] = next_part(o, &d, size[g]);
	}
	for (int64_t i = 0; size && of && i < s->n; i++)
		part[i] = of[s->group[i]];
	mem_free(size);
	mem_free(of);
	return size && of ? TT_OK : TT_ENOMEM;
}

static tt_status check_parts(const struct split_opts *o, const struct cut_samples *s,
                             const uint8_t *part)
{
	int64_t n[TT_PART_TEST + 1] = {0};

	for (int64_t i = 0; i < s->n; i++)
		n[part[i]]++;
	if (n[TT_PART_TRAIN] && (n[TT_PART_VALID] || (!o->folds && !(o->valid > 0))) &&
	    (n[TT_PART_TEST] || !(o->test > 0)))
		return TT_OK;
	return err_set(TT_ESPEC, "data.split: of %lld samples %lld are left to train, %lld to "
	               "validate, %lld to test: there are too few%s", (long long)s->n,
	               (long long)n[TT_PART_TRAIN], (long long)n[TT_PART_VALID],
	               (long long)n[TT_PART_TEST], s->group ? " groups" : "");
}

tt_status cut_samples(const struct split_opts *o, const struct cut_samples *s, uint8_t *part)
{
	tt_status st = check(o, s);

	if (st == TT_OK)
		st = s->group ? deal_groups(o, s, part) : deal_samples(o, s, part);
	return st == TT_OK ? check_parts(o, s, part) : st;
}
