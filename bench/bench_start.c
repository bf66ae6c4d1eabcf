/* bench_start.c -- the least that has to happen before a net learns: spec, data, kernels, one step.
 *
 *     bench_start SPEC.yaml SOURCE KERNEL_CACHE
 *
 * Uses the public face only, and says how long each stage took; bench/startup times the process
 * from outside, which counts loading and leaving as well. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tutti/train.h>

static double since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static tt_status start(const char *spec, const char *source, const char *cache, double t[4])
{
	struct timespec begin;
	tt_spec *s = NULL;
	tt_model *m = NULL;
	tt_trainer *trainer = NULL;
	tt_status st;
	int more;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if ((st = tt_spec_load(&s, spec)) != TT_OK ||
	    (st = tt_spec_set(s, "data.train", source)) != TT_OK ||
	    (st = tt_spec_set(s, "data.valid", "null")) != TT_OK)
		goto out;
	t[0] = since(&begin);
	if ((st = tt_model_new(&m, s)) != TT_OK)
		goto out;
	t[1] = since(&begin);
	if ((st = tt_trainer_new(&trainer, m, TT_TRAINER_OPTS(.kernel_cache = cache))) != TT_OK)
		goto out;
	t[2] = since(&begin);
	st = tt_trainer_step(trainer, &more);
	t[3] = since(&begin);
out:
	tt_trainer_free(&trainer);
	tt_model_free(&m);
	tt_spec_free(&s);
	return st;
}

int main(int argc, char **argv)
{
	double t[4];

	if (argc != 4) {
		fputs("usage: bench_start SPEC.yaml SOURCE KERNEL_CACHE\n", stderr);
		return 2;
	}
	if (start(argv[1], argv[2], argv[3], t) != TT_OK) {
		fprintf(stderr, "bench_start: %s\n", tt_last_error());
		return EXIT_FAILURE;
	}
	printf("{\"spec\": %.4f, \"model\": %.4f, \"trainer\": %.4f, \"step\": %.4f}\n", t[0],
	       t[1] - t[0], t[2] - t[1], t[3] - t[2]);
	return EXIT_SUCCESS;
}
