/* recorder.c -- a training is written down by a thread of its own.
 *
 *   trainer --event--> [ring of numbers] --thread--> store
 *
 * Training never waits: a full ring drops what comes, which is in metrics.csv, too, and is taken
 * from there at the end.  The thread alone knows the store. */
#include "lab/store/store_own.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/sized.h"
#include "base/str.h"
#include "lab/store/fingerprint.h"
#include "lab/store/folder.h"
#include "sys/thread.h"

#define RING      16384
#define BATCH     1000
#define NAME_MOST 64
#define EVERY     0.5                   /* seconds between looks at the ring                */
#define SLOWEST   10.0                  /* between tries while the store cannot be written  */
#define AT_END    1.0                   /* seconds for what is left                         */
#define AGAIN_US  50000                 /* between tries then                               */
#define HOST_MOST 256

struct number { char name[NAME_MOST]; double value, time; int64_t step; };

struct tt_recorder {
	tt_recorder_opts opts;           /* texts in the arena */
	struct arena     arena;
	struct facts     facts;
	char             id[TT_STORE_ID], parent[TT_STORE_ID], host[HOST_MOST];
	const char      *name;
	double           begun;
	int              told;           /* trouble, to who asked */

	pthread_mutex_t  lock;           /* guards from here to why */
	pthread_cond_t   more;
	struct number   *ring;
	int              first, n;
	int64_t          dropped;
	const char      *end;            /* status word, when it has ended */
	int              leave;
	char             why[ERR_MAX];   /* what keeps the store from being written, "": nothing */

