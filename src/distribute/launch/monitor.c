#include "distribute/launch/monitor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "distribute/launch/voice.h"
#include "sys/thread.h"
#include "distribute/launch/crew.h"
#include "distribute/launch/supervisor.h"

#define WORDS_SECONDS 4.0        /* after a worker has given up: all others have by then */
#define BLAME_SECONDS 10.0       /* after a death, beyond the timeout: the others have missed it */
#define START_SECONDS 20.0       /* beyond the timeout, for a worker on each host to come up */
/* A host is missed after so long.  Workers know more of who was lost and when: they speak first. */
#define SILENCE(timeout) (1.25 * (timeout) + 6)
#define AWAKE_SECONDS 1.0        /* a longer tick than that, and we were stopped in between */

struct launch_monitor_host {
	double heard;                /* when it last knocked; 0: never                           */
	int    mentioned;            /* by the launcher, which speaks of hosts only              */
	int    waited;               /* workers there that others did not start or end with      */
	int    answered;             /* when it was asked alone                                  */
};

tt_status launch_monitor_init(struct launch_monitor *e, const tt_launch *l,
                              struct launch_news *news, enum monitor_voice voice)
{
	*e = (struct launch_monitor){ .launch = l, .news = news, .began = time(NULL),
	                              .clock = thread_seconds(), .voice = voice,
	                              .streams = l->n_hosts + 1 };
	e->host = mem_calloc((size_t)l->n_hosts + 1, sizeof *e->host);
	e->stream = mem_calloc((size_t)e->streams, sizeof *e->stream);
	if (e->host && e->stream)
		return TT_OK;
	launch_monitor_release(e);
	return TT_ENOMEM;
}

void launch_monitor_release(struct launch_monitor *e)
{
	mem_free(e->host);
	mem_free(e->stream);
	e->host = NULL;
	e->stream = NULL;
}

void launch_monitor_tick(struct launch_monitor *e)
{
	const double clock = thread_seconds();

	e->now += fmin(clock - e->clock, AWAKE_SECONDS);
	e->clock = clock;
}

/* ---- words ---- */

static int host_of(const tt_launch *l, int rank)
{
	for (int i = 0; i < l->n_hosts; i++) {
		if (rank < l->host[i].slots)
			return i;
		rank -= l->host[i].slots;
	}
	return -1;
}

static int is_word_end(char c)
{
	return !c || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", c);
}

static int mentions(const char *line, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = line; (p = strstr(p, name)); p++)
		if ((p == line || is_word_end(p[-1])) && is_word_end(p[n]))
			return 1;
	return 0;
}

/* "rank 3 (host b, pid 411) was killed by SIGKILL": who is to blame, and how long are the others to
 * be waited for? */
static void hear_worker(struct launch_monitor *e, const char *line)
{
	const char *rank = strstr(line, "rank "), *verdict = strstr(line, "pid ");
	const int host = rank ? host_of(e->launch, atoi(rank + 5)) : -1;
	double wait = WORDS_SECONDS, end;

	if (host < 0 || !verdict || !(verdict = strstr(verdict, ") ")))
		return;
	if (strncmp(verdict, ") was killed", 12) == 0)
		wait = e->launch->timeout + BLAME_SECONDS;
	end = e->now + wait;
	e->end = e->end > 0 && e->end < end ? e->end : end;
	e->news->complaints++;
	/* Who waits is not who is missed, and numbers that overflow are nobody's fault; who gives up is
	 * there, and has said why. */
	if (strncmp(verdict, ") gave up", 9) == 0)
		e->news->failures++;
	else if (strstr(verdict, "in vain"))
		e->host[host].waited++;
	else if (!strstr(verdict, "not finite"))
		e->news->accused[host]++;
}

/* A launcher may put the worker's name before each line. */
static int is_knock(struct launch_monitor *e, const char *line)
{
	const char *p = strstr(line, GUARD_KNOCK);
	const int host = p ? host_of(e->launch, atoi(p + strlen(GUARD_KNOCK))) : -1;

	if (host >= 0)
		e->host[host].heard = e->now;
	e->knocked += host >= 0;
	return p != NULL;
}

