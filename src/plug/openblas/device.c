/* device.c -- dense layers by OpenBLAS's sgemm: on some CPUs and shapes faster than oneDNN's.
 *
 * A device for three ops on plain f32 matrices; the measured choice decides who runs them.  The
 * library has one thread (blas.h) and is called side by side on blocks of rows, so that results do
 * not depend on a pool of its own. */
#include "plug/openblas/blas.h"

#include <math.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "compute/exec/host/hostkernel.h"
#include "sys/plug.h"

static const struct device_ops openblas_device;

/* c[rows, n] = op(a) op(b), rows split over threads; row i of c needs row (or column) i of a. */
struct gemm {
	CBLAS_TRANSPOSE ta, tb;
	int             n, k, lda, ldb;
	const float    *a, *b;
	float          *c;
};

static void gemm_rows(void *ctx, int64_t lo, int64_t hi)
{
	const struct gemm *p = ctx;
	const float *a = p->a + (p->ta == CblasNoTrans ? lo * p->lda : lo);

	blas()->sgemm(CblasRowMajor, p->ta, p->tb, (int)(hi - lo), p->n, p->k, 1, a, p->lda, p->b,
	              p->ldb, 0, p->c + lo * p->n, p->n);
}

static void gemm_run(struct gemm *p, int64_t rows)
{
	thread_for(rows, 1, gemm_rows, p);
}

struct dense { int n, c, k; };          /* rows, numbers in, numbers out */

static struct dense dense_of(const struct ir_node *node)
{
	const struct ir_value *w = node->op == IR_DENSE_DW ? node->out[0] : node->in[1];
	const struct tensor_desc *x = &node->in[0]->desc;
	int64_t c = x->dim[x->ndim - 1];

	return (struct dense){ (int)(tensor_count(x) / c), (int)w->desc.dim[1],
	                       (int)w->desc.dim[0] };
}

/* ptr: x[N,C], w[K,C], y[N,K] or with b[K] before y */
static void run_dense(const struct host_args *a)
{
	struct dense d = dense_of(a->node);
	const float *b = a->node->n_in == 3 ? a->ptr[2] : NULL;
	float *y = a->ptr[a->node->n_in];
	struct gemm p = { CblasNoTrans, CblasTrans, d.k, d.c, d.c, d.c, a->ptr[0], a->ptr[1], y };
	float floor = a->node->attr.act == ACT_RELU ? 0 : -INFINITY;

	gemm_run(&p, d.n);
	for (int i = 0; i < d.n; i++)
		for (int k = 0; k < d.k; k++) {
			float v = y[(size_t)i * d.k + k] + (b ? b[k] : 0);

			y[(size_t)i * d.k + k] = v < floor ? floor : v;
		}
}

/* ptr: dy[N,K], w[K,C], dx[N,C] */
static void run_dense_dx(const struct host_args *a)
{
	struct dense d = dense_of(a->node);
	struct gemm p = { CblasNoTrans, CblasNoTrans, d.c, d.k, d.k, d.c, a->ptr[0], a->ptr[1],
	                     a->ptr[2] };

	gemm_run(&p, d.n);
}

/* ptr: x[N,C], dy[N,K], dw[K,C], db[K] or NULL */
static void run_dense_dw(const struct host_args *a)
{
	struct dense d = dense_of(a->node);
	struct gemm p = { CblasTrans, CblasNoTrans, d.c, d.n, d.k, d.c, a->ptr[1], a->ptr[0],
	                     a->ptr[2] };
	const float *dy = a->ptr[1];
	float *db = a->ptr[3];

	gemm_run(&p, d.k);
	for (int k = 0; db && k < d.k; k++)
		db[k] = 0;
	for (int i = 0; db && i < d.n; i++)
		for (int k = 0; k < d.k; k++)
			db[k] += dy[(size_t)i * d.k + k];
}

static const host_fn table[IR_OP_COUNT] = {
	[IR_DENSE] = run_dense, [IR_DENSE_DX] = run_dense_dx, [IR_DENSE_DW] = run_dense_dw,
};

static tt_status blas_open(struct device **out)
{
	struct device *d = mem_calloc(1, sizeof *d);

	if (!d)
		return TT_ENOMEM;
	d->ops = &openblas_device;
	*out = d;
	return TT_OK;
}

static void blas_close(struct device *d) { mem_free(d); }

/* Sizes are ints to the library. */
static int blas_supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	(void)d;
	(void)p;
	if (!table[n->op] || blas_is_missing())
		return 0;
	for (int i = 0; i < n->n_in; i++)
		if (tensor_count(&n->in[i]->desc) > INT32_MAX)
			return 0;
	return n->op != IR_DENSE || n->attr.act == ACT_NONE || n->attr.act == ACT_RELU;
}

static tt_status blas_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                              const char *variant)
{
	int args[PLAN_MAX_ARGS];
	tt_status st = blas_load();

	(void)d;
	(void)variant;
	if (st == TT_OK)
		st = host_plain_args(p, n, args);
	return st == TT_OK ? host_step(p, "sgemm", table[n->op], args, n->n_in + n->n_out) : st;
}

static const struct device_ops openblas_device = {
	.name = "openblas", .abi = DEVICE_ABI, .open = blas_open, .close = blas_close,
	.supports = blas_supports, .prepare = blas_prepare,
};

/* OPENBLAS_VERSION reads " OpenBLAS 0.3.21 ". */
static const char *version(void)
{
	static const char text[] = OPENBLAS_VERSION;

	return text + (sizeof text > sizeof " OpenBLAS " ? sizeof " OpenBLAS " - 1 : 0);
}

extern const struct plug openblas_plug;
const struct plug openblas_plug = PLUG(
	.kind = PLUG_DEVICE, .name = "openblas", .version = version, .order = 20,
	.ops = &openblas_device, .serves = "dense layers on CPUs, where it is faster");