	struct thread   *thread;         /* below: its own */
	tt_store        *store;
	int              has_row, has_end;
	struct number    batch[BATCH];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the thread ---- */

static tt_status put_parent(struct tt_recorder *r)
{
	if (!r->opts.parent)
		return TT_OK;
	return tt_store_put(r->store, TT_STORE_RUN(.id = r->parent, .name = r->name, .kind = "folds",
		.folder = r->opts.parent, .begun = r->begun, .status = "running", .host = r->host,
		.process = getpid()));
}

static tt_status add_fingerprint(struct tt_recorder *r)
{
	char print[FINGERPRINT];
	const tt_record *v = r->facts.v;

	for (int i = 0; i < r->facts.n; i++)
		if (v[i].kind == TT_RECORD_PARAM && strcmp(v[i].name, "data.train") == 0) {
			const tt_record tag = { .size = sizeof tag, .kind = TT_RECORD_TAG,
			                        .name = "data.fingerprint", .text = print };

			fingerprint(v[i].text, print);
			return tt_store_write(r->store, r->id, &tag, 1);
		}
	return TT_OK;
}

/* The row and all that is known before the first step. */
static tt_status put_row(struct tt_recorder *r)
{
	char *path = realpath(r->opts.folder, NULL);
	tt_status st;

	if ((st = put_parent(r)) == TT_OK)
		st = tt_store_put(r->store, TT_STORE_RUN(.id = r->id, .name = r->name, .kind = r->opts.kind,
			.parent = r->opts.parent ? r->parent : NULL, .folder = path, .status = "running",
			.host = r->host, .process = getpid(), .begun = r->opts.resumed ? 0 : r->begun));
	if (st == TT_OK)
		st = store_do(r->store, "UPDATE runs SET begun = ?1 WHERE uid = ?2 AND begun IS NULL",
		              db_real(r->begun), db_text(r->id));
	if (st == TT_OK && r->opts.resumed)
		st = tt_store_rewind(r->store, r->id, r->opts.resumed);
	if (st == TT_OK)
		st = tt_store_write(r->store, r->id, r->facts.v, r->facts.n);
	if (st == TT_OK)
		st = add_fingerprint(r);
	free(path);
	r->has_row = st == TT_OK;
	return st;
}

static tt_status make_ready(struct tt_recorder *r)
{
	tt_status st;

	if (!r->store && (st = tt_store_open(&r->store, r->opts.store, TT_STORE_MAKE)) != TT_OK)
		return st;
	return r->has_row ? TT_OK : put_row(r);
}

static int copy_batch(struct tt_recorder *r)
{
	int n;

	pthread_mutex_lock(&r->lock);
	n = r->n < BATCH ? r->n : BATCH;
	for (int i = 0; i < n; i++)
		r->batch[i] = r->ring[(r->first + i) % RING];
	pthread_mutex_unlock(&r->lock);
	return n;
}

static void drop_batch(struct tt_recorder *r, int n)
{
	pthread_mutex_lock(&r->lock);
	r->first = (r->first + n) % RING;
	r->n -= n;
	pthread_mutex_unlock(&r->lock);
}

static tt_status write_batch(struct tt_recorder *r, int n)
{
	tt_record *v = mem_calloc((size_t)n, sizeof *v);
	tt_status st;

	if (!v)
		return TT_ENOMEM;
	for (int i = 0; i < n; i++)
		v[i] = (tt_record){ .size = sizeof *v, .kind = TT_RECORD_METRIC, .name = r->batch[i].name,
		                    .value = r->batch[i].value, .step = r->batch[i].step,
		                    .time = r->batch[i].time };
	st = tt_store_write(r->store, r->id, v, n);
	mem_free(v);
	return st;
}

/* Files, what was dropped, and last how it ended. */
static tt_status write_end(struct tt_recorder *r, const char *status, int64_t dropped)
{
	struct facts f = { .arena = &r->arena };
	tt_status st;

	facts_add_files(&f, r->opts.folder);
	if ((st = f.st) == TT_OK)
		st = tt_store_write(r->store, r->id, f.v, f.n);
	if (st == TT_OK && dropped)
		st = tt_store_import(r->store, r->opts.folder);
	if (st == TT_OK)
		st = tt_store_put(r->store, TT_STORE_RUN(.id = r->id, .status = status, .ended = now()));
	if (st == TT_OK && r->opts.parent)
		st = tt_store_put(r->store, TT_STORE_RUN(.id = r->parent, .status = status,
		                                         .ended = now()));
	r->has_end = st == TT_OK;
	return st;
}

static tt_status write_all(struct tt_recorder *r)
{
	const char *end;
	int64_t dropped;
	tt_status st;
	int n;

	if ((st = make_ready(r)) != TT_OK)
		return st;
	while ((n = copy_batch(r)) > 0) {
		if ((st = write_batch(r, n)) != TT_OK)
			return st;
		drop_batch(r, n);
	}
	pthread_mutex_lock(&r->lock);
	end = r->end;
	dropped = r->dropped;
	pthread_mutex_unlock(&r->lock);
	return end && !r->has_end ? write_end(r, end, dropped) : TT_OK;
}

/* For so many seconds, or until the training is over: then it is 1. */
static int wait_for(struct tt_recorder *r, double seconds, tt_status st)
{
	struct timespec until;
	const double at = now() + seconds;
	int leave;

	until.tv_sec = (time_t)at;
	until.tv_nsec = (long)((at - (double)until.tv_sec) * 1e9);
	pthread_mutex_lock(&r->lock);
	if (st == TT_OK)
		r->why[0] = '\0';
	else
		snprintf(r->why, sizeof r->why, "%s", tt_last_error());
	while (!r->leave)
		if (pthread_cond_timedwait(&r->more, &r->lock, &until) == ETIMEDOUT)
			break;
	leave = r->leave;
	pthread_mutex_unlock(&r->lock);
	return leave;
}

/* One try; what has gone may be there again at the next. */
static tt_status attempt(struct tt_recorder *r)
{
	const tt_status st = write_all(r);

	if (st != TT_OK && st != TT_EBUSY)
		tt_store_close(&r->store);
	return st;
}

static void work(void *ctx)
{
	struct tt_recorder *r = ctx;
	double pause = EVERY, end;
	tt_status st;

	do {
		st = attempt(r);
		pause = st == TT_OK ? EVERY : pause < SLOWEST / 2 ? 2 * pause : SLOWEST;
	} while (!wait_for(r, pause, st));
	for (end = now() + AT_END; !r->has_end && now() < end; ) {
		st = attempt(r);
		wait_for(r, 0, st);              /* says why */
		if (!r->has_end)
			usleep(AGAIN_US);
	}
	tt_store_close(&r->store);
}

/* ---- the trainer's side ---- */

static void push(struct tt_recorder *r, const char *name, double value, int64_t step)
{
	struct number *to;

	if (r->n == RING || strlen(name) >= NAME_MOST) {
		r->dropped++;
		return;
	}
	to = &r->ring[(r->first + r->n++) % RING];
	strcpy(to->name, name);
	to->value = value;
	to->step = step;
	to->time = now();
}

/* Once, and not of the first wait: others write, too. */
static void tell_trouble(struct tt_recorder *r, int at_end)
{
	char text[ERR_MAX + 128] = "";

	pthread_mutex_lock(&r->lock);
	if (!r->told && r->why[0] && (at_end || r->n > RING / 4))
		snprintf(text, sizeof text, "not recorded yet: %s", r->why);
	pthread_mutex_unlock(&r->lock);
	if (!text[0])
		return;
	r->told = 1;
	if (r->opts.tell)
		r->opts.tell(r->opts.tell_ctx, text);
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct tt_recorder *r = ctx;

	if (o->metrics) {
		pthread_mutex_lock(&r->lock);
		for (int i = 0; i < o->metrics; i++)
			push(r, o->name[i], o->value[i], o->progress->step);
		pthread_mutex_unlock(&r->lock);
	}
	if (o->event != TT_EVENT_STEP)
		tell_trouble(r, 0);
	return TT_OK;
}

static const char *end_word(tt_status st)
{
	return st == TT_OK ? "finished" : st == TT_ESTOPPED ? "stopped" : "failed";
}

/* ---- life ---- */

static tt_status read_facts(struct tt_recorder *r)
{
	char *name = NULL;
	tt_status st = TT_OK;

	r->facts.arena = &r->arena;
	r->begun = now();
	r->name = "";
	if (r->opts.spec && (st = tt_spec_get(r->opts.spec, "name", &name)) == TT_OK) {
		r->name = arena_strdup(&r->arena, name);
		facts_add_spec(&r->facts, r->opts.spec);
	}
	tt_free(name);
	facts_add_environment(&r->facts, r->opts.folder, &r->begun);
	r->opts.spec = NULL;
	return st == TT_OK ? r->facts.st : st;
}

static tt_status prepare(struct tt_recorder *r)
{
	const char **const text[] = { &r->opts.store, &r->opts.folder, &r->opts.parent, &r->opts.kind };
	tt_status st;

	if (!r->opts.kind)
		r->opts.kind = "train";
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		if (*text[i] && !(*text[i] = arena_strdup(&r->arena, *text[i])))
			return TT_ENOMEM;
	if ((st = folder_id(r->opts.folder, r->id)) != TT_OK ||
	    (r->opts.parent && (st = folder_id(r->opts.parent, r->parent)) != TT_OK) ||
	    (st = read_facts(r)) != TT_OK)
		return st;
	if (gethostname(r->host, sizeof r->host - 1) != 0)
		r->host[0] = '\0';
	if (!(r->ring = mem_calloc(RING, sizeof *r->ring)))
		return TT_ENOMEM;
	return thread_start(&r->thread, "tutti-record", work, r);
}

static void release(struct tt_recorder *r)
{
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	mem_free(r->ring);
	arena_release(&r->arena);
	mem_free(r);
}

tt_status tt_recorder_open(tt_recorder **out, const tt_recorder_opts *o)
{
	struct tt_recorder *r;
	tt_status st;

	if (!out || !o)
		return err_null(__func__);
	if (!(r = mem_calloc(1, sizeof *r)))
		return TT_ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	if ((st = sized_options(&r->opts, sizeof r->opts, o, "tt_recorder_opts")) == TT_OK &&
	    (!r->opts.store || !r->opts.folder))
		st = err_null(__func__);
	if (st == TT_OK)
		st = prepare(r);
	if (st == TT_OK)
		*out = r;
	else
		release(r);
	return st;
}

tt_status tt_recorder_observer(tt_recorder *r, tt_observer *out)
{
	const tt_observer o = { .size = sizeof o, .ctx = r, .event = on_event };

	if (!r || !out)
		return err_null(__func__);
	return sized_give(out, &o, sizeof o, "tt_observer");
}

void tt_recorder_close(tt_recorder **p, tt_status end)
{
	struct tt_recorder *r;

	if (!p || !*p)
		return;
	r = *p;
	pthread_mutex_lock(&r->lock);
	r->end = end_word(end);
	r->leave = 1;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	thread_join(&r->thread);
	if (!r->has_end && (end == TT_OK || end == TT_ESTOPPED))
		tell_trouble(r, 1);      /* else worse has been said */
	release(r);
	*p = NULL;
}
