/* blame.c -- errors between ranks. */
#include <stdio.h>

#include "distribute/sync/team.h"
#include "learn/learner/learner_own.h"

tt_status blame_peer(tt_status st)
{
	char text[ERR_MAX];

	if (st != TT_EIO && st != TT_ETIMEDOUT)
		return st;
	snprintf(text, sizeof text, "%s", tt_last_error());
	return err_set(TT_EPEER, "%s", text);
}

void learner_give_up(struct learner *l, const char *why)
{
	if (l->opts.team)
		team_fail(l->opts.team, why);
	comm_abandon(l->opts.comm, why);
}

tt_status learner_blame(const struct learner *l, tt_status st)
{
	return l->opts.comm->fault.status != TT_OK ? blame_peer(st) : st;
}
