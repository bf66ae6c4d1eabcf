#include "compute/exec/cpu/factors.h"

#include <string.h>

#include "base/simd.h"
#include "base/thread.h"
#include "compute/ir/graph.h"

#define WIDE   32               /* columns in a panel of x: with TALL, sums for all registers */
#define TALL   8                /* of dy                                                      */
#define BLOCK  4                /* panels of x that zeros are left out of at once: the sums of
                                 * one k fill half of the registers, 64 rows half of a cache  */
#define WORD   64               /* marks, and of how many floats                              */
#define MARK   2
#define WORTH  0.6              /* of dy: with more numbers, leaving out zeros costs more    */
#define FLOPS  ((int64_t)1 << 20)       /* worth another thread */

_Static_assert(sizeof(struct factors_head) == IR_FACTORS_HEAD * sizeof(float), "a head fits");

static int64_t words(const struct factors *f) { return (f->rows + WORD - 1) / WORD; }
static int64_t marks(const struct factors *f) { return f->k * words(f) * MARK; }

size_t factors_count(const struct factors *f)
{
	return (size_t)(IR_FACTORS_HEAD + f->rows * (f->c + f->k));
}

/* ---- packing ---- */

/* from[n][columns] in panels of `width`. */
static void pack(const struct factors *f, int64_t n, const float *from, int64_t columns,
                 int64_t width, float *to)
{
	for (int64_t c = 0; c < columns; c += width) {
		const int64_t w = columns - c < width ? columns - c : width;

		for (int64_t r = 0; r < n; r++)
			memcpy(to + r * w, from + r * columns + c, (size_t)w * sizeof *to);
		memset(to + n * w, 0, (size_t)((f->rows - n) * w) * sizeof *to);
		to += f->rows * w;
	}
}

SIMD static int64_t not_zero(const float *x, int64_t n)
{
	int64_t count = 0;

	for (int64_t i = 0; i < n; i++)
		count += x[i] != 0;
	return count;
}

/* Gives the end of the numbers, behind which it may write one more. */
static float *pack_sparse(const struct factors *f, int64_t n, const float *dy, float *to)
{
	float *end = to + marks(f);

	for (int64_t k = 0; k < f->k; k++)
		for (int64_t lo = 0; lo < f->rows; lo += WORD, to += MARK) {
			uint64_t m = 0;

			for (int64_t r = lo; r < n && r < lo + WORD; r++) {
				*end = dy[r * f->k + k];
				m |= (uint64_t)(*end != 0) << (r - lo);
				end += *end != 0;
			}
			memcpy(to, &m, sizeof m);
		}
	return end;
}

void factors_pack(const struct factors *f, int64_t n, const float *x, const float *dy, float *to)
{
	struct factors_head h = { (uint32_t)factors_count(f), 0, { 0 } };
	float *second = to + IR_FACTORS_HEAD + f->rows * f->c;

	pack(f, n, x, f->c, WIDE, to + IR_FACTORS_HEAD);
	h.sparse = (double)(marks(f) + not_zero(dy, n * f->k)) <= WORTH * (double)(f->rows * f->k);
	if (h.sparse)
		h.floats = (uint32_t)(pack_sparse(f, n, dy, second) - to);
	else
		pack(f, n, dy, f->k, TALL, second);
	memcpy(to, &h, sizeof h);
}

/* ---- the product ---- */

struct product {
	struct factors f;
	int64_t        step;            /* from one rank's factors to the next one's */
	int            ranks;
	const float   *all;
	float         *dw;
};

enum kind { NONE, DENSE, SPARSE };

/* Ranks [lo, hi), whose dy are of one kind.  fresh: nobody has written dw before. */
struct run { int lo, hi; enum kind kind; int fresh; };

static const float *x_of(const struct product *p, int rank, int64_t c)
{
	return p->all + rank * p->step + IR_FACTORS_HEAD + p->f.rows * c;
}

static const float *dy_of(const struct product *p, int rank)
{
	return x_of(p, rank, p->f.c);
}

static enum kind kind_of(const struct product *p, int rank)
{
	struct factors_head h;

