/* program.c -- see program.h.  A context: its own memory and bound kernels over a compiled graph;
 * program_run is a loop. */
#include "compute/exec/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "compute/exec/compiled.h"
#include "compute/exec/constants.h"
#include "compute/exec/device.h"
#include "compute/exec/streams.h"

#define PROFILE_SAMPLES 64

struct program {
	struct compiled *compiled;              /* counted                                       */
	struct go       *go;                    /* its steps, with this context's kernels        */
	int              n_go;
	int              is_clone;              /* kernels are its own, not the plan's           */
	void            *slab[PLAN_MEMS];
	const void     **input;                 /* as last set                                   */
	void            *home[HOME_INPUT];      /* where the flat vectors begin                  */
	struct streams  *streams;               /* NULL: all steps are on the calling thread     */
	float           *ms;                    /* profile: [n_go][PROFILE_SAMPLES]              */
	long             runs;
};

static const struct plan *plan_of(const struct program *p) { return p->compiled->plan; }

static void *address(const struct program *p, const struct plan_buf *b)
{
	if (b->home == HOME_KEPT)
		return p->compiled->kept[b->offset];
	return (char *)(b->home == HOME_SLAB ? p->slab[b->mem] : p->home[b->home]) + b->offset;
}

static void bind_home(struct program *p, enum plan_home home)
{
	for (int k = 0; k < p->n_go; k++) {
		const struct plan_step *x = &plan_of(p)->step[p->go[k].step];

		for (int i = 0; i < x->n_args; i++) {
			const struct plan_buf *b = x->arg[i] < 0 ? NULL : &plan_of(p)->buf[x->arg[i]];

			if (b && b->home == home)
				p->go[k].kernel->ops->bind(p->go[k].kernel, i, address(p, b));
		}
	}
}

/* ---- life ---- */

static tt_status clone_kernels(struct program *p)
{
	tt_status st = TT_OK;

	for (int k = 0; k < p->n_go; k++)
		p->go[k].kernel = NULL;
	p->is_clone = 1;
	for (int k = 0; k < p->n_go && st == TT_OK; k++) {
		const struct kernel *first = p->compiled->go[k].kernel;

		if (!first->ops->clone)
			return err_set(TT_ESUPPORT, "kernel %s serves one context alone", first->name);
		st = first->ops->clone(first, &p->go[k].kernel);
	}
	return st;
}

static tt_status make_slabs(struct program *p)
{
	tt_status st = TT_OK;

	for (int i = 0; i < plan_of(p)->n_mems && st == TT_OK; i++) {
		const struct plan_mem *m = &plan_of(p)->mem[i];

		st = m->mem->ops->alloc(m->mem, m->slab + 1, &p->slab[i]);
	}
	return st;
}

static void free_slabs(struct program *p)
{
	for (int i = 0; p->compiled && i < plan_of(p)->n_mems; i++) {
		struct mem *m = plan_of(p)->mem[i].mem;

		m->ops->free(m, p->slab[i]);
	}
}

static tt_status open_streams(struct program *p)
{
	int *reach = mem_calloc((size_t)p->n_go + 1, sizeof *reach), n = 0;
	tt_status st;

	if (!reach)
		return TT_ENOMEM;
	for (int k = 0; k < p->n_go; k++)
		if (p->go[k].ready_lo < p->go[k].ready_hi)
			reach[n++] = p->go[k].step;
	st = streams_open(&p->streams, plan_of(p), reach, n);
	mem_free(reach);
	return st;
}

static tt_status make_context(struct program *p)
{
	const struct compiled *c = p->compiled;
	const size_t n = (size_t)c->n_go + 1;
	tt_status st;

	p->n_go = c->n_go;
	p->go = mem_calloc(n, sizeof *p->go);
	p->input = mem_calloc((size_t)c->graph->n_inputs + 1, sizeof *p->input);
	if (c->opts.profile)
		p->ms = mem_calloc(n * PROFILE_SAMPLES, sizeof *p->ms);
	if (!p->go || !p->input || (c->opts.profile && !p->ms))
		return TT_ENOMEM;
	memcpy(p->go, c->go, (size_t)c->n_go * sizeof *p->go);
	st = open_streams(p);
	return st == TT_OK ? make_slabs(p) : st;
}

