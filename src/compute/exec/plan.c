/* plan.c -- see plan.h.  Bookkeeping only: what a step computes is its device's affair. */
#include "compute/exec/plan.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/device.h"

enum precision plan_precision(const struct plan *p) { return p->opts->precision; }
enum program_purpose plan_purpose(const struct plan *p) { return p->opts->purpose; }
struct arena *plan_arena(struct plan *p) { return &p->arena; }
const struct plan_buf *plan_buf(const struct plan *p, int id) { return &p->buf[id]; }

const struct layout *plan_layout(const struct plan *p, const struct ir_value *v)
{
	return p->head[v->id] < 0 ? NULL : p->buf[p->head[v->id]].layout;
}

int plan_can_read(const struct plan *p, const struct ir_value *v, const struct device *d)
{
	const struct layout *made = plan_layout(p, v);

	if (!made || !made->opaque || made->owner == d)
		return 1;
	for (int b = p->head[v->id]; b >= 0; b = p->buf[b].next)
		if (!p->buf[b].layout)
			return 1;
	return 0;
}

int plan_can_read_all(const struct plan *p, const struct ir_node *n, const struct device *d)
{
	for (int i = 0; i < n->n_in; i++)
		if (!plan_can_read(p, n->in[i], d))
			return 0;
	return 1;
}

int plan_wanted(const struct plan *p, const struct ir_value *v)
{
	return p->last_use[v->id] >= 0 || v->output || p->grad_of[v->id];
}

int plan_is_gradient(const struct plan *p, const struct ir_value *v)
{
	return p->grad_of[v->id] != NULL;
}

/* Who reads each value last, and which values are gradients of parameters. */
static tt_status survey(struct plan *p)
{
	const struct ir_graph *g = p->graph;
	size_t n = (size_t)g->n_values + 1;

	p->head = arena_alloc(&p->arena, n * sizeof *p->head);
	p->last_use = arena_alloc(&p->arena, n * sizeof *p->last_use);
	p->grad_of = arena_alloc(&p->arena, n * sizeof *p->grad_of);
	if (!p->head || !p->last_use || !p->grad_of)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++)
		p->head[i] = p->last_use[i] = -1;
	for (const struct ir_node *x = g->first; x; x = x->next)
		for (int i = 0; i < x->n_in; i++)
			p->last_use[x->in[i]->id] = x->id;
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind == IR_PARAM && v->grad)
			p->grad_of[v->grad->id] = v;
	}
	return TT_OK;
}

tt_status plan_new(struct plan **out, struct ir_graph *g, const struct program_opts *o)
{
	struct plan *p = mem_calloc(1, sizeof *p);
	int id = 0;

	if (!p)
		return TT_ENOMEM;
	p->graph = g;
	p->opts = o;
	p->mem[p->n_mems++].mem = &host_mem;
	for (struct ir_node *n = g->first; n; n = n->next)
		n->id = id++;                     /* passes moved nodes: ids are places again */
	if (survey(p) != TT_OK) {
		plan_free(&p);
		return TT_ENOMEM;
	}
	*out = p;
	return TT_OK;
}

void plan_free(struct plan **pp)
{
	struct plan *p = *pp;

	if (!p)
		return;
	for (int i = 0; i < p->n_steps; i++)
		p->step[i].kernel->ops->free(p->step[i].kernel);
	mem_free(p->step);
	mem_free(p->buf);
	arena_release(&p->arena);
	mem_free(p);
	*pp = NULL;
}

static int new_buf(struct plan *p, struct plan_buf b)
{
	if (p->n_bufs == p->cap_bufs) {
		int cap = p->cap_bufs ? 2 * p->cap_bufs : 64;
		struct plan_buf *q = mem_realloc(p->buf, (size_t)cap * sizeof *q);

		if (!q)
			return -1;
		p->buf = q;
		p->cap_bufs = cap;
	}
	b.first = b.last = -1;
	b.root = p->n_bufs;
	b.next = -1;
	p->buf[p->n_bufs] = b;
	return p->n_bufs++;
}

/* Which memory of the plan is device d's; without a device the host's. */
static int mem_of(struct plan *p, const struct device *d)
{
	struct mem *mem = d ? device_mem(d) : &host_mem;
	int i = 0;

	while (i < p->n_mems && p->mem[i].mem != mem)
		i++;
	if (i == p->n_mems) {
		assert(i < PLAN_MEMS);
		p->mem[p->n_mems++].mem = mem;
	}
	return i;
}