	memcpy(&h, p->all + rank * p->step, sizeof h);
	return h.floats == 0 ? NONE : h.sparse ? SPARSE : DENSE;
}

static struct run next_run(const struct product *p, int lo, int fresh)
{
	struct run r = { lo, lo + 1, kind_of(p, lo), fresh };

	while (r.hi < p->ranks && kind_of(p, r.hi) == r.kind)
		r.hi++;
	return r;
}

SIMD static void tile(const struct product *p, struct run r, const float *x, const float *d,
                      float *dw)
{
	float sum[TALL][WIDE] = { { 0 } };

	for (int i = 0; !r.fresh && i < TALL; i++)
		memcpy(sum[i], dw + i * p->f.c, sizeof sum[i]);
	for (; r.lo < r.hi; r.lo++, x += p->step, d += p->step)
		for (int64_t n = 0; n < p->f.rows; n++)
#pragma GCC unroll 8
			for (int i = 0; i < TALL; i++)
				for (int j = 0; j < WIDE; j++)
					sum[i][j] += d[n * TALL + i] * x[n * WIDE + j];
	for (int i = 0; i < TALL; i++)
		memcpy(dw + i * p->f.c, sum[i], sizeof sum[i]);
}

/* The same of panels of other widths. */
SIMD static void edge(const struct product *p, struct run r, const float *x, int64_t wide,
                      const float *d, int64_t tall, float *dw)
{
	for (int64_t i = 0; i < tall; i++, dw += p->f.c) {
		float sum[WIDE] = { 0 };

		if (!r.fresh)
			memcpy(sum, dw, (size_t)wide * sizeof *sum);
		for (int k = 0; k < r.hi - r.lo; k++)
			for (int64_t n = 0; n < p->f.rows; n++)
				for (int64_t j = 0; j < wide; j++)
					sum[j] += d[k * p->step + n * tall + i] * x[k * p->step + n * wide + j];
		memcpy(dw, sum, (size_t)wide * sizeof *sum);
	}
}

static void dense_panel(const struct product *p, struct run r, int64_t c)
{
	const int64_t wide = p->f.c - c < WIDE ? p->f.c - c : WIDE;
	const float *x = x_of(p, r.lo, c), *dy = dy_of(p, r.lo);

	for (int64_t k = 0; k < p->f.k; k += TALL) {
		const int64_t tall = p->f.k - k < TALL ? p->f.k - k : TALL;
		const float *d = dy + p->f.rows * k;
		float *dw = p->dw + k * p->f.c + c;

		if (wide == WIDE && tall == TALL)
			tile(p, r, x, d, dw);
		else
			edge(p, r, x, wide, d, tall, dw);
	}
}

static uint64_t mark_at(const float *p)
{
	uint64_t m;

	memcpy(&m, p, sizeof m);
	return m;
}

/* What of dy is not zero times BLOCK panels of x. */
SIMD static void sparse_block(const struct product *p, int rank, int fresh, int64_t c)
{
	const int64_t panel = p->f.rows * WIDE;
	const float *mark = dy_of(p, rank), *d = mark + marks(&p->f);
	float *dw = p->dw + c;

	for (int64_t k = 0; k < p->f.k; k++, dw += p->f.c) {
		float sum[BLOCK * WIDE] = { 0 };
		const float *x = x_of(p, rank, c);

		if (!fresh)
			memcpy(sum, dw, sizeof sum);
		for (int64_t w = 0; w < words(&p->f); w++, x += WORD * WIDE, mark += MARK)
			for (uint64_t m = mark_at(mark); m; m &= m - 1) {
				const float *row = x + __builtin_ctzll(m) * WIDE;
				const float y = *d++;

#pragma GCC unroll 4
				for (int i = 0; i < BLOCK; i++)
					for (int j = 0; j < WIDE; j++)
						sum[i * WIDE + j] += y * row[i * panel + j];
			}
		memcpy(dw, sum, sizeof sum);
	}
}

