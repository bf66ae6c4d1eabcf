#include "learn/learner/intake.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/convert.h"
#include "learn/nn/loss.h"
#include "learn/nn/signature.h"

static char *copy(const char *text)
{
	char *s = mem_alloc(strlen(text) + 1);

	if (s)
		strcpy(s, text);
	return s;
}

tt_status intake_init(struct intake *k, const struct tt_model *m, const struct data_opts *d,
                      const tt_learner_opts *o)
{
	*k = (struct intake){ .model = m, .data = d, .classes = o->classes };
	if ((o->target && !(k->target = copy(o->target))) ||
	    (o->input && !(k->input = copy(o->input))))
		return TT_ENOMEM;
	return schema_copy_names(&k->names, o->class_names, o->classes, &k->class_names);
}

static void drop_room(struct intake *k)
{
	mem_free(k->x);
	mem_free(k->values);
	mem_free(k->label);
	k->x = k->values = NULL;
	k->label = NULL;
	k->room = 0;
}

void intake_forget(struct intake *k)
{
	normaliser_release(&k->normaliser);
	intake_forget_features(k);
	drop_room(k);
	k->info = (tt_source_info){ 0 };
}

void intake_release(struct intake *k)
{
	intake_forget(k);
	arena_release(&k->names);
	mem_free(k->input);
	mem_free(k->target);
}

/* ---- which columns? ---- */

/* What a model knows by name is what it is trained on. */
static const tt_schema *known(const struct intake *k)
{
	return k->model->signature->view.known ? &k->model->signature->data.view : NULL;
}

const char *intake_target(const struct intake *k)
{
	const tt_schema *d = known(k);

	return k->target ? k->target : d && d->target ? d->target : SIGNATURE_TARGET;
}

/* NULL: the only one beside the target. */
static const char *input_name(const struct intake *k)
{
	const tt_schema *d = known(k);

	return k->input ? k->input : d ? d->column[schema_input(d, 0)]->name : NULL;
}

static tt_status find(const tt_batch *b, const char *name, const tt_column **out)
{
	if (!(*out = tt_batch_column(b, name)))
		return err_set(TT_EINVAL, "the batch has no column '%.60s', but '%.60s': give columns the "
		               "names that the model knows, or say them in tt_learner_opts", name,
		               b->column[0]->name);
	return TT_OK;
}

/* Sequences where the net reads them; the rest fits by its shape, or not. */
static tt_status check_ragged(const tt_column *c, int may)
{
	if (!column_ragged(c) || may)
		return TT_OK;
	return err_set(TT_ESUPPORT, "column '%.60s' is ragged: the model reads one shape", c->name);
}

static tt_status find_input(const struct intake *k, const tt_batch *b, const tt_column **out)
{
	const char *only = NULL, *target = intake_target(k);

	if (input_name(k))
		return find(b, input_name(k), out);
	for (int i = 0; i < b->columns; i++) {
		if (strcmp(b->column[i]->name, target) == 0)
			continue;
		if (only)
			return err_set(TT_EINVAL, "the batch has columns '%.60s' and '%.60s': say which is the "
			               "input", only, b->column[i]->name);
		only = b->column[i]->name;
	}
	return only ? find(b, only, out) : err_set(TT_EINVAL, "the batch has no input column");
}

/* A net with several inputs knows their names. */
static tt_status find_inputs(const struct intake *k, const tt_batch *b, const tt_column **x)
{
	const struct tt_model *m = k->model;
	tt_status st = TT_OK;

	if (m->n_inputs == 1)
		st = find_input(k, b, &x[0]);
	for (int i = 0; m->n_inputs > 1 && i < m->n_inputs && st == TT_OK; i++)
		st = find(b, m->input[i].name, &x[i]);
	for (int i = 0; i < m->n_inputs && st == TT_OK; i++)
		st = check_ragged(x[i], net_input_ragged(&m->input[i]));
	return st;
}

