/* drive.c -- trials as processes in slots: started, listened to, ended, started again. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "lab/pool/command.h"
#include "lab/pool/launcher.h"
#include "lab/pool/state.h"
#include "sys/thread.h"

#define TICK_MS 50
#define NOTHING_LEFT 99                 /* exit code: all was done already */

/* ---- what a trial says ---- */

static void take_report(void *ctx, const struct lines_report *r)
{
	struct slot *l = ctx;
	struct lines_report own = *r;
	tt_search *s = l->search;

	if (l->st != TT_OK || l->verdict != TT_GO_ON)
		return;
	for (int i = 0; i < s->o.n_objectives; i++)
		if (isnan(own.value[i]) && (l->lines.optional & 1 << i))
			own.value[i] = s->known[l->trial].seconds + thread_seconds() - l->job.began;
	l->st = event_tell(s, l->trial, &own, &l->verdict);
}

static void read_output(struct slot *l)
{
	char text[16384];
	ssize_t n;

	while (l->job.out >= 0 && (n = read(l->job.out, text, sizeof text)) > 0)
		lines_take(&l->lines, text, (size_t)n, take_report, l);
}

static void begin_lines(tt_search *s, struct slot *l)
{
	l->lines.name = s->name;
	l->lines.n = s->o.n_objectives;
	for (int i = 0; i < l->lines.n; i++)
		if (strcmp(s->name[i], "seconds") == 0 && l->lines.n > 1)
			l->lines.optional |= 1 << i;
}

/* ---- start ---- */

static tt_status write_command(tt_search *s, const tt_suggestion *g, char *dir, tt_command *c)
{
	tt_attempt a = { sizeof a, g, s->study, dir, NULL, s->known[g->trial].attempts };
	char *parent = NULL;
	tt_status st = launcher_before(s->o.launcher, s->o.threads, c);

	if (st == TT_OK && g->parent >= 0)
		st = tt_search_trial_dir(s, g->parent, &parent);
	a.parent_dir = parent;
	if (st == TT_OK)
		st = s->o.command(s->o.ctx, &a, c);
	mem_free(parent);
	return st == TT_OK ? command_status(c) : st;
}

static tt_status start(tt_search *s, const tt_suggestion *g, struct slot *l)
{
	struct known *k = search_known(s, g->trial);
	enum tt_verdict late = TT_GO_ON;
	tt_command c = {0};
	char *dir = NULL;
	tt_status st;

	if (!k)
		return TT_ENOMEM;
	if (k->attempts && ((st = search_read_late(s, g->trial, &late)) != TT_OK || late != TT_GO_ON))
		return st;                      /* it had gone further before it heard */
	*l = (struct slot){ .used = 1, .trial = g->trial, .search = s,
	                    .job = { .pidfd = -1, .out = -1 } };
	k->attempts++;
	begin_lines(s, l);
	if ((st = search_make_dir(s, g->trial, &dir)) == TT_OK &&
	    (st = write_command(s, g, dir, &c)) == TT_OK &&
	    (st = job_start(&l->job, &c, dir, &k->at)) == TT_OK) {
		k->pid = l->job.pid;
		k->born = job_born(k->pid);
		s->running++;
		st = event_start(s, g->trial);
		search_hear(s, TT_SEARCH_BEGAN, g->trial, NULL);
	} else {
		l->used = 0;
	}
	command_release(&c);
	mem_free(dir);
	return st;
}

static tt_status fill(tt_search *s)
{
	tt_suggestion g;
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < s->o.slots; i++) {
		if (s->slot[i].used)
			continue;
		if ((st = search_next(s, &g)) != TT_OK || g.trial < 0)
			return st;
		st = start(s, &g, &s->slot[i]);
	}
	return st;
}

/* ---- end ---- */

tt_status drive_crashed(tt_search *s, int64_t trial, const char *why)
{
	struct known *k = &s->known[trial];
	tt_status st = event_lost(s, trial, why);

	if (st != TT_OK)
		return st;
	if (++k->crashes >= s->o.tries)
		st = event_end(s, trial, TT_TRIAL_FAILED, NULL);
	else
		st = search_enqueue(s, trial);
	search_hear(s, TT_SEARCH_LOST, trial, why);
	return st;
}

static void say_why(tt_search *s, const struct slot *l, int code, char out[400])
{
	char words[200] = "", *dir = NULL;

	if (tt_search_trial_dir(s, l->trial, &dir) == TT_OK)
		job_last_words(dir, words);
	if (l->late)
		snprintf(out, 400, "no end within %g seconds", s->o.timeout);
	else if (code > 128)
		snprintf(out, 400, "ended by SIG%s%s%s", sigabbrev_np(code - 128) ? sigabbrev_np(code - 128)
		         : "?", *words ? ": " : "", words);
	else
		snprintf(out, 400, "exit code %d%s%s", code, *words ? ": " : "", words);
	mem_free(dir);
}

