/* Threads as ranks: messages, deadlines, farewells. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/coll/coll.h"
#include "support/ranks.h"
#include "support/support.h"

static void say_numbers(struct comm *c, void *ctx)
{
	int right = (c->rank + 1) % c->size, left = (c->rank + c->size - 1) % c->size;
	int out = 100 + c->rank, in = -1;

	(void)ctx;
	rank_ok(comm_exchange(c, right, &out, sizeof out, left, &in, sizeof in));
	rank_true(in == 100 + left);
	if (c->rank == 0)
		rank_ok(comm_send(c, 1, 7, &out, sizeof out));
	if (c->rank == 1) {
		rank_ok(comm_recv(c, 0, 7, &in, sizeof in));
		rank_true(in == 100);
	}
}

static void messages_reach_their_rank(void **state)
{
	(void)state;
	for (int n = 2; n <= 9; n++)
		ranks_run((struct ranks){ .n = n }, say_numbers, NULL);
}

static void keep_order(struct comm *c, void *ctx)
{
	enum { COUNT = 100 };
	struct comm_request r[COUNT] = { 0 };
	int value[COUNT];

	(void)ctx;
	for (int i = 0; i < COUNT; i++) {
		value[i] = c->rank == 0 ? i : -1;
		r[i] = (struct comm_request){ .peer = !c->rank, .tag = i % 3, .p = &value[i],
		                              .n = sizeof value[i] };
		rank_ok(c->rank == 0 ? comm_start_send(c, &r[i]) : comm_start_recv(c, &r[i]));
	}
	for (int i = COUNT; i-- > 0; ) {
		rank_ok(comm_wait(c, &r[i]));
		rank_true(value[i] == i);
	}
}

static void messages_of_one_tag_keep_their_order(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, keep_order, NULL);
}

static void talk_on_both(struct comm *c, void *ctx)
{
	struct comm *other = NULL;
	int a = 1, b = 2, got_a = 0, got_b = 0;

	(void)ctx;
	rank_ok(comm_split(c, &other));
	if (c->rank == 0) {
		struct comm_request ra = { .peer = 1, .tag = 5, .p = &a, .n = sizeof a };
		struct comm_request rb = { .peer = 1, .tag = 5, .p = &b, .n = sizeof b };

		rank_ok(comm_start_send(c, &ra));
		rank_ok(comm_start_send(other, &rb));
		rank_ok(comm_wait(c, &ra));
		rank_ok(comm_wait(other, &rb));
	} else if (c->rank == 1) {
		rank_ok(comm_recv(other, 0, 5, &got_b, sizeof got_b));
		rank_ok(comm_recv(c, 0, 5, &got_a, sizeof got_a));
		rank_true(got_a == 1 && got_b == 2);
	}
	comm_close(&other);
}

static void ends_split_off_have_tags_of_their_own(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 3 }, talk_on_both, NULL);
}

/* Rank 2 of 4 sleeps; the others stand in a ring behind it. */
static void ring_with_a_sleeper(struct comm *c, void *ctx)
{
	int out = 0, in = 0;

	(void)ctx;
	if (c->rank == 2) {
		nanosleep(&(struct timespec){ .tv_nsec = 700000000 }, NULL);
		rank_fails(comm_barrier(c), "rank 2 (host");
		return;
	}
	c->doing = "bucket 3 of step 12";
	for (int i = 0; i < 4; i++) {
		tt_status st = comm_exchange(c, (c->rank + 1) % 4, &out, sizeof out,
		                             (c->rank + 3) % 4, &in, sizeof in);
		if (st != TT_OK) {
			rank_true(st == TT_ETIMEDOUT);
			break;
		}
	}
	rank_true(c->fault.culprit == 2);
	rank_contains(c->fault.text, "rank 2 (host");
	rank_contains(c->fault.text, "bucket 3 of step 12");
	rank_fails(comm_barrier(c), "rank 2 (host");
}

static void a_silent_rank_is_named_by_all(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 4, .timeout = 0.3 }, ring_with_a_sleeper, NULL);
}

static void one_gives_up(struct comm *c, void *ctx)
{
	int got;

	(void)ctx;
	if (c->rank == 1)
		comm_abandon(c, "the loss is NaN");
	else
		rank_true(comm_recv(c, c->rank == 0 ? 2 : 0, 1, &got, sizeof got) == TT_EIO);
	rank_true(c->fault.culprit == 1);
	rank_contains(c->fault.text, "rank 1 (host");
	rank_contains(c->fault.text, "gave up: the loss is NaN");
}