/* A new buffer for v, behind those it already has. */
static int buf_for(struct plan *p, const struct ir_value *v, const struct layout *layout)
{
	struct plan_buf b = { .value = v, .layout = layout, .home = HOME_SLAB,
	                      .mem = mem_of(p, layout ? layout->owner : NULL) };
	int id, *tail = &p->head[v->id];

	b.bytes = layout ? layout->bytes : tensor_bytes(&v->desc);
	b.until = v->output ? INT_MAX : p->last_use[v->id];
	if (!layout && p->grad_of[v->id]) {
		b.home = HOME_GRAD;
		b.offset = p->grad_of[v->id]->offset * sizeof(float);
	} else if (p->head[v->id] < 0 && v->kind != IR_TEMP) {
		b.home = v->kind == IR_PARAM ? HOME_PARAM : v->kind == IR_BUFFER ? HOME_BUFFER : HOME_INPUT;
		b.offset = v->kind == IR_INPUT ? (size_t)v->index : v->offset * sizeof(float);
		b.constant = p->opts->purpose == PROGRAM_INFER && v->kind != IR_INPUT;
	}
	if ((id = new_buf(p, b)) < 0)
		return -1;
	while (*tail >= 0)
		tail = &p->buf[*tail].next;
	*tail = id;
	return id;
}

static int same_layout(const struct layout *a, const struct layout *b)
{
	if (!a || !b || a->owner != b->owner)
		return a == b;
	return a == b || a->owner->ops->layout_same(a, b);
}

tt_status plan_seed(struct plan *p, const struct ir_value *v, const struct layout *layout)
{
	int b = p->head[v->id] < 0 ? buf_for(p, v, layout) : p->head[v->id];

	if (b < 0)
		return TT_ENOMEM;
	if (p->buf[b].home == HOME_SLAB || layout)
		p->buf[b].home = HOME_INPUT;      /* of this plan: holds something from the start */
	p->buf[b].until = INT_MAX;
	return TT_OK;
}

/* A step that copies, by the device whose layout one of the two has. */
static tt_status reorder(struct plan *p, int from, int to)
{
	const struct layout *l = p->buf[to].layout ? p->buf[to].layout : p->buf[from].layout;
	struct device *const asking = p->device;
	tt_status st;

	p->device = l->owner;
	p->reordering = 1;
	st = l->owner->ops->reorder(l->owner, p, from, to);
	p->reordering = 0;
	p->device = asking;
	return st;
}

int plan_in(struct plan *p, const struct ir_value *v, const struct layout *want)
{
	int from, to;

	if (p->head[v->id] < 0 && (v->kind == IR_TEMP || buf_for(p, v, NULL) < 0))
		return v->kind == IR_TEMP ?
		       (int)err_set(TT_EINTERNAL, "%s is read before it is made", v->name) : -1;
	for (int b = p->head[v->id]; b >= 0; b = p->buf[b].next)
		if (same_layout(p->buf[b].layout, want))
			return b;
	from = p->head[v->id];
	if (p->buf[from].layout && p->buf[from].layout->opaque &&
	    (!want || want->owner != p->buf[from].layout->owner))
		return (int)err_set(TT_EINTERNAL, "%s: what %s keeps of it is no use to another device",
		                    v->name, p->buf[from].layout->owner->ops->name);
	if (want && p->buf[from].layout && p->buf[from].layout->owner != want->owner &&
	    (from = plan_in(p, v, NULL)) < 0)
		return from;
	if ((to = buf_for(p, v, want)) < 0)
		return -1;
	return reorder(p, from, to) == TT_OK ? to : -1;
}

tt_status plan_store(struct plan *p, const struct ir_value *v, int from)
{
	const int home = p->head[v->id];

	return from == home ? TT_OK : reorder(p, from, home);
}

int plan_out(struct plan *p, const struct ir_value *v, const struct layout *have)
{
	return buf_for(p, v, have);
}

int plan_out_over(struct plan *p, const struct ir_value *v, const struct layout *have, int in)
{
	int root = p->buf[in].root, out = buf_for(p, v, have);
	struct plan_buf *r = &p->buf[root];

	if (out < 0 || p->buf[out].home != HOME_SLAB || r->home != HOME_SLAB || r->constant ||
	    p->buf[out].mem != r->mem || r->until > p->node->id || p->buf[out].bytes > r->bytes)
		return out;
	p->buf[out].root = root;
	if (p->buf[out].until > r->until)
		r->until = p->buf[out].until;
	return out;
}

