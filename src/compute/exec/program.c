/* program.c -- see program.h.  Everything is decided in program_new; program_run is a loop. */
#include "compute/exec/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/autotune.h"
#include "compute/pass/pass.h"

#define PROFILE_SAMPLES 64

/* A step as the hot loop sees it. */
struct go {
	struct kernel *kernel;
	size_t         need_lo, need_hi;        /* parameters first touched by it; empty if equal */
	size_t         ready_lo, ready_hi;      /* gradients final after it; empty if equal */
	int            step;                    /* in the plan */
	int            attended;                /* by a rank without samples too */
};

struct program {
	struct ir_graph    *graph;
	struct program_opts opts;
	struct plan        *plan;
	struct go          *once, *go;
	int                 n_once, n_go;
	void               *slab[PLAN_MEMS], *slab_once[PLAN_MEMS];
	const void        **input;               /* as last set */
	struct plan_buf   **output;
	unsigned char      *home[HOME_INPUT];    /* by plan_home: where the flat vectors begin */
	int                 stale;               /* parameters changed since `once` ran */
	float              *ms;                  /* profile: [n_go][PROFILE_SAMPLES] */
	long                runs;
};

static void *address(const struct program *p, const struct plan_buf *b)
{
	unsigned char *base = b->home == HOME_SLAB ? p->slab[b->mem] :
	                      b->home == HOME_CONST ? p->slab_once[b->mem] : p->home[b->home];

	return base + b->offset;
}

static void bind_home(struct program *p, enum plan_home home)
{
	for (int s = 0; s < p->plan->n_steps; s++) {
		const struct plan_step *x = &p->plan->step[s];

		for (int i = 0; i < x->n_args; i++) {
			const struct plan_buf *b = x->arg[i] < 0 ? NULL : &p->plan->buf[x->arg[i]];

			if (b && b->home == home)
				x->kernel->ops->bind(x->kernel, i, address(p, b));
		}
	}
}

static tt_status plan_graph(struct program *p)
{
	struct choice c;
	tt_status st = plan_new(&p->plan, p->graph, &p->opts);

	for (struct ir_node *n = p->graph->first; n && st == TT_OK; n = n->next) {
		c = (struct choice){ .device = p->opts.devices[0] };
		if (plan_needs_copy(p->plan, n))
			st = autotune(p->plan, n, &c);
		if (st == TT_OK)
			st = plan_node(p->plan, n, c.device, c.variant);
		if (st != TT_OK)
			st = err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	}
	return st == TT_OK ? plan_assign(p->plan) : st;
}

/* Split the steps into those that run once and those of every run. */
static tt_status list_steps(struct program *p)
{
	size_t n = (size_t)p->plan->n_steps + 1;

	p->once = mem_calloc(n, sizeof *p->once);
	p->go = mem_calloc(n, sizeof *p->go);
	if (!p->once || !p->go)
		return TT_ENOMEM;
	for (int s = 0; s < p->plan->n_steps; s++) {
		const enum ir_op op = p->plan->step[s].node->op;
		struct go g = { .kernel = p->plan->step[s].kernel, .step = s,
		                .attended = op == IR_ALL_GATHER || op == IR_BN_JOIN };

		if (p->plan->step[s].once)
			p->once[p->n_once++] = g;
		else
			p->go[p->n_go++] = g;
	}
	return TT_OK;
}

/* The step after which nobody reads parameter v and nobody writes its gradient. */
static int last_touch(const struct plan *p, const struct ir_value *v)
{
	int last = -1;

	for (int b = p->head[v->id]; b >= 0; b = p->buf[b].next)
		if (p->buf[b].home == HOME_PARAM && p->buf[b].last > last)
			last = p->buf[b].last;
	for (int b = v->grad ? p->head[v->grad->id] : -1; b >= 0; b = p->buf[b].next)
		if (p->buf[b].home == HOME_GRAD && p->buf[b].last > last)
			last = p->buf[b].last;
	return last;
}

