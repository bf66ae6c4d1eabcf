#include "print/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tutti/checkpoint.h>
#include <tutti/model.h>
#include <tutti/run.h>

#include "base/file.h"
#include "base/shell.h"
#include "kit/table.h"

/* ---- the two epochs ---- */

static double meta_number(const tt_checkpoint *c, const char *key)
{
	const char *text = tt_checkpoint_value(c, key);
	char *end;
	double v = text ? strtod(text, &end) : NAN;

	return text && end != text && !*end ? v : NAN;
}

static tt_status file_of(struct arena *a, const char *run, enum tt_run_file which,
                         const char **out)
{
	char *path = NULL;
	tt_status st = tt_run_path(run, which, &path);

	*out = NULL;
	if (st == TT_OK && file_exists(path) && !(*out = arena_strdup(a, path)))
		st = TT_ENOMEM;
	tt_free(path);
	return st;
}

tt_status summary_best(struct arena *a, const char *run, struct epoch_facts *out)
{
	tt_checkpoint *c = NULL;
	const char *file;
	double epoch;
	tt_status st = file_of(a, run, TT_RUN_BEST, &file);

	if (st == TT_OK && !file)
		return err_set(TT_ENOENT, "%s: no epoch was kept as the best", run);
	if (st != TT_OK || (st = tt_checkpoint_open(&c, file)) != TT_OK)
		return st;
	epoch = meta_number(c, "tutti.epoch");
	*out = (struct epoch_facts){
		.file = file, .epoch = epoch >= 0 && epoch < 1e9 ? (int)epoch : 0,
		.valid_accuracy = meta_number(c, "tutti.valid_accuracy"),
		.accuracy = meta_number(c, "tutti.train_accuracy"),
		.valid_loss = meta_number(c, "tutti.valid_loss"),
		.loss = meta_number(c, "tutti.train_loss"),
		.watched = meta_number(c, "tutti.best"),
	};
	tt_checkpoint_close(&c);
	return TT_OK;
}

static tt_status last_of(struct arena *a, const struct summary *s, struct epoch_facts *out)
{
	const tt_progress *p = s->progress;

	*out = (struct epoch_facts){
		.epoch = p->epoch < p->epochs ? p->epoch + 1 : p->epochs,
		.valid_accuracy = p->valid_accuracy, .accuracy = p->accuracy,
		.valid_loss = p->valid_loss, .loss = p->loss, .watched = p->watched,
	};
	return file_of(a, s->run, TT_RUN_LAST, &out->file);
}

/* ---- for people ---- */

/* The columns; a run has those of which its last epoch knows the number.  The first one is called
 * as what is watched. */
static const struct column {
	const char *head;
	size_t      at;
	int         percent;
} column[] = {
	{ NULL, offsetof(struct epoch_facts, watched), 0 },
	{ "valid accuracy", offsetof(struct epoch_facts, valid_accuracy), 1 },
	{ "train accuracy", offsetof(struct epoch_facts, accuracy), 1 },
	{ "valid loss", offsetof(struct epoch_facts, valid_loss), 0 },
	{ "train loss", offsetof(struct epoch_facts, loss), 0 },
};
#define COLUMNS (sizeof column / sizeof *column)

static double cell(const struct epoch_facts *e, const struct column *c)
{
	return *(const double *)((const char *)e + c->at);
}

static void add_epoch(struct table *t, const char *which, const struct epoch_facts *e,
                      const struct epoch_facts *last)
{
	struct str s = { 0 };
	char n[NUMBER_TEXT];

	str_addf(&s, "%s\t%d", which, e->epoch);
	for (size_t i = 0; i < COLUMNS; i++) {
		const double v = cell(e, &column[i]);

		if (isnan(cell(last, &column[i])))
			continue;
		if (isnan(v))
			str_add(&s, "\t-");
		else if (column[i].percent)
			str_addf(&s, "\t%.2f %%", 100 * v);
		else
			str_addf(&s, "\t%s", text_loss(v, n));
	}
	str_addf(&s, "\t%s", e->file ? e->file : "-");
	table_add(t, "%s", s.p ? s.p : "");
	str_release(&s);
}

static void print_epochs(const char *watched, const struct epoch_facts *best,
                         const struct epoch_facts *last)
{
	char align[COLUMNS + 4] = "lr";
	struct str head = { 0 };
	struct table t;
	size_t n = 2;

	str_add(&head, "\tepoch");
	for (size_t i = 0; i < COLUMNS; i++) {
		if (isnan(cell(last, &column[i])))
			continue;
		str_addf(&head, "\t%s", column[i].head ? column[i].head : watched);
		align[n++] = 'r';
	}
	str_add(&head, "\tcheckpoint");
	align[n] = 'l';
	table_init(&t, align);
	table_add(&t, "%s", head.p ? head.p : "");
	table_rule(&t);
	if (best)
		add_epoch(&t, "best", best, last);
	add_epoch(&t, "last", last, last);
	table_print(&t, stdout);
	table_release(&t);
	str_release(&head);
	putchar('\n');
}

