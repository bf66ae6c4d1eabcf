/* device.c -- the CPU device by oneDNN: the one name this folder shows the world. */
#include "plug/onednn/onednn.h"

#include <sys/mman.h>

#include "sys/plug.h"

static const struct device_ops onednn_device;


#include "base/mem.h"
#include "compute/exec/cpu/seq/xent.h"

/* What this device does, op by op.  What is not here the reference device does. */
static const struct { one_prepare_fn *prepare; one_variants_fn *variants; } table[IR_OP_COUNT] = {
	[IR_CONV2D]          = { one_conv, one_conv_variants },
	[IR_CONV2D_DX]       = { one_conv, one_conv_variants },
	[IR_CONV2D_DW]       = { one_conv, one_conv_variants },
	[IR_DENSE]           = { one_dense, one_dense_variants },
	[IR_DENSE_DX]        = { one_dense, one_dense_variants },
	[IR_DENSE_DW]        = { one_dense, one_dense_variants },
	[IR_MAXPOOL]         = { one_pool, one_pool_variants },
	[IR_AVGPOOL]         = { .prepare = one_pool },
	[IR_MAXPOOL_DX]      = { .prepare = one_pool_dx },
	[IR_AVGPOOL_DX]      = { .prepare = one_pool_dx },
	[IR_BATCHNORM]       = { .prepare = one_batchnorm },
	[IR_BATCHNORM_INFER] = { .prepare = one_batchnorm_infer },
	[IR_BATCHNORM_DX]    = { .prepare = one_batchnorm_dx },
	[IR_BN_MOMENTS]      = { .prepare = one_sync_batchnorm },
	[IR_BN_SUMS]         = { .prepare = one_sync_batchnorm },
	[IR_BN_DX]           = { .prepare = one_sync_batchnorm },
	[IR_LAYERNORM]       = { .prepare = one_pass },
	[IR_LAYERNORM_DX]    = { .prepare = one_pass },
	[IR_RMSNORM]         = { .prepare = one_pass },
	[IR_RMSNORM_DX]      = { .prepare = one_pass },
	[IR_GROUPNORM]       = { .prepare = one_pass },
	[IR_GROUPNORM_DX]    = { .prepare = one_pass },
	[IR_LRN]             = { .prepare = one_pass },
	[IR_LRN_DX]          = { .prepare = one_pass },
	[IR_PRELU]           = { .prepare = one_pass },
	[IR_PRELU_DX]        = { .prepare = one_pass },
	[IR_BIAS]            = { .prepare = one_pass },
	[IR_RESIZE]          = { .prepare = one_pass },
	[IR_RESIZE_DX]       = { .prepare = one_pass },
	[IR_ACT]             = { .prepare = one_act },
	[IR_ACT_DX]          = { .prepare = one_act_dx },
	[IR_ADD]             = { .prepare = one_add },
	[IR_SUM]             = { .prepare = one_add },
	[IR_SOFTMAX]         = { .prepare = one_softmax },
	[IR_CONCAT]          = { .prepare = one_concat },
	[IR_SLICE]           = { .prepare = one_slice },
	[IR_SPLIT]           = { .prepare = one_split },
	[IR_MATMUL]          = { one_matmul, one_matmul_variants },
	[IR_MULTIPLY]        = { .prepare = one_add },
	[IR_TRANSPOSE]       = { .prepare = one_transpose },
	[IR_REDUCE]          = { .prepare = one_axes },
	[IR_REDUCE_MAX_DX]   = { .prepare = one_axes },
	[IR_BROADCAST]       = { .prepare = one_axes },
	[IR_DROPOUT]         = { .prepare = one_dropout },
	[IR_DROPOUT_DX]      = { .prepare = one_dropout },
	[IR_RNN]             = { .prepare = one_recurrent },
	[IR_LSTM]            = { .prepare = one_recurrent },
	[IR_GRU]             = { .prepare = one_recurrent },
	[IR_RNN_DX]          = { .prepare = one_recurrent },
	[IR_LSTM_DX]         = { .prepare = one_recurrent },
	[IR_GRU_DX]          = { .prepare = one_recurrent },
	[IR_ATTENTION]       = { .prepare = one_attention },
	[IR_ATTENTION_DX]    = { .prepare = one_attention },
	[IR_ROTARY]          = { .prepare = one_sequences },
	[IR_EMBEDDING]       = { .prepare = one_sequences },
	[IR_EMBEDDING_DW]    = { .prepare = one_sequences },
	[IR_XENT]            = { .prepare = one_sequences },
	[IR_XENT_DX]         = { .prepare = one_sequences },
	[IR_ATTENTION_KEPT]  = { .prepare = one_attention },
};

