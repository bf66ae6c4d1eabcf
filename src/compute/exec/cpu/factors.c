#include "compute/exec/cpu/factors.h"

#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define WIDE   32               /* channels in a panel of x: with TALL, sums for all registers */
#define TALL   PRODUCT_ROWS     /* of dy                                                       */
#define BLOCK  4                /* panels of x that zeros are left out of at once: the sums of
                                 * one k fill half of the registers, 64 rows half of a cache   */
#define WORD   64               /* marks, and of how many floats                               */
#define MARK   2
#define WORTH  0.6              /* of dy: with more numbers, leaving out zeros costs more      */
#define FLOPS  (1 << 20)        /* worth another thread                                        */

_Static_assert(sizeof(struct factors_head) == IR_FACTORS_HEAD * sizeof(float), "a head fits");

static int64_t rows_of(const struct factors *f) { return f->rows * f->y; }         /* of dy */
static int64_t words(const struct factors *f) { return (rows_of(f) + WORD - 1) / WORD; }
static int64_t marks(const struct factors *f) { return f->k * words(f) * MARK; }

static size_t work_of(const struct factors *f)
{
	return f->taps > 1 ? (size_t)ir_factors_weights(f) : 0;
}

/* ---- packing ---- */

/* Of one operand. */
struct operand { int64_t rows, channels; int places; };

