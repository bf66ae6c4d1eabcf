/* kernel.c -- a primitive with its memory objects, as a step of a plan. */
#include "plug/onednn/onednn.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/lock.h"

struct one_kernel {
	struct kernel        base;
	dnnl_primitive_t     prim;
	int                  is_clone;  /* prim is another's */
	dnnl_engine_t        engine;
	dnnl_stream_t        stream;
	int                  n;
	dnnl_exec_arg_t     *arg;       /* [n]; arg[i].memory owned */
};

tt_status one_check(dnnl_status_t s, const char *what)
{
	switch (s) {
	case dnnl_success: return TT_OK;
	case dnnl_out_of_memory: return err_set(TT_ENOMEM, "oneDNN ran out of memory for %s", what);
	case dnnl_unimplemented: return err_set(TT_ESUPPORT, "oneDNN has no %s of this shape", what);
	default: return err_set(TT_EINTERNAL, "oneDNN refuses %s (status %d)", what, (int)s);
	}
}

static void one_bind(struct kernel *k, int i, void *ptr)
{
	dnnl_memory_set_data_handle(((struct one_kernel *)k)->arg[i].memory, ptr);
}

static tt_status one_run(struct kernel *k, const struct run_context *rc)
{
	struct one_kernel *o = (struct one_kernel *)k;

	(void)rc;
	return one_check(dnnl_primitive_execute(o->prim, o->stream, o->n, o->arg), "running");
}

static void one_free(struct kernel *k)
{
	struct one_kernel *o = (struct one_kernel *)k;

	for (int i = 0; i < o->n; i++)
		if (o->arg[i].memory)
			dnnl_memory_destroy(o->arg[i].memory);
	if (o->prim && !o->is_clone)
		dnnl_primitive_destroy(o->prim);
	mem_free(o->arg);
	mem_free(o);
}

/* Primitives may run side by side: scratch is an argument of theirs. */
static tt_status one_clone(const struct kernel *k, struct kernel **out)
{
	const struct one_kernel *o = (const struct one_kernel *)k;
	struct one_kernel *c = mem_calloc(1, sizeof *c);
	const md_t *md;
	tt_status st = TT_OK;

	if (!c)
		return TT_ENOMEM;
	*c = (struct one_kernel){ .base = o->base, .prim = o->prim, .is_clone = 1,
	                          .engine = o->engine, .stream = o->stream };
	if (!(c->arg = mem_calloc((size_t)o->n + 1, sizeof *c->arg)))
		st = TT_ENOMEM;
	for (; st == TT_OK && c->n < o->n; c->n++) {
		c->arg[c->n].arg = o->arg[c->n].arg;
		st = one_check(dnnl_memory_get_memory_desc(o->arg[c->n].memory, &md), "a descriptor");
		if (st == TT_OK)
			st = one_check(dnnl_memory_create(&c->arg[c->n].memory, md, o->engine,
			                                  DNNL_MEMORY_NONE), "a memory object");
	}
	if (st == TT_OK)
		*out = &c->base;
	else
		one_free(&c->base);
	return st;
}

static const struct kernel_ops one_kernel_ops = {
	.bind = one_bind, .run = one_run, .free = one_free, .clone = one_clone,
};

static void add(struct one_args *a, int key, int buf, const md_t *md)
{
	if (buf < 0 && a->st == TT_OK)
		a->st = TT_ENOMEM;
	if (a->st != TT_OK)
		return;
	a->a[a->n++] = (struct one_arg){ .key = key, .buf = buf, .md = *md };
}

void one_uses(struct one_args *a, int key, int buf, const md_t *md) { add(a, key, buf, md); }

void one_reads(struct one_device *d, struct plan *p, struct one_args *a, int key,
               const struct ir_value *v, const md_t *md)
{
	const struct layout *want;

	if (a->st == TT_OK && (a->st = one_layout(d, p, v, md, &want)) == TT_OK)
		add(a, key, plan_in(p, v, want), md);
}

void one_writes(struct one_device *d, struct plan *p, struct one_args *a, int key,
                const struct ir_value *v, const md_t *md)
{
	const struct layout *have;

	if (a->st == TT_OK && (a->st = one_layout(d, p, v, md, &have)) == TT_OK)
		add(a, key, plan_out(p, v, have), md);
}

