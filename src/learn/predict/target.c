#include "learn/predict/target.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "learn/nn/loss.h"
#include "learn/score/metrics.h"

/* ---- does the source fit? ---- */

/* Of a net with one input; the columns of others have been matched by name. */
static tt_status check_samples(const struct tt_model *m, const tt_source_info *info)
{
	tt_column c = { .size = sizeof c, .name = "x", .ndim = info->ndim,
	                .type = m->input[0].desc.dtype == DTYPE_S32 ? TT_I32 : TT_F32 };

	memcpy(c.shape, info->shape, sizeof c.shape);
	return m->n_inputs > 1 ? TT_OK : signature_check_samples(m->signature, 0, &c);
}

static tt_status no_lists(const struct tt_model *m)
{
	const char *name = m->signature->data.view.target;

	return err_set(TT_ESHAPE, "model.loss ctc spells a list of labels for each sample, and the "
	               "target '%.60s' is no list: of a table ?task=spell makes lists of a column's "
	               "words", name ? name : "label");
}

static tt_status check_places(const struct tt_model *m, const tt_source_info *info)
{
	const struct loss_row *loss = loss_row(m->net.loss);

	if (loss->takes == TAKES_LABELS)
		return info->target == TT_TARGET_PLACES ? TT_OK : no_lists(m);
	if (m->per_place && info->target == TT_TARGET_PLACES && loss->takes == TAKES_CLASS)
		return TT_OK;
	if (!m->per_place)
		return err_set(TT_ESHAPE, "the source has a class at each place of a sequence, the model "
		               "answers once for each sample: leave out what makes one vector of a "
		               "sequence");
	if (loss->takes != TAKES_CLASS)
		return err_set(TT_ESUPPORT, "the model answers at each place of a sequence: model.loss "
		               "must be cross_entropy, not %s", loss->word);
	return err_set(TT_ESHAPE, "the model answers at each place of a sequence, the source has one "
	               "target for each sample: make one vector of a sequence first (`seqpool`)");
}

static tt_status check_target(const struct tt_model *m, const tt_source_info *info)
{
	const struct loss_row *loss = loss_row(m->net.loss);
	const int takes_class = loss->takes == TAKES_CLASS;
	const char *name = m->signature->data.view.target;
	long long outputs = (long long)m->outputs;
	tt_status st = TT_OK;

	if (m->per_place || info->target == TT_TARGET_PLACES)
		st = check_places(m, info);
	if (st != TT_OK)
		return st;
	if (info->target == TT_TARGET_VALUES && !info->values)
		return err_set(TT_ESHAPE, "the target '%.60s' is missing: the source has none; of a table "
		               "?label=COLUMN names it",
		               name ? name : "label");
	if (info->target == TT_TARGET_VALUES) {
		if (takes_class)
			return err_set(TT_ESHAPE, "the source gives values, but model.loss %s wants classes: "
			               "choose mse, or read csv: with ?task=classify", loss->word);
		if (info->values != outputs)
			return err_set(TT_ESHAPE, "the source gives %d values per sample, the last layer "
			               "has %lld outputs: use a source of as many, or train a model whose last "
			               "layer has out: %d", info->values, outputs, info->values);
		return TT_OK;
	}
	if (info->classes == outputs || (!takes_class && outputs == 1))
		return TT_OK;           /* what classes are to one output: init_numbers */
	return err_set(TT_ESHAPE, "the source has %d classes, the last layer has %lld outputs: use "
	               "a source of %lld classes, or train a model whose last layer has out: %d",
	               info->classes, outputs, outputs, info->classes);
}

/* ---- classes as numbers ---- */

static tt_status no_number(const struct tt_model *m, const tt_source_info *info, int class)
{
	const char *target = m->signature->data.view.target;

	return err_set(TT_ESHAPE, "the target '%.60s' is classes, such as '%.60s', which is no number, "
	               "but model.loss %s wants numbers: choose cross_entropy with out: %d in the last "
	               "layer, or another target (label=)", target ? target : "label",
	               info->class_names[class], loss_row(m->net.loss)->word, info->classes);
}

/* The number that each class is called by; without names it is the class index itself, which is
 * what the source gave.  TT_ESHAPE: a name is no number. */
