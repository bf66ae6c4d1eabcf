#include "distribute/launch/child.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/launch.h>

#include "distribute/launch/monitor.h"

/* ---- a command line ---- */

tt_status argv_init(struct argv *out, struct arena *a, int room)
{
	const char **v = arena_alloc(a, (size_t)(room + 1) * sizeof *v);

	if (!v)
		return TT_ENOMEM;
	*out = (struct argv){ .arena = a, .v = v };
	return TT_OK;
}

void argv_add(struct argv *out, const char *word)
{
	out->v[out->n++] = word;
}

tt_status argv_end(struct argv *out)
{
	out->v[out->n] = NULL;
	for (int i = 0; i < out->n; i++)
		if (!out->v[i])
			return TT_ENOMEM;
	return TT_OK;
}

/* ---- signals ---- */

const int child_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, 0 };
#define SIGNALS (sizeof child_signals / sizeof *child_signals - 1)

static void (*volatile pass)(int sig, int again);
static volatile sig_atomic_t told;
static struct sigaction before[SIGNALS];

static void hear(int sig)
{
	const int again = told != 0;
	void (*const to)(int, int) = pass;

	if (!again)
		told = sig;
	if (to)
		to(sig, again);
}

/* Whoever started us may have them ignored (nohup): they stay so. */
void child_signals_take(void)
{
	const struct sigaction a = { .sa_handler = hear };

	told = 0;
	for (size_t i = 0; i < SIGNALS; i++)
		if (sigaction(child_signals[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
			sigaction(child_signals[i], &a, NULL);
}

void child_signals_pass(void (*pass_on)(int sig, int again)) { pass = pass_on; }

void child_signals_give_back(void)
{
	pass = NULL;
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(child_signals[i], &before[i], NULL);
}

int child_signal(void) { return (int)told; }

/* ---- a process ---- */

static void become(const struct argv *command, struct child_streams s)
{
	const int fd[] = { s.in, s.out, s.err };

	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			dup2(fd[i], i);
	if (s.group == CHILD_APART)
		setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	setenv(MONITOR_LISTENS, "1", 1);
	execvp(command->v[0], (char *const *)(uintptr_t)command->v);
	fprintf(stderr, "%s: %s%s\n", command->v[0], strerror(errno), errno == ENOENT
	        ? "; mpirun belongs to an MPI library, such as openmpi-bin's; --launcher ssh needs none"
	        : "");
	_exit(TT_EXIT_FAILED);
}

tt_status child_start(const struct argv *command, struct child_streams s, pid_t *pid)
{
	pid_t p;

	fflush(NULL);
	if ((p = fork()) < 0)
		return err_set(TT_ENOMEM, "%s cannot be started: %s", command->v[0], strerror(errno));
	if (p == 0)
		become(command, s);
	*pid = p;
	return TT_OK;
}

int child_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : TT_EXIT_SIGNAL + WTERMSIG(status);
}

void child_kill(pid_t pid)
{
	char path[64];
	FILE *f;
	int p;

	kill(pid, SIGSTOP);                  /* while there are children they are its own */
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &p) == 1)
		kill((pid_t)p, SIGKILL);
	if (f)
		fclose(f);
	kill(pid, SIGKILL);
}
