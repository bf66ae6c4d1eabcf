/* late.c -- what a trial printed when nobody listened: its search had died, or told it to end. */
#include <unistd.h>

#include "base/mem.h"
#include "lab/pool/state.h"

/* What it printed and nobody read: all attempts append to one file. */
struct late { tt_search *s; int64_t trial; enum tt_verdict verdict; tt_status st; };

static void take_late(void *ctx, const struct lines_report *r)
{
	struct late *l = ctx;

	if (l->st == TT_OK && l->verdict == TT_GO_ON)
		l->st = event_tell(l->s, l->trial, r, &l->verdict);
}

tt_status search_read_late(tt_search *s, int64_t trial, enum tt_verdict *verdict)
{
	struct late late = { s, trial, TT_GO_ON, TT_OK };
	struct lines lines = { .name = s->name, .n = s->o.n_objectives };
	struct job j = { .pidfd = -1, .out = -1 };
	char text[16384], *dir;
	ssize_t n;
	tt_status st = tt_search_trial_dir(s, trial, &dir);

	if (st != TT_OK)
		return st;
	st = job_open_output(&j, dir, s->known[trial].at);
	while (st == TT_OK && j.out >= 0 && (n = read(j.out, text, sizeof text)) > 0)
		lines_take(&lines, text, (size_t)n, take_late, &late);
	job_close(&j);
	lines_release(&lines);
	mem_free(dir);
	*verdict = late.verdict;
	return st == TT_OK ? late.st : st;
}
