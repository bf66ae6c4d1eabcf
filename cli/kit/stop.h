/* stop.h -- SIGINT, SIGTERM and SIGHUP ask a trainer to checkpoint and leave.
 *
 * The first signal ends what is being prepared (stop_asked) or calls tt_trainer_stop; a second
 * SIGINT leaves at once.  One trainer at a time: signals belong to the process, so this is its one
 * piece of global state. */
#ifndef KIT_STOP_H
#define KIT_STOP_H

#include <tutti/train.h>

void stop_install(void);             /* before a trainer is made: until stop_tell, what does not end
                                        by itself soon after a signal is left as it stands */
void stop_made(const char *folder, const char *above);       /* then: these go, too; NULL: none */
void stop_tell(tt_trainer *t);       /* the trainer is there: tell it      */
void stop_remove(void);              /* before the trainer is freed: what comes from then on is
                                        noted, and ends nothing that is being closed */
int  stop_signal(void);              /* the signal that came, or 0         */
int  stop_asked(void *unused);       /* has one come?  For tt_trainer_opts */

#endif
