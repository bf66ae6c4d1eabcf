#include "learn/track/sender.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"

const struct track_pace track_pace_usual = {
	.gather = 1, .retry = 0.5, .retry_most = 30, .gone = 10, .never = 3, .stopped = 5,
	.room = 1 << 16
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* With the lock held; ends early where somebody wakes the thread. */
static void wait_for(struct track_sender *s, double seconds)
{
	struct timespec t;
	double whole;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(modf(seconds, &whole) * 1e9);
	t.tv_sec += (time_t)whole + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&s->wake, &s->lock, &t);
}

/* All of that time, whoever wakes the thread, unless it is to close. */
static void pause_for(struct track_sender *s, double seconds)
{
	const double until = thread_seconds() + seconds;
	const int closing = s->closing;
	double left;

	while (s->closing == closing && (left = until - thread_seconds()) > 0)
		wait_for(s, left);
}

static int is_passing(tt_status st)
{
	return st == TT_EPEER || st == TT_ETIMEDOUT;
}

/* ---- jobs: without the lock, from the thread ---- */

enum job { BEGIN, LOG, KEEP, END, WAIT, LEAVE };

/* A run that cannot be remembered is only not gone on with. */
static void remember(const struct track_sender *s)
{
	struct str text = {0};

	str_add(&text, "{\"uri\": ");
	str_add_json(&text, s->server.uri);
	str_add(&text, ", \"run\": ");
	str_add_json(&text, s->id);
	str_add(&text, "}\n");
	if (str_status(&text) == TT_OK)
		(void)file_write_all(s->memory, text.p, text.len);
	str_release(&text);
}

static tt_status do_job(struct track_sender *s, enum job job)
{
	tt_status st;

	switch (job) {
	case BEGIN:
		if ((st = s->ops->begin(s->link, &s->run, s->id)) == TT_OK)
			remember(s);
		return st;
	case LOG:
		return s->ops->log(s->link, s->batch, s->batched);
	case KEEP:
		return s->ops->keep(s->link, s->file[s->file_next].path, s->file[s->file_next].name);
	case END:
		return s->ops->end(s->link, s->how, s->ended);
	case WAIT:
	case LEAVE:
		break;
	}
	return TT_OK;
}

/* ---- what comes of it: with the lock ---- */

/* Said once for all that fails, and once when it is over. */
static void note(struct track_sender *s, tt_status st)
{
	if (st == TT_OK && s->failing)
		snprintf(s->news, sizeof s->news, "track: %s answers again", s->server.uri);
	else if (st != TT_OK && !s->failing && st != TT_ESTOPPED)
		snprintf(s->news, sizeof s->news, "track: %.400s%s", tt_last_error(),
		         is_passing(st) ? "; training goes on, and it is tried again" : "");
	s->failing = st != TT_OK && st != TT_ESTOPPED;
	if (st != TT_OK && st != TT_ESTOPPED)
		snprintf(s->end.why, sizeof s->end.why, "%.255s", tt_last_error());
}

static void settle(struct track_sender *s, enum job job, tt_status st)
{
	const int good = st == TT_OK;

	switch (job) {
	case BEGIN:
		s->begun = good;
		s->dead = !good;
		break;
	case LOG:
		*(good ? &s->end.sent : &s->end.unsent) += s->batched;
		s->batched = 0;
		break;
	case KEEP:
		*(good ? &s->end.files : &s->end.files_unsent) += 1;
		s->file_next++;
		break;
	case END:
		s->end.told = good;
		s->dead = !good;
		break;
	case WAIT:
	case LEAVE:
		break;
	}
}

/* ---- the thread ---- */

static void skip_absent(struct track_sender *s)
{
	while (s->file_next < s->files && !file_exists(s->file[s->file_next].path))
		s->file_next++;
}

/* After a stop the files wait for the run to go on. */
static enum job next_job(struct track_sender *s)
{
	const int rest = s->closing && s->how != TRACK_KILLED;

	if (s->closing && (s->dead || s->end.told || !s->started || thread_seconds() >= s->give_up))
		return LEAVE;
	if (s->dead || !s->started)
		return WAIT;
	if (!s->begun)
		return BEGIN;
	if (!s->batched)
		s->batched = track_queue_take(&s->queue, s->batch, TRACK_BATCH);
	if (s->batched)
		return LOG;
	if (rest)
		skip_absent(s);
	if (rest && s->file_next < s->files)
		return KEEP;
	return s->closing ? END : WAIT;
}

