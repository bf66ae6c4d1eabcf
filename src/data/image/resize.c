/* Resizing by a triangle that is as wide as the shrinking factor: bilinear when growing, an average
 * when shrinking, so that no pixel is left out.
 *
 * Weights have 22 bits of fraction, rows are rounded to bytes before columns are summed: the result
 * is that of Pillow's resize to the bit. */
#include "data/image/resize.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

static void taps_release(struct taps *t)
{
	mem_free(t->first);
	mem_free(t->count);
	mem_free(t->weight);
}

static double triangle(double x)
{
	return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

/* The weights of one output place, which add up to 1. */
static void weigh(const struct taps *t, int i, int in, double *w)
{
	const double scale = (double)in / t->n, reach = scale > 1 ? scale : 1, inverse = 1 / reach;
	const double centre = (i + 0.5) * scale;
	int lo = (int)(centre - reach + 0.5), hi = (int)(centre + reach + 0.5);
	double sum = 0;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int k = 0; k < hi - lo; k++)
		sum += w[k] = triangle((k + lo - centre + 0.5) * inverse);
	for (int k = 0; k < hi - lo; k++) {
		const double part = sum != 0 ? w[k] / sum : w[k];

		t->weight[(size_t)i * (size_t)t->most + (size_t)k] =
			(int32_t)(0.5 + part * (1 << FRACTION));
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static tt_status taps_init(struct taps *t, int in, int out)
{
	const double scale = (double)in / out;
	double *w;

	*t = (struct taps){ .n = out, .most = (int)ceil(scale > 1 ? scale : 1) * 2 + 1 };
	t->first = mem_alloc((size_t)out * sizeof *t->first);
	t->count = mem_alloc((size_t)out * sizeof *t->count);
	t->weight = mem_alloc((size_t)out * (size_t)t->most * sizeof *t->weight);
	w = mem_alloc((size_t)t->most * sizeof *w);
	if (t->first && t->count && t->weight && w)
		for (int i = 0; i < out; i++)
			weigh(t, i, in, w);
	mem_free(w);
	return t->first && t->count && t->weight && w ? TT_OK : TT_ENOMEM;
}

/* ---- the two passes ---- */

/* Rows before the first one that is still needed make room. */
static void drop_rows(struct band *b, int needed)
{
	const int n = needed - b->first < b->rows ? needed - b->first : b->rows;

	memmove(b->p, b->p + (size_t)n * b->stride, (size_t)(b->rows - n) * b->stride);
	b->first += n;
	b->rows -= n;
}

static void run(struct resizing *z, uint8_t *out)
{
	const int h = z->in->h;
	struct band *b = &z->band;

	for (int y = 0, done = 0; y < h; y += z->at_once) {
		const int rows = h - y < z->at_once ? h - y : z->at_once;

		drop_rows(b, z->down.first[done]);
		z->way->across(z, y, rows, b->p + (size_t)b->rows * b->stride);
		b->rows += rows;
		for (; done < z->down.n && z->down.first[done] + z->down.count[done] <= y + rows; done++)
			z->way->down(z, done, b->p + (size_t)(z->down.first[done] - b->first) * b->stride,
			             out);
		if (done == z->down.n)
			return;
	}
}

/* One block, in whole lines of the cache: what is summed at once never lies in two. */
static tt_status take_room(struct resizing *z)
{
	const size_t band = (size_t)z->band.room * z->band.stride;

	if (!(z->p = mem_alloc_aligned(z->own + band)))
		return TT_ENOMEM;
	memset(z->p, 0, z->own + band);                 /* idle bytes are summed as well */
	z->band.p = z->p + z->own;
	return TT_OK;
}

static tt_status prepare(struct resizing *z, int h, int w)
{
	tt_status st;

	if ((st = taps_init(&z->across, z->in->w, w)) != TT_OK ||
	    (st = taps_init(&z->down, z->in->h, h)) != TT_OK)
		return st;
	if (!z->way->plan(z))
		return TT_ESUPPORT;
	z->band.room = z->down.most + z->at_once;
	if ((st = take_room(z)) == TT_OK)
		z->way->begin(z);
	return st;
}

tt_status resize_by(const struct resize_way *way, const struct raster *r, int h, int w,
                    uint8_t *out)
{
	struct resizing z = { .in = r, .way = way };
	tt_status st = prepare(&z, h, w);

	if (st == TT_OK)
		run(&z, out);
	taps_release(&z.across);
	taps_release(&z.down);
	mem_free(z.p);
	return st;
}

/* ---- the ways ---- */

static int dots_there(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
	return 0;
#endif
}

static int everywhere(void)
{
	return 1;
}

const struct resize_choice resize_ways[RESIZE_WAYS] = {
	{ &resize_far,   dots_there },
	{ &resize_dots,  dots_there },
	{ &resize_tiles, everywhere },
};

tt_status raster_resize(const struct raster *r, int h, int w, uint8_t *out)
{
	tt_status st = TT_ESUPPORT;

	for (int i = 0; i < RESIZE_WAYS && st == TT_ESUPPORT; i++)
		if (resize_ways[i].there())
			st = resize_by(resize_ways[i].way, r, h, w, out);
	return st;
}
