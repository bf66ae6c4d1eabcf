/* tensorboard.c -- a run as TensorBoard shows it: numbers, distributions, samples, graph, settings.
 */
#include "learn/observe/observers.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/image/image.h"
#include "learn/events/events.h"
#include "learn/observe/tensorboard_graph.h"
#include "learn/observe/tensorboard_settings.h"

struct board {
	struct events         *events;
	const struct tt_model *model;
	const tt_source_info  *info;
	int                    images;       /* samples still to be shown */
	char                   tag[160];     /* of the number being written */
};

static const char *const metric_tags[] = {
	"train/loss", "train/accuracy", "valid/loss", "valid/accuracy", NULL
};

/* ---- numbers ---- */

/* Metrics whose page is not that of their split. */
static const struct { const char *name, *tag, *of_images; } renamed[] = {
	{ "train.lr", "lr", "lr" },
	{ "train.grad_norm", "grad_norm", "grad_norm" },
	{ "train.samples_per_second", "samples_per_second", "images_per_second" },
};

/* "valid.loss" is valid/loss: a page for each split. */
static const char *tag_of(struct board *b, const char *name)
{
	size_t split;
	const char *rest = metric_name(name, &split);

	for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
		if (strcmp(renamed[i].name, name) == 0)
			return b->info->ndim == 3 ? renamed[i].of_images : renamed[i].tag;
	snprintf(b->tag, sizeof b->tag, "%.*s/%s", (int)split, name, rest);
	return b->tag;
}

static tt_status write_numbers(struct board *b, const tt_observation *o)
{
	events_begin(b->events, o->progress->step);
	for (int i = 0; i < o->metrics; i++)
		events_number(b->events, tag_of(b, o->name[i]), o->value[i]);
	return events_end(b->events);
}

static tt_status write_histograms(struct board *b, int64_t step)
{
	struct str tag = {0};
	tt_status st = TT_OK;

	for (int i = 0; i < b->model->n_params && st == TT_OK; i++) {
		const struct param *p = &b->model->param[i];

		tag.len = 0;
		str_addf(&tag, "weights/%s", p->name);
		if ((st = str_status(&tag)) != TT_OK)
			break;
		events_begin(b->events, step);
		events_histogram(b->events, tag.p, b->model->params + p->offset, p->count);
		st = events_end(b->events);
	}
	str_release(&tag);
	return st;
}

/* ---- samples ---- */

/* What the net sees, turned back into a picture: x*std + mean, 0..1 to 0..255. */
static void denormalise(const struct data_opts *d, const tt_source_info *info, const float *x,
                        uint8_t *out)
{
	size_t plane = (size_t)(info->shape[1] * info->shape[2]);

	for (size_t c = 0; c < (size_t)info->shape[0]; c++) {
		double mean = d->mean.n ? d->mean.v[c < d->mean.n ? c : 0] : 0;
		double std = d->std.n ? d->std.v[c < d->std.n ? c : 0] : 1;

		for (size_t i = c * plane; i < (c + 1) * plane; i++) {
			double v = 255 * (x[i] * std + mean);

			out[i] = (uint8_t)(v > 0 ? v < 255 ? v + 0.5 : 255 : 0);
		}
	}
}

static tt_status write_sample(struct board *b, const struct batch *batch, int i, uint8_t *pixels)
{
	int channels = (int)b->info->shape[0], h = (int)b->info->shape[1], w = (int)b->info->shape[2];
	size_t numbers = (size_t)channels * (size_t)h * (size_t)w;
	const char *const *names = b->info->class_names;
	char tag[160], number[16];
	struct str png = {0};
	tt_status st;

	denormalise(&b->model->spec->data, b->info, batch->x + (size_t)i * numbers, pixels);
	if ((st = image_encode_png(pixels, channels, h, w, &png)) != TT_OK)
		goto out;
	snprintf(number, sizeof number, "%d", batch->label ? batch->label[i] : 0);
	snprintf(tag, sizeof tag, "samples/%d %s", i,
	         !batch->label ? "" : names ? names[batch->label[i]] : number);
	events_begin(b->events, 0);
	events_image(b->events, tag, &(struct event_image){ w, h, channels, png.p, png.len });
	st = events_end(b->events);
out:
	str_release(&png);
	return st;
}