/* The part of the time in steps that went into computing, not into waiting for others. */
static double efficiency(const tt_progress *p)
{
	return p->train_seconds > 0 ? 1 - p->exposed_seconds / p->train_seconds : NAN;
}

/* Have workers told one another anything?  Some only share memory, or train apart. */
static int has_talked(const tt_progress *p)
{
	return p->workers > 1 && p->bytes_sent > 0;
}

/* What talking cost: much of it is hidden behind computing, and waiting is for late ones, too. */
static void print_workers(const struct summary *s)
{
	const tt_progress *p = s->progress;
	const double steps = s->steps > 0 ? (double)s->steps : 1;
	char n[NUMBER_TEXT];

	if (!has_talked(p))
		return;
	printf("workers     %d; each sent %s bytes a step and talked for %.2f ms; computing waited for "
	       "%.2f ms\n", p->workers, text_count(llround((double)p->bytes_sent / steps), n),
	       1e3 * p->wire_seconds / steps, 1e3 * p->exposed_seconds / steps);
	printf("efficiency  %.1f %%: of %.2f ms a step the first worker computed for %.2f ms\n",
	       100 * efficiency(p), 1e3 * p->train_seconds / steps,
	       1e3 * (p->train_seconds - p->exposed_seconds) / steps);
}

/* Of an ensemble: each of its nets alone. */
static void print_members(const tt_progress *p)
{
	if (!p->members || isnan(p->member_accuracy[0]))
		return;
	printf("members    ");
	for (int i = 0; i < p->members; i++)
		printf(" %.2f %%%s", 100 * p->member_accuracy[i], i + 1 < p->members ? "," : "");
	printf(" in validation, each alone\n");
}

/* What can be pasted is what a shell reads as this folder. */
static void print_curves(const char *run)
{
	struct str s = { 0 };

	shell_add(&s, run);
	text_printf(stdout, "curves      %s/curves.svg, or: tensorboard --logdir %s\n", run,
	            s.p ? s.p : run);
	str_release(&s);
}

tt_status summary_print(const struct summary *s, struct arena *a)
{
	const tt_progress *p = s->progress;
	struct epoch_facts best, last;
	char n[NUMBER_TEXT], t[NUMBER_TEXT];
	tt_status st = last_of(a, s, &last);

	if (st != TT_OK)
		return st;
	print_epochs(p->monitor, summary_best(a, s->run, &best) == TT_OK ? &best : NULL, &last);
	print_members(p);
	if (p->mean_samples_per_second > 0)
		printf("speed       %s samples/s in steps; %s in all\n",
		       text_count(llround(p->mean_samples_per_second), n), text_time(p->seconds, t));
	print_workers(s);
	text_printf(stdout, "run         %s\n", s->run);
	print_curves(s->run);
	return TT_OK;
}

/* ---- for programs ---- */

static void json_best(const struct epoch_facts *e, struct json *j)
{
	json_int(j, "best_epoch", e->epoch);
	json_number(j, "best_loss", e->loss);
	json_number(j, "best_accuracy", e->accuracy);
	json_number(j, "best_valid_loss", e->valid_loss);
	json_number(j, "best_valid_accuracy", e->valid_accuracy);
}

static void json_workers(const tt_progress *p, struct json *j)
{
	json_int(j, "workers", p->workers);
	json_number(j, "wire_seconds", p->wire_seconds);
	json_number(j, "exposed_seconds", p->exposed_seconds);
	json_int(j, "bytes_sent", p->bytes_sent);
	json_number(j, "train_seconds", p->train_seconds);
	json_number(j, "efficiency", has_talked(p) ? efficiency(p) : NAN);
	if (!p->members)
		return;
	json_open(j, "member_accuracy", '[');
	for (int i = 0; i < p->members; i++)
		json_number(j, NULL, p->member_accuracy[i]);
	json_close(j, ']');
}

tt_status summary_json(const struct summary *s, struct arena *a, struct json *j)
{
	const tt_progress *p = s->progress;
	struct epoch_facts best, last;
	tt_status st = last_of(a, s, &last);
	const int has_best = st == TT_OK && summary_best(a, s->run, &best) == TT_OK;

	if (st != TT_OK)
		return st;
	json_text(j, "checkpoint", has_best ? best.file : last.file);
	json_int(j, "epochs", p->epochs);
	json_int(j, "step", p->step);
	json_int(j, "steps", p->steps);
	json_number(j, "loss", p->loss);
	json_number(j, "accuracy", p->accuracy);
	json_number(j, "valid_loss", p->valid_loss);
	json_number(j, "valid_accuracy", p->valid_accuracy);
	if (!isnan(p->perplexity)) {
		json_number(j, "perplexity", p->perplexity);
		json_number(j, "valid_perplexity", p->valid_perplexity);
	}
	json_text(j, "monitor", p->monitor);
	json_number(j, "best", p->best);
	if (has_best)
		json_best(&best, j);
	json_number(j, "samples_per_second", p->mean_samples_per_second);
	json_number(j, "seconds", p->seconds);
	json_workers(p, j);
	return TT_OK;
}
