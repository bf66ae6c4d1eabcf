/* log.c -- log.txt: one line for each thing that happens, for people who come later. */
#include "learn/observe/observers.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/observe/run_dir.h"

struct log {
	struct file_log *file;
	struct str       line;
	const char      *name;           /* of the spec */
};

static void add_time(struct str *s)
{
	char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &tm))
		str_add(s, text);
	str_add(s, "  ");
}

static void add_perplexity(struct str *s, const char *split, double perplexity)
{
	if (!isnan(perplexity))
		str_addf(s, "  %sperplexity %.6g", split, perplexity);
}

static void add_score(struct str *s, const char *split, double loss, double accuracy)
{
	if (!isnan(loss))
		str_addf(s, "  %sloss %.6g", split, loss);
	if (!isnan(accuracy))
		str_addf(s, "  %saccuracy %.4f", split, accuracy);
}

static void add_start(struct str *s, const char *name, const tt_progress *p)
{
	str_addf(s, "start: %s, %d epochs of %lld steps", name, p->epochs, (long long)p->epoch_steps);
	if (p->step)
		str_addf(s, ", resumed after step %lld", (long long)p->step);
}

/* Of what the loss is the weighted sum. */
static void add_parts(struct str *s, const tt_progress *p)
{
	for (int i = 0; i < p->losses; i++)
		str_addf(s, "%s%s %.6g%s", i ? ", " : " (", p->loss_name[i], p->loss_part[i],
		         i + 1 < p->losses ? "" : ")");
}

static void add_epoch(struct str *s, const tt_progress *p)
{
	str_addf(s, "epoch %d/%d  step %lld", p->epoch + 1, p->epochs, (long long)p->step);
	add_score(s, "", p->loss, NAN);
	add_parts(s, p);
	add_score(s, "", NAN, p->accuracy);
	add_perplexity(s, "", p->perplexity);
	add_score(s, "valid_", p->valid_loss, p->valid_accuracy);
	add_perplexity(s, "valid_", p->valid_perplexity);
	if (!isnan(p->watched))
		str_addf(s, "  %s %.6g", p->monitor, p->watched);
	str_addf(s, "  lr %.6g  %.0f samples/s", p->lr, p->samples_per_second);
}

static int add_event(struct str *s, const struct log *l, const tt_observation *o)
{
	const char *text = o->text ? o->text : "";

	switch (o->event) {
	case TT_EVENT_START:      add_start(s, l->name, o->progress); return 1;
	case TT_EVENT_EPOCH:      add_epoch(s, o->progress); return 1;
	case TT_EVENT_CHECKPOINT: str_addf(s, "checkpoint: %s", text); return 1;
	case TT_EVENT_NOTE:       str_addf(s, "note: %s", text); return 1;
	case TT_EVENT_END:        str_addf(s, "end: %s", text); return 1;
	case TT_EVENT_STEP:       /* too many  */
	case TT_EVENT_VALID:      /* see EPOCH */
		break;
	}
	return 0;
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct log *l = ctx;
	tt_status st;

	if (o->event == TT_EVENT_STEP || o->event == TT_EVENT_VALID)
		return TT_OK;
	l->line.len = 0;
	add_time(&l->line);
	if (!add_event(&l->line, l, o))
		return TT_OK;
	str_add(&l->line, "\n");
	if ((st = str_status(&l->line)) != TT_OK)
		return st;
	return file_log_append(l->file, l->line.p, l->line.len);
}

static void close_log(void *ctx)
{
	struct log *l = ctx;

	file_log_close(&l->file);
	str_release(&l->line);
	mem_free(l);
}

tt_status observer_log(tt_observer *out, const struct observer_opts *o)
{
	struct log *l = mem_calloc(1, sizeof *l);
	struct str path = {0};
	tt_status st;

	if (!l)
		return TT_ENOMEM;
	l->name = o->model->spec->name;
	if ((st = run_dir_path(&path, o->dir, TT_RUN_LOG)) == TT_OK)
		st = file_log_open(&l->file, path.p, FILE_LINKS_REFUSED);
	str_release(&path);
	if (st == TT_OK)
		*out = *TT_OBSERVER(.ctx = l, .event = on_event, .close = close_log);
	else
		close_log(l);
	return st;
}
