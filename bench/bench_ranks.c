/* bench_ranks.c -- one rank of tutti's side of versus-ddp, wire-step and scaling.
 *
 *     bench_ranks --spec=examples/cnn6.yaml --batch=64 --orders=DIR/tutti [--workers=N] KEY=VALUE
 *
 * The trainer as users have it, by mpirun or, with --workers, as threads of this process; `batch`
 * is that of one rank.  Orders come from the named pipe DIR/tutti.RANK.in, where waiting costs
 * nothing, and each is answered by a line of JSON in DIR/tutti.RANK.out:
 *
 *     talk K      K steps under the spec's rule            {"seconds": s, "cpu": s, "sent": bytes}
 *     silent K    the same steps, but each rank for itself
 *     meet K      these, but all ranks meet after each: what any rule costs that talks so often
 *     quit
 *
 * Time is taken from the end of a first step, which does not count, to the end of the last: what it
 * leaves to the next is paid for by what it found.  `sent` is what the kernel counts at eth0. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <tutti/train.h>

#include "base/options.h"
#include "base/str.h"
#include "sys/thread.h"
#include "distribute/comm/launched.h"
#include "distribute/coll/coll.h"
#include "learn/train/join.h"
#include "learn/train/trainer_own.h"

#define TIMEOUT 120             /* seconds a rank may be silent: steps can be long here */

struct args {
	const char *spec, *orders, *cache, *trace;
	int         batch, workers;
};

static const struct option arg_rows[] = {
	OPT_TEXT(struct args, spec, NULL, "the net"),
	OPT_TEXT(struct args, orders, NULL, "start of the names of pipes"),
	OPT_TEXT(struct args, cache, NULL, "file of measured kernels"),
	OPT_TEXT(struct args, trace, NULL, "file for chrome://tracing"),
	OPT_INT(struct args, batch, "64", 1, 65536, "samples per rank and step"),
	OPT_INT(struct args, workers, "0", 0, 1024, "threads of this process; 0: started by mpirun"),
	OPT_END
};

enum way { TALK, SILENT, WAYS };
enum order { ORDER_TALK, ORDER_SILENT, ORDER_MEET, ORDERS };
static const char *const orders[] = { "talk", "silent", "meet" };

struct rank {
	struct args  args;
	int          argc;
	char       **argv;
	int          world;
	struct comm *comm[WAYS];
	tt_model    *model[WAYS];
	tt_trainer  *trainer[WAYS];
	FILE        *in, *out;
	struct mark { double seconds, cpu; int64_t sent; } first, last;     /* ends of steps */
	int          steps;                                                 /* since an order */
};

/* The same for every net and for the peer: what is measured is time, not learning. */
static const char *const settings[][2] = {
	{ "data.valid", "" }, { "data.augment.crop", "0" }, { "data.augment.flip", "no" },
	{ "train.valid_every", "0" }, { "train.epochs", "1000000" }, { "train.threads", "1" },
	{ "train.optimizer.kind", "sgd" }, { "train.optimizer.lr", "0.001" },
	{ "train.optimizer.momentum", "0.9" }, { "train.optimizer.weight_decay", "5e-4" },
	{ "train.optimizer.clip_norm", "0" }, { "train.schedule.kind", "constant" },
	{ "train.schedule.warmup_epochs", "0" },
};

static tt_status set_all(const struct rank *r, tt_spec *s)
{
	char batch[32], workers[32];
	tt_status st = TT_OK;

	for (size_t i = 0; i < sizeof settings / sizeof *settings && st == TT_OK; i++)
		st = tt_spec_set(s, settings[i][0], settings[i][1]);
	snprintf(batch, sizeof batch, "%d", r->args.batch * r->world);
	snprintf(workers, sizeof workers, "%d", r->args.workers ? r->args.workers : 1);
	if (st != TT_OK || (st = tt_spec_set(s, "train.batch", batch)) != TT_OK ||
	    (st = tt_spec_set(s, "distribute.workers", workers)) != TT_OK)
		return st;
	for (int i = 1; i < r->argc && st == TT_OK; i++) {
		char *value = strchr(r->argv[i], '=');

		if (strncmp(r->argv[i], "--", 2) == 0)
			continue;
		*value = '\0';
		st = tt_spec_set(s, r->argv[i], value + 1);
		*value = '=';
	}
	return st;
}

/* Silence is the rule that talks once, at the very end, which does not come. */
static tt_status make_silent(tt_spec *s)
{
	tt_status st = tt_spec_set(s, "distribute.strategy", "average");

	return st == TT_OK ? tt_spec_set(s, "distribute.period", "0") : st;
}

