#include "train/track.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tutti/run.h>

#include "base/file.h"
#include "kit/table.h"

static const char *variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* In a line of its own, whatever is drawn there. */
static void say(void *ctx, const char *text)
{
	struct run *r = ctx;

	progress_finish(&r->progress);
	text_printf(stderr, "%s\n", text);
}

/* A run that was tracked is not silently tracked no longer. */
static void tell_untracked(const struct run *r)
{
	char *path = NULL;

	if (r->resume && !r->args->common.quiet &&
	    tt_run_path(r->dir, TT_RUN_TRACK, &path) == TT_OK && file_exists(path))
		fprintf(stderr, "a server was told of this run before (%s): --track goes on with it\n",
		        path);
	tt_free(path);
}

tt_status track_open(struct run *r)
{
	const struct passwd *who = getpwuid(getuid());

	if (!r->args->track) {
		tell_untracked(r);
		return r->args->experiment ? err_set(TT_EINVAL, "--experiment: is one of the server that "
		                                     "--track names") : TT_OK;
	}
	return tt_tracker_open(&r->tracker, r->file.spec, TT_TRACKER_OPTS(
		.uri = r->args->track, .run_dir = r->dir, .experiment = r->args->experiment,
		.owner = who ? who->pw_name : NULL, .token = variable("MLFLOW_TRACKING_TOKEN"),
		.user = variable("MLFLOW_TRACKING_USERNAME"),
		.password = variable("MLFLOW_TRACKING_PASSWORD"),
		.ca_file = variable("MLFLOW_TRACKING_SERVER_CERT_PATH"), .say = say, .ctx = r));
}

tt_status track_observe(struct run *r)
{
	tt_observer o = TT_SIZED(tt_observer);
	tt_status st = TT_OK;

	if (!r->tracker || (st = tt_tracker_observer(r->tracker, &o)) != TT_OK)
		return r->tracker ? st : TT_OK;
	return tt_trainer_observe(r->trainer, &o);
}

void track_close(struct run *r)
{
	tt_tracker_end e = TT_SIZED(tt_tracker_end);

	if (!r->tracker || tt_tracker_close(&r->tracker, &e) != TT_OK)
		return;
	if (e.unsent || e.files_unsent || (e.run[0] && !e.told))
		text_printf(stderr, "track: not sent: %lld of %lld numbers, %d of %d files%s; %s has them "
		            "(%s)\n", (long long)e.unsent, (long long)(e.sent + e.unsent), e.files_unsent,
		            e.files + e.files_unsent, e.told ? "" : ", how the run ended", r->dir, e.why);
	else if (e.run[0] && !r->args->common.quiet)
		text_printf(stderr, "track: run %s of %s has %lld numbers and %d files\n", e.run,
		            r->args->track, (long long)e.sent, e.files);
}
