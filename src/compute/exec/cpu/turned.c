#include "compute/exec/cpu/turned.h"

#include "compute/exec/cpu/lanes/lanes_square.h"
#include "compute/exec/cpu/packed.h"
#include "sys/thread.h"

#define BLOCK 48                /* rows of w whose products stay in the first-level cache       */
#define FEW   1024              /* samples; with more, packing weights costs little             */

static struct packed packed_of(const struct turned *t)
{
	return (struct packed){ t->c, t->n, t->c };
}

int turned_pays(const struct turned *t)
{
	return t->n >= LANES && t->n <= FEW && t->c >= PACKED_PANEL && t->k >= PACKED_PANEL;
}

size_t turned_room(const struct turned *t)
{
	const struct packed p = packed_of(t);

	return packed_floats(&p) + (size_t)(t->k * packed_width(t->n));
}

/* Rows lo.. of y^T, [rows][width], to columns lo.. of y. */
SIMD static void turn_back(const struct turned *t, const float *from, int64_t lo, int64_t rows)
{
	const int64_t width = packed_width(t->n);
	const int64_t whole_n = t->n / LANES * LANES, whole = rows / LANES * LANES;

	for (int64_t r = 0; r < whole; r += LANES)
		for (int64_t i = 0; i < whole_n; i += LANES) {
			vec row[LANES], more = { 0 };

			square_load(row, from + r * width + i, width);
			square_turn(row);
			if (t->b)
				memcpy(&more, t->b + lo + r, sizeof more);
			for (int l = 0; l < LANES; l++)
				row[l] += more;
			square_store(row, t->y + i * t->k + lo + r, t->k);
		}
	for (int64_t r = 0; r < rows; r++)
		for (int64_t i = r < whole ? whole_n : 0; i < t->n; i++)
			t->y[i * t->k + lo + r] = from[r * width + i] + (t->b ? t->b[lo + r] : 0);
}

static void run_blocks(void *ctx, int64_t first, int64_t last)
{
	const struct turned *t = ctx;
	const struct packed p = packed_of(t);
	const struct packed_part all = packed_all(&p);

	for (int64_t b = first; b < last; b++) {
		const int64_t lo = b * BLOCK, rows = least(t->k - lo, BLOCK);
		float *to = t->room + packed_floats(&p) + lo * packed_width(t->n);
		const float *a[BLOCK];

		for (int64_t r = 0; r < rows; r++)
			a[r] = t->w + (lo + r) * t->c;
		packed_times(&p, &all, &(struct packed_rows){ a, rows }, t->room, to);
		turn_back(t, to, lo, rows);
	}
}

void turned_run(const struct turned *t)
{
	const struct packed p = packed_of(t);

	packed_from_columns(&p, t->x, t->room);
	thread_for(pieces(t->k, BLOCK), 1, run_blocks, (void *)(uintptr_t)t);
}
