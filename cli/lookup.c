/* lookup.c -- a verb by its name, an exit code by what happened. */
#include "verbs.h"

#include <string.h>

#define MAX_VERBS 32

const struct exit_row exit_rows[] = {
	{ TT_EXIT_GOOD,    "good" },
	{ TT_EXIT_FAILED,  "failed" },
	{ TT_EXIT_USAGE,
	  "wrong usage, a host without an address, or a spec that cannot be understood" },
	{ TT_EXIT_AGAIN,   "try again: memory was lacking, or another worker" },
	{ TT_EXIT_NOTHING, "nothing to do: the run was complete already" },
	{ TT_EXIT_SIGNAL,  "128 + n: stopped by signal n (130 SIGINT, 143 SIGTERM), checkpoint first" },
	{ 0, NULL },
};

static const struct { tt_status st; int code; } exit_of[] = {
	{ TT_OK,        TT_EXIT_GOOD },
	{ TT_EINVAL,    TT_EXIT_USAGE },
	{ TT_ESPEC,     TT_EXIT_USAGE },
	{ TT_ENOMEM,    TT_EXIT_AGAIN },
	{ TT_ETIMEDOUT, TT_EXIT_AGAIN },
	{ TT_EPEER,     TT_EXIT_AGAIN },
};

int exits_code(tt_status st)
{
	for (size_t i = 0; i < sizeof exit_of / sizeof *exit_of; i++)
		if (exit_of[i].st == st)
			return exit_of[i].code;
	return TT_EXIT_FAILED;
}

tt_status verbs_find(const struct verb *const *all, const char *name, const struct verb **out)
{
	const char *names[MAX_VERBS + 1] = { NULL };
	const char *near;

	for (int i = 0; all[i] && i < MAX_VERBS; i++) {
		names[i] = all[i]->name;
		if (strcmp(names[i], name) == 0) {
			*out = all[i];
			return TT_OK;
		}
	}
	near = str_nearest(name, names);
	if (near)
		return err_set(TT_EINVAL, "no verb '%s'; did you mean '%s'?", name, near);
	return err_set(TT_EINVAL, "no verb '%s'; `tutti help` lists them", name);
}
