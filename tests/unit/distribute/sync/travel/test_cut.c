/* However a vector is cut: buckets cover it once, from its end on, and each place is found. */
#include "support/support.h"

#include <string.h>

#include "base/mem.h"
#include "distribute/comm/comm.h"
#include "distribute/sync/options.h"
#include "distribute/sync/travel/cut.h"

/* Factors of 40 numbers in [100, 200), of 7 in [300, 310). */
static struct sync_factored factored(void *ctx, int i)
{
	(void)ctx;
	return i ? (struct sync_factored){ 300, 310, 7, 3 } : (struct sync_factored){ 100, 200, 40, 5 };
}

struct fixture {
	struct distribute_opts opts;
	struct sync            sync;
	struct travel_end      end;
	struct cut             cut;
};

static void make(struct fixture *f, int64_t bucket_bytes, size_t lead, int n_factored)
{
	*f = (struct fixture){ .opts = { .bucket_bytes = bucket_bytes } };
	assert_ok(comm_self(&f->end.comm));
	f->sync.host = (struct sync_host){ .comm = f->end.comm, .opts = &f->opts, .param_count = 500,
	                                   .sums = lead, .n_factored = n_factored,
	                                   .factored = factored };
	assert_ok(cut_make(&f->cut, &(struct buckets_opts){ .sync = &f->sync, .count = 500 + lead,
	                   .lead = lead }, &f->end));
}

static void drop(struct fixture *f)
{
	cut_release(&f->cut);
	comm_close(&f->end.comm);
}

static void check(const struct cut *c)
{
	size_t hi = c->count;

	for (int i = 0; i < c->n; i++) {
		assert_true(c->bucket[i].hi == hi && c->bucket[i].lo < hi);
		hi = c->bucket[i].lo;
		assert_int_equal(cut_at(c, c->bucket[i].lo), i);
		assert_int_equal(cut_at(c, c->bucket[i].hi - 1), i);
		if (c->bucket[i].range < 0)
			assert_true(c->bucket[i].hi - c->bucket[i].lo <= cut_largest(c));
	}
	assert_int_equal(hi, 0);
}

static void buckets_cover_the_vector_once(void **state)
{
	static const int64_t bytes[] = { 1, 4, 28, 400, 2000, 1 << 20 };
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		for (int ranges = 0; ranges <= 2; ranges++)
			for (size_t lead = 0; lead <= 7; lead += 7) {
				make(&f, bytes[i], lead, ranges);
				check(&f.cut);
				assert_int_equal(f.cut.lead, lead > 0);
				assert_string_equal(f.cut.bucket[0].way->name, lead ? "lead" : "sum");
				drop(&f);
			}
}

/* Buckets of a range lie in it, hold its factors once, and are as many as it says. */
static void factors_stay_in_their_range(void **state)
{
	struct fixture f;
	size_t floats[2] = { 0 };
	int buckets[2] = { 0 };

	(void)state;
	make(&f, 4 * 4, 3, 2);
	for (int i = 0; i < f.cut.n; i++) {
		const struct bucket *u = &f.cut.bucket[i];

		if (u->range < 0)
			continue;
		assert_true(u->lo >= f.cut.range[u->range].at.lo && u->hi <= f.cut.range[u->range].at.hi);
		floats[u->range] += u->floats;
		buckets[u->range]++;
	}
	for (int k = 0; k < 2; k++) {
		assert_int_equal(floats[k], factored(NULL, k).n);
		assert_int_equal(buckets[k], f.cut.range[k].buckets);
		assert_non_null(f.cut.range[k].all);
	}
	assert_int_equal(buckets[0], 5);                 /* 40 in pieces of 2 * 4 + 1 */
	assert_int_equal(buckets[1], 1);
	drop(&f);
}

static void what_was_cut_is_given_back(void **state)
{
	const int64_t live = mem_live();
	struct fixture f;

	(void)state;
	make(&f, 40, 3, 2);
	drop(&f);
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_cover_the_vector_once),
		cmocka_unit_test(factors_stay_in_their_range),
		cmocka_unit_test(what_was_cut_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
