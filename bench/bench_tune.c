/* bench_tune: how good samplers are, and how fast the dialogue is; bench/versus-optuna reads this.
 *
 *   bench_tune SAMPLER FUNCTION TRIALS SEEDS [SCHEDULER]   the best value of each seed, one a line
 *   bench_tune dispatch TRIALS                             no-op trials per second, in memory */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tutti/tune.h>

#define STEPS 81

static double branin(const double *x, int n)
{
	const double a = x[1] - 5.1 / (4 * M_PI * M_PI) * x[0] * x[0] + 5 / M_PI * x[0] - 6;

	(void)n;
	return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10;
}

static double hartmann(const double *x, int n)
{
	static const double alpha[4] = { 1, 1.2, 3, 3.2 };
	static const double A[4][6] = { { 10, 3, 17, 3.5, 1.7, 8 }, { 0.05, 10, 17, 0.1, 8, 14 },
	                                { 3, 3.5, 1.7, 10, 17, 8 }, { 17, 8, 0.05, 10, 0.1, 14 } };
	static const double P[4][6] = { { 1312, 1696, 5569, 124, 8283, 5886 },
	                                { 2329, 4135, 8307, 3736, 1004, 9991 },
	                                { 2348, 1451, 3522, 2883, 3047, 6650 },
	                                { 4047, 8828, 8732, 5743, 1091, 381 } };
	double sum = 0;

	for (int i = 0; i < 4; i++) {
		double e = 0;

		for (int k = 0; k < n; k++)
			e += A[i][k] * pow(x[k] - 1e-4 * P[i][k], 2);
		sum -= alpha[i] * exp(-e);
	}
	return sum;
}

static double rosenbrock(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i + 1 < n; i++)
		sum += 100 * pow(x[i + 1] - x[i] * x[i], 2) + pow(1 - x[i], 2);
	return sum;
}

/* Hills of different heights; a step is 0.25 wide. */
static double steps(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += fabs(floor(4 * (x[i] - 0.7)) / 4);
	return sum;
}

static const struct function {
	const char *name;
	double    (*f)(const double *x, int n);
	int         n;
	const char *range[2];           /* of the first, and of the others */
	double      noise;
} functions[] = {
	{ "branin", branin, 2, { "-5..10", "0..15" }, 0 },
	{ "hartmann6", hartmann, 6, { "0..1", "0..1" }, 0 },
	{ "rosenbrock10", rosenbrock, 10, { "-5..10", "-5..10" }, 0 },
	{ "steps", steps, 5, { "-5..5", "-5..5" }, 0.1 },
};

static void must(tt_status st)
{
	if (st == TT_OK)
		return;
	fprintf(stderr, "bench_tune: %s\n", tt_last_error());
	exit(1);
}

/* The same numbers in Python: a linear congruence. */
static double noise(uint64_t seed, int64_t trial, int64_t step)
{
	uint64_t h = seed * UINT64_C(1000003) + (uint64_t)trial * 8191 + (uint64_t)step;

	h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	h ^= h >> 33;
	h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(h >> 11) / 9007199254740992.0 - 0.5;
}

static tt_study *make(const struct function *f, const char *const row[2], uint64_t seed)
{
	static const char *const metric[] = { "loss" };
	tt_space *space;
	tt_study *s;
	char name[16];

	must(tt_space_new(&space));
	for (int i = 0; i < f->n; i++) {
		snprintf(name, sizeof name, "x%d", i);
		must(tt_space_add(space, name, f->range[i > 0]));
	}
	must(tt_study_new(&s, space, TT_STUDY_OPTS(.sampler = row[0], .scheduler = row[1],
	                  .objectives = metric, .n_objectives = 1, .seed = seed)));
	tt_space_free(&space);
	return s;
}

static double value(const tt_study *s, const struct function *f, int64_t trial)
{
	double x[16];

	for (int i = 0; i < f->n; i++) {
		tt_value v = TT_SIZED(tt_value);

		must(tt_study_value(s, trial, i, &v));
		x[i] = v.number;
	}
	return f->f(x, f->n);
}

/* What the best by its noisy result is worth without noise. */
static double best_of(const struct function *f, const char *const row[2], uint64_t seed, int trials)
{
	tt_study *s = make(f, row, seed);
	int64_t best;
	double v;

	for (int i = 0; i < trials; i++) {
		tt_suggestion o = TT_SIZED(tt_suggestion);

		must(tt_study_ask(s, &o));
		v = value(s, f, o.trial) + f->noise * noise(seed, o.trial, 0);
		must(tt_study_end(s, o.trial, TT_TRIAL_COMPLETED, &v, 1));
	}
	must(tt_study_best(s, &best));
	v = value(s, f, best);
	tt_study_free(&s);
	return v;
}

/* A trial comes near its value as it goes: so many steps in all. */
static double best_in_steps(const struct function *f, const char *const row[2], uint64_t seed,
                            int64_t budget)
{
	tt_study *s = make(f, row, seed);
	int64_t best;
	double v;

	for (int64_t used = 0; used < budget;) {
		tt_suggestion o = TT_SIZED(tt_suggestion);
		tt_trial t = TT_SIZED(tt_trial);
		enum tt_verdict verdict = TT_GO_ON;

		must(tt_study_ask(s, &o));
		must(tt_study_trial(s, o.trial, &t));
		for (int64_t k = t.step + 1; verdict == TT_GO_ON; k++, used++) {
			v = value(s, f, o.trial) + 20.0 / (double)k + noise(seed, o.trial, k) / (double)k;
			must(tt_study_tell(s, o.trial, k, &v, 1, &verdict));
			if (verdict == TT_GO_ON && k == STEPS) {
				must(tt_study_end(s, o.trial, TT_TRIAL_COMPLETED, NULL, 0));
				verdict = TT_COMPLETE;
			}
		}
	}
	must(tt_study_best(s, &best));
	v = value(s, f, best);
	tt_study_free(&s);
	return v;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void dispatch(int trials)
{
	static const char *const row[2] = { "random", "none" };
	tt_study *s = make(&functions[0], row, 1);
	const double began = now(), zero = 0;

	for (int i = 0; i < trials; i++) {
		tt_suggestion o = TT_SIZED(tt_suggestion);

		must(tt_study_ask(s, &o));
		must(tt_study_end(s, o.trial, TT_TRIAL_COMPLETED, &zero, 1));
	}
	printf("%.0f\n", trials / (now() - began));
	tt_study_free(&s);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "dispatch")) {
		dispatch(atoi(argv[2]));
		return 0;
	}
	for (size_t i = 0; argc >= 5 && i < sizeof functions / sizeof *functions; i++) {
		const char *const row[2] = { argv[1], argc > 5 ? argv[5] : "none" };

		if (strcmp(functions[i].name, argv[2]) != 0)
			continue;
		for (int seed = 1; seed <= atoi(argv[4]); seed++)
			printf("%.17g\n", argc > 5 ?
			       best_in_steps(&functions[i], row, (uint64_t)seed, atoll(argv[3])) :
			       best_of(&functions[i], row, (uint64_t)seed, atoi(argv[3])));
		return 0;
	}
	fprintf(stderr, "usage: bench_tune SAMPLER FUNCTION TRIALS SEEDS [SCHEDULER] | dispatch N\n");
	return 2;
}
