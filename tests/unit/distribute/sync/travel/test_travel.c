/* The table of ways: complete, and every case has one. */
#include "distribute/coll/coll.h"
#include "support/support.h"
#include "support/ranks.h"

#include <string.h>

#include "distribute/sync/travel/travel.h"

static void rows_are_complete_and_named(void **state)
{
	(void)state;
	for (int i = 0; travel_ways[i]; i++) {
		const struct travel *w = travel_ways[i];

		assert_true(w->name && *w->name && w->help && *w->help && w->fits && w->send);
		assert_int_equal(w->open != NULL, w->close != NULL);
		/* What was applied in parts can be gathered by the bounds of the bucket alone. */
		assert_true(!w->in_parts || (w->summed && !w->take));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(w->name, travel_ways[k]->name);
	}
}

static const struct row {
	struct travel_case at;
	int                algorithm, wire;
	const char        *want;
} rows[] = {
	{ { .kind = TRAVEL_LEAD, .shared = 1 }, ALGO_AUTO, WIRE_F32, "lead" },
	{ { .kind = TRAVEL_SUMS }, ALGO_AUTO, WIRE_F32, "sum" },
	{ { .kind = TRAVEL_SUMS, .shared = 1 }, ALGO_AUTO, WIRE_F32, "sharded" },
	{ { .kind = TRAVEL_SUMS, .shared = 1 }, ALGO_TREE, WIRE_F32, "sum" },
	{ { .kind = TRAVEL_SUMS, .shared = 1 }, ALGO_AUTO, WIRE_BF16, "sum" },
	{ { .kind = TRAVEL_FACTORS }, ALGO_AUTO, WIRE_F32, "factors" },
	{ { .kind = TRAVEL_FACTORS, .shared = 1 }, ALGO_AUTO, WIRE_F32, "factors" },
	{ { .kind = TRAVEL_FACTORS, .share_products = 1 }, ALGO_AUTO, WIRE_F32, "factors" },
	{ { .kind = TRAVEL_FACTORS, .shared = 1, .share_products = 1 }, ALGO_AUTO, WIRE_F32,
	  "products" },
	{ { .kind = TRAVEL_FACTORS, .shared = 1, .share_products = 1 }, ALGO_RING, WIRE_F32,
	  "factors" },
};

static void pick(struct comm *c, void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct travel_end end = { c, { .algorithm = (enum comm_algorithm)rows[i].algorithm,
		                                     .wire = (enum comm_wire)rows[i].wire } };
		struct travel_case at = rows[i].at;

		at.end = &end;
		if (strcmp(travel_pick(&at)->name, rows[i].want) != 0)
			rank_ok(err_set(TT_EINTERNAL, "row %zu: %s, not %s", i, travel_pick(&at)->name,
			                rows[i].want));
	}
}

static void every_case_has_its_way(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, pick, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete_and_named),
		cmocka_unit_test(every_case_has_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
