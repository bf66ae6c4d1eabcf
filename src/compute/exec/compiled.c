/* compiled.c -- see compiled.h. */
#include "compute/exec/compiled.h"

#include <stdlib.h>

#include "base/mem.h"
#include "compute/exec/autotune.h"
#include "compute/exec/constants.h"
#include "compute/pass/pass.h"
#include "sys/policy.h"
#include "sys/thread.h"

static tt_status plan_graph(struct compiled *p)
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
static tt_status list_steps(struct compiled *p)
{
	size_t n = (size_t)p->plan->n_steps + 1;

	p->once = mem_calloc(n, sizeof *p->once);
	p->go = mem_calloc(n, sizeof *p->go);
	if (!p->once || !p->go)
		return TT_ENOMEM;
	for (int s = 0; s < p->plan->n_steps; s++) {
		const enum ir_op op = p->plan->step[s].node->op;

		if (p->plan->step[s].once)
			p->once[p->n_once++] = s;
		else
			p->go[p->n_go++] = (struct go){
				.kernel = p->plan->step[s].kernel, .step = s,
				.attended = op == IR_ALL_GATHER || op == IR_BN_JOIN };
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

/* Those that are frozen lie behind all others. */
static int is_trained(const struct ir_value *v)
{
	return v->kind == IR_PARAM && v->wants_grad;
}

static size_t end_of(const struct ir_value *v)
{
	return v->offset + (size_t)tensor_count(&v->desc);
}

static size_t trained_end(const struct ir_graph *g)
{
	size_t end = 0;

	for (int i = 0; i < g->n_values; i++)
		if (is_trained(g->value[i]) && end_of(g->value[i]) > end)
			end = end_of(g->value[i]);
	return end;
}

struct span { size_t offset; int last; };

static int higher_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->offset < y->offset ? 1 : -1;
}

/* Mark the steps after which the gradient vector is final down to some offset. */
static tt_status mark_ready(struct compiled *p)
{
	const struct ir_graph *g = p->graph;
	struct span *s = mem_calloc((size_t)g->n_values + 1, sizeof *s);
	size_t hi = trained_end(g);
	int n = 0, at = 0;

	if (!s)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++)
		if (is_trained(g->value[i]))
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
static tt_status mark_need(struct compiled *p)
{
	const struct ir_graph *g = p->graph;
	size_t *end = mem_calloc((size_t)p->plan->n_steps + 1, sizeof *end), hi = 0;
	int at = 0;

	if (!end)
		return TT_ENOMEM;
	for (int i = 0; i < g->n_values; i++)
		if (is_trained(g->value[i])) {
			size_t v_end = end_of(g->value[i]);
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

static tt_status find_outputs(struct compiled *p)
{
	const struct ir_graph *g = p->graph;

	p->output = mem_calloc((size_t)g->n_outputs + 1, sizeof *p->output);
	if (!p->output)
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

/* What inference prepares from its parameters lies in a pool, its own or one it shares. */
static tt_status join_constants(struct compiled *p)
{
	tt_status st = TT_OK;

	if (!p->n_once)
		return TT_OK;
	if (p->opts.constants)
		p->constants = constants_ref(p->opts.constants);
	else
		st = constants_new(&p->constants);
	return st == TT_OK ? constants_join(p->constants, p) : st;
}

tt_status compiled_new(struct compiled **out, struct ir_graph *g, const struct program_opts *o)
{
	struct compiled *p = mem_calloc(1, sizeof *p);
	struct thread_guard guard;
	tt_status st = TT_ENOMEM;

	if (!p || (st = thread_enter(&guard)) != TT_OK) {
		ir_graph_free(&g);
		mem_free(p);
		return st;
	}
	atomic_init(&p->refs, 1);
	p->graph = g;
	p->opts = *o;
	if ((st = pass_all(g, o->purpose == PROGRAM_INFER ? PASS_INFER : PASS_TRAIN)) == TT_OK &&
	    (st = plan_graph(p)) == TT_OK && (st = list_steps(p)) == TT_OK &&
	    (st = mark_need(p)) == TT_OK && (st = mark_ready(p)) == TT_OK &&
	    (st = find_outputs(p)) == TT_OK)
		st = join_constants(p);
	policy_tell(NULL);
	thread_leave(&guard);
	if (st == TT_OK)
		*out = p;
	else
		compiled_unref(&p);
	return st;
}

struct compiled *compiled_ref(struct compiled *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void compiled_unref(struct compiled **cp)
{
	struct compiled *c = *cp;

	*cp = NULL;
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	if (c->constants)
		constants_leave(c->constants, c);
	constants_unref(&c->constants);
	plan_free(&c->plan);
	ir_graph_free(&c->graph);
	mem_free(c->once);
	mem_free(c->go);
	mem_free(c->output);
	mem_free(c->kept);
	mem_free(c);
}
