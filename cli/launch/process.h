/* process.h -- processes that the launcher starts, and the signals that it passes on to them. */
#ifndef LAUNCH_PROCESS_H
#define LAUNCH_PROCESS_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* A command line that grows; room for what its maker has asked for. */
struct argv { struct arena *arena; const char **v; int n; };
tt_status argv_init(struct argv *out, struct arena *a, int room);
void      argv_add(struct argv *out, const char *word);   /* NULL: out of memory; seen later */

/* in, out, err: what its standard streams are; -1: ours.  PROCESS_APART: what is typed at our
 * terminal reaches it by us alone. */
enum process_group { PROCESS_WITH_US, PROCESS_APART };
struct process_streams { int in, out, err; enum process_group group; };
tt_status process_start(const struct argv *command, struct process_streams s, pid_t *pid);
/* Its exit code, or 128 and the signal, of waitpid's status. */
int       process_code(int status);
/* End it by force, and what it has started here: ways to other machines may hang. */
void      process_kill(pid_t pid);

/* Signals belong to the process.  Each that asks us to end is remembered, and handed to whoever is
 * to pass it on; NULL: nobody is, and they do again what they did. */
void      process_pass_signals(void (*pass_on)(int sig, int again));
/* The signal that we were asked to end by, or 0. */
int       process_signal(void);

#endif