struct span { size_t offset; int last; };

static int higher_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->offset < y->offset ? 1 : -1;
}

/* Mark the steps after which the gradient vector is final down to some offset. */
static tt_status mark_ready(struct program *p)
{
	const struct ir_graph *g = p->graph;
	struct span *s = mem_calloc((size_t)g->n_values + 1, sizeof *s);
	size_t hi = g->param_count;
	int n = 0, at = 0;

	if (!s)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_PARAM)
			s[n++] = (struct span){ g->value[i]->offset, last_touch(p->plan, g->value[i]) };
	qsort(s, (size_t)n, sizeof *s, higher_first);
	for (int k = 0; k < p->n_go; k++) {
		size_t lo = hi;

		while (at < n && (s[at].last <= p->go[k].step || k + 1 == p->n_go))
			lo = s[at++].offset;
		if (k + 1 == p->n_go)
			lo = 0;
		p->go[k].ready_lo = lo;
		p->go[k].ready_hi = hi;
		hi = lo;
	}
	mem_free(s);
	return TT_OK;
}

/* The first step that reads parameter v or writes its gradient; who is never touched counts as
 * touched at once. */
static int first_touch(const struct plan *p, const struct ir_value *v)
{
	int first = p->n_steps;

	for (int b = p->head[v->id]; b >= 0; b = p->buf[b].next)
		if (p->buf[b].home == HOME_PARAM && p->buf[b].first >= 0 && p->buf[b].first < first)
			first = p->buf[b].first;
	for (int b = v->grad ? p->head[v->grad->id] : -1; b >= 0; b = p->buf[b].next)
		if (p->buf[b].home == HOME_GRAD && p->buf[b].first >= 0 && p->buf[b].first < first)
			first = p->buf[b].first;
	return first < p->n_steps ? first : 0;
}

/* The other way round: mark the steps before which parameters must be there, up to some offset. */
static tt_status mark_need(struct program *p)
{
	const struct ir_graph *g = p->graph;
	size_t *end = mem_calloc((size_t)p->plan->n_steps + 1, sizeof *end), hi = 0;
	int at = 0;

	if (!end)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_PARAM) {
			size_t v_end = g->value[i]->offset + (size_t)tensor_count(&g->value[i]->desc);
			int first = first_touch(p->plan, g->value[i]);

			end[first] = v_end > end[first] ? v_end : end[first];
		}
	for (int k = 0; k < p->n_go; k++) {
		p->go[k].need_lo = hi;
		for (; at <= p->go[k].step; at++)
			hi = end[at] > hi ? end[at] : hi;
		p->go[k].need_hi = hi;
	}
	mem_free(end);
	return TT_OK;
}

static tt_status find_outputs(struct program *p)
{
	const struct ir_graph *g = p->graph;

	p->output = mem_calloc((size_t)g->n_outputs + 1, sizeof *p->output);
	p->input = mem_calloc((size_t)g->n_inputs + 1, sizeof *p->input);
	if (!p->output || !p->input)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];
		int b = p->plan->head[v->id];

		while (v->output && b >= 0 && p->plan->buf[b].layout)
			b = p->plan->buf[b].next;
		if (v->output && b >= 0)
			p->output[v->output - 1] = &p->plan->buf[b];
	}
	return TT_OK;
}

static tt_status make_slabs(struct program *p)
{
	tt_status st = TT_OK;

	for (int i = 0; i < p->plan->n_mems && st == TT_OK; i++) {
		const struct plan_mem *m = &p->plan->mem[i];

		st = m->mem->ops->alloc(m->mem, m->slab + 1, &p->slab[i]);
		if (st == TT_OK)
			st = m->mem->ops->alloc(m->mem, m->slab_once + 1, &p->slab_once[i]);
	}
	if (st != TT_OK)
		return st;
	if (p->opts.profile &&
	    !(p->ms = mem_calloc((size_t)p->n_go * PROFILE_SAMPLES + 1, sizeof *p->ms)))
		return TT_ENOMEM;
	bind_home(p, HOME_SLAB);
	bind_home(p, HOME_CONST);
	return TT_OK;
}