#define HEADROOM ((size_t)48 << 20)

/* oneDNN writes the code of kernels into pages of its own, and where it gets none it dies. */
static tt_status check_headroom(void)
{
	void *p = mmap(NULL, HEADROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return err_set(TT_ENOMEM, "out of memory: kernels need %zu bytes of address space (ulimit "
		               "-v)", HEADROOM);
	munmap(p, HEADROOM);
	return TT_OK;
}

static tt_status one_open(struct device **out)
{
	struct one_device *d;
	tt_status st;

	if ((st = check_headroom()) != TT_OK)
		return st;
	if (!(d = mem_calloc(1, sizeof *d)))
		return TT_ENOMEM;
	d->base.ops = &onednn_device;
	st = one_check(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "a CPU engine");
	if (st == TT_OK)
		st = one_check(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags),
		               "a stream");
	if (st != TT_OK) {
		if (d->engine)
			dnnl_engine_destroy(d->engine);
		mem_free(d);
		return st;
	}
	*out = &d->base;
	return TT_OK;
}

static void one_close(struct device *dev)
{
	struct one_device *d = (struct one_device *)dev;

	dnnl_stream_destroy(d->stream);
	dnnl_engine_destroy(d->engine);
	mem_free(d);
}

static int one_supports(const struct device *dev, const struct plan *p, const struct ir_node *n)
{
	const struct ir_value *carried = n->op == IR_MAXPOOL_DX ? n->in[1] :
	                                 n->op == IR_BATCHNORM_DX ? n->in[6] : NULL;

	if (!table[n->op].prepare)
		return 0;
	if (carried)                    /* what forward left for backward must be ours */
		return plan_layout(p, carried) && plan_layout(p, carried)->owner == dev;
	if (n->op == IR_MAXPOOL && (n->out[1]->output || !one_maxpool_can(p, n)))
		return 0;               /* positions as the op defines them are not ours */
	if (n->op == IR_XENT && !xent_pays(n))
		return 0;
	if (n->op == IR_ACT_DX && n->n_in > 2)
		return n->attr.act == ACT_RELU;     /* our own kernel: the library's takes one dy */
	if (n->op == IR_ACT_DX && n->attr.act == ACT_ELU && !n->attr.use_y)
		return 0;               /* the library makes a number of a NaN */
	if (n->op == IR_ACT_DX && n->attr.act == ACT_HARDSIGMOID)
		return 0;               /* the library has none */
	if (n->op == IR_ROTARY && n->n_in > 1)
		return 0;               /* a few places of a sequence that goes on */
	return n->op != IR_ACT || n->attr.act != ACT_NONE;
}

static int one_variants(struct device *d, struct plan *p, const struct ir_node *n,
                        char names[][VARIANT_NAME], int max)
{
	if (table[n->op].variants)
		return table[n->op].variants((struct one_device *)d, p, n, names, max);
	names[0][0] = '\0';
	return 1;
}

static tt_status one_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                             const char *variant)
{
	return table[n->op].prepare((struct one_device *)d, p, n, variant);
}

static const struct device_ops onednn_device = {
	.name = "onednn", .abi = DEVICE_ABI, .open = one_open, .close = one_close,
	.supports = one_supports, .variants = one_variants, .prepare = one_prepare,
	.layout_same = one_layout_same, .layout_text = one_layout_text, .reorder = one_reorder,
};

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

/* Of the library this was built with, "2.6.0". */
static const char *version(void)
{
	return TEXT(DNNL_VERSION_MAJOR) "." TEXT(DNNL_VERSION_MINOR) "." TEXT(DNNL_VERSION_PATCH);
}

extern const struct plug onednn_plug;
const struct plug onednn_plug = PLUG(
	.kind = PLUG_DEVICE, .name = "onednn", .serves = "compute on CPUs", .version = version,
	.order = 10, .ops = &onednn_device);
