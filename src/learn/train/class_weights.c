#include "learn/train/class_weights.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define KEY "train.class_weights"

struct class_weights {
	float       *of;                 /* [classes] */
	int          classes;
	struct batch batch;
	float       *room;               /* [batch]   */
};

/* ---- what they are ---- */

static tt_status count_classes(tt_source *s, int64_t *count, int classes)
{
	const int64_t n = tt_source_describe(s)->count;
	tt_status st = TT_OK;

	for (int64_t i = 0; i < n && st == TT_OK; i++) {
		int32_t label = -1;

		if ((st = tt_source_read(s, i, NULL, &label, NULL)) == TT_OK && label >= 0 &&
		    label < classes)
			count[label]++;
	}
	return st;
}

/* A class without samples weighs nothing in any batch. */
static tt_status balance(struct class_weights *w, tt_source *s)
{
	int64_t *count = mem_calloc((size_t)w->classes, sizeof *count), all = 0;
	tt_status st = count ? count_classes(s, count, w->classes) : TT_ENOMEM;

	for (int c = 0; c < w->classes && st == TT_OK; c++)
		all += count[c];
	for (int c = 0; c < w->classes && st == TT_OK; c++)
		w->of[c] = count[c] ? (float)((double)all / w->classes / (double)count[c]) : 1;
	mem_free(count);
	return st;
}

static tt_status read_weight(const struct node *n, float *out)
{
	double v;
	tt_status st = node_double(n, &v);

	if (st == TT_OK && !(v >= 0 && v <= 1e30))
		return node_err(n, TT_ESPEC, KEY ": %g is no weight", v);
	if (st == TT_OK)
		*out = (float)v;
	return st;
}

static tt_status read_list(struct class_weights *w, const struct node *list)
{
	const struct node *c = list->child;
	tt_status st = TT_OK;

	if (node_count(list) != (size_t)w->classes)
		return node_err(list, TT_ESPEC, KEY " has %zu numbers, data.train has %d classes",
		                node_count(list), w->classes);
	for (int i = 0; i < w->classes && st == TT_OK; i++, c = c->next)
		st = read_weight(c, &w->of[i]);
	return st;
}

static int find_class(const tt_source_info *info, const char *name)
{
	for (int i = 0; info->class_names && i < info->classes; i++)
		if (strcmp(info->class_names[i], name) == 0)
			return i;
	return -1;
}

static tt_status read_map(struct class_weights *w, const struct node *map,
                          const tt_source_info *info)
{
	tt_status st = TT_OK;

	for (int i = 0; i < w->classes; i++)
		w->of[i] = 1;
	for (const struct node *c = map->child; c && st == TT_OK; c = c->next) {
		const int class = find_class(info, c->key);

		if (class < 0)
			return node_err(c, TT_ESPEC, KEY ": data.train has no class '%.60s'", c->key);
		st = read_weight(c, &w->of[class]);
	}
	return st;
}

static tt_status read_weights(struct class_weights *w, const struct node *n, tt_source *s)
{
	switch (n->kind) {
	case NODE_LIST: return read_list(w, n);
	case NODE_MAP:  return read_map(w, n, tt_source_describe(s));
	case NODE_TEXT: break;
	}
	if (strcmp(n->text, "balanced") == 0)
		return balance(w, s);
	return node_err(n, TT_ESPEC, KEY ": '%.60s' is neither balanced nor a list of numbers, one for "
	                "each class", n->text);
}

static tt_status check_weights(const struct class_weights *w)
{
	for (int i = 0; i < w->classes; i++)
		if (w->of[i] > 0)
			return TT_OK;
	return err_set(TT_ESPEC, KEY ": all classes weigh nothing");
}

/* ---- life ---- */

static tt_status make(struct class_weights *w, const struct node *n, tt_source *s, int batch)
{
	tt_status st;

	w->classes = tt_source_describe(s)->classes;
	if (!(w->of = mem_calloc((size_t)w->classes, sizeof *w->of)) ||
	    !(w->room = mem_calloc((size_t)batch, sizeof *w->room)))
		return TT_ENOMEM;
	st = read_weights(w, n, s);
	return st == TT_OK ? check_weights(w) : st;
}

tt_status class_weights_new(struct class_weights **out, const struct node *n, tt_source *source,
                            int batch)
{
	struct class_weights *w;
	tt_status st;

	if (node_absent(n))
		return TT_OK;
	if (tt_source_describe(source)->target != TT_TARGET_CLASS)
		return node_err(n, TT_ESPEC, KEY " weighs samples by their class: the targets of "
		                "data.train are not one class each");
	if (!(w = mem_calloc(1, sizeof *w)))
		return TT_ENOMEM;
	if ((st = make(w, n, source, batch)) == TT_OK)
		*out = w;
	else
		class_weights_free(&w);
	return st;
}

void class_weights_free(struct class_weights **w)
{
	if (!w || !*w)
		return;
	mem_free((*w)->of);
	mem_free((*w)->room);
	mem_free(*w);
	*w = NULL;
}

double class_weights_of(const struct class_weights *w, int class)
{
	return class >= 0 && class < w->classes ? w->of[class] : 1;
}

const struct batch *class_weights_take(struct class_weights *w, const struct batch *b)
{
	for (int i = 0; i < b->n; i++)
		w->room[i] = (float)class_weights_of(w, b->label[i]) *
		             (b->data.weight ? b->data.weight[i] : 1);
	w->batch = *b;
	w->batch.data.weight = w->room;
	return &w->batch;
}