tt_status program_new(struct program **out, struct ir_graph *g, const struct program_opts *o)
{
	struct program *p = mem_calloc(1, sizeof *p);
	tt_status st = TT_ENOMEM;

	if (!p) {
		ir_graph_free(&g);
		return st;
	}
	p->graph = g;
	p->opts = *o;
	if ((st = pass_all(g, o->purpose == PROGRAM_INFER ? PASS_INFER : PASS_TRAIN)) == TT_OK &&
	    (st = plan_graph(p)) == TT_OK && (st = list_steps(p)) == TT_OK &&
	    (st = mark_need(p)) == TT_OK && (st = mark_ready(p)) == TT_OK &&
	    (st = find_outputs(p)) == TT_OK)
		st = make_slabs(p);
	if (st == TT_OK)
		*out = p;
	else
		program_free(&p);
	return st;
}

static void free_slabs(struct program *p)
{
	for (int i = 0; p->plan && i < p->plan->n_mems; i++) {
		struct mem *m = p->plan->mem[i].mem;

		m->ops->free(m, p->slab[i]);
		m->ops->free(m, p->slab_once[i]);
	}
}

void program_free(struct program **pp)
{
	struct program *p = *pp;

	if (!p)
		return;
	free_slabs(p);
	plan_free(&p->plan);
	ir_graph_free(&p->graph);
	mem_free(p->once);
	mem_free(p->go);
	mem_free(p->input);
	mem_free(p->output);
	mem_free(p->ms);
	mem_free(p);
	*pp = NULL;
}

void program_bind(struct program *p, float *params, float *grads, float *buffers)
{
	p->home[HOME_PARAM] = (unsigned char *)params;
	p->home[HOME_GRAD] = (unsigned char *)grads;
	p->home[HOME_BUFFER] = (unsigned char *)buffers;
	bind_home(p, HOME_PARAM);
	bind_home(p, HOME_BUFFER);
	if (grads)
		bind_home(p, HOME_GRAD);
	p->stale = 1;
}

void program_refresh(struct program *p) { p->stale = 1; }

void program_set_input(struct program *p, int i, const void *data)
{
	if (p->input[i] == data)
		return;
	p->input[i] = data;
	for (int k = 0; k < p->n_go; k++) {
		const struct plan_step *x = &p->plan->step[p->go[k].step];

		for (int a = 0; a < x->n_args; a++) {
			const struct plan_buf *b = x->arg[a] < 0 ? NULL : &p->plan->buf[x->arg[a]];

			if (b && b->home == HOME_INPUT && b->offset == (size_t)i)
				x->kernel->ops->bind(x->kernel, a, (void *)data);
		}
	}
}

const void *program_output(const struct program *p, int i)
{
	const struct plan_buf *b = p->output[i];

	return b->home == HOME_INPUT ? p->input[b->offset] : address(p, b);
}

static tt_status run_once(struct program *p, const struct run_context *rc)
{
	tt_status st = TT_OK;

	for (int k = 0; k < p->n_once && st == TT_OK; k++)
		st = p->once[k].kernel->ops->run(p->once[k].kernel, rc);
	p->stale = st != TT_OK;
	return st;
}