static void bind_own(struct program *p)
{
	bind_home(p, HOME_SLAB);
	if (p->compiled->kept)
		bind_home(p, HOME_KEPT);
}

tt_status program_new(struct program **out, struct ir_graph *g, const struct program_opts *o)
{
	struct program *p = mem_calloc(1, sizeof *p);
	tt_status st = TT_ENOMEM;

	if (!p) {
		ir_graph_free(&g);
		return st;
	}
	if ((st = compiled_new(&p->compiled, g, o)) == TT_OK && (st = make_context(p)) == TT_OK) {
		bind_own(p);
		*out = p;
	} else {
		program_free(&p);
	}
	return st;
}

static void bind_vectors(struct program *p, void *const *home)
{
	static const enum plan_home vector[] = { HOME_PARAM, HOME_BUFFER, HOME_GRAD };

	for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
		p->home[vector[i]] = home[vector[i]];
		if (home[vector[i]])
			bind_home(p, vector[i]);
	}
}

tt_status program_clone(struct program **out, const struct program *of)
{
	struct program *p = mem_calloc(1, sizeof *p);
	tt_status st;

	if (!p)
		return TT_ENOMEM;
	p->compiled = compiled_ref(of->compiled);
	if ((st = make_context(p)) == TT_OK && (st = clone_kernels(p)) == TT_OK) {
		bind_own(p);
		bind_vectors(p, of->home);
		*out = p;
	} else {
		program_free(&p);
	}
	return st;
}

void program_free(struct program **pp)
{
	struct program *p = *pp;

	if (!p)
		return;
	for (int k = 0; p->is_clone && p->go && k < p->n_go; k++)
		if (p->go[k].kernel)
			p->go[k].kernel->ops->free(p->go[k].kernel);
	streams_close(&p->streams);
	free_slabs(p);
	compiled_unref(&p->compiled);
	mem_free(p->go);
	mem_free(p->input);
	mem_free(p->ms);
	mem_free(p);
	*pp = NULL;
}

/* ---- what it works on ---- */

void program_bind(struct program *p, float *params, float *grads, float *buffers)
{
	void *const home[HOME_INPUT] = { [HOME_PARAM] = params, [HOME_GRAD] = grads,
	                                 [HOME_BUFFER] = buffers };

	bind_vectors(p, home);
	if (p->compiled->constants)
		constants_bind(p->compiled->constants, p->compiled, home);
}

void program_refresh(struct program *p)
{
	if (p->compiled->constants)
		constants_refresh(p->compiled->constants);
}

void program_set_input(struct program *p, int i, const void *data)
{
	if (p->input[i] == data)
		return;
	p->input[i] = data;
	for (int k = 0; k < p->n_go; k++) {
		const struct plan_step *x = &plan_of(p)->step[p->go[k].step];

		for (int a = 0; a < x->n_args; a++) {
			const struct plan_buf *b = x->arg[a] < 0 ? NULL : &plan_of(p)->buf[x->arg[a]];

			if (b && b->home == HOME_INPUT && b->offset == (size_t)i)
				p->go[k].kernel->ops->bind(p->go[k].kernel, a, (void *)data);
		}
	}
}

const void *program_output(const struct program *p, int i)
{
	const struct plan_buf *b = p->compiled->output[i];

	return b->home == HOME_INPUT ? p->input[b->offset] : address(p, b);
}

/* ---- running ---- */

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

/* Where g's gradients are final, from `told` on: one after the other, as streams come there. */
static tt_status tell(struct program *p, const struct program_run *r, const struct go **told,
                      const struct go *end)
{
	tt_status st = TT_OK;

	for (; r->ready && *told < end && st == TT_OK; ++*told)
		if ((*told)->ready_lo < (*told)->ready_hi &&
		    (st = streams_reach(p->streams, (*told)->step)) == TT_OK)
			r->ready(r->ctx, (*told)->ready_lo, (*told)->ready_hi);
	return st;
}

/* Launches come first: who waits for gradients is told when nothing else is to be launched, or a
 * step of the calling thread comes, in which ranks may wait for each other. */