static void body(void *ctx)
{
	struct track_sender *s = ctx;
	double again = s->pace.retry;
	enum job job;

	pthread_mutex_lock(&s->lock);
	while ((job = next_job(s)) != LEAVE) {
		tt_status st;

		if (job == WAIT) {
			s->idle = 1;
			pthread_cond_wait(&s->wake, &s->lock);
			s->idle = 0;
			if (!s->closing && s->begun)
				pause_for(s, s->pace.gather);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		st = do_job(s, job);
		pthread_mutex_lock(&s->lock);
		note(s, st);
		if (is_passing(st)) {
			if (s->closing)
				again = fmin(again, s->pace.retry);
			pause_for(s, again);
			again = fmin(2 * again, s->pace.retry_most);
			continue;
		}
		if (st == TT_ESTOPPED)
			continue;                      /* give_up has come */
		again = s->pace.retry;
		s->answered = thread_seconds();
		if (s->closing && s->how != TRACK_KILLED)
			s->give_up = s->answered + s->pace.gone;
		settle(s, job, st);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Asked from within a call, which may last: a large file that moves is not given up, but after a
 * stop. */
static int wants_end(void *ctx)
{
	struct track_sender *s = ctx;
	int yes;

	pthread_mutex_lock(&s->lock);
	yes = s->closing && s->how == TRACK_KILLED && thread_seconds() >= s->give_up;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

/* ---- from outside ---- */

tt_status track_sender_start(struct track_sender *s)
{
	pthread_condattr_t attr;
	tt_status st;

	s->server.stop = wants_end;
	s->server.ctx = s;
	if ((st = track_queue_init(&s->queue, s->pace.room)) != TT_OK ||
	    (st = s->ops->open(&s->link, &s->server)) != TT_OK)
		goto out;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	if ((st = thread_start(&s->thread, "tt-track", body, s)) == TT_OK)
		return TT_OK;
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	s->ops->close(&s->link);
out:
	track_queue_release(&s->queue);
	return st;
}

void track_sender_add(struct track_sender *s, const struct track_metric *m)
{
	struct track_metric one;

	pthread_mutex_lock(&s->lock);
	if (!s->started)
		s->run.start = now_ms();
	s->started = 1;
	s->ended = 0;
	if (m) {
		one = *m;
		one.ms = now_ms();
		if (s->dead)
			s->queue.lost++;
		else
			track_queue_add(&s->queue, &one);
	}
	if (s->idle)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void track_sender_ended(struct track_sender *s, enum track_end how)
{
	pthread_mutex_lock(&s->lock);
	s->how = how;
	s->ended = now_ms();
	pthread_mutex_unlock(&s->lock);
}

int track_sender_news(struct track_sender *s, char *out, size_t room)
{
	int any;

	pthread_mutex_lock(&s->lock);
	any = s->news[0] != '\0';
	if (any)
		snprintf(out, room, "%s", s->news);
	s->news[0] = '\0';
	pthread_mutex_unlock(&s->lock);
	return any;
}

static double patience(const struct track_sender *s)
{
	const double gone = s->answered > 0 ? s->pace.gone : s->pace.never;

	return s->how == TRACK_KILLED ? fmin(s->pace.stopped, gone) : gone;
}

void track_sender_finish(struct track_sender *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->ended) {
		s->how = TRACK_FAILED;              /* nobody said how it ended */
		s->ended = now_ms();
	}
	s->closing = 1;
	s->give_up = thread_seconds() + patience(s);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	thread_join(&s->thread);
	s->end.unsent += s->batched + s->queue.n + s->queue.lost;
	if (s->started && s->how != TRACK_KILLED)
		for (skip_absent(s); s->file_next < s->files; s->file_next++, skip_absent(s))
			s->end.files_unsent++;
	snprintf(s->end.run, sizeof s->end.run, "%s", s->begun ? s->id : "");
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	s->ops->close(&s->link);
	track_queue_release(&s->queue);
}
