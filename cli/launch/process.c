#include "launch/process.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/exit.h"
#include "kit/stop.h"
#include "launch/monitor.h"

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

/* ---- signals ---- */

static void (*pass)(int sig, int again);
static volatile sig_atomic_t told;

static void hear(int sig)
{
	const int again = told != 0;

	told = sig;
	if (pass)
		pass(sig, again);
}

void process_pass_signals(void (*pass_on)(int sig, int again))
{
	pass = pass_on;
	stop_handle(pass_on ? hear : SIG_DFL, 0);
}

int process_signal(void) { return (int)told; }

/* ---- a process ---- */

static void become(const struct argv *command, struct process_streams s)
{
	const int fd[] = { s.in, s.out, s.err };

	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			dup2(fd[i], i);
	if (s.group == PROCESS_APART)
		setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	setenv(EAR_LISTENS, "1", 1);
	execvp(command->v[0], (char *const *)(uintptr_t)command->v);
	fprintf(stderr, "%s: %s%s\n", command->v[0], strerror(errno), errno == ENOENT
	        ? "; --hosts needs the launcher of an MPI library, such as openmpi-bin's, or "
	          "--launcher ssh" : "");
	_exit(EXIT_FAILED);
}

tt_status process_start(const struct argv *command, struct process_streams s, pid_t *pid)
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

int process_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

void process_kill(pid_t pid)
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
