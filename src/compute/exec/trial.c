/* trial.c -- see trial.h. */
#include "compute/exec/trial.h"

#include "base/mem.h"
#include "compute/ir/op.h"
#include "sys/thread.h"

struct trial {
	const struct ir_node *node;
	struct plan          *plan;
	void                **mem;          /* of each buffer */
};

/* A plan of n alone, its inputs as they are in p. */
static tt_status plan_alone(struct plan *p, const struct ir_node *n, const struct choice *c,
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

static size_t buf_bytes(const struct plan *p, int i)
{
	return p->buf[i].root == i ? (p->buf[i].bytes / 4 + 1) * 4 : 0;
}

/* Memory of its own for every buffer. */
static tt_status fill_all(struct trial *t)
{
	struct plan *p = t->plan;
	tt_status st = TT_OK;

	for (int i = 0; i < p->n_bufs && st == TT_OK; i++) {
		struct mem *m = p->mem[p->buf[i].mem].mem;
		const size_t bytes = buf_bytes(p, i);

		if (bytes && (st = m->ops->alloc(m, bytes, &t->mem[i])) == TT_OK)
			st = trial_fill(t->node, &p->buf[i], m, t->mem[i], bytes);
	}
	return st;
}

static void bind_all(struct trial *t)
{
	const struct plan *p = t->plan;

	for (const struct plan_step *s = p->step; s < p->step + p->n_steps; s++)
		for (int i = 0; i < s->n_args; i++)
			if (s->arg[i] >= 0)
				s->kernel->ops->bind(s->kernel, i, t->mem[p->buf[s->arg[i]].root]);
}

static tt_status run_steps(const struct plan *p, int once)
{
	const struct run_context rc = {0};
	sigset_t before;
	tt_status st = TT_OK;

	thread_block_signals(&before);       /* as program_run does */
	for (int s = 0; s < p->n_steps && st == TT_OK; s++)
		if (p->step[s].once == once)
			st = p->step[s].kernel->ops->run(p->step[s].kernel, &rc);
	thread_restore_signals(&before);
	return st;
}

/* ---- what others see ---- */

tt_status trial_new(struct trial **out, struct plan *p, const struct ir_node *n,
                    const struct choice *c)
{
	struct trial *t = mem_calloc(1, sizeof *t);
	tt_status st;

	if (!t)
		return TT_ENOMEM;
	t->node = n;
	if ((st = plan_alone(p, n, c, &t->plan)) == TT_OK)
		*out = t;
	else
		trial_free(&t);
	return st;
}

void trial_free(struct trial **tp)
{
	struct trial *t = *tp;

	if (!t)
		return;
	for (int i = 0; t->mem && i < t->plan->n_bufs; i++) {
		struct mem *m = t->plan->mem[t->plan->buf[i].mem].mem;

		m->ops->free(m, t->mem[i]);
	}
	mem_free(t->mem);
	plan_free(&t->plan);
	mem_free(t);
	*tp = NULL;
}

size_t trial_bytes(const struct trial *t)
{
	size_t bytes = 0;

	for (int i = 0; i < t->plan->n_bufs; i++)
		bytes += buf_bytes(t->plan, i);
	return bytes;
}

tt_status trial_begin(struct trial *t)
{
	tt_status st;

	if (!(t->mem = mem_calloc((size_t)t->plan->n_bufs + 1, sizeof *t->mem)))
		return TT_ENOMEM;
	if ((st = fill_all(t)) != TT_OK)
		return st;
	bind_all(t);
	st = run_steps(t->plan, 1);
	return st == TT_OK ? run_steps(t->plan, 0) : st;
}

tt_status trial_run(struct trial *t)
{
	return run_steps(t->plan, 0);
}