/* ---- marks ---- */

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int64_t sent_bytes(void)
{
	FILE *f = fopen("/proc/self/net/dev", "r");
	char line[512];
	int64_t n = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, " eth0: %*d %*d %*d %*d %*d %*d %*d %*d %" SCNd64, &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static void watch(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	struct rank *r = ctx;

	(void)p;
	(void)text;
	if (e != TT_EVENT_STEP)
		return;
	r->last = (struct mark){ thread_seconds(), cpu_seconds(), sent_bytes() };
	if (r->steps++ == 0)
		r->first = r->last;
}

/* ---- opening and closing ---- */

static tt_status open_trainer(struct rank *r, enum way w)
{
	tt_spec *s = NULL;
	tt_status st = tt_spec_load(&s, r->args.spec);

	if (st != TT_OK)
		return st;
	if ((st = set_all(r, s)) == TT_OK && w == SILENT)
		st = make_silent(s);
	if (st == TT_OK && (st = tt_model_new(&r->model[w], s)) == TT_OK)
		st = tt_trainer_new(&r->trainer[w], r->model[w], TT_TRAINER_OPTS(
			.group = r->comm[w], .kernel_cache = r->args.cache, .observe = watch,
			.observe_ctx = r, .trace = w == TALK ? r->args.trace : NULL));
	tt_spec_free(&s);
	return st;
}

/* What the user sets of the spec, which is read later. */
static enum comm_transport transport(const struct rank *r)
{
	const char *key = "distribute.transport=";
	int t = TRANSPORT_AUTO;

	for (int i = 1; i < r->argc; i++)
		for (int k = 0; comm_transport_words[k]; k++)
			if (strncmp(r->argv[i], key, strlen(key)) == 0 &&
			    strcmp(r->argv[i] + strlen(key), comm_transport_words[k]) == 0)
				t = k;
	return (enum comm_transport)t;
}

static tt_status open_comms(struct rank *r)
{
	tt_status st;

	r->world = r->args.workers;
	if (r->args.workers)
		return TT_OK;
	if ((st = comm_open_launched(&r->comm[TALK], "mpi", TIMEOUT, transport(r))) != TT_OK ||
	    (st = comm_split(r->comm[TALK], &r->comm[SILENT])) != TT_OK)
		return st;
	r->world = r->comm[TALK]->size;
	return TT_OK;
}

static FILE *open_pipe(const struct rank *r, const char *end, const char *mode)
{
	struct str path = {0};
	FILE *f = NULL;

	str_addf(&path, "%s.%d.%s", r->args.orders, r->comm[TALK] ? r->comm[TALK]->rank : 0, end);
	if (str_status(&path) == TT_OK && !(f = fopen(path.p, mode)))
		err_set(TT_EIO, "%s: it cannot be opened", path.p);
	str_release(&path);
	return f;
}

static tt_status rank_open(struct rank *r)
{
	int more;
	tt_status st = open_comms(r);

	for (int w = 0; w < WAYS && st == TT_OK; w++)
		if ((st = open_trainer(r, w)) == TT_OK)
			st = tt_trainer_step(r->trainer[w], &more);
	if (st != TT_OK)
		return st;
	if (!(r->in = open_pipe(r, "in", "r")) || !(r->out = open_pipe(r, "out", "w")))
		return TT_EIO;
	fprintf(r->out, "{\"parameters\": %zu, \"world\": %d}\n", tt_model_parameters(r->model[TALK]),
	        r->world);
	fflush(r->out);
	return TT_OK;
}

static void rank_close(struct rank *r)
{
	for (int w = WAYS - 1; w >= 0; w--) {
		tt_trainer_free(&r->trainer[w]);
		tt_model_free(&r->model[w]);
		comm_close(&r->comm[w]);
	}
	if (r->in)
		fclose(r->in);
	if (r->out)
		fclose(r->out);
}

/* ---- orders ---- */

static tt_status meet_often(struct rank *r, int steps)
{
	struct tt_trainer *t = r->trainer[SILENT];
	int more;
	tt_status st = TT_OK;

	for (int i = 0; i < steps && st == TT_OK; i++) {
		st = tt_trainer_step(t, &more);
		if (st == TT_OK && t->group)
			local_workers_settle(t->group);
		else if (st == TT_OK)
			st = comm_barrier(r->comm[SILENT]);
	}
	return st;
}

static tt_status run(struct rank *r, enum order o, int steps)
{
	int more;
	tt_status st;

	r->steps = 0;
	st = o == ORDER_MEET ? meet_often(r, steps + 1)
	                     : tt_trainer_steps(r->trainer[o == ORDER_TALK ? TALK : SILENT], steps + 1,
	                                        &more);
	if (st != TT_OK)
		return st;
	fprintf(r->out, "{\"seconds\": %.6f, \"cpu\": %.6f, \"sent\": %" PRId64 "}\n",
	        r->last.seconds - r->first.seconds, r->last.cpu - r->first.cpu,
	        r->last.sent - r->first.sent);
	fflush(r->out);
	return TT_OK;
}

static tt_status obey(struct rank *r)
{
	char line[64], word[16];
	int steps;
	tt_status st = TT_OK;

	while (st == TT_OK && fgets(line, sizeof line, r->in) && strcmp(line, "quit\n") != 0) {
		int o = 0;

		if (sscanf(line, "%15s %d", word, &steps) != 2)
			return err_set(TT_EINVAL, "no order: %s", line);
		while (o < ORDERS && strcmp(word, orders[o]) != 0)
			o++;
		st = o < ORDERS ? run(r, (enum order)o, steps) : err_set(TT_EINVAL, "no order: %s", line);
	}
	return st;
}

static tt_status read_args(int argc, char **argv, struct arena *a, struct args *out)
{
	tt_status st = options_default(arg_rows, a, out);

	for (int i = 1; i < argc && st == TT_OK; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return err_set(TT_EINVAL, "%s: write --name=value, or key=value of the spec", argv[i]);
		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		*value = '\0';
		st = options_set(arg_rows, a, out, argv[i] + 2, value + 1);
		*value = '=';
	}
	if (st == TT_OK && (!out->spec || !out->orders))
		st = err_set(TT_EINVAL, "--spec=FILE and --orders=NAME are needed");
	return st;
}

int main(int argc, char **argv)
{
	struct rank r = { .argc = argc, .argv = argv };
	struct arena a = {0};
	tt_status st = read_args(argc, argv, &a, &r.args);

	if (st == TT_OK && (st = rank_open(&r)) == TT_OK && (st = obey(&r)) == TT_OK && r.args.trace)
		st = trainer_write_trace(r.trainer[TALK], TT_OK);
	if (st != TT_OK)
		fprintf(stderr, "bench_ranks: %s\n", tt_last_error());
	rank_close(&r);
	arena_release(&a);
	return st != TT_OK;
}
