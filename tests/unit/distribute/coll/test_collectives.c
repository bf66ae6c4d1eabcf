/* Broadcast, all-gather, barrier, agree. */
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "support/ranks.h"
#include "support/support.h"

static unsigned char byte_of(int r, size_t i) { return (unsigned char)((size_t)r * 31 + i * 7); }

static void broadcast(struct comm *c, void *ctx)
{
	const size_t sizes[] = { 0, 1, 5, 65536, 65537, 262144, 1000003 };
	unsigned char *p = mem_alloc(1000004);

	(void)ctx;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (int root = 0; root < c->size; root++) {
			size_t wrong = 0;

			for (size_t i = 0; i <= sizes[s]; i++)
				p[i] = c->rank == root && i < sizes[s] ? byte_of(root, i) : 99;
			rank_ok(comm_broadcast(c, root, p, sizes[s]));
			for (size_t i = 0; i < sizes[s]; i++)
				wrong += p[i] != byte_of(root, i);
			rank_true(wrong == 0 && p[sizes[s]] == 99);
		}
	mem_free(p);
}

static void broadcast_reaches_all_from_any_root(void **state)
{
	(void)state;
	for (int n = 1; n <= 9; n++)
		ranks_run((struct ranks){ .n = n }, broadcast, NULL);
}

static void gather(struct comm *c, void *ctx)
{
	int mine[3] = { c->rank, 10 * c->rank, -c->rank }, all[27];
	char far = 0;

	(void)ctx;
	rank_ok(comm_allgather(c, mine, sizeof mine, all));
	for (int r = 0; r < c->size; r++)
		rank_true(all[3 * r] == r && all[3 * r + 1] == 10 * r && all[3 * r + 2] == -r);
	rank_ok(comm_allgather(c, mine, 0, &far));
}

static void allgather_is_in_rank_order(void **state)
{
	(void)state;
	for (int n = 1; n <= 9; n++)
		ranks_run((struct ranks){ .n = n }, gather, NULL);
}

/* Rank r has r % 4 numbers, of room for three, a place apart. */
static void gather_uneven(struct comm *c, void *ctx)
{
	const size_t each = sizeof(int), n = (size_t)c->rank % 4;
	const int mine[3] = { c->rank, 10 * c->rank, -c->rank };
	int all[80];

	(void)ctx;
	memset(all, 1, sizeof all);
	rank_ok(comm_allgather_uneven(c, mine, n * each, 3 * each, all, 4 * each));
	for (int r = 0; r < c->size; r++) {
		const int want[3] = { r, 10 * r, -r };

		rank_true(memcmp(all + 4 * r, want, (size_t)(r % 4) * each) == 0);
		for (int i = r % 4; i < 4; i++)
			rank_true(all[4 * r + i] == 0x01010101);
	}
}

static void ranks_may_have_unequal_parts(void **state)
{
	(void)state;
	for (int n = 1; n <= 20; n += n < 9 ? 1 : 11)
		ranks_run((struct ranks){ .n = n }, gather_uneven, NULL);
}

static void gather_too_much(struct comm *c, void *ctx)
{
	char mine[9] = { 0 }, all[27];
	tt_status st = comm_allgather_uneven(c, mine, c->rank == 1 ? 9 : 8, 8, all, 9);

	(void)ctx;
	if (st == TT_OK && c->rank == 1)        /* what it sent is on its way */
		st = comm_barrier(c);
	rank_true(st != TT_OK);
	rank_contains(tt_last_error(), "rank 1 has 9 bytes where there is room for 8");
}

static void more_than_there_is_room_for_is_an_error(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 3 }, gather_too_much, NULL);
}

static void meet(struct comm *c, void *ctx)
{
	_Atomic int *arrived = ctx;

	for (int round = 1; round <= 50; round++) {
		atomic_fetch_add(arrived, 1);
		rank_ok(comm_barrier(c));
		rank_true(atomic_load(arrived) >= round * c->size);
	}
}

static void nobody_passes_a_barrier_before_all_came(void **state)
{
	(void)state;
	for (int n = 1; n <= 9; n++) {
		_Atomic int arrived = 0;

		ranks_run((struct ranks){ .n = n }, meet, &arrived);
	}
}

static void say_the_same(struct comm *c, void *ctx)
{
	rank_ok(comm_agree(c, ctx));
	rank_ok(comm_agree(c, ""));
}

static void equal_texts_are_agreed_on(void **state)
{
	(void)state;
	for (int n = 1; n <= 5; n++)
		ranks_run((struct ranks){ .n = n }, say_the_same, "net: a\nlr: 0.1\n");
}