static tt_status run_profiled(struct program *p, const struct program_run *r,
                              const struct run_context *rc)
{
	tt_status st = TT_OK;

	for (int k = 0; k < p->n_go && st == TT_OK; k++) {
		double start;

		if (r->need && p->go[k].need_lo < p->go[k].need_hi &&
		    (st = r->need(r->ctx, p->go[k].need_lo, p->go[k].need_hi)) != TT_OK)
			break;
		start = thread_seconds();
		st = p->go[k].kernel->ops->run(p->go[k].kernel, rc);
		p->ms[(size_t)k * PROFILE_SAMPLES + (size_t)(p->runs % PROFILE_SAMPLES)] =
			(float)(1e3 * (thread_seconds() - start));
		if (r->ready && p->go[k].ready_lo < p->go[k].ready_hi)
			r->ready(r->ctx, p->go[k].ready_lo, p->go[k].ready_hi);
	}
	p->runs++;
	return st;
}

static struct run_context context_of(const struct program_run *r)
{
	return (struct run_context){
		.seed = r->seed, .step = r->step, .sample = r->sample,
		.sample_stride = r->sample_stride ? r->sample_stride : 1,
		.gather = r->gather, .gather_ctx = r->ctx,
	};
}

tt_status program_attend(struct program *p, const struct program_run *r)
{
	struct run_context rc = context_of(r);
	tt_status st = TT_OK;

	rc.absent = 1;
	for (int k = 0; k < p->n_go && st == TT_OK; k++)
		if (p->go[k].attended)
			st = p->go[k].kernel->ops->run(p->go[k].kernel, &rc);
	return st;
}

static tt_status run_steps(struct program *p, const struct program_run *r)
{
	const struct run_context rc = context_of(r);
	tt_status st = TT_OK;

	if (p->stale && p->n_once && (st = run_once(p, &rc)) != TT_OK)
		return st;
	if (p->ms)
		return run_profiled(p, r, &rc);
	for (const struct go *g = p->go, *end = g + p->n_go; g < end; g++) {
		if (r->need && g->need_lo < g->need_hi &&
		    (st = r->need(r->ctx, g->need_lo, g->need_hi)) != TT_OK)
			return st;
		if ((st = g->kernel->ops->run(g->kernel, &rc)) != TT_OK)
			return st;
		if (g->ready_lo < g->ready_hi && r->ready)
			r->ready(r->ctx, g->ready_lo, g->ready_hi);
	}
	return TT_OK;
}

/* oneDNN's GEMM lets the stack pointer point into the heap, where the frame of a handler would
 * overwrite what lies below: signals wait until the run is over. */
tt_status program_run(struct program *p, const struct program_run *r)
{
	sigset_t before;
	tt_status st;

	thread_block_signals(&before);
	st = run_steps(p, r);
	thread_restore_signals(&before);
	return st;
}

int program_steps(const struct program *p) { return p->n_go; }

size_t program_slab_bytes(const struct program *p)
{
	size_t bytes = 0;

	for (int i = 0; i < p->plan->n_mems; i++)
		bytes += p->plan->mem[i].slab + p->plan->mem[i].slab_once;
	return bytes;
}

size_t program_unplanned_bytes(const struct program *p) { return p->plan->unplanned; }

static int ascending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double median_ms(const struct program *p, int k)
{
	float v[PROFILE_SAMPLES];
	int n = p->runs < PROFILE_SAMPLES ? (int)p->runs : PROFILE_SAMPLES;

	if (!p->ms || n == 0)
		return 0;
	memcpy(v, p->ms + (size_t)k * PROFILE_SAMPLES, (size_t)n * sizeof *v);
	qsort(v, (size_t)n, sizeof *v, ascending);
	return v[n / 2];
}

void program_step(const struct program *p, int i, struct program_step_info *out)
{
	const struct plan_step *s = &p->plan->step[p->go[i].step];

	*out = (struct program_step_info){
		.layer = s->node->name, .op = s->reorder ? "reorder" : ir_op_name(s->node->op),
		.kernel = s->kernel->name, .device = s->device->ops->name,
		.flops = s->reorder ? 0 : ir_flops(s->node), .ms = median_ms(p, i),
		.backward = s->node->backward,
	};
	tensor_text(&s->node->out[0]->desc, out->shape);
}