static int is_place(struct launch_monitor *e, const char *line)
{
	const size_t n = strlen(CREW_ANSWER);

	if (strncmp(line, CREW_ANSWER, n) != 0)
		return 0;
	if (strlen(line + n) < sizeof e->place)
		memcpy(e->place, line + n, strlen(line + n) + 1);
	return 1;
}

/* At the first start a host without an address is a mistake of whoever named it: the end is near,
 * and what launchers say of it fills a screen. */
static int is_mistyped(const struct launch_monitor *e) { return *e->news->unknown != '\0'; }

static void pass_on(struct launch_monitor *e, struct monitor_stream *s)
{
	if (e->voice == MONITOR_ALOUD && !is_mistyped(e))
		voice_pass_on(e->launch, s->line + s->shown, s->n - s->shown);
	s->shown = s->n;
}

static void pass_char(const struct launch_monitor *e, char c)
{
	if (e->voice == MONITOR_ALOUD)
		voice_pass_on(e->launch, &c, 1);
}

void launch_monitor_flush(struct launch_monitor *e)
{
	for (int i = 0; i < e->streams; i++)
		pass_on(e, &e->stream[i]);
}

/* Workers that all stumble over the same thing say the same. */
static int is_repeated(struct launch_monitor *e, const struct monitor_stream *s)
{
	const int again = strcmp(s->line, e->said) == 0 && !s->shown;

	memcpy(e->said, s->line, s->n + 1);
	return again;
}

/* "ssh: Could not resolve hostname nosuchhost: Name or service not known", whoever started ssh. */
static void hear_ssh(struct launch_monitor *e, const char *line)
{
	static const char complaint[] = "Could not resolve hostname ";
	const char *name = strstr(line, complaint);

	if (!name || e->launch->starts > 1)
		return;
	name += sizeof complaint - 1;
	snprintf(e->news->unknown, sizeof e->news->unknown, "%.*s", (int)strcspn(name, ": \r"), name);
}

static void hear_words(struct launch_monitor *e, struct monitor_stream *s)
{
	const int worker = strncmp(s->line, "tutti ", 6) == 0;

	if (!worker)
		hear_ssh(e, s->line);
	if (!is_mistyped(e) && (!worker || !is_repeated(e, s))) {
		pass_on(e, s);
		pass_char(e, '\n');
	}
	if (worker) {
		hear_worker(e, s->line);
		return;
	}
	for (int i = 0; i < e->launch->n_hosts; i++)
		e->host[i].mentioned += mentions(s->line, e->launch->host[i].name);
}

static void hear_line(struct launch_monitor *e, struct monitor_stream *s)
{
	s->line[s->n] = '\0';
	if (!is_knock(e, s->line) && !is_place(e, s->line))
		hear_words(e, s);
	s->n = s->shown = 0;
}

static void hear_char(struct launch_monitor *e, struct monitor_stream *s, char c)
{
	if (c == '\n') {
		hear_line(e, s);
	} else if (s->n < sizeof s->line - 1) {
		s->line[s->n++] = c;
	} else {                             /* of a line so long only its begin matters */
		pass_on(e, s);
		pass_char(e, c);
	}
}

int launch_monitor_hear(struct launch_monitor *e, int stream, int fd)
{
	char buf[4096];
	const ssize_t n = read(fd, buf, sizeof buf);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	for (ssize_t i = 0; i < n; i++)
		hear_char(e, &e->stream[stream], buf[i]);
	return 1;
}

/* ---- silence ---- */

/* The first worker keeps a log: it is up, though a launcher may hide the knocks from us. */
static int has_new_log(const struct launch_monitor *e)
{
	struct stat s;

	return e->launch->o.log && stat(e->launch->o.log, &s) == 0 && s.st_mtime > e->began;
}

