/* The order of buckets: as backward makes them when the wire is fast, the first layers first when
 * it is slow, and the same list on every rank, whatever each has measured. */
#include "support/support.h"
#include "support/ranks.h"

#include <string.h>

#include "distribute/sync/travel/order.h"

#define N 6

static void check(const struct order *o, const int *want)
{
	for (int place = 0; place < o->n; place++)
		assert_int_equal(o->bucket[place], want[place]);
}

/* Ready one second after the other. */
static const float steady[N] = { 0, 1, 2, 3, 4, 5 };

static void list(double wire, double slack, const int *want)
{
	struct order o;

	assert_ok(order_init(&o, ORDER_LEARNT, N, 1, 1));
	order_list(&o, &(struct order_times){ .ready = steady, .wire = wire, .slack = slack });
	check(&o, want);
	order_release(&o);
}

static void a_fast_wire_takes_what_comes(void **state)
{
	(void)state;
	list(0.5, 0, (const int[N]){ 0, 1, 2, 3, 4, 5 });
}

/* Bucket 0 leaves first, for all wait for its numbers; when it has left, all are ready. */
static void a_slow_wire_takes_the_first_layers_first(void **state)
{
	(void)state;
	list(10, 0, (const int[N]){ 0, 5, 4, 3, 2, 1 });
}

/* 0 leaves from 0 to 2.5, when 2 is the last that is ready; at 5 that is 5; then the rest. */
static void between_the_two_it_is_a_stack(void **state)
{
	(void)state;
	list(2.5, 0, (const int[N]){ 0, 2, 5, 4, 3, 1 });
}

/* The same, but 2 and 5 might come half a second later, at 2.5 and 5.5: they are not hoped for. */
static void what_might_come_late_is_not_hoped_for(void **state)
{
	(void)state;
	list(2.5, 0.6, (const int[N]){ 0, 1, 4, 5, 3, 2 });
}

static void all_is_ready_at_once_but_the_lead_stays(void **state)
{
	const float none[N] = { 0 };
	struct order o;

	(void)state;
	assert_ok(order_init(&o, ORDER_LEARNT, N, 2, 1));
	order_list(&o, &(struct order_times){ .ready = none, .wire = 1 });
	check(&o, (const int[N]){ 0, 1, 5, 4, 3, 2 });
	/* Buckets 5, 4 ... are those of the first layers: places after which all of them is there. */
	assert_int_equal(o.until[5], 3);
	assert_int_equal(o.until[4], 4);
	assert_int_equal(o.until[2], 6);
	assert_int_equal(o.until[0], 6);
	order_release(&o);
}

static void before_anything_is_known_it_is_that_of_backward(void **state)
{
	struct order o;

	(void)state;
	assert_ok(order_init(&o, ORDER_LEARNT, N, 1, 1));
	check(&o, (const int[N]){ 0, 1, 2, 3, 4, 5 });
	assert_int_equal(o.until[5], 6);
	assert_int_equal(o.until[0], 6);
	order_release(&o);
}

static void lists_come_after_4_and_16_and_64_rounds(void **state)
{
	struct order o;
	struct comm *c;
	int due[3] = { 0 }, n = 0;

	(void)state;
	assert_ok(comm_self(&c));
	assert_ok(order_init(&o, ORDER_LEARNT, N, 1, 1));
	for (int round = 0; n < 3; round++)
		if (order_due(&o)) {
			due[n++] = round;
			assert_ok(order_agree(&o, c));
		}
	assert_int_equal(due[0], 4);
	assert_int_equal(due[1], 4 + 1 + 16);
	assert_int_equal(due[2], 4 + 1 + 16 + 1 + 64);
	order_release(&o);
	assert_ok(order_init(&o, ORDER_FIXED, N, 1, 1));
	for (int round = 0; round < 300; round++)
		assert_int_equal(order_due(&o), 0);
	order_release(&o);
	comm_close(&c);
}

/* Rank 2 is the slowest to be ready, rank 1 the last at the wire: its mean of 2.5 counts.  At 5
 * bucket 5 is only just ready: within the slack of a twentieth of backward. */
static struct order seen[3];

static void agree(struct comm *c, void *ctx)
{
	struct order *o = &seen[c->rank];

	(void)ctx;
	order_release(o);               /* that of the transport before */
	rank_ok(order_init(o, ORDER_LEARNT, N, 1, c->size));
	while (!order_due(o)) {
		for (int i = 0; i < N; i++)
			order_ready(o, i, i + 1, c->rank == 2 ? steady[i] : 0.1 * steady[i]);
		order_wire(o, c->rank == 1 ? 1 : 100);          /* one rode on a burst */
		order_wire(o, c->rank == 1 ? 4 : 200);
	}
	rank_ok(order_agree(o, c));
}

static void ranks_agree_on_the_times_of_the_slowest(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 3 }, agree, NULL);
	for (int r = 0; r < 3; r++) {
		check(&seen[r], (const int[N]){ 0, 2, 4, 5, 3, 1 });
		order_release(&seen[r]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fast_wire_takes_what_comes),
		cmocka_unit_test(a_slow_wire_takes_the_first_layers_first),
		cmocka_unit_test(between_the_two_it_is_a_stack),
		cmocka_unit_test(what_might_come_late_is_not_hoped_for),
		cmocka_unit_test(all_is_ready_at_once_but_the_lead_stays),
		cmocka_unit_test(before_anything_is_known_it_is_that_of_backward),
		cmocka_unit_test(lists_come_after_4_and_16_and_64_rounds),
		cmocka_unit_test(ranks_agree_on_the_times_of_the_slowest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