/* from[n][channels][places] in panels of `width`. */
static void pack(const struct operand *o, int64_t n, const float *from, int64_t width, float *to)
{
	for (int64_t c = 0; c < o->channels; c += width) {
		const int64_t w = o->channels - c < width ? o->channels - c : width;
		float *end = to + o->rows * w;

		for (int64_t s = 0; s < n; s++)
			for (int p = 0; p < o->places; p++, to += w)
				for (int64_t j = 0; j < w; j++)
					to[j] = from[(s * o->channels + c + j) * o->places + p];
		memset(to, 0, (size_t)(end - to) * sizeof *to);
		to = end;
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
	const int64_t samples = WORD / f->y;
	float *end = to + marks(f);

	for (int64_t w = 0; w < words(f); w++)
		for (int64_t k = 0; k < f->k; k++, to += MARK) {
			uint64_t m = 0;
			int bit = 0;

			for (int64_t s = w * samples; s < n && s < (w + 1) * samples; s++)
				for (int p = 0; p < f->y; p++, bit++) {
					*end = dy[(s * f->k + k) * f->y + p];
					m |= (uint64_t)(*end != 0) << bit;
					end += *end != 0;
				}
			memcpy(to, &m, sizeof m);
		}
	return end;
}

void factors_pack(const struct factors *f, int64_t n, const float *x, const float *dy, float *to)
{
	const struct operand first = { f->rows * f->x, f->c, f->x };
	const struct operand second = { rows_of(f), f->k, f->y };
	struct factors_head h = { (uint32_t)ir_factors_floats(f), 0, { 0 } };
	float *at = to + IR_FACTORS_HEAD + first.rows * f->c;

	pack(&first, n, x, WIDE, to + IR_FACTORS_HEAD);
	h.sparse = (double)(marks(f) + not_zero(dy, n * f->k * f->y)) <=
	           WORTH * (double)(second.rows * f->k);
	if (h.sparse)
		h.floats = (uint32_t)(pack_sparse(f, n, dy, at) - to);
	else
		pack(&second, n, dy, TALL, at);
	memcpy(to, &h, sizeof h);
}

/* ---- the product ---- */

#define LANES 16

typedef float vec
	__attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

/* One tap's gradient, `to`, is a product of certain rows. */
struct tap {
	int      pairs;                 /* of places: row dy[i] of a sample's meets row x[i] */
	int      dy[WORD], x[WORD];
	uint64_t there;                 /* of a word's marks those that meet a row ...       */
	int      row[WORD];             /* ... of the word's rows of x: this one             */
	float   *to;                    /* [rows][c] */
};

enum kind { NONE, DENSE, SPARSE };

/* Ranks [lo, hi), whose dy are of one kind.  fresh: nobody has written the sums before. */
struct run { int lo, hi; enum kind kind; int fresh; };

static int64_t height(const struct product *p) { return p->rows.hi - p->rows.lo; }

static struct tap tap_of(const struct product *p, int tap)
{
	const struct factors *f = p->factors;
	struct tap t = { .to = f->taps > 1 ? p->work + tap * height(p) * f->c : p->dw };

	for (int i = 0; i < f->y; i++)
		if (f->from[tap * f->y + i] >= 0) {
			t.dy[t.pairs] = i;
			t.x[t.pairs++] = f->from[tap * f->y + i];
		}
	for (int bit = 0; bit < WORD; bit++) {
		const int from = f->from[tap * f->y + bit % f->y];

		t.there |= (uint64_t)(from >= 0) << bit;
		t.row[bit] = bit / f->y * f->x + from;
	}
	return t;
}

static const float *x_of(const struct product *p, int rank, int64_t c)
{
	return p->all[rank] + IR_FACTORS_HEAD + p->factors->rows * p->factors->x * c;
}

static const float *dy_of(const struct product *p, int rank)
{
	return x_of(p, rank, p->factors->c);
}

static struct factors_head head_of(const struct product *p, int rank)
{
	struct factors_head h;

	memcpy(&h, p->all[rank], sizeof h);
	return h;
}

static enum kind kind_of(const struct product *p, int rank)
{
	const struct factors_head h = head_of(p, rank);

	return h.floats == 0 ? NONE : h.sparse ? SPARSE : DENSE;
}

static struct run next_run(const struct product *p, int lo, int fresh)
{
	struct run r = { lo, lo + 1, kind_of(p, lo), fresh };

	while (r.hi < p->ranks && kind_of(p, r.hi) == r.kind)
		r.hi++;
	return r;
}

/* Where a panel of x, and one of dy, begin among the factors of each rank. */
struct panels { int64_t x, dy; };

SIMD static void tile(const struct product *p, const struct tap *t, struct run r, struct panels at,
                      float *dw)
{
	const struct factors *f = p->factors;
	vec sum[TALL][2];

#pragma GCC unroll 8
	for (int i = 0; i < TALL; i++) {
		const vec *from = (const vec *)(dw + i * f->c);

		sum[i][0] = r.fresh ? (vec){ 0 } : from[0];
		sum[i][1] = r.fresh ? (vec){ 0 } : from[1];
	}
	for (; r.lo < r.hi; r.lo++) {
		const float *x = p->all[r.lo] + at.x, *d = p->all[r.lo] + at.dy;

		for (int64_t n = 0; n < f->rows; n++)
			for (int q = 0; q < t->pairs; q++) {
				const float *a = d + (n * f->y + t->dy[q]) * TALL;
				const vec *b = (const vec *)(x + (n * f->x + t->x[q]) * WIDE);

#pragma GCC unroll 8
				for (int i = 0; i < TALL; i++) {
					sum[i][0] += a[i] * b[0];
					sum[i][1] += a[i] * b[1];
				}
			}
	}
#pragma GCC unroll 8
	for (int i = 0; i < TALL; i++) {
		vec *to = (vec *)(dw + i * f->c);

		to[0] = sum[i][0];
		to[1] = sum[i][1];
	}
}

struct size { int64_t tall, wide; };

/* The same of panels of other widths. */
SIMD static void edge(const struct product *p, const struct tap *t, struct run r, struct size s,
                      struct panels at, float *dw)
{
	const struct factors *f = p->factors;

	for (int64_t i = 0; i < s.tall; i++, dw += f->c, at.dy++) {
		float sum[WIDE] = { 0 };

		if (!r.fresh)
			memcpy(sum, dw, (size_t)s.wide * sizeof *sum);
		for (int rank = r.lo; rank < r.hi; rank++)
			for (int64_t n = 0; n < f->rows; n++)
				for (int q = 0; q < t->pairs; q++) {
					const float *d = p->all[rank] + at.dy + (n * f->y + t->dy[q]) * s.tall;
					const float *b = p->all[rank] + at.x + (n * f->x + t->x[q]) * s.wide;

					for (int64_t j = 0; j < s.wide; j++)
						sum[j] += *d * b[j];
				}
		memcpy(dw, sum, (size_t)s.wide * sizeof *sum);
	}
}

static void dense_panel(const struct product *p, const struct tap *t, struct run r, int64_t c)
{
	const struct factors *f = p->factors;
	const int64_t x = x_of(p, r.lo, c) - p->all[r.lo], dy = dy_of(p, r.lo) - p->all[r.lo];
	struct size s = { 0, f->c - c < WIDE ? f->c - c : WIDE };

	for (int64_t k = p->rows.lo; k < p->rows.hi; k += TALL) {
		const struct panels at = { x, dy + rows_of(f) * k };
		float *to = t->to + (k - p->rows.lo) * f->c + c;

		s.tall = f->k - k < TALL ? f->k - k : TALL;
		if (s.wide == WIDE && s.tall == TALL)
			tile(p, t, r, at, to);
		else
			edge(p, t, r, s, at, to);
	}
}

static uint64_t mark_at(const float *p)
{
	uint64_t m;

	memcpy(&m, p, sizeof m);
	return m;
}

/* The number that the lowest mark of `left` stands for. */
INLINE float number_at(const float *d, uint64_t mark, uint64_t left)
{
	return d[__builtin_popcountll(mark & ((left & -left) - 1))];
}

/* What of dy is not zero times BLOCK panels of x. */
SIMD static void sparse_block(const struct product *p, const struct tap *t, int rank, int fresh,
                              int64_t c)
{
	const struct factors *f = p->factors;
	const int64_t panel = f->rows * f->x * WIDE, step = WORD / f->y * f->x * WIDE;
	const float *mark = dy_of(p, rank), *d = mark + marks(f), *x = x_of(p, rank, c);

	for (int64_t w = 0; w < words(f); w++, x += step, fresh = 0)
		for (int64_t k = 0; k < f->k; k++, mark += MARK) {
			const uint64_t m = mark_at(mark);
			vec sum[2 * BLOCK], *to;

			if (k < p->rows.lo || k >= p->rows.hi) {
				d += __builtin_popcountll(m);
				continue;
			}
			to = (vec *)(t->to + (k - p->rows.lo) * f->c + c);
#pragma GCC unroll 8
			for (int i = 0; i < 2 * BLOCK; i++)
				sum[i] = fresh ? (vec){ 0 } : to[i];
			for (uint64_t left = m & t->there; left; left &= left - 1) {
				const float *row = x + t->row[__builtin_ctzll(left)] * WIDE;
				const float y = number_at(d, m, left);

#pragma GCC unroll 8
				for (int i = 0; i < 2 * BLOCK; i++)
					sum[i] += y * ((const vec *)(row + i / 2 * panel))[i % 2];
			}
#pragma GCC unroll 8
			for (int i = 0; i < 2 * BLOCK; i++)
				to[i] = sum[i];
			d += __builtin_popcountll(m);
		}
}

/* The same of one panel, which may be narrower. */
SIMD static void sparse_panel(const struct product *p, const struct tap *t, int rank, int fresh,
                              int64_t c)
{
	const struct factors *f = p->factors;
	const int64_t wide = f->c - c < WIDE ? f->c - c : WIDE, step = WORD / f->y * f->x * wide;
	const float *mark = dy_of(p, rank), *d = mark + marks(f), *x = x_of(p, rank, c);

	for (int64_t w = 0; w < words(f); w++, x += step, fresh = 0)
		for (int64_t k = 0; k < f->k; k++, mark += MARK) {
			const uint64_t m = mark_at(mark);
			float sum[WIDE] = { 0 }, *to;

			if (k < p->rows.lo || k >= p->rows.hi) {
				d += __builtin_popcountll(m);
				continue;
			}
			to = t->to + (k - p->rows.lo) * f->c + c;
			if (!fresh)
				memcpy(sum, to, (size_t)wide * sizeof *sum);
			for (uint64_t left = m & t->there; left; left &= left - 1) {
				const float *row = x + t->row[__builtin_ctzll(left)] * wide;
				const float y = number_at(d, m, left);

				for (int64_t j = 0; j < wide; j++)
					sum[j] += y * row[j];
			}
			memcpy(to, sum, (size_t)wide * sizeof *sum);
			d += __builtin_popcountll(m);
		}
}

/* Up to BLOCK panels, from channel c on. */
static void sparse_rank(const struct product *p, const struct tap *t, int rank, int fresh,
                        int64_t c)
{
	if (c + BLOCK * WIDE <= p->factors->c)
		sparse_block(p, t, rank, fresh, c);
	else
		for (; c < p->factors->c; c += WIDE)
			sparse_panel(p, t, rank, fresh, c);
}

static void block(const struct product *p, const struct tap *t, int64_t c)
{
	const int64_t end = c + BLOCK * WIDE < p->factors->c ? c + BLOCK * WIDE : p->factors->c;
	int fresh = 1;

	for (struct run r = { 0 }; r.hi < p->ranks; fresh &= r.kind == NONE) {
		r = next_run(p, r.hi, fresh);
		for (int64_t at = c; r.kind == DENSE && at < end; at += WIDE)
			dense_panel(p, t, r, at);
		for (int k = r.lo; r.kind == SPARSE && k < r.hi; k++)
			sparse_rank(p, t, k, fresh && k == r.lo, c);
	}
	for (int64_t k = 0; fresh && k < height(p); k++)
		memset(t->to + k * p->factors->c + c, 0, (size_t)(end - c) * sizeof *t->to);
}

static void blocks(void *ctx, int64_t lo, int64_t hi)
{
	const struct product *p = ctx;

	for (int tap = 0; tap < p->factors->taps; tap++) {
		const struct tap t = tap_of(p, tap);

		for (int64_t i = lo; i < hi; i++)
			block(p, &t, i * BLOCK * WIDE);
	}
}

/* work[taps][rows][c] -> dw[rows][c][taps] */
static void turn(void *ctx, int64_t lo, int64_t hi)
{
	const struct product *p = ctx;
	const int64_t c = p->factors->c, taps = p->factors->taps, plane = height(p) * c;

	for (int64_t k = lo; k < hi; k++)
		for (int64_t i = 0; i < c; i++)
			for (int64_t t = 0; t < taps; t++)
				p->dw[(k * c + i) * taps + t] = p->work[t * plane + k * c + i];
}

/* Floats of a rank whose dy has marks; 0: these are for rows that are not there. */
static int64_t marked_floats(const struct product *p, int rank)
{
	const struct factors *f = p->factors;
	const float *mark = dy_of(p, rank);
	const int64_t last = rows_of(f) % WORD;
	int64_t numbers = 0;

	for (int64_t w = 0; w < words(f); w++)
		for (int64_t k = 0; k < f->k; k++, mark += MARK) {
			if (last && w + 1 == words(f) && mark_at(mark) >> last)
				return 0;
			numbers += __builtin_popcountll(mark_at(mark));
		}
	return mark - p->all[rank] + numbers;
}

/* Did the rank leave as many floats as its head says, and not more than there is room for? */
static int adds_up(const struct product *p, int rank)
{
	const int64_t floats = head_of(p, rank).floats, most = ir_factors_floats(p->factors);

	switch (kind_of(p, rank)) {
	case DENSE:
		return floats == most;
	case SPARSE:
		return marks(p->factors) <= rows_of(p->factors) * p->factors->k && floats <= most &&
		       floats == marked_floats(p, rank);
	default:
		return 1;
	}
}

static tt_status multiply(const struct product *p)
{
	const struct factors *f = p->factors;
	const int64_t n = (f->c + BLOCK * WIDE - 1) / (BLOCK * WIDE);
	const double part = (double)height(p) / (double)f->k;
	const double each = ir_factors_flops(f) * p->ranks * part / (double)n;
	void *ctx = (void *)(uintptr_t)p;       /* the loops only read it */

	for (int r = 0; r < p->ranks; r++)
		if (!adds_up(p, r))
			return err_set(TT_EINTERNAL, "the factors of rank %d's gradient do not add up", r);
	thread_for(n, 1 + (int64_t)(FLOPS / (each + 1)), blocks, ctx);
	if (f->taps > 1)
		thread_for(height(p), 1 + FLOPS / (f->c * f->taps), turn, ctx);
	return TT_OK;
}

/* Rounded, the product of the second rank is what the first has taken away. */
static int fused(void)
{
	static const struct factors f = { 1, 1, 1, 1, 1, 1, { 0 } };
	static const float first[2] = { 1, -1 - 0x1p-11f }, second[2] = { 1 + 0x1p-12f, 1 + 0x1p-12f };
	float own[2][IR_FACTORS_HEAD + 2], left;
	const float *all[] = { own[0], own[1] };
	const struct product p = { &f, all, 2, { 0, 1 }, NULL, &left };

	factors_pack(&f, 1, &first[0], &first[1], own[0]);
	factors_pack(&f, 1, &second[0], &second[1], own[1]);
	return multiply(&p) == TT_OK && left != 0;
}

const struct product_ops factors_product = { work_of, multiply, fused };
