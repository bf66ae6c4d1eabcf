#include "print/doing.h"

#include <stdatomic.h>
#include <stdio.h>

#include <tutti/runtime.h>

#include "kit/clock.h"
#include "kit/table.h"

#define QUIET_SECONDS  1.0       /* before the first line      */
#define REDRAW_SECONDS 0.1       /* on a terminal              */
#define LINE_SECONDS   10.0      /* between lines in a log     */

static struct {
	atomic_flag busy;            /* several threads may be at something: one of them is shown */
	double      since, shown;    /* since 0: nothing is under way                             */
	int         drawn, terminal;
} now = { .busy = ATOMIC_FLAG_INIT };

static void show(const char *what, double t)
{
	char took[NUMBER_TEXT];

	fprintf(stderr, now.terminal ? "\r%s  %s\033[K" : "%s  %s\n", what,
	        text_time(t - now.since, took));
	fflush(stderr);
	now.drawn = now.terminal;
	now.shown = t;
}

static void is_over(void)
{
	if (now.drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	now.drawn = 0;
	now.since = now.shown = 0;
}

static void tell(void *ctx, const char *what)
{
	const double t = clock_seconds();

	(void)ctx;
	if (atomic_flag_test_and_set(&now.busy))
		return;
	if (!what)
		is_over();
	else if (now.since <= 0)
		now.since = t;
	else if (t - now.since > QUIET_SECONDS &&
	         t - now.shown > (now.terminal ? REDRAW_SECONDS : LINE_SECONDS))
		show(what, t);
	atomic_flag_clear(&now.busy);
}

void doing_show(enum progress_talk talk)
{
	now.terminal = progress_terminal();
	tt_runtime_set(talk == PROGRESS_QUIET ? NULL : TT_RUNTIME(.doing = tell));
}
