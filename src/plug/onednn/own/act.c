/* act.c -- activations of ours, in any layout of oneDNN's: those in which the library loses a NaN.
 *
 * An image whose channels do not fill their blocks carries zeros behind them, which others count
 * on: where an activation makes something of 0 they are set again. */
#include "plug/onednn/onednn.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/cpu/act.h"

/* Images in blocks, of whose last one only some lanes are used. */
struct padding { int64_t images, blocks, points, block, used; };

struct act_kernel {
	struct kernel  base;
	struct act     act;
	struct padding pad;             /* used 0: none */
	int            bf16, is_sum;
	void          *ptr[3];          /* x, y; of a sum a, b, y */
};

static void act_bind(struct kernel *k, int arg, void *ptr)
{
	((struct act_kernel *)k)->ptr[arg] = ptr;
}

static void clear_padding(const struct padding *p, char *y, size_t size)
{
	const int64_t image = p->blocks * p->points * p->block;

	for (int64_t i = 0; p->used && i < p->images; i++)
		for (int64_t at = 0; at < p->points; at++)
			memset(y + (size_t)(i * image + image - (at + 1) * p->block + p->used) * size, 0,
			       (size_t)(p->block - p->used) * size);
}

static tt_status act_run(struct kernel *kernel, const struct run_context *rc)
{
	const struct act_kernel *k = (const struct act_kernel *)kernel;
	const struct act_sum sum = { k->ptr[0], k->ptr[1], k->ptr[2], k->act.n };

	(void)rc;
	if (k->is_sum && k->bf16)
		act_add_relu_bf16(&sum);
	else if (k->is_sum)
		act_add_relu(&sum);
	else if (k->bf16)
		act_forward_bf16(&k->act, k->ptr[0], k->ptr[1]);
	else
		act_forward(&k->act, k->ptr[0], k->ptr[1]);
	clear_padding(&k->pad, k->ptr[1], k->bf16 ? 2 : 4);
	return TT_OK;
}

static void act_free(struct kernel *k) { mem_free(k); }

static tt_status act_clone(const struct kernel *k, struct kernel **out);

static const struct kernel_ops act_ops = {
	.bind = act_bind, .run = act_run, .free = act_free, .clone = act_clone,
};

static tt_status act_clone(const struct kernel *k, struct kernel **out)
{
	struct act_kernel *c = mem_calloc(1, sizeof *c);

	if (!c)
		return TT_ENOMEM;
	*c = *(const struct act_kernel *)k;
	memset(c->ptr, 0, sizeof c->ptr);
	*out = &c->base;
	return TT_OK;
}

static int is_bf16(const md_t *md) { return md->data_type == dnnl_bf16; }

static int64_t count_of(const md_t *md)
{
	return (int64_t)(dnnl_memory_desc_get_size(md) / (is_bf16(md) ? 2 : 4));
}

/* Only the sigmoids make something of 0. */
static struct padding padding_of(const md_t *md, enum ir_act act)
{
	struct padding p = { .images = md->dims[0], .points = 1 };

	if ((act != ACT_SIGMOID && act != ACT_HARDSIGMOID) || md->ndims < 2 ||
	    md->padded_dims[1] == md->dims[1])
		return (struct padding){ 0 };
	p.block = md->format_desc.blocking.inner_blks[0];
	p.blocks = md->padded_dims[1] / p.block;
	p.used = md->dims[1] % p.block;
	for (int i = 2; i < md->ndims; i++)
		p.points *= md->dims[i];
	return p;
}

/* A leaky relu that does not leak is a relu. */
static enum ir_act act_of(const struct ir_attr *a)
{
	return a->act == ACT_LEAKY_RELU && a->alpha == 0 ? ACT_RELU : a->act;
}

int one_own_act(const struct ir_attr *a) { return act_knows(act_of(a)); }

enum ir_act one_library_act(const struct ir_attr *a)
{
	return one_own_act(a) ? ACT_NONE : a->act;
}

tt_status one_act_step(struct plan *p, const struct ir_attr *a, const md_t *md, int from, int to)
{
	const enum ir_act act = act_of(a);
	struct act_kernel *k = mem_calloc(1, sizeof *k);

	if (!k)
		return TT_ENOMEM;
	*k = (struct act_kernel){ .base = { .ops = &act_ops, .name = "tutti:act" },
	                          .act = { act, a->alpha, count_of(md) },
	                          .pad = padding_of(md, act), .bf16 = is_bf16(md) };
	return plan_step(p, &k->base, (const int[]){ from, to }, 2);
}

tt_status one_add_relu_step(struct plan *p, const md_t *md, const int *args)
{
	struct act_kernel *k = mem_calloc(1, sizeof *k);

	if (!k)
		return TT_ENOMEM;
	*k = (struct act_kernel){ .base = { .ops = &act_ops, .name = "tutti:add-relu" },
	                          .act = { ACT_RELU, 0, count_of(md) }, .bf16 = is_bf16(md),
	                          .is_sum = 1 };
	return plan_step(p, &k->base, args, 3);
}
