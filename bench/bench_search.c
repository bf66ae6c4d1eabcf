/* bench_search.c -- trials that do nothing, a second: decided alone, and kept in a journal.
 *
 *   bench_search [TRIALS [FOLDER]]        each three times; the median */
#include <tutti/search.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RUNS 3

static const char *const metric[] = { "y" };

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(tt_status st)
{
	if (st == TT_OK)
		return;
	fprintf(stderr, "bench_search: %s\n", tt_last_error());
	exit(1);
}

static tt_study *make_study(int64_t trials)
{
	tt_space *space;
	tt_study *study;

	check(tt_space_new(&space));
	check(tt_space_add(space, "x", "0..1"));
	check(tt_space_add(space, "lr", "log:1e-4..1e-1"));
	check(tt_study_new(&study, space, TT_STUDY_OPTS(.objectives = metric, .n_objectives = 1,
	                                                .trials = trials)));
	tt_space_free(&space);
	return study;
}

static tt_status nothing(void *ctx, tt_search *s, const tt_attempt *a, double *values)
{
	(void)ctx, (void)s;
	values[0] = (double)a->suggestion->trial;
	return TT_OK;
}

static double alone(int64_t trials, const char *dir)
{
	tt_study *study = make_study(trials);
	const double began = seconds();

	(void)dir;
	for (int64_t i = 0; i < trials; i++) {
		tt_suggestion g = TT_SIZED(tt_suggestion);
		const double y = (double)i;

		check(tt_study_ask(study, &g));
		check(tt_study_end(study, g.trial, TT_TRIAL_COMPLETED, &y, 1));
	}
	tt_study_free(&study);
	return (double)trials / (seconds() - began);
}

static double durable(int64_t trials, const char *dir)
{
	tt_study *study = make_study(trials);
	tt_search *s;
	double began = seconds();

	check(tt_search_new(&s, study, TT_SEARCH_OPTS(.dir = dir, .objectives = metric,
	                                              .n_objectives = 1, .objective = nothing)));
	check(tt_search_run(s));
	began = seconds() - began;
	tt_search_free(&s);
	tt_study_free(&study);
	return (double)trials / began;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; double (*run)(int64_t, const char *); } rows[] = {
		{ "in memory", alone }, { "durable", durable },
	};
	const int64_t trials = argc > 1 ? atoll(argv[1]) : 10000;
	const char *place = argc > 2 ? argv[2] : "/tmp";

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		double v[RUNS];

		for (int i = 0; i < RUNS; i++) {
			char dir[4096];

			snprintf(dir, sizeof dir, "%s/bench-search-%d-%d", place, (int)getpid(), i);
			v[i] = rows[k].run(trials, dir);
		}
		qsort(v, RUNS, sizeof *v, by_size);
		printf("%-10s %.0f trials/s\n", rows[k].name, v[RUNS / 2]);
	}
	return 0;
}
