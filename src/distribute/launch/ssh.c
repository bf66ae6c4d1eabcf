#include "distribute/launch/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/shell.h"
#include "distribute/launch/crew.h"
#include "distribute/launch/secret.h"
#include "distribute/launch/voice.h"
#include "sys/thread.h"

#define LINE_WORDS    24         /* that stand beside the command                                 */
#define END_SECONDS   10.0       /* beyond the timeout, from a signal to the end                 */
#define DEATH_SECONDS 10.0       /* for the kernel to end what was killed; it may hang on a disk  */
#define WORDS_SECONDS 4.0        /* after a host could not be reached, for what is still said     */
#define SOON_SECONDS  0.5        /* likewise, where no worker has anything to save                */
#define ASK_SECONDS   20.0       /* for hosts to answer what they are                             */
#define DRAIN_READS   64         /* of what is still in the pipe of who has ended                 */
#define SSH_FAILED    255        /* ssh's own exit code                                           */

/* ---- the command ---- */

static int is_here(const char *host)
{
	char own[256] = "";

	gethostname(own, sizeof own - 1);
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, own) == 0;
}

static int first_rank(const tt_launch *l, int host)
{
	int rank = 0;

	for (int i = 0; i < host; i++)
		rank += l->host[i].slots;
	return rank;
}

/* What follows the command line's own words. */
static void add_place(const tt_launch *l, int host, struct argv *out)
{
	argv_add(out, "--rendezvous");
	argv_add(out, "-");
	argv_add(out, "--rank");
	argv_add(out, arena_printf(out->arena, "%d", first_rank(l, host)));
	argv_add(out, "--world");
	argv_add(out, arena_printf(out->arena, "%d", l->workers));
	argv_add(out, "--local");
	argv_add(out, arena_printf(out->arena, "%d", l->host[host].slots));
}

/* In the same folder, and instead of the shell. */
static const char *remote_line(const struct argv *line)
{
	char folder[4096] = ".";
	const char *out = NULL;
	struct str s = { 0 };

	if (!getcwd(folder, sizeof folder))
		snprintf(folder, sizeof folder, ".");
	str_add(&s, "cd ");
	shell_add(&s, folder);
	str_add(&s, " && exec");
	for (int i = 0; i < line->n; i++) {
		str_add(&s, " ");
		if (line->v[i])
			shell_add(&s, line->v[i]);
	}
	if (str_status(&s) == TT_OK)
		out = arena_strdup(line->arena, s.p);
	str_release(&s);
	return out;
}

static void add_program(struct argv *out)
{
	const char *named = getenv("TUTTI_SSH");

	if (named && *named) {
		argv_add(out, named);
		return;
	}
	argv_add(out, "ssh");
	argv_add(out, "-T");
	argv_add(out, "-oBatchMode=yes");        /* nobody is there to be asked */
	argv_add(out, "-oConnectTimeout=15");
}

tt_status ssh_line(const tt_launch *l, const struct argv *command, int i, struct argv *out)
{
	struct argv words;
	tt_status st;

	if ((st = argv_init(&words, command->arena, command->n + LINE_WORDS)) != TT_OK ||
	    (st = argv_init(out, command->arena, command->n + LINE_WORDS)) != TT_OK ||
	    i >= l->n_hosts)
		return st;
	for (int k = 0; k < command->n; k++)
		argv_add(&words, command->v[k]);
	add_place(l, i, &words);
	if (is_here(l->host[i].name)) {
		*out = words;
	} else {
		add_program(out);
		argv_add(out, l->host[i].name);
		argv_add(out, remote_line(&words));
	}
	return argv_end(out);
}

/* ---- who is started ---- */

struct remote {
	pid_t pid;                       /* 0: has ended, or never was */
	int   in, err;                   /* pipes; -1: closed          */
	int   code;
};

struct crowd {
	const tt_launch      *launch;
	struct launch_monitor monitor;
	struct secret         secret;
	struct remote        *remote;    /* [hosts] */
	int                   n, placed; /* placed: the others know where to meet */
	int                   ended;     /* by us                                 */
	void                (*pipe)(int);        /* what SIGPIPE did before       */
};

/* Signals are for the process, and so is what their handler needs. */
static struct { int n, in[4096]; pid_t pid[4096]; } hands;