static tt_status read_numbers(const struct tt_model *m, const tt_source_info *info, float *out)
{
	for (int i = 0; i < info->classes; i++) {
		double v = i;

		if (info->class_names && !str_to_double(info->class_names[i], &v))
			return no_number(m, info, i);
		out[i] = (float)v;
	}
	return TT_OK;
}

static int are_shares(const float *v, int n)
{
	for (int i = 0; i < n; i++)
		if (!(v[i] >= 0 && v[i] <= 1))
			return 0;
	return 1;
}

/* A yes/no question knows shares from 0 to 1, and two classes, whatever they are called. */
static tt_status answer_numbers(const struct tt_model *m, const tt_source_info *info, float *out)
{
	if (read_numbers(m, info, out) == TT_OK && are_shares(out, info->classes))
		return TT_OK;
	if (info->classes > 2)
		return err_set(TT_ESHAPE, "the source has %d classes, model.loss bce and one output tell "
		               "two apart: choose cross_entropy with out: %d in the last layer",
		               info->classes, info->classes);
	for (int i = 0; i < info->classes; i++)
		out[i] = (float)i;
	return TT_OK;
}

static tt_status init_numbers(struct target *t, const struct tt_model *m,
                              const tt_source_info *info)
{
	if (!(t->number = mem_calloc((size_t)info->classes + 1, sizeof *t->number)))
		return TT_ENOMEM;
	return loss_row(m->net.loss)->takes == TAKES_SHARES ? answer_numbers(m, info, t->number)
	                               : read_numbers(m, info, t->number);
}

/* ---- targets ---- */

static enum target_form form_of(const struct tt_model *m, const tt_source_info *info)
{
	if (loss_row(m->net.loss)->takes == TAKES_LABELS)
		return TARGET_LABELS;
	if (m->per_place)
		return TARGET_PLACES;
	if (info->target == TT_TARGET_VALUES)
		return TARGET_VALUES;
	if (loss_row(m->net.loss)->takes == TAKES_CLASS)
		return TARGET_LABEL;
	return m->outputs == 1 ? TARGET_NUMBER : TARGET_ONE_HOT;
}

/* Accuracy means something where the answer is a class: one column only with two classes. */
static int classes_of(const struct tt_model *m, const tt_source_info *info, enum target_form form)
{
	if (form == TARGET_LABEL || form == TARGET_ONE_HOT || form == TARGET_PLACES)
		return info->classes;
	return form == TARGET_NUMBER && loss_row(m->net.loss)->takes == TAKES_SHARES &&
	       info->classes == 2 ? 2 : 0;
}