void one_writes_over(struct one_device *d, struct plan *p, struct one_args *a, int key,
                     const struct ir_value *v, int over)
{
	const md_t md = a->a[over].md;
	const struct layout *have;

	if (a->st == TT_OK && (a->st = one_layout(d, p, v, &md, &have)) == TT_OK)
		add(a, key, plan_out_over(p, v, have, a->a[over].buf), &md);
}

const md_t *one_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index)
{
	static const md_t none;                 /* zero dims: the primitive does not use it */
	const md_t *md = dnnl_primitive_desc_query_md(pd, what, index);

	return md ? md : &none;
}

static tt_status make_kernel(struct one_device *d, struct plan *p, const struct one_args *a,
                             const_dnnl_primitive_desc_t pd, struct one_kernel *k)
{
	const char *name = "onednn";
	tt_status st = one_check(dnnl_primitive_create(&k->prim, pd), "a primitive");

	for (int i = 0; i < a->n && st == TT_OK; i++) {
		k->arg[i].arg = a->a[i].key;
		st = one_check(dnnl_memory_create(&k->arg[i].memory, &a->a[i].md, d->engine,
		                                  DNNL_MEMORY_NONE), "a memory object");
	}
	dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
	k->base.name = arena_strdup(plan_arena(p), name);
	k->n = a->n;
	return st == TT_OK && !k->base.name ? TT_ENOMEM : st;
}

tt_status one_step(struct one_device *d, struct plan *p, struct one_args *a,
                   dnnl_primitive_desc_t pd)
{
	const md_t *scratch = one_query(pd, dnnl_query_scratchpad_md, 0);
	struct one_kernel *k = NULL;
	int bufs[ONE_MAX_ARGS];

	if (a->st == TT_OK && scratch->ndims > 0)
		one_uses(a, DNNL_ARG_SCRATCHPAD,
		         plan_scratch(p, dnnl_memory_desc_get_size(scratch)), scratch);
	if (a->st == TT_OK && !(k = mem_calloc(1, sizeof *k)))
		a->st = TT_ENOMEM;
	if (k) {
		k->base.ops = &one_kernel_ops;
		k->stream = d->stream;
		k->engine = d->engine;
		k->arg = mem_calloc((size_t)a->n, sizeof *k->arg);
		a->st = k->arg ? make_kernel(d, p, a, pd, k) : TT_ENOMEM;
		k->n = k->arg ? a->n : 0;
	}
	dnnl_primitive_desc_destroy(pd);
	if (a->st != TT_OK) {
		if (k)
			one_free(&k->base);
		return a->st;
	}
	for (int i = 0; i < a->n; i++)
		bufs[i] = a->a[i].buf;
	return plan_step(p, &k->base, bufs, a->n);
}

dnnl_alg_kind_t one_eltwise(enum ir_act act, int use_y)
{
	switch (act) {
	case ACT_NONE: break;
	case ACT_RELU:
	case ACT_LEAKY_RELU: return use_y ? dnnl_eltwise_relu_use_dst_for_bwd : dnnl_eltwise_relu;
	case ACT_ELU: return use_y ? dnnl_eltwise_elu_use_dst_for_bwd : dnnl_eltwise_elu;
	case ACT_GELU: return dnnl_eltwise_gelu_erf;
	case ACT_SILU: return dnnl_eltwise_swish;
	case ACT_SIGMOID: return use_y ? dnnl_eltwise_logistic_use_dst_for_bwd : dnnl_eltwise_logistic;
	case ACT_TANH: return use_y ? dnnl_eltwise_tanh_use_dst_for_bwd : dnnl_eltwise_tanh;
	case ACT_RELU6: return use_y ? dnnl_eltwise_clip_v2_use_dst_for_bwd : dnnl_eltwise_clip_v2;
	case ACT_HARDSWISH: return dnnl_eltwise_hardswish;
	case ACT_HARDSIGMOID: break;            /* forward it is ours, its slope the reference's */
	}
	return dnnl_alg_kind_undef;
}

