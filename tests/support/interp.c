/* interp.c -- a graph, a table of memory, a loop. */
#include "support/interp.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/support.h"

struct interp {
	const struct ir_graph *g;
	void                 **data;      /* by value id */
	int                    n_values;
};

tt_status interp_new(struct interp **out, const struct ir_graph *g)
{
	struct interp *p = mem_calloc(1, sizeof *p);

	if (!p)
		return TT_ENOMEM;
	p->g = g;
	p->n_values = g->n_values;
	p->data = mem_calloc((size_t)g->n_values + 1, sizeof *p->data);
	for (int i = 0; p->data && i < g->n_values; i++) {
		p->data[i] = mem_calloc(1, tensor_bytes(&g->value[i]->desc));
		if (!p->data[i])
			goto no_memory;
	}
	if (!p->data)
		goto no_memory;
	*out = p;
	return TT_OK;
no_memory:
	interp_free(&p);
	return TT_ENOMEM;
}

void interp_free(struct interp **p)
{
	if (!*p)
		return;
	for (int i = 0; (*p)->data && i < (*p)->n_values; i++)
		mem_free((*p)->data[i]);
	mem_free((*p)->data);
	mem_free(*p);
	*p = NULL;
}

void *interp_data(const struct interp *p, const struct ir_value *v)
{
	return p->data[v->id];
}

float *interp_f32(const struct interp *p, const struct ir_value *v)
{
	return p->data[v->id];
}

struct ir_value *interp_find(const struct ir_graph *g, enum ir_kind kind, const char *name)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == kind && strcmp(g->value[i]->name, name) == 0)
			return g->value[i];
	return NULL;
}

/* How many different numbers this input may hold: classes of a loss, rows of a table. */
static int64_t index_limit(const struct ir_graph *g, const struct ir_value *v)
{
	for (const struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++)
			if (n->in[i] == v && ir_index_limit(n, i) > 0)
				return ir_index_limit(n, i);
	return 0;
}

static uint64_t name_key(uint64_t seed, const char *name)
{
	return hash_bytes(HASH_BEGIN ^ seed, name, strlen(name));
}

static int is_variance(const struct ir_value *v)
{
	return v->kind == IR_BUFFER && str_ends_with(v->name, "var");
}

static void fill(struct interp *p, const struct ir_value *v, uint64_t seed)
{
	int64_t limit = index_limit(p->g, v);
	float *f = p->data[v->id];
	int32_t *index = p->data[v->id];
	struct rng r;

	rng_init(&r, rng_key(name_key(seed, v->name), RNG_TEST), 0, 0);
	for (int64_t i = 0; i < tensor_count(&v->desc); i++) {
		if (v->desc.dtype == DTYPE_S32)
			index[i] = limit ? (int32_t)rng_below(&r, (uint32_t)limit) : 0;
		else if (v->desc.dtype == DTYPE_F32 && limit)
			f[i] = (float)rng_below(&r, (uint32_t)limit);
		else if (v->desc.dtype == DTYPE_F32)
			f[i] = (float)(is_variance(v) ? 0.5 + rng_uniform(&r) : 2 * rng_uniform(&r) - 1);
	}
	if (v->kind == IR_INPUT && strcmp(v->name, "seed") == 0)
		f[0] = 1;
}

void interp_fill(struct interp *p, uint64_t seed)
{
	for (int i = 0; i < p->n_values; i++)
		if (p->g->value[i]->kind != IR_TEMP)
			fill(p, p->g->value[i], seed);
}

#define MAX_IN 64

static void run_node(struct interp *p, const struct ir_node *n, const struct run_context *run)
{
	const void *in[MAX_IN];
	void *out[sizeof n->out / sizeof n->out[0]];
	tt_status st = TT_OK;
	struct ref_args args = { .node = n, .in = in, .out = out, .run = run, .status = &st,
	                         .scratch = mem_alloc_aligned(ir_scratch(n) + 1) };

	assert_non_null(args.scratch);

	for (int i = 0; i < n->n_in; i++)
		in[i] = p->data[n->in[i]->id];
	for (int i = 0; i < n->n_out; i++)
		out[i] = p->data[n->out[i]->id];
	ref_kernel[n->op](&args);
	mem_free(args.scratch);
	if (st != TT_OK)
		fail_msg("%s", tt_last_error());
}

void interp_run(struct interp *p, const struct run_context *run)
{
	static const struct run_context none;

	for (const struct ir_node *n = p->g->first; n; n = n->next)
		run_node(p, n, run ? run : &none);
}
