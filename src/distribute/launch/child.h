/* child.h -- processes that the launcher starts, and the signals that it passes on to them. */
#ifndef LAUNCH_CHILD_H
#define LAUNCH_CHILD_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* A command line that grows; room for what its maker has asked for. */
struct argv { struct arena *arena; const char **v; int n; };
tt_status argv_init(struct argv *out, struct arena *a, int room);
void      argv_add(struct argv *out, const char *word);   /* NULL: out of memory; seen at the end */
tt_status argv_end(struct argv *out);

/* in, out, err: what its standard streams are; -1: ours.  CHILD_APART: what is typed at our
 * terminal reaches it by us alone. */
enum child_group { CHILD_WITH_US, CHILD_APART };
struct child_streams { int in, out, err; enum child_group group; };
tt_status child_start(const struct argv *command, struct child_streams s, pid_t *pid);
/* Its exit code, or 128 and the signal, of waitpid's status. */
int       child_code(int status);
/* End it by force, and what it has started here: ways to other machines may hang. */
void      child_kill(pid_t pid);

/* ---- signals: they belong to the process ---- */

/* Those that ask workers to write a checkpoint and end, 0 at the end. */
extern const int child_signals[];
/* From here on each is remembered, and handed to whoever is to pass it on, if somebody is; until
 * they are given back, to do what they did before. */
void      child_signals_take(void);
void      child_signals_pass(void (*pass_on)(int sig, int again));
void      child_signals_give_back(void);
/* The first that came, or 0. */
int       child_signal(void);

#endif
