/* stacking.c -- a small net learns what to make of the members' answers (stacking: Wolpert,
 * "Stacked generalization", 1992).
 *
 * The members rest, so each sample is sent through them once, without augmentation; every rank
 * keeps the answers for its share of the samples and draws its share of each batch from there.
 * Gradients are summed over the ranks, each sample counting alike. */
#include "learn/train/ensemble/stacking.h"

#include <math.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/learner/learner.h"
#include "learn/predict/feed.h"
#include "learn/spec/spec.h"

struct stacking {
	const struct stacking_opts *o;
	const struct train_opts    *train;
	tt_model          *net;
	int64_t            rows, width, values;   /* of this rank; a row's answers and target values */
	float             *x, *value;             /* [rows][width], [rows][values]                   */
	int32_t           *label;
	float             *weight, *drawn;        /* [rows], of a batch; NULL: all weigh the same     */
	int64_t           *rows_of;               /* by rank                                         */
	int                share;                 /* of a batch, at most                             */
	struct batch       batch;
	tt_column          answers;               /* its only column                                 */
	const tt_column   *answers_at;
	struct program_inputs inputs;             /* of the members                                  */
	struct target      target;                /* of the members                                  */
	struct distribute_opts plain;
	struct optim_opts  adamw;
	struct learner    *learner;
};

/* ---- answers ---- */

static struct loader_opts order_of(const struct stacking *k)
{
	return (struct loader_opts){
		.data = &k->o->member->spec->data, .batch = k->train->batch, .rank = k->o->comm->rank,
		.world = k->o->comm->size,
	};
}

/* Rows of this rank: the loader deals each batch anew. */
static int64_t count_rows(const struct stacking_opts *o, int64_t batch)
{
	const int64_t count = tt_source_describe(o->source)->count;
	const int64_t world = o->comm->size, rank = o->comm->rank;
	const int64_t full = (batch - rank + world - 1) / world;

	return count / batch * full + (count % batch - rank + world - 1) / world;
}

static void keep_answers(struct stacking *k, const struct batch *b, int member, int64_t row,
                         const float *answer)
{
	const int64_t each = k->o->member->outputs;

	for (int i = 0; i < b->n; i++)
		memcpy(k->x + (row + i) * k->width + member * each, answer + i * each,
		       (size_t)each * sizeof *answer);
	if (b->label)
		memcpy(k->label + row, b->label, (size_t)b->n * sizeof *b->label);
	if (b->values)
		memcpy(k->value + row * k->values, b->values,
		       (size_t)(b->n * k->values) * sizeof *b->values);
	if (k->weight)
		memcpy(k->weight + row, b->data.weight, (size_t)b->n * sizeof *k->weight);
}

static tt_status ask_batch(struct stacking *k, struct program_cache *net, const struct batch *b,
                           struct program **out)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct feed f = {0};
	tt_status st = feed_take(&f, &k->inputs, &k->target, b);

	return st == TT_OK ? feed_run(net, &f, &run, out) : st;
}

/* One member, as it stands within the whole, says its scores for all rows. */
static tt_status ask_member(struct stacking *k, int i)
{
	const struct tt_model *whole = k->o->whole;
	const struct loader_opts order = order_of(k);
	struct tt_model member = *k->o->member;
	struct program_cache *net = NULL;
	struct loader *loader = NULL;
	struct program *p;
	struct batch *b;
	int64_t row = 0;
	tt_status st;

	member.params = whole->params + (size_t)i * member.param_count;
	member.buffers = whole->buffers + (size_t)i * member.buffer_count;
	if ((st = program_cache_new(&net, &(struct program_cache_opts){
		.engine = k->o->engine, .model = &member, .purpose = NN_EVAL })) != TT_OK ||
	    (st = loader_new(&loader, k->o->source, &order)) != TT_OK)
		goto out;
	while ((st = loader_next(loader, &b)) == TT_OK && b) {
		if (b->n && (st = ask_batch(k, net, b, &p)) != TT_OK)
			break;
		if (b->n)
			keep_answers(k, b, i, row, program_output(p, OUTPUT_LOGITS));
		row += b->n;
	}
	if (st == TT_OK && row != k->rows)
		st = err_set(TT_EINTERNAL, "%lld rows instead of %lld", (long long)row,
		             (long long)k->rows);
out:
	loader_free(&loader);
	program_cache_free(&net);
	return st;
}

