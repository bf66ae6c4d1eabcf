/* autotune.c -- measure once, remember.
 *
 * A candidate is measured where it will work: a small plan of this one node, whose inputs lie in
 * the layouts that the real plan has given them, so that the copies a variant needs count too. */
#include "compute/exec/autotune.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "compute/exec/tuning_cache.h"
#include "compute/ir/op.h"

#define MAX_CANDIDATES (2 * DEVICE_MAX_VARIANTS)
#define MEASURE_RUNS_MAX 40
#define MEASURE_SECONDS  0.03
#define DOING_TEXT 128

struct candidate { struct choice c; char id[VARIANT_NAME + 32]; };

/* The reference device counts only where nobody else can. */
static int candidates(struct plan *p, const struct ir_node *n, struct candidate *out)
{
	int count = 0;

	for (struct device *const *d = p->opts->devices; *d; d++) {
		char names[DEVICE_MAX_VARIANTS][VARIANT_NAME] = { "" };
		int k = 1;

		if (!(*d)->ops->supports(*d, p, n) || (count && !d[1]))
			continue;
		if ((*d)->ops->variants)
			k = (*d)->ops->variants(*d, p, n, names, DEVICE_MAX_VARIANTS);
		for (int i = 0; i < k && count < MAX_CANDIDATES; i++, count++) {
			out[count].c.device = *d;
			memcpy(out[count].c.variant, names[i], VARIANT_NAME);
			snprintf(out[count].id, sizeof out[count].id, "%s/%s", (*d)->ops->name,
			         out[count].c.variant);
		}
	}
	return count;
}

/* All that the speed of a node depends on, but the machine. */
static tt_status node_key(const struct plan *p, const struct ir_node *n, struct str *s)
{
	str_addf(s, "%s t%d %s %s", ir_op_name(n->op), thread_count(),
	         p->opts->precision == PRECISION_BF16 ? "bf16" : "f32",
	         p->opts->purpose == PROGRAM_INFER ? "infer" : "train");
	for (int i = 0; i < n->n_in; i++) {
		const struct layout *l = plan_layout(p, n->in[i]);
		char text[TENSOR_TEXT], name[VARIANT_NAME] = "plain";

		if (l)
			l->owner->ops->layout_text(l, name);
		str_addf(s, " %s:%s", tensor_text(&n->in[i]->desc, text), name);
	}
	ir_attr_key(&n->attr, s);
	return str_status(s);
}

/* Of all their names: a choice among others is no choice among these. */
static uint32_t fingerprint(const struct candidate *c, int count)
{
	uint32_t h = HASH_BEGIN32;

	for (int i = 0; i < count; i++)
		h = hash_bytes32(h, c[i].id, strlen(c[i].id) + 1);
	return h;
}

/* A plan of n alone, its inputs as they are in p. */
static tt_status trial_plan(struct plan *p, const struct ir_node *n, const struct choice *c,
                            struct plan **out)
{
	struct plan *t = NULL;
	tt_status st = plan_new(&t, p->graph, p->opts);

	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		st = plan_seed(t, n->in[i], plan_layout(p, n->in[i]));
	if (st == TT_OK)
		st = plan_node(t, n, c->device, c->variant);
	if (st == TT_OK)
		*out = t;
	else
		plan_free(&t);
	return st;
}

/* Does it hold the value's own numbers in their order, in whatever memory? */
static int is_plain(const struct plan_buf *b)
{
	return b->value && (!b->layout || b->layout->row_major);
}

/* How many numbers an index that lies plain in this buffer may choose from; 0: it holds none. */
static int64_t index_limit(const struct ir_node *n, const struct plan_buf *b)
{
	for (int i = 0; i < n->n_in && is_plain(b); i++)
		if (n->in[i] == b->value)
			return ir_index_limit(n, i);
	return 0;
}

/* Indices that exist, spread over all there are. */
static tt_status fill_indices(struct mem *m, void *to, enum dtype type, size_t words, int64_t limit)
{
	int32_t *host = mem_alloc(words * sizeof *host);
	tt_status st;

	if (!host)
		return TT_ENOMEM;
	for (size_t w = 0; w < words; w++) {
		const int64_t index = (int64_t)w % limit;

		if (type == DTYPE_F32)
			((float *)(void *)host)[w] = (float)index;
		else
			host[w] = (int32_t)index;
	}
	st = m->ops->put(m, to, host, words * sizeof *host);
	mem_free(host);
	return st;
}

/* Indices that exist, zeros in other whole numbers, ones in masks, else 0.5 (as f32 and as bf16: no
 * denormals). */
static tt_status trial_fill(const struct ir_node *n, const struct plan_buf *b, struct mem *m,
                            void *to, size_t bytes)
{
	const enum dtype type = is_plain(b) ? b->value->desc.dtype : DTYPE_F32;
	const int64_t limit = index_limit(n, b);

	if (limit)
		return fill_indices(m, to, type, bytes / sizeof(int32_t), limit);
	return m->ops->fill(m, to, type == DTYPE_S32 ? 0 : type == DTYPE_U8 ? 0x01010101u : 0x3f003f00u,
	                    bytes);
}

