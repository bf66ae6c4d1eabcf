/* bench_wire.c -- how near do sums over ranks come to what the wire can do?
 *
 * bench_wire MB BITS_PER_SECOND [ALGORITHM...], started as ranks by mpirun.  Sums MB megabytes
 * (2^20) in each way and prints, for the fastest and the median of five, the share of the ring's
 * bound: each rank must send, and receive, 2(N-1)/N of the vector.  ALGORITHM "auto" shows what is
 * measured at the start of a training instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/comm/launched.h"
#include "distribute/coll/coll.h"

#define RUNS    5
#define TIMEOUT 10              /* seconds for a piece of a vector */

struct bench {
	struct comm *comm;
	float       *x;
	size_t       n;
	double       bits_per_second;
	struct comm_allreduce_opts opts;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Seconds of one sum: from the moment that all are there to the end on the slowest. */
static tt_status once(struct bench *b, double *seconds)
{
	double start, took, all[1024];
	tt_status st;

	for (size_t i = 0; i < b->n; i++)
		b->x[i] = 1;
	if ((st = comm_barrier(b->comm)) != TT_OK)
		return st;
	start = thread_seconds();
	if ((st = comm_allreduce(b->comm, b->x, b->n, &b->opts)) != TT_OK)
		return st;
	took = thread_seconds() - start;
	if ((st = comm_allgather(b->comm, &took, sizeof took, all)) != TT_OK)
		return st;
	*seconds = 0;
	for (int r = 0; r < b->comm->size; r++)
		*seconds = all[r] > *seconds ? all[r] : *seconds;
	for (size_t i = 0; i < b->n; i++)
		if (b->x[i] != (float)b->comm->size)
			return err_set(TT_EINTERNAL, "element %zu is %g", i, (double)b->x[i]);
	return TT_OK;
}

static tt_status measure(struct bench *b)
{
	double bytes = (double)b->n * (b->opts.wire == WIRE_F32 ? 4 : 2), size = b->comm->size;
	double bound = 2 * (size - 1) / size * bytes * 8 / b->bits_per_second, seconds[RUNS];
	tt_status st = TT_OK;

	for (int i = 0; i < RUNS && st == TT_OK; i++)
		st = once(b, &seconds[i]);
	if (st != TT_OK)
		return st;
	qsort(seconds, RUNS, sizeof *seconds, by_value);
	if (b->comm->rank == 0)
		printf("%-17s %-4s  bound %7.3f s  best %7.3f s  %5.1f %%  median %7.3f s  %5.1f %%\n",
		       comm_algorithm_words[b->opts.algorithm], comm_wire_words[b->opts.wire], bound,
		       seconds[0], 100 * bound / seconds[0], seconds[RUNS / 2],
		       100 * bound / seconds[RUNS / 2]);
	fflush(stdout);
	return TT_OK;
}

static int wanted(int argc, char **argv, const char *word)
{
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return 1;
	return argc <= 3;
}

static tt_status measure_all(struct bench *b, int argc, char **argv)
{
	tt_status st = TT_OK;

	for (int a = ALGO_RING; a < ALGO_COUNT && st == TT_OK; a++)
		for (int w = WIRE_F32; w <= WIRE_F16 && st == TT_OK; w++) {
			if (!wanted(argc, argv, comm_algorithm_words[a]) || (w && a != ALGO_RING))
				continue;
			b->opts.algorithm = (enum comm_algorithm)a;
			b->opts.wire = (enum comm_wire)w;
			st = measure(b);
		}
	return st;
}

static tt_status show_measured(struct bench *b)
{
	tt_status st = comm_measure(b->comm, b->n, &(struct comm_allreduce_opts){ 0 }, 2);

	for (int k = 0; k < COMM_CLASSES && st == TT_OK && b->comm->rank == 0; k++) {
		const double seconds = b->comm->seconds[k];
		size_t n = (size_t)256 << 2 * k;

		if (seconds > 0)
			printf("%8zu floats: %8.3f ms  %7.1f MB/s\n", n, 1e3 * seconds,
			       (double)n * 4e-6 / seconds);
	}
	return st;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	tt_status st = TT_EINVAL;

	if (argc < 3 || atof(argv[1]) <= 0 || atof(argv[2]) <= 0) {
		fprintf(stderr, "usage: bench_wire MB BITS_PER_SECOND [ALGORITHM...]\n");
		return 2;
	}
	b.n = (size_t)(atof(argv[1]) * (1 << 20) / sizeof(float));
	b.bits_per_second = atof(argv[2]);
	if ((st = comm_open_launched(&b.comm, "mpi", TIMEOUT, TRANSPORT_AUTO)) != TT_OK)
		goto out;
	b.x = mem_alloc_aligned(b.n * sizeof *b.x);
	b.opts.scratch = mem_alloc_aligned(comm_allreduce_scratch(b.comm, b.n) * sizeof(float));
	if (!b.x || !b.opts.scratch)
		st = TT_ENOMEM;
	else if (argc == 4 && strcmp(argv[3], "auto") == 0)
		st = show_measured(&b);
	else
		st = measure_all(&b, argc, argv);
out:
	if (st != TT_OK)
		fprintf(stderr, "bench_wire: %s\n", tt_last_error());
	mem_free(b.x);
	mem_free(b.opts.scratch);
	comm_close(&b.comm);
	return st != TT_OK;
}
