#include "train/tell.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/shell.h"
#include "kit/paths.h"
#include "kit/stop.h"
#include "kit/table.h"
#include "print/origins.h"
#include "print/json.h"
#include "print/summary.h"

#define LINE_MAX_SAID (ERR_MAX / 2)         /* a longer command does not fit into a message */

/* ", 1 thread", or of several workers ", 2 workers by allreduce, 1 thread each". */
static void say_workers(const struct run *r)
{
	const int workers = tt_trainer_progress(r->trainer)->workers, asked = r->facts.threads;
	int most, least;

	if (r->group)
		most = least = tt_group_threads(r->group, asked);
	else
		launch_threads(asked, workers, &most, &least);
	if (workers > 1)
		fprintf(stderr, ", %d workers by %s", workers, r->facts.strategy);
	if (least < most)
		fprintf(stderr, ", %d to", least);
	fprintf(stderr, "%s %d thread%s%s", least < most ? "" : ",", most, most == 1 ? "" : "s",
	        workers > 1 ? " each" : "");
}

void tell_start(const struct run *r)
{
	char n[NUMBER_TEXT];
	const struct facts *s = &r->facts;

	if (r->args->common.quiet || !run_is_first(r))
		return;
	text_printf(stderr, "%s: %s parameters, %d epoch%s, batch %d", s->name,
	            text_count((long long)tt_model_parameters(r->model), n), s->epochs,
	            s->epochs == 1 ? "" : "s", s->batch);
	if (s->micro_batch)
		fprintf(stderr, " (%d at once)", s->micro_batch);
	say_workers(r);
	text_printf(stderr, "; run folder %s\n", r->dir);
}

static struct summary summary_of(const struct run *r)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);

	return (struct summary){ p, r->dir, p->step - r->first_step };
}

static tt_status print_json(const struct run *r, const char *outcome)
{
	const struct summary s = summary_of(r);
	struct json j = { 0 };
	tt_status st;

	json_open(&j, NULL, '{');
	json_text(&j, "outcome", outcome);
	json_text(&j, "name", r->facts.name);
	json_text(&j, "run", r->dir);
	json_int(&j, "parameters", (int64_t)tt_model_parameters(r->model));
	st = summary_json(&s, r->arena, &j);
	if (r->origins)
		origins_json(r->origins, &j);
	json_close(&j, '}');
	if (st == TT_OK)
		return json_print(&j);
	json_release(&j);
	return st;
}

tt_status tell_trained(const struct run *r)
{
	const struct summary s = summary_of(r);

	return r->args->common.json ? print_json(r, "trained") : summary_print(&s, r->arena);
}

static void add_word(const char *word, struct str *s)
{
	str_add(s, " ");
	shell_add(s, word);
}

/* The command line that goes on with this run: the same, with its folder, and --resume.  These are
 * added behind it, so what follows a "--" is written as what it is, a file. */
static tt_status resume_line(const struct run *r, struct str *out)
{
	const struct words *line = r->line;
	int i = 1;

	str_add(out, "tutti");
	for (; i < line->n && strcmp(line->v[i], "--") != 0; i++)
		add_word(line->v[i], out);
	for (i++; i < line->n; i++) {
		str_add(out, line->v[i][0] == '-' ? " ./" : " ");
		shell_add(out, line->v[i]);
	}
	if (r->made_new) {
		str_add(out, " --run");
		add_word(r->dir, out);
	}
	if (!r->args->resume)
		str_add(out, " --resume");
	return str_status(out);
}

/* A command to paste must be whole: one too long for a message stands before it. */
static const char *said(struct str *line)
{
	if (line->len <= LINE_MAX_SAID)
		return line->p;
	fprintf(stderr, "%s\n", line->p);
	return "the line above";
}

/* "stopped by SIGHUP", if that is what came here.  Of several workers one need have heard it, and a
 * launcher that passes on two signals alone asks by one of these: who sent it says which. */
static const char *stopped(const struct run *r, char text[64])
{
	if (r->args->launched)
		return "stopped";
	if (!stop_signal())
		return "stopped by a signal to another worker";
	snprintf(text, 64, "stopped by SIG%s", sigabbrev_np(stop_signal()));
	return text;
}

/* The one whose number the exit code tells. */
static int ending_signal(void)
{
	return stop_signal() ? stop_signal() : SIGTERM;
}

tt_status tell_early_stop(const struct run *r, int *code)
{
	char why[64];

	*code = TT_EXIT_SIGNAL + ending_signal();
	return err_set(TT_ESTOPPED, "%s before the first step", stopped(r, why));
}

tt_status tell_stop(const struct run *r, int *code)
{
	const long long step = tt_trainer_progress(r->trainer)->step;
	char       why[64];
	struct str line = { 0 };
	tt_status  st = resume_line(r, &line);

	if (r->args->common.json && run_is_first(r))
		print_json(r, "stopped");
	*code = TT_EXIT_SIGNAL + ending_signal();
	if (st == TT_OK && (r->args->launched || r->args->folds))
		st = err_set(TT_ESTOPPED, "%s after step %lld", stopped(r, why), step);
	else if (st == TT_OK)
		st = err_set(TT_ESTOPPED, "%s after step %lld; go on with `%s`", stopped(r, why), step,
		             said(&line));
	str_release(&line);
	return st;
}

tt_status tell_nothing(const struct run *r, int *code)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);
	const int n = p->epochs;

	*code = TT_EXIT_NOTHING;
	if (!run_is_first(r))
		return TT_OK;
	if (!r->args->common.quiet && p->epoch < n)
		text_printf(stderr, "%s: nothing to do, an early stop ended it after epoch %d of %d (to go "
		            "on: a larger train.early_stop.patience)\n", r->dir, p->epoch, n);
	else if (!r->args->common.quiet)
		text_printf(stderr, "%s: nothing to do, %s%d epoch%s done (to go on: more of them, such as "
		            "-e %d)\n", r->dir, n == 1 ? "" : "all ", n, n == 1 ? " is" : "s are", 2 * n);
	return r->args->common.json ? print_json(r, "nothing to do") : TT_OK;
}

tt_status tell_workers(const struct run *r, int *code, tt_status st)
{
	const int   sig = *code > TT_EXIT_SIGNAL ? *code - TT_EXIT_SIGNAL : 0;
	const tt_status end = st == TT_OK ? TT_ESTOPPED : st;
	struct str  line = { 0 };
	const char *last;
	char        why[ERR_MAX];

	if (st == TT_OK && !sig)
		return TT_OK;
	if (st == TT_OK)
		snprintf(why, sizeof why, "stopped by SIG%s", sigabbrev_np(sig));
	else
		snprintf(why, sizeof why, "%s", tt_last_error());
	if (paths_last(r->arena, r->dir, &last) == TT_OK && !file_exists(last))
		err_set(end, "%s: nothing was trained", why);
	else if (st != TT_EINVAL && resume_line(r, &line) == TT_OK)
		err_set(end, "%s; go on, with any number of workers, by `%s`", why, said(&line));
	str_release(&line);
	return end;
}