static void pass_on(int sig, int again)
{
	char word[] = CREW_STOP "00\n";       /* nothing in a handler formats numbers */

	word[sizeof CREW_STOP - 1] = (char)('0' + sig / 10);
	word[sizeof CREW_STOP] = (char)('0' + sig % 10);

	for (int i = 0; i < hands.n; i++) {
		if (hands.in[i] >= 0 && write(hands.in[i], word, strlen(word)) < 0)
			hands.in[i] = -1;
		if (again && hands.pid[i] > 0)
			kill(hands.pid[i], sig);
	}
}

static void say(struct remote *r, const char *word, const char *rest, size_t n)
{
	char line[CREW_PLACE + SECRET_MAX + 32];
	const int len = snprintf(line, sizeof line, "%s%.*s\n", word, (int)n, rest);

	if (r->in >= 0 && write(r->in, line, (size_t)len) != len) {
		close(r->in);                /* it has ended, which is seen elsewhere */
		r->in = -1;
	}
	explicit_bzero(line, sizeof line);
}

static tt_status start_one(struct crowd *c, int host, const struct argv *line)
{
	struct remote *r = &c->remote[host];
	struct argv command;
	int in[2] = { -1, -1 }, err[2] = { -1, -1 };
	tt_status st = ssh_line(c->launch, line, host, &command);

	if (st != TT_OK)
		return st;
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		st = err_set(TT_EIO, "no pipe for %s: %s", command.v[0], strerror(errno));
	else
		st = child_start(&command, (struct child_streams){ in[0], -1, err[1],
		                                                           CHILD_APART }, &r->pid);
	close(in[0]);
	close(err[1]);
	r->in = in[1];
	r->err = err[0];
	if (st == TT_OK) {
		hands.in[host] = r->in;
		hands.pid[host] = r->pid;
		say(r, CREW_SECRET, (const char *)c->secret.bytes, c->secret.n);
	}
	return st;
}

static tt_status start_all(struct crowd *c, const struct argv *line)
{
	const tt_launch *l = c->launch;
	tt_status st = secret_make(&c->secret);

	if (!(c->remote = mem_calloc((size_t)l->n_hosts, sizeof *c->remote)))
		return TT_ENOMEM;
	c->n = hands.n = l->n_hosts;
	for (int i = 0; i < c->n; i++) {
		c->remote[i].in = c->remote[i].err = hands.in[i] = -1;
		hands.pid[i] = 0;
	}
	child_signals_pass(pass_on);
	for (int i = 0; i < c->n && st == TT_OK; i++)
		if (l->host[i].slots)
			st = start_one(c, i, line);
	return st;
}

/* ---- waiting, with an end ---- */

static void hear_one(struct crowd *c, int host)
{
	struct remote *r = &c->remote[host];

	if (launch_monitor_hear(&c->monitor, host, r->err))
		return;
	close(r->err);
	r->err = -1;
}