static tt_status write_samples(struct board *b, const struct batch *batch)
{
	const tt_source_info *info = b->info;
	int n = !batch->x ? 0 : b->images < batch->n ? b->images : batch->n;
	uint8_t *pixels;
	tt_status st = TT_OK;

	b->images = 0;
	if (info->ndim != 3 || (info->shape[0] != 1 && info->shape[0] != 3))
		return TT_OK;
	if (!(pixels = mem_calloc((size_t)info->shape[0], (size_t)(info->shape[1] * info->shape[2]))))
		return TT_ENOMEM;
	for (int i = 0; i < n && st == TT_OK; i++)
		st = write_sample(b, batch, i, pixels);
	mem_free(pixels);
	return st;
}

/* ---- the start ---- */

static tt_status write_graph(struct board *b)
{
	struct ir_graph *g = NULL;
	struct str message = {0};
	tt_status st = nn_graph(b->model, b->model->spec->train.batch, NN_PREDICT, &g);

	if (st != TT_OK)
		return st;
	tensorboard_graph(g, &message);
	if ((st = str_status(&message)) == TT_OK)
		st = events_graph(b->events, message.p, message.len);
	ir_graph_free(&g);
	str_release(&message);
	return st;
}

static tt_status write_settings(struct board *b)
{
	struct arena a = {0};
	struct event_setting *s;
	tt_status st;
	int n;

	if ((st = tensorboard_settings(b->model->spec, &a, &s, &n)) == TT_OK)
		st = events_settings(b->events, s, n, metric_tags);
	arena_release(&a);
	return st;
}

static tt_status begin(struct board *b, int64_t resumed)
{
	tt_status st = TT_OK;

	if (resumed)
		st = events_restart(b->events, resumed + 1);
	if (st == TT_OK)
		st = write_settings(b);
	if (st == TT_OK && b->model->spec->train.tensorboard.graph)
		st = write_graph(b);
	return st;
}

/* ---- the observer ---- */

static tt_status on_step(struct board *b, const tt_observation *o)
{
	/* A batch is the one thing that the public structs cannot show yet. */
	const struct batch *batch = ((const struct observation *)o)->batch;
	tt_status st = TT_OK;

	if (b->images > 0 && batch)
		st = write_samples(b, batch);
	if (st == TT_OK && o->metrics)
		st = write_numbers(b, o);
	return st;
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct board *b = ctx;

	switch (o->event) {
	case TT_EVENT_STEP:
		return on_step(b, o);
	case TT_EVENT_VALID:
		return write_numbers(b, o);
	case TT_EVENT_EPOCH:
		if (!b->model->spec->train.tensorboard.histograms)
			return TT_OK;
		return write_histograms(b, o->progress->step);
	case TT_EVENT_END:
		return events_finish(b->events, o->status == TT_OK || o->status == TT_ESTOPPED
		                     ? EVENT_END_GOOD : EVENT_END_FAILED);
	case TT_EVENT_START:
	case TT_EVENT_CHECKPOINT:
	case TT_EVENT_NOTE:
		break;
	}
	return TT_OK;
}

static void close_board(void *ctx)
{
	struct board *b = ctx;

	events_close(&b->events);
	mem_free(b);
}

tt_status observer_tensorboard(tt_observer *out, const struct observer_opts *o)
{
	struct board *b = mem_calloc(1, sizeof *b);
	tt_status st;

	if (!b)
		return TT_ENOMEM;
	b->model = o->model;
	b->info = o->info;
	b->images = o->resumed ? 0 : o->model->spec->train.tensorboard.images;
	if ((st = events_open(&b->events, o->dir)) == TT_OK)
		st = begin(b, o->resumed);
	if (st == TT_OK)
		*out = *TT_OBSERVER(.ctx = b, .event = on_event, .close = close_board);
	else
		close_board(b);
	return st;
}