tt_status target_init(struct target *t, const struct tt_model *m, const tt_source_info *info,
                      int batch)
{
	struct target made = { .form = form_of(m, info), .width = (int)m->outputs,
	                       .column = m->n_inputs, .model = m };
	tt_status st;

	if ((st = check_samples(m, info)) != TT_OK || (st = check_target(m, info)) != TT_OK)
		return st;
	made.classes = classes_of(m, info, made.form);
	made.shares = made.form == TARGET_VALUES && loss_row(m->net.loss)->takes == TAKES_SHARES;
	if (made.form == TARGET_NUMBER)
		st = init_numbers(&made, m, info);
	if (st == TT_OK && made.form == TARGET_LABELS &&
	    !(made.lengths = mem_calloc((size_t)batch, sizeof *made.lengths)))
		st = TT_ENOMEM;
	if (st == TT_OK && (made.form == TARGET_NUMBER || made.form == TARGET_ONE_HOT) &&
	    !(made.room = mem_calloc((size_t)batch, (size_t)made.width * sizeof *made.room)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		*t = made;
	else
		target_release(&made);
	return st;
}

void target_release(struct target *t)
{
	mem_free(t->room);
	mem_free(t->number);
	mem_free(t->label);
	mem_free(t->weight);
	mem_free(t->lengths);
	*t = (struct target){0};
}

static const float *numbers(struct target *t, const struct batch *b)
{
	for (int i = 0; i < b->n; i++)
		t->room[i] = t->number[b->label[i]];
	return t->room;
}

static const float *one_hot(struct target *t, const struct batch *b)
{
	memset(t->room, 0, (size_t)b->n * (size_t)t->width * sizeof *t->room);
	for (int i = 0; i < b->n; i++)
		if (b->label[i] >= 0 && b->label[i] < t->width)
			t->room[(size_t)i * (size_t)t->width + (size_t)b->label[i]] = 1;
	return t->room;
}

/* The loss of a yes/no question has no bottom beyond 0 and 1. */
static tt_status check_shares(const struct target *t, const struct batch *b)
{
	const size_t numbers = (size_t)b->n * (size_t)t->width;

	for (size_t i = 0; i < numbers; i++)
		if (!(b->values[i] >= 0 && b->values[i] <= 1)) {
			const int64_t row = (int64_t)(i / (size_t)t->width);

			return err_set(TT_EFORMAT, "sample %lld: the target is %g, but model.loss bce wants "
			               "numbers from 0 to 1: two classes are ?task=classify, others "
			               "cross_entropy", (long long)(b->index ? b->index[row] : row),
			               (double)b->values[i]);
		}
	return TT_OK;
}

/* ---- at each place ---- */

static tt_status make_rows(struct target *t, int64_t rows)
{
	if (rows <= t->rows)
		return TT_OK;
	mem_free(t->label);
	mem_free(t->weight);
	t->label = NULL;
	t->weight = NULL;
	t->rows = 0;
	if (!(t->label = mem_alloc_aligned((size_t)rows * sizeof *t->label)) ||
	    !(t->weight = mem_alloc_aligned((size_t)rows * sizeof *t->weight)))
		return TT_ENOMEM;
	t->rows = rows;
	return TT_OK;
}

static int64_t label_at(const tt_column *c, int64_t at)
{
	switch (c->type) {
	case TT_U8:  return ((const uint8_t *)c->data)[at];
	case TT_I32: return ((const int32_t *)c->data)[at];
	default:     return ((const int64_t *)c->data)[at];
	}
}

/* The labels of a sample, one after the other. */
struct places { int64_t at, n; };
static struct places places_of(const tt_column *c, int64_t sample)
{
	if (!c->offsets)
		return (struct places){ sample * c->shape[0], c->shape[0] };
	return (struct places){ c->offsets[sample], c->offsets[sample + 1] - c->offsets[sample] };
}

static tt_status fill_sample(struct target *t, const struct batch *b, int i, int64_t length)
{
	const tt_column *c = b->data.column[t->column];
	const struct places p = places_of(c, i);
	const float weight = b->data.weight ? b->data.weight[i] : 1;
	int32_t *label = t->label + i * length;
	float *w = t->weight + i * length;

	if (p.n > length)
		return err_set(TT_EFORMAT, "sample %lld: %lld targets in '%.60s' for a sequence that is "
		               "shorter", (long long)(b->index ? b->index[i] : i), (long long)p.n, c->name);
	for (int64_t k = 0; k < length; k++) {
		const int64_t v = k < p.n ? label_at(c, p.at + k) : -1;

		if (v >= t->width)
			return err_set(TT_EFORMAT, "sample %lld, place %lld of '%.60s': class %lld, and the "
			               "model has 0 to %d", (long long)(b->index ? b->index[i] : i),
			               (long long)k, c->name, (long long)v, t->width - 1);
		label[k] = v < 0 ? 0 : (int32_t)v;
		w[k] = v < 0 ? 0 : weight;
	}
	return TT_OK;
}

static tt_status take_places(struct target *t, const struct batch *b, int64_t length,
                             struct target_values *out)
{
	const int64_t each = length ? length : b->data.column[t->column]->shape[0];
	tt_status st = make_rows(t, b->n * each);

	for (int i = 0; st == TT_OK && i < b->n; i++)
		st = fill_sample(t, b, i, each);
	*out = (struct target_values){ .target = t->label, .label = t->label, .weight = t->weight,
	                               .rows = b->n * each, .samples = b->n };
	return st;
}

double target_weigh(const struct target *t, const struct batch *b)
{
	double sum = 0;

	if (t->form != TARGET_PLACES || !b->n)
		return metrics_weigh(b->data.weight, b->n);
	for (int i = 0; i < b->n; i++) {
		const tt_column *c = b->data.column[t->column];
		const struct places p = places_of(c, i);

		for (int64_t k = 0; k < p.n; k++)
			if (label_at(c, p.at + k) >= 0)
				sum += b->data.weight ? (double)b->data.weight[i] : 1;
	}
	return sum;
}

/* ---- labels to spell ---- */

/* Places that sample i of a batch has to spell in. */
static int64_t length_of(const struct target *t, const struct batch *b, int i)
{
	const struct tt_model *m = t->model;

	return m->paced_by < 0 ? m->out_desc.dim[1] : places_of(b->data.column[m->paced_by], i).n;
}

static long long number_of(const struct batch *b, int i)
{
	return (long long)(b->index ? b->index[i] : i);
}

static tt_status no_label(const struct target *t, const struct batch *b, int i, int64_t label)
{
	const int blank = t->model->net.ctc_blank;
	const char *name = b->data.column[t->column]->name;

	if (label == blank)
		return err_set(TT_EFORMAT, "sample %lld: '%.60s' holds the blank, class %d, which stands "
		               "between labels and is none: set model.ctc_blank, or number labels "
		               "otherwise", number_of(b, i), name, blank);
	return err_set(TT_EFORMAT, "sample %lld of '%.60s': label %lld, and the model has 0 to %d",
	               number_of(b, i), name, (long long)label, t->width - 1);
}

/* Equal neighbours need a blank between them. */
static tt_status too_short(const struct target *t, const struct batch *b, int i, int64_t repeats)
{
	const int64_t n = places_of(b->data.column[t->column], i).n;

	return err_set(TT_EFORMAT, "sample %lld: %lld labels with %lld of them like the one before "
	               "need %lld places, the sequence has %lld: leave such samples out, or let them "
	               "lose nothing (model.ctc_zero_infinity: yes)", number_of(b, i), (long long)n,
	               (long long)repeats, (long long)(n + repeats), (long long)length_of(t, b, i));
}

static tt_status fill_labels(struct target *t, const struct batch *b, int i, int64_t most)
{
	const tt_column *c = b->data.column[t->column];
	const struct places p = places_of(c, i);
	int32_t *label = t->label + i * most;
	int64_t repeats = 0;

	for (int64_t k = 0; k < p.n; k++) {
		const int64_t v = label_at(c, p.at + k);

		if (v < 0 || v >= t->width || v == t->model->net.ctc_blank)
			return no_label(t, b, i, v);
		repeats += k && v == label_at(c, p.at + k - 1);
		if (k < most)
			label[k] = (int32_t)v;
	}
	for (int64_t k = p.n; k < most; k++)
		label[k] = -1;
	t->lengths[i] = (int32_t)length_of(t, b, i);
	return p.n + repeats <= t->lengths[i] || t->model->net.ctc_zero_infinity
		? TT_OK : too_short(t, b, i, repeats);
}

/* One more than can be spelt: a list that is longer stays one that cannot. */
static tt_status take_labels(struct target *t, const struct batch *b, int64_t length,
                             struct target_values *out)
{
	const struct tt_model *m = t->model;
	const int64_t places = m->paced_by < 0 ? m->out_desc.dim[1] : length, most = places + 1;
	tt_status st = make_rows(t, b->n * most);

	for (int i = 0; st == TT_OK && i < b->n; i++)
		st = fill_labels(t, b, i, most);
	*out = (struct target_values){
		.target = t->label, .weight = b->data.weight, .rows = b->n, .samples = b->n,
		.spelling = { t->label, t->lengths, most, places, m->net.ctc_blank } };
	return st;
}

/* ---- all ---- */

tt_status target_take(struct target *t, const struct batch *b, int64_t length,
                      struct target_values *out)
{
	if (t->form == TARGET_PLACES)
		return take_places(t, b, length, out);
	if (t->form == TARGET_LABELS)
		return take_labels(t, b, length, out);
	*out = (struct target_values){ .label = b->label, .weight = b->data.weight, .rows = b->n,
	                               .samples = b->n };
	switch (t->form) {
	case TARGET_LABEL:   out->target = b->label; break;
	case TARGET_VALUES:  out->target = b->values; break;
	case TARGET_NUMBER:  out->target = numbers(t, b); break;
	default:             out->target = one_hot(t, b); break;
	}
	return t->shares ? check_shares(t, b) : TT_OK;
}