/* out is in, seen with another shape: no step at all. */
static tt_status plan_alias(struct plan *p, const struct ir_node *n)
{
	const struct layout *made = plan_layout(p, n->in[0]);
	const struct layout *l = made && made->row_major ? made : NULL;
	int in = plan_in(p, n->in[0], l), out = in < 0 ? -1 : buf_for(p, n->out[0], l), root;
	struct plan_buf *r;

	if (out < 0)
		return TT_ENOMEM;
	root = p->buf[in].root;
	r = &p->buf[root];
	if (p->buf[out].until > r->until)
		r->until = p->buf[out].until;
	p->buf[out].home = r->home;
	p->buf[out].offset = p->buf[in].offset;
	p->buf[out].constant = p->buf[in].constant;
	p->buf[out].root = root;
	p->buf[out].first = p->buf[in].first;
	p->buf[out].last = p->buf[in].last;
	return TT_OK;
}

int plan_scratch(struct plan *p, size_t bytes)
{
	return new_buf(p, (struct plan_buf){ .bytes = bytes ? bytes : 1, .until = -1,
	                                     .mem = mem_of(p, p->device) });
}

/* Already holds something before this step? */
static int holds(const struct plan_buf *b)
{
	return b->first >= 0 || b->home == HOME_PARAM || b->home == HOME_BUFFER ||
	       b->home == HOME_INPUT;
}

/* A step of an inference plan that reads constants only runs once. */
static int runs_once(const struct plan *p, const struct plan_step *s)
{
	if (p->opts->purpose != PROGRAM_INFER)
		return 0;
	for (int i = 0; i < s->n_args; i++)
		if (s->arg[i] >= 0 && holds(&p->buf[s->arg[i]]) && !p->buf[s->arg[i]].constant)
			return 0;
	return 1;
}

static void touch(struct plan *p, const struct plan_step *s)
{
	for (int i = 0; i < s->n_args; i++) {
		struct plan_buf *b;

		if (s->arg[i] < 0)
			continue;
		b = &p->buf[s->arg[i]];
		if (!holds(b))
			b->constant = s->once;
		if (b->first < 0)
			b->first = p->n_steps;
		if (b->last < p->n_steps)          /* an output lives on after its last reader */
			b->last = p->n_steps;
		if (b->constant && !s->once)
			b->last = INT_MAX;        /* must outlive every run */
	}
}

tt_status plan_step(struct plan *p, struct kernel *k, const int *args, int n_args)
{
	struct plan_step s = { .kernel = k, .node = p->node, .device = p->device, .n_args = n_args,
	                       .reorder = p->reordering };

	s.arg = arena_alloc(&p->arena, (size_t)(n_args + 1) * sizeof *s.arg);
	if (s.arg && p->n_steps == p->cap_steps) {
		int cap = p->cap_steps ? 2 * p->cap_steps : 64;
		struct plan_step *q = mem_realloc(p->step, (size_t)cap * sizeof *q);

		if (q) {
			p->step = q;
			p->cap_steps = cap;
		}
	}
	if (!s.arg || p->n_steps == p->cap_steps) {
		k->ops->free(k);
		return TT_ENOMEM;
	}
	memcpy(s.arg, args, (size_t)n_args * sizeof *args);
	s.once = runs_once(p, &s);
	touch(p, &s);
	p->step[p->n_steps++] = s;
	return TT_OK;
}

/* Outputs and gradients of parameters must also be there in plain layout. */
static tt_status publish(struct plan *p, const struct ir_value *v)
{
	int b;

	if (!v->output && !p->grad_of[v->id])
		return TT_OK;
	if ((b = plan_in(p, v, NULL)) < 0)
		return TT_ENOMEM;
	if (v->output)
		p->buf[b].last = INT_MAX;
	return TT_OK;
}

int plan_needs_copy(const struct plan *p, const struct ir_node *n)
{
	return n->op != IR_RESHAPE || p->grad_of[n->out[0]->id] != NULL;
}

tt_status plan_node(struct plan *p, const struct ir_node *n, struct device *d, const char *variant)
{
	tt_status st;

	p->node = n;
	p->device = d;
	st = plan_needs_copy(p, n) ? d->ops->prepare(d, p, n, variant) : plan_alias(p, n);
	for (int i = 0; i < n->n_out && st == TT_OK; i++)
		if (n->out[i] && p->head[n->out[i]->id] >= 0)
			st = publish(p, n->out[i]);
	return st;
}
