/* stream.c -- a thread that runs kernels in their order, each as late as it may.
 *
 *   launched   ......k k k k            run one after the other by the thread
 *                    ^done     ^asked   no further than somebody waits for
 *
 * All counts are of launches since the stream was opened. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/staging/staging.h"
#include "sys/thread.h"

#define ROOM 64                         /* launches that may wait to be run */

struct launch { struct kernel *kernel; const struct run_context *rc; };

struct staging_stream {
	struct stream   base;
	struct thread  *thread;
	pthread_mutex_t lock;           /* guards all below */
	pthread_cond_t  moved;          /* one of them      */
	struct launch   queue[ROOM];
	uint64_t        launched, asked, done;
	uint64_t       *event;          /* launches before each */
	int             closing;
	tt_status       failed;         /* first error of a launch; the rest is skipped */
	char            why[ERR_MAX];
};

static struct staging_stream *of(struct stream *s) { return (struct staging_stream *)s; }

/* Give the lock back while the kernel runs. */
static void run_next(struct staging_stream *s)
{
	const struct launch x = s->queue[s->done % ROOM];
	tt_status st = s->failed;

	pthread_mutex_unlock(&s->lock);
	if (st == TT_OK)
		st = x.kernel->ops->run(x.kernel, x.rc);
	pthread_mutex_lock(&s->lock);
	if (st != TT_OK && s->failed == TT_OK) {
		s->failed = st;
		snprintf(s->why, sizeof s->why, "%s", tt_last_error());
	}
	s->done++;
	pthread_cond_broadcast(&s->moved);
}

static void work(void *ctx)
{
	struct staging_stream *s = ctx;

	pthread_mutex_lock(&s->lock);
	while (!s->closing || s->done < s->asked)
		if (s->done < s->asked)
			run_next(s);
		else
			pthread_cond_wait(&s->moved, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* With the lock: until so many launches are done. */
static void ask(struct staging_stream *s, uint64_t count)
{
	if (s->asked < count)
		s->asked = count;
	pthread_cond_broadcast(&s->moved);
	while (s->done < count)
		pthread_cond_wait(&s->moved, &s->lock);
}

static tt_status launch(struct stream *stream, struct kernel *k, const struct run_context *rc)
{
	struct staging_stream *s = of(stream);

	pthread_mutex_lock(&s->lock);
	if (s->launched - s->done == ROOM)
		ask(s, s->done + 1);
	s->queue[s->launched++ % ROOM] = (struct launch){ k, rc };
	pthread_mutex_unlock(&s->lock);
	return TT_OK;
}

static tt_status record(struct stream *stream, int event)
{
	struct staging_stream *s = of(stream);

	s->event[event] = s->launched;
	return TT_OK;
}

static tt_status wait_event(struct stream *stream, int event)
{
	struct staging_stream *s = of(stream);
	tt_status st;

	pthread_mutex_lock(&s->lock);
	ask(s, event == STREAM_END ? s->launched : s->event[event]);
	st = s->failed == TT_OK ? TT_OK : err_set(s->failed, "%s", s->why);
	if (event == STREAM_END)
		s->failed = TT_OK;
	pthread_mutex_unlock(&s->lock);
	return st;
}

static void stream_close(struct stream *stream)
{
	struct staging_stream *s = of(stream);

	pthread_mutex_lock(&s->lock);
	s->asked = s->launched;
	s->closing = 1;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	thread_join(&s->thread);
	pthread_cond_destroy(&s->moved);
	pthread_mutex_destroy(&s->lock);
	mem_free(s->event);
	mem_free(s);
}

static tt_status stream_open(struct device *d, int events, struct stream **out)
{
	struct staging_stream *s = mem_calloc(1, sizeof *s);
	tt_status st = TT_ENOMEM;

	(void)d;
	if (!s)
		return st;
	s->base.ops = &staging_stream_ops;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	if ((s->event = mem_calloc((size_t)events + 1, sizeof *s->event)))
		st = thread_start(&s->thread, "staging", work, s);
	if (st == TT_OK)
		*out = &s->base;
	else
		stream_close(&s->base);
	return st;
}

const struct stream_ops staging_stream_ops = {
	.open = stream_open, .close = stream_close, .launch = launch, .record = record,
	.wait = wait_event,
};
