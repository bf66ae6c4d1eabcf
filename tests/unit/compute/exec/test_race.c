/* Who is fastest is found beside neighbours, by a clock that the test moves. */
#include "compute/exec/race.h"

#include "support/support.h"

#define RUNNERS 3

/* Times are in seconds of this machine's own clock. */
struct machine {
	double   takes[RUNNERS];
	double   now, waited;
	double   busy_from, busy_until;         /* runs take ten times as long, and wait for that */
	double   seen;                          /* 0: a busy machine is not told as one           */
	double   jitter;                        /* a run takes up to so much longer               */
	int      runs[RUNNERS], broken, checks, stop_after;
	unsigned seed;
};

static tt_status run(void *ctx, int i)
{
	struct machine *m = ctx;
	double t = m->takes[i];

	if (i == m->broken)
		return TT_ESUPPORT;
	m->seed = m->seed * 1103515245u + 12345u;
	t *= 1 + m->jitter * (m->seed >> 16 & 0x7fff) / 0x7fff;
	if (m->now >= m->busy_from && m->now < m->busy_until) {
		m->waited += m->seen * 9 * t;
		t *= 10;
	}
	m->runs[i]++;
	m->now += t;
	return TT_OK;
}

static tt_status check(void *ctx)
{
	struct machine *m = ctx;

	return ++m->checks == m->stop_after ? err_set(TT_ESTOPPED, "stopped") : TT_OK;
}

static double seconds(void *ctx) { return ((struct machine *)ctx)->now; }

static double hindered(void *ctx)
{
	struct machine *m = ctx;
	const double waited = m->waited;

	m->waited = 0;
	return waited;
}

static struct race_result race(struct machine *m)
{
	const struct race r = {
		.ctx = m, .n = RUNNERS, .run = run, .check = check, .seconds = seconds,
		.hindered = hindered,
	};
	struct race_result result = {0};

	assert_ok(race_run(&r, &result));
	return result;
}

static void the_fastest_wins_on_a_quiet_machine(void **state)
{
	/* from kernels of microseconds to those that need a second */
	(void)state;
	for (double scale = 1e-6; scale < 1; scale *= 10) {
		struct machine m = { .takes = { 3 * scale, 2 * scale, 2.5 * scale }, .broken = -1 };
		const struct race_result f = race(&m);

		assert_int_equal(f.best, 1);
		assert_true(f.seconds > 1.99 * scale && f.seconds < 2.01 * scale);
		assert_false(f.disturbed);
		assert_true(m.runs[1] >= 3);
		assert_true(m.now < 3 * 0.04 + 9 * 3 * scale);      /* no longer than need be */
	}
}

/* Measured one after the other, the first would have been through before the burst ended, or the
 * last have begun in it. */
static void a_burst_hits_all_alike(void **state)
{
	static const struct { double from, until; } burst[] = {
		{ 0, 0.045 }, { 0.03, 0.06 }, { 0.06, 0.2 }, { 0.01, 0.1 },
	};
	(void)state;

	for (size_t b = 0; b < sizeof burst / sizeof *burst; b++)
		for (int fastest = 0; fastest < RUNNERS; fastest++)
			for (int seen = 0; seen < 2; seen++) {
				struct machine m = {
					.takes = { 1.5e-3, 1.5e-3, 1.5e-3 }, .broken = -1, .seen = seen,
					.busy_from = burst[b].from, .busy_until = burst[b].until,
				};
				struct race_result f;

				m.takes[fastest] = 1e-3;
				f = race(&m);
				assert_int_equal(f.best, fastest);
				assert_false(f.disturbed);
			}
}

static void a_busy_machine_has_a_choice_but_a_disturbed_one(void **state)
{
	struct machine m = {
		.takes = { 3e-3, 2e-3, 4e-3 }, .broken = -1, .busy_until = 1e9, .seen = 1,
	};
	const struct race_result f = race(&m);

	(void)state;
	assert_int_equal(f.best, 1);
	assert_true(f.disturbed);
	assert_true(m.now < 3 * 0.5);           /* nor does it wait for better times for ever */
}

/* What delays them is not seen, but no two laps agree. */
static void times_that_differ_widely_are_measured_for_longer(void **state)
{
	int runs = 0, even = 0;

	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		struct machine calm = { .takes = { 20e-3, 20e-3, 20e-3 }, .broken = -1 }, m = calm;

		m.jitter = 0.9;
		m.seed = seed;
		assert_false(race(&calm).disturbed);
		race(&m);
		runs += m.runs[0] + m.runs[1] + m.runs[2];
		even += calm.runs[0] + calm.runs[1] + calm.runs[2];
	}
	assert_int_equal(even, 20 * 3 * 3);
	assert_true(runs > even + even / 10);
}

static void who_is_hopeless_or_breaks_down_is_out(void **state)
{
	struct machine m = { .takes = { 1e-3, 50e-3, 0.1e-3 }, .broken = 2 };
	const struct race_result f = race(&m);

	(void)state;
	assert_int_equal(f.best, 0);
	assert_false(f.disturbed);
	assert_int_equal(m.runs[1], 2);
}

static void a_race_can_be_stopped(void **state)
{
	struct machine m = { .takes = { 1, 1, 1 }, .broken = -1, .stop_after = 4 };
	const struct race r = {
		.ctx = &m, .n = RUNNERS, .run = run, .check = check, .seconds = seconds,
		.hindered = hindered,
	};
	struct race_result f = { .best = 77 };

	(void)state;
	assert_status(race_run(&r, &f), TT_ESTOPPED);
	assert_int_equal(f.best, 77);
	assert_int_equal(m.runs[0] + m.runs[1] + m.runs[2], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fastest_wins_on_a_quiet_machine),
		cmocka_unit_test(a_burst_hits_all_alike),
		cmocka_unit_test(a_busy_machine_has_a_choice_but_a_disturbed_one),
		cmocka_unit_test(times_that_differ_widely_are_measured_for_longer),
		cmocka_unit_test(who_is_hopeless_or_breaks_down_is_out),
		cmocka_unit_test(a_race_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