static tt_status run_streamed(struct program *p, const struct program_run *r,
                              const struct run_context *rc)
{
	const struct go *g = p->go, *const end = g + p->n_go, *told = g;
	tt_status st = TT_OK, rest;

	for (; g < end && st == TT_OK; g++) {
		if (r->need && g->need_lo < g->need_hi)
			st = r->need(r->ctx, g->need_lo, g->need_hi);
		if (st == TT_OK && streams_on_host(p->streams, g->step))
			st = tell(p, r, &told, g);
		if (st == TT_OK)
			st = streams_step(p->streams, g->step, g->kernel, rc);
	}
	if (st == TT_OK)
		st = tell(p, r, &told, end);
	rest = streams_finish(p->streams);
	return st == TT_OK ? rest : st;
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
	struct thread_guard guard;
	tt_status st = thread_enter(&guard);

	if (st != TT_OK)
		return st;
	rc.absent = 1;
	for (int k = 0; k < p->n_go && st == TT_OK; k++)
		if (p->go[k].attended)
			st = p->go[k].kernel->ops->run(p->go[k].kernel, &rc);
	thread_leave(&guard);
	return st;
}

static tt_status run_steps(struct program *p, const struct program_run *r)
{
	const struct run_context rc = context_of(r);
	tt_status st = TT_OK;

	if (p->compiled->constants && (st = constants_make(p->compiled->constants)) != TT_OK)
		return st;
	if (p->ms)
		return run_profiled(p, r, &rc);
	if (p->streams)
		return run_streamed(p, r, &rc);
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
 * overwrite what lies below: signals wait until the run is over, or the kernel. */
static tt_status run_undisturbed(struct program *p, const struct program_run *r)
{
	sigset_t before;
	tt_status st;

	thread_block_signals(&before);
	st = run_steps(p, r);
	thread_restore_signals(&before);
	return st;
}

/* Predictions may end anywhere; a step of training leaves nothing half done. */
static int is_interruptible(const struct program *p)
{
	return p->compiled->opts.purpose == PROGRAM_INFER && policy_get().interrupted && !p->ms &&
	       !p->streams;
}

/* The policy is asked between two kernels, when handlers run, which may be what it asks. */
static tt_status run_interruptible(struct program *p, const struct program_run *r)
{
	const struct run_context rc = context_of(r);
	sigset_t before;
	tt_status st = TT_OK;

	thread_block_signals(&before);
	if (p->compiled->constants)
		st = constants_make(p->compiled->constants);
	for (int k = 0; k < p->n_go && st == TT_OK; k++) {
		thread_restore_signals(&before);
		st = policy_check("a prediction");
		thread_block_signals(NULL);
		if (st == TT_OK)
			st = p->go[k].kernel->ops->run(p->go[k].kernel, &rc);
	}
	thread_restore_signals(&before);
	return st;
}

tt_status program_run(struct program *p, const struct program_run *r)
{
	struct thread_guard guard;
	tt_status st = thread_enter(&guard);

	if (st != TT_OK)
		return st;
	st = is_interruptible(p) ? run_interruptible(p, r) : run_undisturbed(p, r);
	thread_leave(&guard);
	return st;
}

int program_steps(const struct program *p) { return p->n_go; }

size_t program_slab_bytes(const struct program *p)
{
	size_t bytes = plan_of(p)->kept;

	for (int i = 0; i < plan_of(p)->n_mems; i++)
		bytes += plan_of(p)->mem[i].slab;
	return bytes;
}

size_t program_unplanned_bytes(const struct program *p) { return plan_of(p)->unplanned; }

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

/* A node's work is told once, however many steps it takes. */
static double work_of(const struct program *p, int i)
{
	const struct plan_step *all = plan_of(p)->step, *s = &all[p->go[i].step];

	if (s->reorder)
		return 0;
	for (int k = i - 1; k >= 0; k--)
		if (all[p->go[k].step].node == s->node && !all[p->go[k].step].reorder)
			return 0;
	return ir_flops(s->node);
}

void program_step(const struct program *p, int i, struct program_step_info *out)
{
	const struct plan_step *s = &plan_of(p)->step[p->go[i].step];

	*out = (struct program_step_info){
		.layer = s->node->name, .op = s->reorder ? "reorder" : ir_op_name(s->node->op),
		.kernel = s->kernel->name, .device = s->device->ops->name,
		.flops = work_of(p, i), .ms = median_ms(p, i),
		.backward = s->node->backward,
	};
	tensor_text(&s->node->out[0]->desc, out->shape);
}
