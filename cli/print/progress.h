/* progress.h -- what a person sees while a run is under way.
 *
 * On a terminal: one line that is drawn over and over, with a bar.  Elsewhere: a line every few
 * seconds.  Either way one line per epoch that stays.  All of it on stderr. */
#ifndef PRINT_PROGRESS_H
#define PRINT_PROGRESS_H

#include <tutti/train.h>

enum progress_talk { PROGRESS_TALK, PROGRESS_QUIET };

struct progress {
	enum progress_talk talk;
	int         terminal, utf8;
	double      last_shown;      /* when the moving line was written               */
	int         drawn;           /* a moving line stands on the terminal           */
	int         epoch_ended;     /* its line is still to be written                */
	int         validated;       /* since the last such line                       */
	tt_progress now;             /* the newest numbers                             */
};

void progress_init(struct progress *p, enum progress_talk talk);

/* Is stderr a terminal on which a line can be drawn again? */
int progress_terminal(void);

/* The event of a tt_observer; ctx is the struct progress. */
tt_status progress_event(void *ctx, const tt_observation *o);

/* Write what is still to be written, so that something else may follow. */
void progress_finish(struct progress *p);

#endif