/* The same of one panel, which may be narrower. */
SIMD static void sparse_panel(const struct product *p, int rank, int fresh, int64_t c)
{
	const int64_t wide = p->f.c - c < WIDE ? p->f.c - c : WIDE;
	const float *mark = dy_of(p, rank), *d = mark + marks(&p->f);
	float *dw = p->dw + c;

	for (int64_t k = 0; k < p->f.k; k++, dw += p->f.c) {
		float sum[WIDE] = { 0 };
		const float *x = x_of(p, rank, c);

		if (!fresh)
			memcpy(sum, dw, (size_t)wide * sizeof *sum);
		for (int64_t w = 0; w < words(&p->f); w++, x += WORD * wide, mark += MARK)
			for (uint64_t m = mark_at(mark); m; m &= m - 1) {
				const float *row = x + __builtin_ctzll(m) * wide;
				const float y = *d++;

				for (int64_t j = 0; j < wide; j++)
					sum[j] += y * row[j];
			}
		memcpy(dw, sum, (size_t)wide * sizeof *sum);
	}
}

static void sparse_rank(const struct product *p, int rank, int fresh, int64_t c, int64_t end)
{
	if (end - c == BLOCK * WIDE)
		sparse_block(p, rank, fresh, c);
	else
		for (; c < end; c += WIDE)
			sparse_panel(p, rank, fresh, c);
}

/* BLOCK panels of dw, from column c on. */
static void block(const struct product *p, int64_t c)
{
	const int64_t end = c + BLOCK * WIDE < p->f.c ? c + BLOCK * WIDE : p->f.c;
	int fresh = 1;

	for (struct run r = { 0 }; r.hi < p->ranks; fresh &= r.kind == NONE) {
		r = next_run(p, r.hi, fresh);
		for (int64_t at = c; r.kind == DENSE && at < end; at += WIDE)
			dense_panel(p, r, at);
		for (int k = r.lo; r.kind == SPARSE && k < r.hi; k++)
			sparse_rank(p, k, fresh && k == r.lo, c, end);
	}
	for (int64_t k = 0; fresh && k < p->f.k; k++)
		memset(p->dw + k * p->f.c + c, 0, (size_t)(end - c) * sizeof *p->dw);
}

static void blocks(void *ctx, int64_t lo, int64_t hi)
{
	const struct product *p = ctx;

	for (; lo < hi; lo++)
		block(p, lo * BLOCK * WIDE);
}

/* No more numbers than there is room for, in rows that are there. */
static int adds_up(const struct product *p, int rank)
{
	const float *mark = dy_of(p, rank);
	const int64_t last = p->f.rows % WORD;
	int64_t numbers = 0;

	for (int64_t k = 0; k < p->f.k; k++)
		for (int64_t w = 0; w < words(&p->f); w++, mark += MARK) {
			if (last && w + 1 == words(&p->f) && mark_at(mark) >> last)
				return 0;
			numbers += __builtin_popcountll(mark_at(mark));
		}
	return marks(&p->f) + numbers <= p->f.rows * p->f.k;
}

tt_status factors_multiply(const struct factors *f, const float *all, int ranks, float *dw)
{
	struct product p = { *f, (int64_t)factors_count(f), ranks, all, dw };
	const int64_t each = 2 * ranks * f->rows * f->k * BLOCK * WIDE;

	for (int r = 0; r < ranks; r++)
		if (kind_of(&p, r) == SPARSE && (marks(f) > f->rows * f->k || !adds_up(&p, r)))
			return err_set(TT_EINTERNAL, "the factors of rank %d's gradient do not add up", r);
	thread_for((f->c + BLOCK * WIDE - 1) / (BLOCK * WIDE), 1 + FLOPS / (each + 1), blocks, &p);
	return TT_OK;
}

/* Rounded, the product of the second rank is what the first has taken away. */
int factors_fused(void)
{
	static const struct factors f = { 1, 1, 1 };
	static const float first[2] = { 1, -1 - 0x1p-11f }, second[2] = { 1 + 0x1p-12f, 1 + 0x1p-12f };
	float all[2][IR_FACTORS_HEAD + 2], left;

	factors_pack(&f, 1, &first[0], &first[1], all[0]);
	factors_pack(&f, 1, &second[0], &second[1], all[1]);
	return factors_multiply(&f, all[0], 2, &left) == TT_OK && left != 0;
}