tt_status intake_columns(const struct intake *k, const tt_batch *b, const tt_column **x,
                         const tt_column **y)
{
	tt_status st = find(b, intake_target(k), y);

	if (st != TT_OK || (st = find_inputs(k, b, x)) != TT_OK)
		return st;
	return check_ragged(*y, k->model->per_place);
}

/* ---- what are they like? ---- */

/* The number of classes if the target is an index of one, else 0. */
static int classes_of(const struct tt_model *m, const tt_column *target)
{
	const int takes = loss_row(m->net.loss)->takes, outputs = (int)m->outputs;
	const int whole = target->type != TT_F32 && target->type != TT_F16 && column_row(target) == 1;

	if (takes == TAKES_CLASS)
		return outputs;
	if (!whole || (takes == TAKES_NUMBERS && outputs == 1))
		return 0;
	return outputs == 1 ? 2 : outputs;
}

static tt_source_info info_of(const struct intake *k, const tt_column *x, const tt_column *y)
{
	const int places = k->model->per_place;
	tt_source_info info = {
		.size = sizeof info, .ndim = x->ndim ? x->ndim : 1, .classes = classes_of(k->model, y),
		.type = x->type == TT_U8 ? TT_SAMPLE_U8 : TT_SAMPLE_F32,
	};

	memcpy(info.shape, x->shape, sizeof info.shape);
	if (!x->ndim)
		info.shape[0] = 1;
	info.target = !info.classes ? TT_TARGET_VALUES : places ? TT_TARGET_PLACES : TT_TARGET_CLASS;
	info.values = info.classes ? 0 : (int)column_row(y);
	return info;
}

/* Is the first input numbers that were measured, which are normalised? */
static int is_plain(const struct tt_model *m)
{
	return m->input[0].desc.dtype == DTYPE_F32 && !net_input_ragged(&m->input[0]);
}

/* Before anything is converted: room is made for samples of the model's shape. */
static tt_status check_inputs(const struct intake *k, const tt_column *const *x)
{
	tt_column alone = *x[0];
	tt_status st = TT_OK;

	for (int i = 0; k->model->n_inputs > 1 && st == TT_OK && i < k->model->n_inputs; i++)
		st = signature_check_samples(k->model->signature, i, x[i]);
	if (k->model->n_inputs > 1 || !is_plain(k->model))
		return st;
	if (!alone.ndim)
		alone.shape[alone.ndim++] = 1;
	return signature_check_samples(k->model->signature, 0, &alone);
}

/* The first batch says what all are like. */
static tt_status learn_kind(struct intake *k, const tt_column *const *in, const tt_column *y,
                            int *fresh)
{
	const tt_column *x = in[0];
	const tt_source_info info = info_of(k, x, y);
	tt_status st = check_inputs(k, in);

	if (st != TT_OK)
		return st;

	*fresh = k->info.size == 0;
	if (!*fresh && memcmp(&info, &k->info, sizeof info) == 0 && x->type == k->type)
		return TT_OK;
	if (!*fresh)
		return err_set(TT_ESHAPE, "the columns '%.60s' and '%.60s' are not as in the first batch: "
		               "other types or shapes", x->name, y->name);
	if (info.target == TT_TARGET_CLASS && column_row(y) != 1)
		return err_set(TT_ESHAPE, "column '%.60s' has %lld numbers per sample: a class is one "
		               "index", y->name, (long long)column_row(y));
	if (info.classes && (y->type == TT_F32 || y->type == TT_F16))
		return err_set(TT_ESHAPE, "column '%.60s' is %s: a class is an index, u8, i32 or i64",
		               y->name, tt_type_name(y->type));
	if (is_plain(k->model) && (st = normaliser_init(&k->normaliser, &info, k->data)) != TT_OK)
		return st;
	k->info = info;
	k->type = x->type;
	return TT_OK;
}

/* Is the input read where the caller has it? */
static int read_in_place(const struct intake *k)
{
	const struct data_opts *d = k->data;

	return !is_plain(k->model) || (k->type == TT_F32 && !d->mean.n && !d->std.n);
}