int launch_monitor_is_up(const struct launch_monitor *e)
{
	return e->knocked || has_new_log(e);
}

static double deadline_of(const struct launch_monitor *e, int host)
{
	const double heard = e->host[host].heard, timeout = e->launch->timeout;

	return heard > 0 ? heard + SILENCE(timeout) : timeout + START_SECONDS;
}

enum monitor_silence launch_monitor_missed(const struct launch_monitor *e)
{
	int late = 0;

	for (int i = 0; i < e->launch->n_hosts; i++)
		late += e->launch->host[i].slots && e->now > deadline_of(e, i);
	if (!late || (!e->knocked && launch_monitor_is_up(e)))
		return MONITOR_WELL;
	return e->knocked ? MONITOR_SILENCE : MONITOR_START;
}

void launch_monitor_answered(struct launch_monitor *e, int host)
{
	e->host[host].answered = 1;
}

/* Hosts are cut off together, and missed one after the other. */
static int is_there(const struct launch_monitor *e, int host)
{
	const double heard = e->host[host].heard, patience = SILENCE(e->launch->timeout) / 2;

	return e->host[host].answered || (heard > 0 && e->now < heard + patience);
}

/* Of hosts that divide into those that are there and those that are not, the fewer are to blame:
 * the others' links are more likely to be well.  Returns how many were named. */
static int name_fewer(const struct launch_monitor *e,
					  int (*there)(const struct launch_monitor *e, int host), const char *cut,
					  const char *absent)
{
	const tt_launch *l = e->launch;
	int silent = 0, hosts = 0, named = 0;

	for (int i = 0; i < l->n_hosts; i++) {
		hosts += l->host[i].slots > 0;
		silent += l->host[i].slots > 0 && !there(e, i);
	}
	if (!silent || silent == hosts)
		return 0;
	for (int i = 0; i < l->n_hosts; i++) {
		if (!l->host[i].slots || (2 * silent > hosts) != there(e, i))
			continue;
		e->news->accused[i]++;
		named++;
		voice_say(l, "host %s %s", l->host[i].name, there(e, i) ? cut : absent);
	}
	return named;
}

void launch_monitor_name_silent(struct launch_monitor *e, enum monitor_silence s)
{
	const tt_launch *l = e->launch;
	int hosts = 0, answered = 0;

	e->news->complaints++;
	for (int i = 0; i < l->n_hosts; i++) {
		hosts += l->host[i].slots > 0;
		answered += e->host[i].answered;
	}
	if (s == MONITOR_START) {
		voice_say(l, "no worker has started within %g s; asked one by one, %d of %d hosts answer",
		           l->timeout + START_SECONDS, answered, hosts);
		name_fewer(e, is_there, "is cut off: more than half of the hosts do not answer it",
		           "cannot be reached: it does not answer");
	} else if (!name_fewer(e, is_there,
	                       "is cut off: more than half of the hosts say nothing to it",
	                       "cannot be reached: nothing was heard of it in time")) {
		voice_say(l, "nothing was heard of any host for %g s", SILENCE(l->timeout));
	}
}

/* ---- the end ---- */

static int has_waited(const struct launch_monitor *e, int host)
{
	return e->host[host].waited > 0;
}

/* If no worker has said anything, a launcher that complains of one host alone means that one.  The
 * MPI library does not say whom it waits for, at the start and at the end: it is who has not
 * complained. */
void launch_monitor_conclude(struct launch_monitor *e, int code)
{
	int one = -1, waited = 0;

	for (int i = 0; i < e->launch->n_hosts; i++) {
		waited += e->host[i].waited;
		if (e->host[i].mentioned)
			one = one == -1 ? i : -2;
	}
	if (code && waited == e->news->complaints)
		name_fewer(e, has_waited,
		           "is cut off: its workers wait for those of more than half of the hosts",
		           "cannot be reached: the others' workers wait for its own");
	if (code && !e->news->complaints && one >= 0)
		e->news->accused[one]++;
}
