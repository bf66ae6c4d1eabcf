/* tell.h -- what a search says: while it is under way, and when it has ended. */
#ifndef TUNE_TELL_H
#define TUNE_TELL_H

#include "tune/plan.h"

struct tell {
	const struct plan *plan;
	tt_study          *study;
	const char        *picture;             /* once it is drawn            */
	int64_t            failed;
	int                terminal, drawn;     /* a moving line stands there  */
	double             shown;               /* when it was drawn           */
};

void      tell_init(struct tell *t, const struct plan *p, tt_study *s);
void      tell_news(struct tell *t, const tt_search_news *n);
void      tell_clear(struct tell *t);           /* something else may be printed */
/* The best trials, the command of the best, what each parameter explains and a picture of it all in
 * study.svg; JSON with --json. */
tt_status tell_end(struct tell *t, const char *outcome);

#endif
