/* device.c -- see staging.h. */
#include <stdio.h>

#include "base/mem.h"
#include "compute/exec/cpu/factors.h"
#include "compute/exec/ref/ref.h"
#include "compute/exec/staging/staging.h"

/* ---- kernels ---- */

/* The reference's function on where the numbers really lie. */
struct staging_kernel {
	struct kernel         base;
	const struct ir_node *node;
	struct mem           *mem;
	int                   strange;          /* addresses that are not of mem */
	void                 *ptr[PLAN_MAX_ARGS];
};

static void kernel_bind(struct kernel *kernel, int arg, void *ptr)
{
	struct staging_kernel *k = (struct staging_kernel *)kernel;

	k->ptr[arg] = staging_mem_find(k->mem, ptr);
	k->strange += !k->ptr[arg];
}

static tt_status kernel_run(struct kernel *kernel, const struct run_context *rc)
{
	const struct staging_kernel *k = (struct staging_kernel *)kernel;
	tt_status st = TT_OK;
	void *const *out = (void *const *)k->ptr + k->node->n_in;
	const struct ref_args a = {
		.node = k->node, .in = (const void *const *)k->ptr, .out = out, .run = rc, .status = &st,
		.scratch = ir_scratch(k->node) ? out[k->node->n_out] : NULL,
	};

	if (k->strange)
		return err_set(TT_EINTERNAL, "%s: staging was given memory of the host", k->node->name);
	ref_kernel[k->node->op](&a);
	return st;
}

static void kernel_free(struct kernel *k) { mem_free(k); }

static tt_status kernel_clone(const struct kernel *kernel, struct kernel **out);

static const struct kernel_ops kernel_ops = {
	.bind = kernel_bind, .run = kernel_run, .free = kernel_free, .clone = kernel_clone,
};

static struct staging_kernel *kernel_new(const struct ir_node *n, struct mem *mem)
{
	struct staging_kernel *k = mem_calloc(1, sizeof *k);

	if (k)
		*k = (struct staging_kernel){ .base = { &kernel_ops, "reference" }, .node = n, .mem = mem };
	return k;
}

static tt_status kernel_clone(const struct kernel *kernel, struct kernel **out)
{
	const struct staging_kernel *of = (const struct staging_kernel *)kernel;
	struct staging_kernel *k = kernel_new(of->node, of->mem);

	if (!k)
		return TT_ENOMEM;
	*out = &k->base;
	return TT_OK;
}

/* From the host or to it. */
struct copy {
	struct kernel base;
	struct mem   *mem;
	size_t        bytes;
	int           out;                      /* of this memory */
	void         *from, *to;
};

static void copy_bind(struct kernel *kernel, int arg, void *ptr)
{
	struct copy *c = (struct copy *)kernel;

	*(arg ? &c->to : &c->from) = ptr;
}

static tt_status copy_run(struct kernel *kernel, const struct run_context *rc)
{
	const struct copy *c = (struct copy *)kernel;

	(void)rc;
	return c->out ? c->mem->ops->get(c->mem, c->to, c->from, c->bytes)
	              : c->mem->ops->put(c->mem, c->to, c->from, c->bytes);
}

static tt_status copy_clone(const struct kernel *kernel, struct kernel **out);

static const struct kernel_ops copy_ops = {
	.bind = copy_bind, .run = copy_run, .free = kernel_free, .clone = copy_clone,
};

static struct copy *copy_new(struct mem *mem, size_t bytes, int out)
{
	struct copy *c = mem_calloc(1, sizeof *c);

	if (c)
		*c = (struct copy){ .base = { &copy_ops, "copy" }, .mem = mem, .bytes = bytes, .out = out };
	return c;
}

static tt_status copy_clone(const struct kernel *kernel, struct kernel **out)
{
	const struct copy *of = (const struct copy *)kernel;
	struct copy *c = copy_new(of->mem, of->bytes, of->out);

	if (!c)
		return TT_ENOMEM;
	*out = &c->base;
	return TT_OK;
}