/* It has ended well, and said nothing that counts: it would again. */
static tt_status without_metric(tt_search *s, struct slot *l)
{
	char why[400];
	tt_status st;

	snprintf(why, sizeof why, "it printed no line %s=NUMBER%s%s", s->name[0],
	         l->lines.seen.len ? ", but " : "", l->lines.seen.len ? l->lines.seen.p : "");
	if ((st = event_lost(s, l->trial, why)) == TT_OK)
		st = event_end(s, l->trial, TT_TRIAL_FAILED, NULL);
	search_hear(s, TT_SEARCH_LOST, l->trial, why);
	return st;
}

/* Of who looks for nothing but the time it takes. */
static tt_status end_by_time(tt_search *s, const struct slot *l)
{
	const double seconds = s->known[l->trial].seconds + thread_seconds() - l->job.began;

	return event_end(s, l->trial, TT_TRIAL_COMPLETED, &seconds);
}

static tt_status conclude(tt_search *s, struct slot *l, int code)
{
	char why[400];

	if (l->verdict != TT_GO_ON)             /* it was to end */
		return TT_OK;
	if (code == 0 && !l->late && s->o.n_objectives == 1 && strcmp(s->name[0], "seconds") == 0 &&
	    !s->known[l->trial].step)
		return end_by_time(s, l);
	if ((code == 0 || code == NOTHING_LEFT) && !l->late)
		return s->known[l->trial].step ? event_end(s, l->trial, TT_TRIAL_COMPLETED, NULL) :
		       without_metric(s, l);
	say_why(s, l, code, why);
	if (code == JOB_CANNOT || code == JOB_CANNOT + 1)
		return err_set(TT_EINVAL, "trial %lld: %s", (long long)l->trial, why);
	return drive_crashed(s, l->trial, why);
}

static void give_back(tt_search *s, struct slot *l)
{
	s->known[l->trial].seconds += thread_seconds() - l->job.began;
	job_close(&l->job);
	lines_release(&l->lines);
	l->used = 0;
	s->running--;
}

static tt_status look(tt_search *s, struct slot *l)
{
	const double now = thread_seconds();
	const enum tt_verdict before = l->verdict;
	int code, over = job_ended(&l->job, &code);
	tt_status st;

	read_output(l);                         /* all of it, if it has ended */
	if (over)
		lines_finish(&l->lines, take_report, l);
	st = l->st;
	if (over) {
		if (st == TT_OK)
			st = conclude(s, l, code);
		give_back(s, l);
		return st;
	}
	if (s->o.timeout > 0 && now - l->job.began > s->o.timeout && before == TT_GO_ON)
		l->late = 1;
	if (l->late || l->verdict != TT_GO_ON)
		job_end(&l->job, now);
	return st;
}

/* ---- the loop ---- */

/* Until a process has ended, or a moment has gone by. */
static void wait_a_moment(tt_search *s, struct pollfd *p)
{
	int n = 0;

	for (int i = 0; i < s->o.slots; i++)
		if (s->slot[i].used && s->slot[i].job.pidfd >= 0)
			p[n++] = (struct pollfd){ .fd = s->slot[i].job.pidfd, .events = POLLIN };
	poll(p, (nfds_t)n, TICK_MS);
	search_hear(s, TT_SEARCH_TICK, -1, NULL);
}

static tt_status look_at_all(tt_search *s)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < s->o.slots; i++)
		if (s->slot[i].used)
			st = look(s, &s->slot[i]);
	return st;
}

/* They may write a checkpoint.  What they said meanwhile is read when they run again. */
static void end_all(tt_search *s, struct pollfd *p)
{
	while (s->running) {
		for (int i = 0; i < s->o.slots; i++) {
			struct slot *l = &s->slot[i];
			int code;

			if (!l->used)
				continue;
			job_end(&l->job, thread_seconds());
			if (job_ended(&l->job, &code))
				give_back(s, l);
		}
		if (s->running)
			wait_a_moment(s, p);
	}
}

static tt_status turn(tt_search *s, struct pollfd *p)
{
	tt_status st;

	if (s->o.stop && s->o.stop(s->o.ctx))
		return err_set(TT_ESTOPPED, "stopped");
	if ((st = fill(s)) != TT_OK)
		return st;
	journal_sync(&s->journal, 0);
	if (s->running)
		wait_a_moment(s, p);
	return look_at_all(s);
}

tt_status drive_processes(tt_search *s)
{
	struct pollfd *p = mem_calloc((size_t)s->o.slots, sizeof *p);
	char why[ERR_MAX];
	tt_status st = TT_OK;

	if (!p)
		return TT_ENOMEM;
	while (st == TT_OK && !(s->done && !s->running && !s->queued))
		st = turn(s, p);
	if (st != TT_OK) {
		snprintf(why, sizeof why, "%s", tt_last_error());
		end_all(s, p);
		err_set(st, "%s", why);
	}
	mem_free(p);
	return st;
}