tt_status one_attr(enum ir_act act, float alpha, dnnl_primitive_attr_t *out)
{
	dnnl_primitive_attr_t attr;
	dnnl_post_ops_t ops;
	dnnl_status_t s;

	if ((s = dnnl_primitive_attr_create(&attr)) != dnnl_success)
		return one_check(s, "attributes");
	s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
	if (s == dnnl_success && act != ACT_NONE && (s = dnnl_post_ops_create(&ops)) == dnnl_success) {
		float a = act == ACT_RELU ? 0 : act == ACT_SILU ? 1 : alpha;

		s = dnnl_post_ops_append_eltwise(ops, 1, one_eltwise(act, 0), a, 0);
		if (s == dnnl_success)
			s = dnnl_primitive_attr_set_post_ops(attr, ops);
		dnnl_post_ops_destroy(ops);
	}
	if (s == dnnl_success)
		*out = attr;
	else
		dnnl_primitive_attr_destroy(attr);
	return one_check(s, "attributes");
}

dnnl_data_type_t one_variant_type(const struct plan *p, const char **variant)
{
	if (strncmp(*variant, ONE_F32, strlen(ONE_F32)) != 0)
		return one_act_type(p);
	*variant += strlen(ONE_F32);
	return dnnl_f32;
}

int one_types(const struct plan *p, int i, dnnl_data_type_t *t, const char **prefix)
{
	*t = i ? dnnl_f32 : one_act_type(p);
	*prefix = i ? ONE_F32 : "";
	return i == 0 || (i == 1 && one_act_type(p) != dnnl_f32);
}

/* While oneDNN looks for the blocks of a brgemm convolution it notes the last ones in a variable of
 * the whole process (seen in 2.6): of two threads that look at once one may get the other's, and
 * with them a kernel whose sums are wrong.  So one looks at a time. */
static struct lock looking;

static const char *impl_name(const_dnnl_primitive_desc_t pd)
{
	const char *name = "";

	dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
	return name;
}

tt_status one_find(struct one_device *d, const_dnnl_op_desc_t op, const_dnnl_primitive_attr_t attr,
                   const_dnnl_primitive_desc_t hint, const char *name, dnnl_primitive_desc_t *out)
{
	dnnl_primitive_desc_iterator_t it = NULL;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_status_t s;

	lock_take(&looking);
	s = dnnl_primitive_desc_iterator_create(&it, op, attr, d->engine, hint);
	while (s == dnnl_success) {
		pd = dnnl_primitive_desc_iterator_fetch(it);
		if (!name || !*name || strncmp(impl_name(pd), name, VARIANT_NAME - 16) == 0)
			break;
		dnnl_primitive_desc_destroy(pd);
		pd = NULL;
		s = dnnl_primitive_desc_iterator_next(it);
	}
	lock_give(&looking);
	if (it)
		dnnl_primitive_desc_iterator_destroy(it);
	if (!pd)
		return err_set(TT_ESUPPORT, "oneDNN has no implementation '%s' here", name ? name : "");
	*out = pd;
	return TT_OK;
}

int one_list(struct one_device *d, const_dnnl_op_desc_t op, const_dnnl_primitive_desc_t hint,
             const char *prefix, char names[][VARIANT_NAME], int count, int max)
{
	dnnl_primitive_desc_iterator_t it = NULL;
	dnnl_status_t s;

	lock_take(&looking);
	s = dnnl_primitive_desc_iterator_create(&it, op, NULL, d->engine, hint);
	while (s == dnnl_success && count < max) {
		dnnl_primitive_desc_t pd = dnnl_primitive_desc_iterator_fetch(it);
		int known = 0;

		snprintf(names[count], VARIANT_NAME, "%s%.*s", prefix, VARIANT_NAME - 16, impl_name(pd));
		for (int i = 0; i < count; i++)
			known |= strcmp(names[i], names[count]) == 0;
		if (!known && (count == 0 || !strstr(names[count], "ref")))
			count++;
		dnnl_primitive_desc_destroy(pd);
		s = dnnl_primitive_desc_iterator_next(it);
	}
	lock_give(&looking);
	if (it)
		dnnl_primitive_desc_iterator_destroy(it);
	return count;
}