static void a_rank_that_gives_up_is_named_by_all(void **state)
{
	double start = thread_seconds();

	(void)state;
	ranks_run((struct ranks){ .n = 5, .timeout = 30 }, one_gives_up, NULL);
	assert_true(thread_seconds() - start < 5);
}

static void one_leaves(struct comm *c, void *ctx)
{
	int got;

	(void)ctx;
	if (c->rank == 1)
		return;
	rank_fails(comm_recv(c, c->rank == 0 ? 1 : 0, 1, &got, sizeof got), "rank 1 (host");
}

static void a_rank_that_has_left_is_named(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 3, .timeout = 1 }, one_leaves, NULL);
}

/* Who fails closes the ends of its helpers first. */
static void one_leaves_and_says_why(struct comm *c, void *ctx)
{
	struct comm *other = NULL;
	int got;

	(void)ctx;
	rank_ok(comm_split(c, &other));
	if (c->rank == 1) {
		comm_close(&other);
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		comm_abandon(c, "no memory");
		return;
	}
	rank_fails(comm_recv(other, 1, 1, &got, sizeof got), "gave up: no memory");
	comm_close(&other);
}

static void who_leaves_may_still_say_why(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2, .timeout = 30 }, one_leaves_and_says_why, NULL);
}

static void send_too_much(struct comm *c, void *ctx)
{
	char buf[8] = { 0 };

	(void)ctx;
	if (c->rank == 0)
		(void)comm_send(c, 1, 0, buf, 8);       /* it may be done before anybody looks */
	else
		rank_true(comm_recv(c, 0, 0, buf, 4) == TT_EINTERNAL);
	rank_true(buf[4] == 0);
}

static void sizes_that_differ_are_an_error(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, send_too_much, NULL);
}

static void bad_partners_are_refused(void **state)
{
	struct comm *c[1], *two[2];
	char byte = 0;

	(void)state;
	assert_ok(comm_self(c));
	assert_status(comm_send(c[0], 0, 0, &byte, 1), TT_EINVAL);
	assert_status(comm_send(c[0], 1, 0, &byte, 1), TT_EINVAL);
	comm_close(c);
	assert_null(c[0]);
	comm_close(c);
	assert_ok(comm_threads(two, 2, 2, 1));
	assert_status(comm_send(two[0], 1, -1, &byte, 1), TT_EINVAL);
	assert_status(comm_send(two[0], 1, COMM_TAG_MAX + 1, &byte, 1), TT_EINVAL);
	assert_status(comm_send(two[0], 2, 0, &byte, 1), TT_EINVAL);
	comm_close(&two[0]);
	comm_close(&two[1]);
	assert_status(comm_threads(two, 0, 1, 1), TT_EINVAL);
	assert_status(comm_threads(two, 2, 3, 1), TT_EINVAL);
	assert_status(comm_threads(two, 2, 1, 0), TT_EINVAL);
}

static void hosts_are_blocks_of_ranks(void **state)
{
	struct comm *c[7];

	(void)state;
	assert_ok(comm_threads(c, 7, 3, 1));
	for (int i = 0, local = 0; i < 7; i++) {
		local = i && c[i]->host == c[i - 1]->host ? local + 1 : 0;
		assert_int_equal(c[i]->local, local);
		assert_int_equal(c[i]->hosts, 3);
		assert_in_range(c[i]->locals, 2, 3);
		assert_int_equal(c[i]->host_of[i], c[i]->host);
	}
	for (int i = 0; i < 7; i++)
		comm_close(&c[i]);
}

static void no_memory_is_no_leak(void **state)
{
	struct comm *c[4];
	int64_t live = mem_live();

	(void)state;
	for (uint64_t n = 1; n <= 9; n++) {
		mem_fail_at(n, 1);
		assert_status(comm_threads(c, 4, 1, 1), TT_ENOMEM);
		assert_int_equal(mem_live(), live);
	}
	mem_fail_at(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_reach_their_rank),
		cmocka_unit_test(messages_of_one_tag_keep_their_order),
		cmocka_unit_test(ends_split_off_have_tags_of_their_own),
		cmocka_unit_test(a_silent_rank_is_named_by_all),
		cmocka_unit_test(a_rank_that_gives_up_is_named_by_all),
		cmocka_unit_test(a_rank_that_has_left_is_named),
		cmocka_unit_test(who_leaves_may_still_say_why),
		cmocka_unit_test(sizes_that_differ_are_an_error),
		cmocka_unit_test(bad_partners_are_refused),
		cmocka_unit_test(hosts_are_blocks_of_ranks),
		cmocka_unit_test(no_memory_is_no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