/* ---- the plan ---- */

/* Plain, in this device's memory. */
static struct layout *layout_of(struct device *d, struct plan *p, const struct ir_value *v)
{
	struct layout *l = arena_alloc(plan_arena(p), sizeof *l);

	if (l)
		*l = (struct layout){ .owner = d, .bytes = tensor_bytes(&v->desc), .row_major = 1 };
	return l;
}

static int layout_same(const struct layout *a, const struct layout *b)
{
	return a->bytes == b->bytes;
}

static void layout_text(const struct layout *l, char buf[VARIANT_NAME])
{
	(void)l;
	snprintf(buf, VARIANT_NAME, "staging");
}

static tt_status reorder(struct device *d, struct plan *p, int from, int to)
{
	const struct plan_buf *b = plan_buf(p, from);
	struct copy *c = copy_new(d->mem, b->bytes, b->layout != NULL);

	if (!c)
		return TT_ENOMEM;
	return plan_step(p, &c->base, (const int[]){ from, to }, 2);
}

/* Buffers in this memory for all that n reads and all of it that is wanted. */
static tt_status args_of(struct device *d, struct plan *p, const struct ir_node *n, int *args)
{
	for (int i = 0; i < n->n_in + n->n_out; i++) {
		const struct ir_value *v = i < n->n_in ? n->in[i] : n->out[i - n->n_in];
		const struct layout *l = layout_of(d, p, v);

		args[i] = -1;
		if (i >= n->n_in && !plan_wanted(p, v))
			continue;
		if (!l || (args[i] = i < n->n_in ? plan_in(p, v, l) : plan_out(p, v, l)) < 0)
			return TT_ENOMEM;
	}
	return TT_OK;
}

/* Running statistics move on in place. */
static tt_status store_buffers(struct plan *p, const struct ir_node *n, const int *args)
{
	tt_status st = TT_OK;

	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		if (n->in[i]->kind == IR_BUFFER && plan_purpose(p) == PROGRAM_TRAIN)
			st = plan_store(p, n->in[i], args[i]);
	return st;
}

static tt_status prepare(struct device *d, struct plan *p, const struct ir_node *n,
                         const char *variant)
{
	struct staging_kernel *k;
	int args[PLAN_MAX_ARGS], n_args = n->n_in + n->n_out;
	tt_status st = args_of(d, p, n, args);

	(void)variant;
	if (st != TT_OK)
		return st;
	if (ir_scratch(n) && (args[n_args++] = plan_scratch(p, ir_scratch(n))) < 0)
		return TT_ENOMEM;
	if (!(k = kernel_new(n, d->mem)))
		return TT_ENOMEM;
	st = plan_step(p, &k->base, args, n_args);
	return st == TT_OK ? store_buffers(p, n, args) : st;
}

/* Ranks meet in the host's memory. */
static int supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	return ref_kernel[n->op] != NULL && n->op != IR_ALL_GATHER && plan_can_read_all(p, n, d);
}

/* ---- the device ---- */

static void staging_close(struct device *d)
{
	staging_mem_free(&d->mem);
	mem_free(d);
}

static tt_status staging_open(struct device **out)
{
	struct device *d = mem_calloc(1, sizeof *d);
	tt_status st;

	if (!d)
		return TT_ENOMEM;
	d->ops = &staging_device;
	if ((st = staging_mem_new(&d->mem)) == TT_OK)
		*out = d;
	else
		mem_free(d);
	return st;
}

const struct device_ops staging_device = {
	.name = "staging", .abi = DEVICE_ABI, .open = staging_open, .close = staging_close,
	.supports = supports, .prepare = prepare, .layout_same = layout_same,
	.layout_text = layout_text, .reorder = reorder, .stream = &staging_stream_ops,
	.product = &factors_product,
};
