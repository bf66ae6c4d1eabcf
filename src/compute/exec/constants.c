/* constants.c -- see constants.h.  Two buffers hold the same if the same steps made them, in the
 * same layouts, from the same parameters: compared step by step, down to the parameters. */
#include "compute/exec/constants.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/compiled.h"
#include "compute/exec/device.h"
#include "sys/lock.h"

#define KEPT_ALIGN 64

/* A program that makes some of what is kept. */
struct maker {
	struct compiled *c;                 /* NULL: gone                                  */
	struct block { struct mem *mem; void *at; size_t bytes; } block[PLAN_MEMS];
	void            *home[HOME_INPUT];  /* where the flat vectors begin                */
	int              bound, stale;
};

struct constants {
	atomic_int      refs;
	atomic_int      stale;              /* a maker is                                  */
	struct lock     lock;               /* all below; held while constants are made    */
	struct maker   *maker;              /* who joins later may read what earlier ones make */
	int             n, cap;
};

tt_status constants_new(struct constants **out)
{
	struct constants *c = mem_calloc(1, sizeof *c);

	if (!c)
		return TT_ENOMEM;
	atomic_init(&c->refs, 1);
	*out = c;
	return TT_OK;
}

struct constants *constants_ref(struct constants *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

static void free_blocks(struct maker *m)
{
	for (struct block *b = m->block; b < m->block + PLAN_MEMS; b++)
		if (b->at)
			b->mem->ops->free(b->mem, b->at);
}

void constants_unref(struct constants **cp)
{
	struct constants *c = *cp;

	*cp = NULL;
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	for (int i = 0; i < c->n; i++)
		free_blocks(&c->maker[i]);
	mem_free(c->maker);
	mem_free(c);
}

size_t constants_bytes(const struct constants *c)
{
	size_t bytes = 0;

	for (int i = 0; i < c->n; i++)
		for (int k = 0; k < PLAN_MEMS; k++)
			bytes += c->maker[i].block[k].bytes;
	return bytes;
}

/* ---- is it the same? ---- */

/* A buffer of a plan, and its memory's owner there. */
struct side { const struct plan *p; int buf; };

static const struct plan_buf *buf_of(struct side s) { return &s.p->buf[s.buf]; }
static const struct plan_buf *root_of(struct side s) { return &s.p->buf[buf_of(s)->root]; }

static int same_layout(const struct layout *a, const struct layout *b)
{
	if (!a || !b || a->owner != b->owner)
		return a == b;
	return a == b || a->owner->ops->layout_same(a, b);
}

static int same_desc(const struct ir_value *a, const struct ir_value *b)
{
	if (!a || !b)
		return a == b;
	return a->desc.dtype == b->desc.dtype && a->desc.ndim == b->desc.ndim &&
	       memcmp(a->desc.dim, b->desc.dim, (size_t)a->desc.ndim * sizeof *a->desc.dim) == 0;
}

/* Does step s write it?  What is made from parameters is touched first by who writes it. */
static int is_made_by(const struct plan *p, int buf, int s)
{
	const struct plan_buf *root = &p->buf[p->buf[buf].root];

	return root->first == s && (root->home == HOME_CONST || root->home == HOME_KEPT);
}

/* As an argument of equal steps: looks alike, whatever it holds. */
static int same_look(struct side a, struct side b)
{
	const struct plan_buf *x = buf_of(a), *y = buf_of(b);

	return x->bytes == y->bytes && a.p->mem[x->mem].mem == b.p->mem[y->mem].mem &&
	       same_layout(x->layout, y->layout) && same_desc(x->value, y->value);
}

static int same_content(struct side a, struct side b);

/* Do steps s and t do the same to the same?  Attributes are compared by bytes: what fills gaps
 * between them may differ, and then something is made twice. */
static int same_step(const struct plan *p, int s, const struct plan *q, int t)
{
	const struct plan_step *x = &p->step[s], *y = &q->step[t];

	if (x->device != y->device || x->n_args != y->n_args || x->reorder != y->reorder ||
	    strcmp(x->kernel->name, y->kernel->name) != 0)
		return 0;
	if (!x->reorder && (x->node->op != y->node->op ||
	                    memcmp(&x->node->attr, &y->node->attr, sizeof x->node->attr) != 0))
		return 0;
	for (int i = 0; i < x->n_args; i++) {
		const struct side a = { p, x->arg[i] }, b = { q, y->arg[i] };

		if ((a.buf < 0) != (b.buf < 0))
			return 0;
		if (a.buf < 0)
			continue;
		if (!same_look(a, b))
			return 0;
		if (is_made_by(p, a.buf, s) ? !is_made_by(q, b.buf, t) : !same_content(a, b))
			return 0;
	}
	return 1;
}

/* Which argument of its maker is it? */
static int place_of(struct side s, int step)
{
	const struct plan_step *x = &s.p->step[step];

	for (int i = 0; i < x->n_args; i++)
		if (x->arg[i] >= 0 && s.p->buf[x->arg[i]].root == buf_of(s)->root)
			return i;
	return -1;
}

static int same_content(struct side a, struct side b)
{
	const struct plan_buf *x = root_of(a), *y = root_of(b);

	if (x->home == HOME_PARAM || x->home == HOME_BUFFER || y->home == HOME_PARAM ||
	    y->home == HOME_BUFFER)
		return x->home == y->home && buf_of(a)->offset == buf_of(b)->offset &&
		       same_look(a, b);
	return x->bytes == y->bytes && x->constant && y->constant &&
	       place_of(a, x->first) == place_of(b, y->first) &&
	       same_step(a.p, x->first, b.p, y->first);
}

static int is_kept(const struct plan *p, int buf)
{
	return p->buf[buf].home == HOME_KEPT && p->buf[buf].root == buf;
}

/* What the pool has of the kind of c's kept buffer; NULL: nothing. */
static void *find(const struct constants *pool, const struct compiled *c, int buf)
{
	for (int m = 0; m < pool->n; m++) {
		const struct compiled *have = pool->maker[m].c;

		for (int i = 0; have && i < have->plan->n_bufs; i++)
			if (is_kept(have->plan, i) &&
			    same_content((struct side){ have->plan, i }, (struct side){ c->plan, buf }))
				return have->kept[have->plan->buf[i].offset];
	}
	return NULL;
}

/* ---- joining ---- */

/* Whether step s writes something that is still to be made. */
static int makes_wanted(const struct compiled *c, int s, const char *wanted)
{
	const struct plan_step *x = &c->plan->step[s];

	for (int i = 0; i < x->n_args; i++) {
		if (x->arg[i] >= 0 && wanted[c->plan->buf[x->arg[i]].root] &&
		    is_made_by(c->plan, x->arg[i], s))
			return 1;
	}
	return 0;
}

/* From the end: a step stays if it makes what is wanted, and then what it reads is wanted too,
 * unless the pool has it. */
static void drop_steps(struct compiled *c, const char *shared, char *wanted)
{
	int kept = c->n_once;

	for (int k = c->n_once - 1; k >= 0; k--) {
		const struct plan_step *x = &c->plan->step[c->once[k]];

		if (!makes_wanted(c, c->once[k], wanted))
			continue;
		for (int i = 0; i < x->n_args; i++)
			if (x->arg[i] >= 0 && !shared[c->plan->buf[x->arg[i]].root])
				wanted[c->plan->buf[x->arg[i]].root] = 1;
		c->once[--kept] = c->once[k];
	}
	memmove(c->once, c->once + kept, (size_t)(c->n_once - kept) * sizeof *c->once);
	c->n_once -= kept;
}

static size_t place_bytes(const struct plan_buf *b)
{
	return (b->bytes + KEPT_ALIGN - 1) / KEPT_ALIGN * KEPT_ALIGN;
}

static tt_status alloc_blocks(const struct plan *p, struct maker *m)
{
	tt_status st = TT_OK;

	for (int i = 0; i < p->n_mems && st == TT_OK; i++) {
		struct mem *mem = m->block[i].mem = p->mem[i].mem;

		if (m->block[i].bytes)
			st = mem->ops->alloc(mem, m->block[i].bytes, &m->block[i].at);
	}
	if (st != TT_OK)
		free_blocks(m);
	return st;
}

/* Look up each kept buffer; what the pool lacks gets a place in m's blocks. */
static tt_status settle(const struct constants *pool, struct compiled *c, struct maker *m,
                        char *shared, char *wanted)
{
	size_t at[PLAN_MEMS] = { 0 };
	tt_status st;

	for (int i = 0; i < c->plan->n_bufs; i++) {
		const struct plan_buf *b = &c->plan->buf[i];

		if (!is_kept(c->plan, i))
			continue;
		shared[i] = (c->kept[b->offset] = find(pool, c, i)) != NULL;
		wanted[i] = !shared[i];
		if (wanted[i])
			m->block[b->mem].bytes += place_bytes(b);
	}
	if ((st = alloc_blocks(c->plan, m)) != TT_OK)
		return st;
	for (int i = 0; i < c->plan->n_bufs; i++) {
		const struct plan_buf *b = &c->plan->buf[i];

		if (!wanted[i])
			continue;
		c->kept[b->offset] = (unsigned char *)m->block[b->mem].at + at[b->mem];
		at[b->mem] += place_bytes(b);
	}
	return TT_OK;
}

/* A child of a fork may find the pool at any point: the makers are always there (lock.h). */
static tt_status make_room(struct constants *pool)
{
	int cap = pool->cap ? 2 * pool->cap : 4;
	struct maker *q, *before = pool->maker;

	if (pool->n < pool->cap)
		return TT_OK;
	if (!(q = mem_calloc((size_t)cap, sizeof *q)))
		return TT_ENOMEM;
	if (pool->n)
		memcpy(q, before, (size_t)pool->n * sizeof *q);
	pool->maker = q;
	pool->cap = cap;
	mem_free(before);
	return TT_OK;
}

tt_status constants_join(struct constants *pool, struct compiled *c)
{
	const size_t n = (size_t)c->plan->n_bufs + 1;
	struct maker m = { .c = c };
	char *shared = mem_calloc(n, 1), *wanted = mem_calloc(n, 1);
	tt_status st = TT_ENOMEM;

	c->kept = mem_calloc((size_t)c->plan->n_kept + 1, sizeof *c->kept);
	if (!shared || !wanted || !c->kept)
		goto out;
	lock_take(&pool->lock);
	if ((st = make_room(pool)) == TT_OK &&
	    (st = settle(pool, c, &m, shared, wanted)) == TT_OK) {
		drop_steps(c, shared, wanted);
		pool->maker[pool->n++] = m;
	}
	lock_give(&pool->lock);
out:
	mem_free(shared);
	mem_free(wanted);
	return st;
}

void constants_leave(struct constants *pool, struct compiled *c)
{
	lock_take(&pool->lock);
	for (int i = 0; i < pool->n; i++)
		if (pool->maker[i].c == c)
			pool->maker[i].c = NULL;
	lock_give(&pool->lock);
}

/* ---- making ---- */

void constants_bind(struct constants *pool, struct compiled *c, void *const *home)
{
	lock_take(&pool->lock);
	for (int i = 0; i < pool->n; i++) {
		if (pool->maker[i].c != c)
			continue;
		memcpy(pool->maker[i].home, home, sizeof pool->maker[i].home);
		pool->maker[i].bound = 1;
		pool->maker[i].stale = c->n_once > 0;
		atomic_store(&pool->stale, 1);
	}
	lock_give(&pool->lock);
}

void constants_refresh(struct constants *pool)
{
	lock_take(&pool->lock);
	for (int i = 0; i < pool->n; i++)
		pool->maker[i].stale = pool->maker[i].c && pool->maker[i].c->n_once > 0;
	atomic_store(&pool->stale, 1);
	lock_give(&pool->lock);
}

/* What lies between parameters and kept buffers is there only now: temp, by memory. */
static void *address(const struct maker *m, void *const *temp, const struct plan_buf *b)
{
	if (b->home == HOME_KEPT)
		return m->c->kept[b->offset];
	return (char *)(b->home == HOME_CONST ? temp[b->mem] : m->home[b->home]) + b->offset;
}

static tt_status run_step(const struct maker *m, void *const *temp, const struct plan_step *x)
{
	const struct run_context rc = { .sample_stride = 1 };

	for (int i = 0; i < x->n_args; i++)
		if (x->arg[i] >= 0)
			x->kernel->ops->bind(x->kernel, i,
			                     address(m, temp, &m->c->plan->buf[x->arg[i]]));
	return x->kernel->ops->run(x->kernel, &rc);
}

static tt_status run_once(struct maker *m)
{
	const struct plan *p = m->c->plan;
	void *temp[PLAN_MEMS] = { NULL };
	tt_status st = TT_OK;

	for (int i = 0; i < p->n_mems && st == TT_OK; i++)
		st = p->mem[i].mem->ops->alloc(p->mem[i].mem, p->mem[i].slab_once + 1, &temp[i]);
	for (int k = 0; k < m->c->n_once && st == TT_OK; k++)
		st = run_step(m, temp, &p->step[m->c->once[k]]);
	for (int i = 0; i < p->n_mems; i++)
		p->mem[i].mem->ops->free(p->mem[i].mem, temp[i]);
	m->stale = st != TT_OK;
	return st;
}

tt_status constants_make(struct constants *pool)
{
	tt_status st = TT_OK;

	if (!atomic_load_explicit(&pool->stale, memory_order_acquire))
		return TT_OK;
	lock_take(&pool->lock);
	for (int i = 0; i < pool->n && st == TT_OK; i++)
		if (pool->maker[i].stale && pool->maker[i].bound)
			st = run_once(&pool->maker[i]);
	if (st == TT_OK)
		atomic_store_explicit(&pool->stale, 0, memory_order_release);
	lock_give(&pool->lock);
	return st;
}