static tt_status ask_members(struct stacking *k)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < k->o->members; i++)
		st = ask_member(k, i);
	return st;
}

/* ---- learning ---- */

/* Share r of step s of an epoch: a rank whose rows are used up adds nothing. */
static int share_at(const struct stacking *k, int r, int64_t s)
{
	const int64_t left = k->rows_of[r] - s * k->share;

	return left <= 0 ? 0 : left < k->share ? (int)left : k->share;
}

static void draw(struct stacking *k, int64_t epoch, int64_t s)
{
	const struct rng_key key = rng_key((uint64_t)k->train->seed, RNG_SHUFFLE);
	struct batch *b = &k->batch;

	b->n = share_at(k, k->o->comm->rank, s);
	for (int i = 0; i < b->n; i++) {
		uint64_t at = (uint64_t)(s * k->share + i);
		int64_t row = (int64_t)rng_permute(key, (uint64_t)epoch, (uint64_t)k->rows, at);

		memcpy(b->x + i * k->width, k->x + row * k->width, (size_t)k->width * sizeof *b->x);
		if (b->label)
			b->label[i] = k->label[row];
		if (b->values)
			memcpy(b->values + i * k->values, k->value + row * k->values,
			       (size_t)k->values * sizeof *b->values);
		if (k->weight)
			k->drawn[i] = k->weight[row];
	}
	b->data.n = b->n;
	b->n_global = 0;
	for (int r = 0; r < k->o->comm->size; r++)
		b->n_global += share_at(k, r, s);
}

static tt_status step(struct stacking *k, int64_t number, int64_t steps)
{
	const double done = (double)number / (double)steps, lr = k->adamw.lr;
	struct learner_result r;

	return learner_step(k->learner, &k->batch,
	                    &(struct learner_at){ .lr = lr * (1 + cos(M_PI * done)) / 2 }, &r);
}

static tt_status check_finite(const struct stacking *k, tt_status st)
{
	int bad = st == TT_ENAN;

	for (size_t i = 0; st == TT_OK && i < k->net->param_count; i++)
		bad = bad || !isfinite(k->net->params[i]);
	return !bad ? st : err_set(TT_ENAN, "the model that combines the members is not finite: try a "
	                           "smaller train.combiner.lr");
}

static tt_status learn(struct stacking *k)
{
	const int epochs = k->train->combiner.epochs;
	int64_t longest = 0, each;
	tt_status st = TT_OK;

	for (int r = 0; r < k->o->comm->size; r++)
		longest = k->rows_of[r] > longest ? k->rows_of[r] : longest;
	each = (longest + k->share - 1) / k->share;
	for (int64_t s = 0; st == TT_OK && s < epochs * each; s++) {
		draw(k, s / each, s % each);
		st = step(k, s, epochs * each);
	}
	if (st == TT_OK)
		st = learner_flush(k->learner);
	return check_finite(k, st);
}

/* ---- room ---- */

static tt_status make_rows(struct stacking *k)
{
	const tt_source_info *info = tt_source_describe(k->o->source);
	const size_t rows = (size_t)k->rows + 1, share = (size_t)k->share;
	const int classes = info->target == TT_TARGET_CLASS;

	k->values = info->values;
	k->x = mem_calloc(rows, (size_t)k->width * sizeof *k->x);
	k->batch.x = mem_alloc_aligned(share * (size_t)k->width * sizeof *k->batch.x);
	if (!k->x || !k->batch.x)
		return TT_ENOMEM;
	if (classes && (!(k->label = mem_calloc(rows, sizeof *k->label)) ||
	                !(k->batch.label = mem_calloc(share, sizeof *k->batch.label))))
		return TT_ENOMEM;
	if (k->values && (!(k->value = mem_calloc(rows, (size_t)k->values * sizeof *k->value)) ||
	                  !(k->batch.values = mem_calloc(share, (size_t)k->values * sizeof(float)))))
		return TT_ENOMEM;
	if (tt_source_schema(k->o->source)->weight &&
	    (!(k->weight = mem_calloc(rows, sizeof *k->weight)) ||
	     !(k->drawn = mem_calloc(share, sizeof *k->drawn))))
		return TT_ENOMEM;
	k->batch.data.weight = k->drawn;
	k->answers = (tt_column){ .size = sizeof k->answers, .name = "answers", .type = TT_F32,
	                          .ndim = 1, .shape = { k->width }, .data = k->batch.x };
	k->answers_at = &k->answers;
	k->batch.data.column = &k->answers_at;
	k->batch.data.columns = 1;
	k->inputs.model = k->o->member;
	return target_init(&k->target, k->o->member, info, k->train->batch);
}