/* What is still in the pipe of who has ended says why; who is left there may write for ever. */
static void hear_last_words(struct crowd *c, int host)
{
	const struct remote *r = &c->remote[host];

	for (int i = 0; i < DRAIN_READS && r->err >= 0; i++) {
		struct pollfd p = { .fd = r->err, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return;
		hear_one(c, host);
	}
}

/* A host that could not be reached will not be, and the others wait for it in vain. */
static void note_unreached(struct crowd *c, int host)
{
	struct launch_monitor *e = &c->monitor;
	const double end = e->now + WORDS_SECONDS;

	if (*e->news->unknown) {             /* its name is wrong, and no other will be right */
		e->end = e->now + SOON_SECONDS;
		return;
	}
	if (c->remote[host].code != SSH_FAILED || is_here(c->launch->host[host].name) || c->ended)
		return;
	voice_say(c->launch, "host %s cannot be reached: ssh has ended with %d",
	           c->launch->host[host].name, SSH_FAILED);
	e->news->accused[host]++;
	e->news->complaints++;
	e->end = e->end > 0 && e->end < end ? e->end : end;
}

static int count_left(struct crowd *c)
{
	int left = 0, status;

	for (int i = 0; i < c->n; i++) {
		struct remote *r = &c->remote[i];

		if (r->pid && waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = hands.pid[i] = 0;
			r->code = child_code(status);
			hear_last_words(c, i);
			note_unreached(c, i);
		}
		left += r->pid > 0;
	}
	return left;
}

/* Rank 0's crew has said where it is: the others are told. */
static void hand_place_round(struct crowd *c)
{
	const char *place = c->monitor.place;

	if (c->placed || !*place)
		return;
	c->placed = 1;
	for (int i = 0, seen = 0; i < c->n; i++) {
		if (seen)
			say(&c->remote[i], CREW_RENDEZVOUS, place, strlen(place));
		seen += c->launch->host[i].slots > 0;
	}
}

/* The end of its input asks a crew on another machine to end; here a signal is sure. */
static void end_all(struct crowd *c)
{
	for (int i = 0; i < c->n; i++) {
		struct remote *r = &c->remote[i];

		hands.in[i] = -1;
		if (r->in >= 0)
			close(r->in);
		r->in = -1;
		if (r->pid)
			child_kill(r->pid);
	}
	c->ended = 1;
}

/* Is anything amiss?  Then patience has an end, and may be over. */
static void look_around(struct crowd *c)
{
	struct launch_monitor *e = &c->monitor;
	enum monitor_silence s;

	if (child_signal() && !e->end)
		e->end = e->now + (launch_monitor_is_up(e) && e->voice == MONITOR_ALOUD
		                   ? END_SECONDS + c->launch->timeout : SOON_SECONDS);
	if (!e->end && (s = launch_monitor_missed(e)) != MONITOR_WELL) {
		launch_monitor_name_silent(e, s);
		e->end = e->now;
		c->ended = 1;
	}
	if (e->end > 0 && e->now >= e->end)
		end_all(c);
}

static void hear_all(struct crowd *c, int wait_ms)
{
	struct pollfd *p = mem_calloc((size_t)c->n, sizeof *p);
	int news = 0;

	for (int i = 0; p && i < c->n; i++)
		p[i] = (struct pollfd){ .fd = c->remote[i].err, .events = POLLIN };
	if (p && poll(p, (nfds_t)c->n, wait_ms) > 0)
		for (int i = 0; i < c->n; i++)
			if (p[i].revents) {
				news = 1;
				hear_one(c, i);
			}
	if (!news)
		launch_monitor_flush(&c->monitor);
	mem_free(p);
}

/* What a host failed with by itself says more than that it lost another, or was not reached. */
static int code_of_all(const struct crowd *c)
{
	int code = 0;

	for (int i = 0; i < c->n; i++) {
		const int one = c->remote[i].code == SSH_FAILED ? TT_EXIT_AGAIN : c->remote[i].code;

		if (one && (!code || code == TT_EXIT_AGAIN))
			code = one;
	}
	return code;
}

static int attend(struct crowd *c)
{
	struct launch_monitor *e = &c->monitor;

	while (count_left(c) && !(c->ended && e->now > e->end + DEATH_SECONDS)) {
		launch_monitor_tick(e);
		look_around(c);
		hear_all(c, 100);
		hand_place_round(c);
	}
	hear_all(c, 0);
	launch_monitor_flush(e);
	if (!c->ended)
		return code_of_all(c);
	return child_signal() ? TT_EXIT_SIGNAL + child_signal() : TT_EXIT_AGAIN;
}

static void release(struct crowd *c)
{
	child_signals_pass(NULL);
	signal(SIGPIPE, c->pipe);
	hands.n = 0;
	for (int i = 0; i < c->n && c->remote; i++) {
		if (c->remote[i].in >= 0)
			close(c->remote[i].in);
		if (c->remote[i].err >= 0)
			close(c->remote[i].err);
	}
	mem_free(c->remote);
	explicit_bzero(&c->secret, sizeof c->secret);
	launch_monitor_release(&c->monitor);
}

static tt_status run(const tt_launch *l, const struct argv *line, struct launch_news *news,
                     enum monitor_voice voice, int *code)
{
	/* Who hears nothing any more has ended, and is missed. */
	struct crowd c = { .launch = l, .pipe = signal(SIGPIPE, SIG_IGN) };
	tt_status st = launch_monitor_init(&c.monitor, l, news, voice);

	if (st == TT_OK && (st = start_all(&c, line)) == TT_OK) {
		*code = attend(&c);
		launch_monitor_conclude(&c.monitor, *code);
	} else if (c.remote) {
		end_all(&c);
	}
	release(&c);
	return st;
}

tt_status ssh_run(const tt_launch *l, const struct argv *command, struct launch_news *news,
                  int *code)
{
	return run(l, command, news, MONITOR_ALOUD, code);
}

tt_status ssh_ask(const tt_launch *l, const struct argv *command, int *code)
{
	struct launch_news news = { .accused = mem_calloc((size_t)l->n_hosts + 1, sizeof(int)) };
	tt_launch quick = *l;
	tt_status st = news.accused ? TT_OK : TT_ENOMEM;

	quick.timeout = ASK_SECONDS / 4;
	if (st == TT_OK)
		st = run(&quick, command, &news, MONITOR_QUIET, code);
	mem_free(news.accused);
	return st;
}