static void say_otherwise(struct comm *c, void *ctx)
{
	const char *text = c->rank < 2 ? "net: a\nlr: 0.1\nseed: 1\n" : "net: a\nlr: 0.25\nseed: 1\n";
	tt_status st = comm_agree(c, text);

	(void)ctx;
	rank_true(st == TT_ESPEC);
	rank_contains(tt_last_error(), "rank 2 (host");
	rank_contains(tt_last_error(), "line 2: \"lr: 0.25\" there, \"lr: 0.1\" on rank 0");
	rank_ok(comm_barrier(c));
}

static void the_first_difference_is_named_everywhere(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 4 }, say_otherwise, NULL);
}

static void say_more(struct comm *c, void *ctx)
{
	(void)ctx;
	rank_fails(comm_agree(c, c->rank ? "a\nb\n" : "a\n"), "rank 1");
	rank_contains(tt_last_error(), "line 2: \"b\" there, \"\" on rank 0");
}

static void a_longer_text_differs_where_the_shorter_ends(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, say_more, NULL);
}

static void broadcast_from_nowhere(struct comm *c, void *ctx)
{
	char byte = 0;

	(void)ctx;
	rank_true(comm_broadcast(c, 2, &byte, 1) == TT_EINVAL);
	rank_true(comm_broadcast(c, -1, &byte, 1) == TT_EINVAL);
}

static void a_root_that_is_not_there_is_refused(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, broadcast_from_nowhere, NULL);
}

static void a_group_of_one_needs_nobody(void **state)
{
	struct comm *c = NULL, *other = NULL;
	float x[3] = { 1, 2, 3 }, all[3];

	(void)state;
	assert_ok(comm_self(&c));
	assert_ok(comm_split(c, &other));
	assert_ok(comm_allreduce(c, x, 3, &(struct comm_allreduce_opts){ .algorithm = ALGO_RING }));
	assert_true(x[2] == 3);
	assert_ok(comm_broadcast(other, 0, x, sizeof x));
	assert_ok(comm_allgather(c, x, sizeof x, all));
	assert_true(all[1] == 2);
	assert_ok(comm_barrier(c));
	assert_ok(comm_agree(c, "x"));
	assert_ok(comm_measure(c, 1000, &(struct comm_allreduce_opts){ 0 }, 1));
	comm_close(&other);
	comm_close(&c);
}

/* ---- a transport on which nobody answers ---- */

static tt_status begin(struct comm *c, struct comm_request *r)
{
	(void)c;
	(void)r;
	return TT_OK;
}

static tt_status wait_in_vain(struct comm *c, struct comm_request *r, double deadline)
{
	(void)c;
	(void)r;
	(void)deadline;
	return TT_ETIMEDOUT;
}

static void forget(struct comm *c, struct comm_request *r)
{
	(void)c;
	(void)r;
}

static int blame_this_one(struct comm *c, int peer)
{
	(void)peer;
	return c->rank;
}

static void tell_nobody(struct comm *c, const struct comm_fault *why)
{
	(void)c;
	(void)why;
}

/* Where all have met once, it is the link of this rank; at the start it may be the library, which
 * waits for one that has died. */
static void silence_of_all_is_news_to_who_has_heard_them(void **state)
{
	static const struct comm_ops ops = { .send = begin, .recv = begin, .wait = wait_in_vain,
		.cancel = forget, .blame = blame_this_one, .abandon = tell_nobody };
	static const char *const names[] = { "a:1", "b:2" };
	char byte;

	(void)state;
	for (int met = 0; met < 2; met++) {
		struct comm c = { .ops = &ops, .rank = 1, .size = 2, .timeout = 5, .names = names,
		                  .met = met, .doing = "the start" };

		assert_status(comm_recv(&c, 0, 0, &byte, 1), TT_ETIMEDOUT);
		assert_error(met ? "rank 1 (host b, pid 2) is cut off"
		                 : "no other rank answered for 5 s while rank 1 waited for the start");
		assert_int_equal(c.fault.culprit, met ? 1 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broadcast_reaches_all_from_any_root),
		cmocka_unit_test(allgather_is_in_rank_order),
		cmocka_unit_test(ranks_may_have_unequal_parts),
		cmocka_unit_test(silence_of_all_is_news_to_who_has_heard_them),
		cmocka_unit_test(more_than_there_is_room_for_is_an_error),
		cmocka_unit_test(nobody_passes_a_barrier_before_all_came),
		cmocka_unit_test(equal_texts_are_agreed_on),
		cmocka_unit_test(the_first_difference_is_named_everywhere),
		cmocka_unit_test(a_longer_text_differs_where_the_shorter_ends),
		cmocka_unit_test(a_root_that_is_not_there_is_refused),
		cmocka_unit_test(a_group_of_one_needs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