static tt_status make_room(struct intake *k, int64_t n)
{
	const size_t samples = (size_t)n;

	if (n <= k->room)
		return TT_OK;
	drop_room(k);
	if (!read_in_place(k) &&
	    !(k->x = mem_alloc_aligned(samples * (size_t)k->model->inputs * sizeof *k->x)))
		return TT_ENOMEM;
	if (k->info.target == TT_TARGET_CLASS && !(k->label = mem_calloc(samples, sizeof *k->label)))
		return TT_ENOMEM;
	if (k->info.values &&
	    !(k->values = mem_calloc(samples, (size_t)k->info.values * sizeof *k->values)))
		return TT_ENOMEM;
	k->room = n;
	return TT_OK;
}

/* ---- converting ---- */

static float *take_input(struct intake *k, const tt_column *c, const void *data, int64_t n)
{
	const size_t numbers = (size_t)column_row(c);
	const char *raw = data;
	size_t bytes = column_bytes(c);

	if (read_in_place(k))
		return (float *)(uintptr_t)data;        /* programs only read it */
	if (c->type != TT_U8) {
		convert_to_f32(c->type, data, (size_t)n * numbers, k->x);
		raw = (const char *)k->x;
		bytes = numbers * sizeof *k->x;
	}
	for (int64_t i = 0; i < n; i++)
		augment_apply(&k->normaliser, &k->info, NULL, raw + (size_t)i * bytes,
		              k->x + (size_t)i * numbers);
	return k->x;
}

static tt_status take_target(struct intake *k, const tt_column *c, int64_t n)
{
	const struct labels l = { .type = c->type, .from = c->data, .classes = k->info.classes,
	                          .wrong = TT_EINVAL };
	tt_status st;

	if (k->info.target == TT_TARGET_PLACES)
		return TT_OK;                   /* target.h looks at them */
	if (k->info.classes) {
		st = convert_labels(&l, (size_t)n, k->label);
		return st == TT_OK ? st : err_at(st, "column '%.60s'", c->name);
	}
	convert_to_f32(c->type, c->data, (size_t)(n * column_row(c)), k->values);
	return TT_OK;
}

/* The net's inputs in its order, the target, as a loader gives them. */
static void show(struct intake *k, const tt_column *const *x, const tt_column *y, tt_batch *b)
{
	const int n = k->model->n_inputs;
	struct batch_room *s = &k->shown;

	for (int i = 0; i < n; i++)
		s->column[i] = *x[i];
	s->column[n] = *y;
	for (int i = 0; i <= n; i++)
		s->pointer[i] = &s->column[i];
	b->column = s->pointer;
	b->columns = n + 1;
}

tt_status intake_take(struct intake *k, const tt_batch *in, struct batch *out, int *fresh)
{
	const tt_column *x[NET_INPUTS_MAX], *y;
	const void *data;
	tt_batch b;
	tt_status st;

	if ((st = batch_take(in, &k->columns, &b)) != TT_OK)
		return st;
	if (b.n > INT32_MAX)
		return err_set(TT_EINVAL, "a batch of %lld samples", (long long)b.n);
	if ((st = intake_columns(k, &b, x, &y)) != TT_OK ||
	    (st = learn_kind(k, x, y, fresh)) != TT_OK ||
	    (st = intake_find_features(k, x[0])) != TT_OK || (st = make_room(k, b.n)) != TT_OK ||
	    (st = take_target(k, y, b.n)) != TT_OK ||
	    (st = intake_order(k, x[0], b.n, &data)) != TT_OK)
		return st;
	show(k, x, y, &b);
	*out = (struct batch){ .data = b, .label = k->label, .values = k->values, .n = (int)b.n,
	                       .n_global = (int)b.n };
	if (is_plain(k->model)) {
		out->x = take_input(k, x[0], data, b.n);
		k->shown.column[0].data = out->x;
		k->shown.column[0].type = TT_F32;
	}
	return TT_OK;
}
