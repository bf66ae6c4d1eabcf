/* stop.h -- SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 ask a trainer to checkpoint and leave.
 *
 * The first signal ends what is being prepared (stop_asked, and the process if that is not heeded
 * within a second) or calls tt_trainer_stop; a second SIGINT leaves at once.  One trainer at a
 * time: signals belong to the process, so this is its one piece of global state. */
#ifndef KIT_STOP_H
#define KIT_STOP_H

#include <tutti/train.h>

void stop_install(const char *who);  /* "tutti train", before anything is prepared */
/* Folders that go if a signal ends the process, where they hold no more than a lock; NULL: none. */
void stop_leaves(const char *folder, const char *above);
int  stop_prepared(void);            /* others hear signals from here on; 1: one came before */
void stop_tell(tt_trainer *t);       /* the trainer is there: tell it      */
void stop_remove(void);              /* before the trainer is freed: what comes from then on is
                                        noted, and ends nothing that is being closed */
int  stop_signal(void);              /* the signal that came, or 0         */
int  stop_asked(void *unused);       /* has one come?  For tt_trainer_opts */

#endif