/* AdamW on the weights; gradients are summed in the order of ranks, without measuring the wire. */
static tt_status make_opts(struct stacking *k)
{
	const struct combiner_opts *o = &k->train->combiner;
	struct arena a = {0};
	tt_status st;

	if ((st = options_default(optim_options, &a, &k->adamw)) == TT_OK)
		st = options_default(distribute_options, &a, &k->plain);
	arena_release(&a);
	k->adamw.kind = OPTIM_ADAMW;
	k->adamw.lr = o->lr;
	k->adamw.weight_decay = o->weight_decay;
	k->adamw.decay_norms = 0;
	k->plain.deterministic = 1;
	k->plain.overlap = OVERLAP_NONE;
	return st;
}

/* It learns from a source of answers with the same targets. */
static tt_status make_learner(struct stacking *k)
{
	const struct learner_opts o = {
		.model = k->net, .engine = k->o->engine, .comm = k->o->comm, .distribute = &k->plain,
		.optimizer = &k->adamw, .seed = (uint64_t)k->train->seed,
		.batch = (int64_t)k->share * k->o->comm->size, .threads = k->train->threads,
	};
	tt_source_info answers = *tt_source_describe(k->o->source);
	tt_status st;

	answers.ndim = 1;
	answers.shape[0] = k->width;
	if ((st = make_opts(k)) != TT_OK || (st = learner_new(&k->learner, &o)) != TT_OK ||
	    (st = learner_fit(k->learner, &answers)) != TT_OK ||
	    (st = learner_set_weights(k->learner, k->weight ? WEIGHTS_YES : WEIGHTS_NO)) != TT_OK)
		return st;
	return learner_start(k->learner);
}

static tt_status make_all(struct stacking *k)
{
	tt_status st;

	if (!k->net->param_count)
		return err_set(TT_ESPEC, "train.combiner.layers: no layer has parameters");
	k->rows_of = mem_calloc((size_t)k->o->comm->size, sizeof *k->rows_of);
	if (!k->rows_of)
		return TT_ENOMEM;
	if ((st = make_rows(k)) != TT_OK || (st = make_learner(k)) != TT_OK)
		return st;
	return comm_allgather(k->o->comm, &k->rows, sizeof k->rows, k->rows_of);
}

static void release(struct stacking *k)
{
	learner_free(&k->learner);
	target_release(&k->target);
	program_inputs_release(&k->inputs);
	mem_free(k->x);
	mem_free(k->value);
	mem_free(k->label);
	mem_free(k->weight);
	mem_free(k->drawn);
	mem_free(k->batch.x);
	mem_free(k->batch.label);
	mem_free(k->batch.values);
	mem_free(k->rows_of);
}

tt_status stacking_train(const struct stacking_opts *o, tt_model *net)
{
	const struct train_opts *t = &o->member->spec->train;
	const int world = o->comm->size;
	struct stacking k = {
		.o = o, .train = t, .net = net, .rows = count_rows(o, t->batch), .width = net->inputs,
		.share = (t->combiner.batch + world - 1) / world,
	};
	tt_status st;

	o->comm->doing = "training the model that combines the members";
	if ((st = make_all(&k)) == TT_OK && (st = ask_members(&k)) == TT_OK)
		st = learn(&k);
	release(&k);
	return st;
}