/* Memory of its own for every buffer, with numbers that n can work on. */
static tt_status trial_bind(struct plan *t, const struct ir_node *n, void **mem)
{
	for (int i = 0; i < t->n_bufs; i++) {
		struct mem *m = t->mem[t->buf[i].mem].mem;
		const size_t bytes = (t->buf[i].bytes / 4 + 1) * 4;
		tt_status st;

		if (t->buf[i].root != i)
			continue;
		if ((st = m->ops->alloc(m, bytes, &mem[i])) != TT_OK ||
		    (st = trial_fill(n, &t->buf[i], m, mem[i], bytes)) != TT_OK)
			return st;
	}
	for (int s = 0; s < t->n_steps; s++)
		for (int i = 0; i < t->step[s].n_args; i++)
			if (t->step[s].arg[i] >= 0)
				t->step[s].kernel->ops->bind(t->step[s].kernel, i,
				                             mem[t->buf[t->step[s].arg[i]].root]);
	return TT_OK;
}

static tt_status run_steps(struct plan *t, int once)
{
	const struct run_context rc = {0};
	sigset_t before;
	tt_status st = TT_OK;

	thread_block_signals(&before);       /* as program_run does */
	for (int s = 0; s < t->n_steps && st == TT_OK; s++)
		if (t->step[s].once == once)
			st = t->step[s].kernel->ops->run(t->step[s].kernel, &rc);
	thread_restore_signals(&before);
	return st;
}

/* Kernels may be slow, and whoever waits for them lose patience. */
static tt_status check_stop(const struct plan *p)
{
	tt_status st = policy_check("the measuring of kernels");

	if (st == TT_OK && p->opts->stop && p->opts->stop(p->opts->stop_ctx))
		return err_set(TT_ESTOPPED, "stopped on request while kernels were measured");
	return st;
}

/* The least of several runs: noise only ever adds. */
static tt_status trial_time(struct plan *t, double *seconds)
{
	double best = 1e30, start, begin;
	tt_status st;

	if ((st = run_steps(t, 1)) != TT_OK || (st = run_steps(t, 0)) != TT_OK)
		return st;
	begin = thread_seconds();
	for (int i = 0; i < MEASURE_RUNS_MAX && st == TT_OK; i++) {
		start = thread_seconds();
		if (i >= 3 && start - begin > MEASURE_SECONDS)
			break;
		if ((st = check_stop(t)) == TT_OK)
			st = run_steps(t, 0);
		if (thread_seconds() - start < best)
			best = thread_seconds() - start;
	}
	*seconds = best;
	return st;
}

struct fastest { int which; double seconds; };

static void trial_free(struct plan *t, void **mem)
{
	for (int i = 0; mem && i < t->n_bufs; i++) {
		struct mem *m = t->mem[t->buf[i].mem].mem;

		m->ops->free(m, mem[i]);
	}
	mem_free(mem);
	plan_free(&t);
}

static tt_status measure(struct plan *p, const struct ir_node *n, const struct choice *c,
                         double *seconds)
{
	struct plan *t = NULL;
	void **mem = NULL;
	tt_status st = trial_plan(p, n, c, &t);

	if (st != TT_OK)
		return st;
	if (!(mem = mem_calloc((size_t)t->n_bufs + 1, sizeof *mem)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = trial_bind(t, n, mem);
	if (st == TT_OK)
		st = trial_time(t, seconds);
	trial_free(t, mem);
	return st;
}

/* Which of them is fastest, and how fast. */
static tt_status measure_all(struct plan *p, const struct ir_node *n, const struct candidate *c,
                             int count, struct fastest *out)
{
	char what[DOING_TEXT];
	double t = 1e30;

	*out = (struct fastest){ 0, 1e30 };
	snprintf(what, sizeof what, "measuring kernels: %s", n->name);
	for (int i = 0; i < count; i++) {
		tt_status st = check_stop(p);

		if (st != TT_OK)
			return st;
		policy_tell(what);
		thread_look();
		if ((st = measure(p, n, &c[i].c, &t)) == TT_ENOMEM || st == TT_ESTOPPED)
			return st;
		if (st == TT_OK && t < out->seconds)      /* a variant that cannot is no candidate */
			*out = (struct fastest){ i, t };
	}
	return TT_OK;
}

tt_status autotune(struct plan *p, const struct ir_node *n, struct choice *out)
{
	struct candidate c[MAX_CANDIDATES];
	struct str key = {0};
	const char *known;
	struct fastest f;
	int count = candidates(p, n, c), best = 0;
	tt_status st = TT_OK;

	if (count == 0)
		return err_set(TT_ESUPPORT, "%s (%s): no device of this build can do it", n->name,
		               ir_op_name(n->op));
	if (p->opts->cache && count > 1) {
		if ((st = node_key(p, n, &key)) != TT_OK)
			goto out;
		str_addf(&key, " of %08x", fingerprint(c, count));
		if ((st = str_status(&key)) != TT_OK)
			goto out;
		known = kernel_cache_get(p->opts->cache, key.p);
		for (best = 0; known && best < count && strcmp(c[best].id, known) != 0; best++)
			;
		if (!known || best == count) {
			if ((st = measure_all(p, n, c, count, &f)) == TT_OK)
				st = kernel_cache_put(p->opts->cache, key.p, c[f.which].id, 1e6 * f.seconds);
			best = f.which;
		}
	}
	if (st == TT_OK)
		*out = c[best].c;
out:
	str_release(&key);
	return st;
}
