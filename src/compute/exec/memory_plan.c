/* memory_plan.c -- give every buffer of a plan its place in the slab of its memory, so that those
 * that never live at the same time share it: largest first, each at the lowest offset that is free
 * for its lifetime. */
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "compute/exec/plan.h"

#define PLACE_ALIGN 64

struct span { int id, first, last; size_t bytes, offset; };

static int larger_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->id - y->id;
}

static int lower_first(const void *a, const void *b)
{
	const struct span *x = *(struct span *const *)a, *y = *(struct span *const *)b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest hole for s among those placed before it that live at the same time. */
static void place(struct span *s, struct span *placed, int n, struct span **busy)
{
	size_t at = 0;
	int n_busy = 0;

	for (int i = 0; i < n; i++)
		if (placed[i].first <= s->last && s->first <= placed[i].last)
			busy[n_busy++] = &placed[i];
	qsort(busy, (size_t)n_busy, sizeof *busy, lower_first);
	for (int i = 0; i < n_busy; i++) {
		if (at + s->bytes <= busy[i]->offset)
			break;
		if (busy[i]->offset + busy[i]->bytes > at)
			at = busy[i]->offset + busy[i]->bytes;
	}
	s->offset = at;
}

/* Buffers share memory by root: a root lives as long as all its sharers. */
static void merge_roots(struct plan *p)
{
	for (int i = 0; i < p->n_bufs; i++) {
		struct plan_buf *b = &p->buf[i], *r = &p->buf[b->root];

		if (b->first < 0)
			continue;
		if (r->first < 0 || b->first < r->first)
			r->first = b->first;
		if (b->last > r->last)
			r->last = b->last;
	}
}

/* Read by every run, made from parameters alone: lies elsewhere (constants.h). */
static int is_kept(const struct plan_buf *b)
{
	return b->constant && b->last == INT_MAX;
}

struct slab { int mem, constant; };

/* Place the buffers that belong there; returns the slab's size. */
static size_t place_all(struct plan *p, struct slab slab, struct span *s, struct span **busy)
{
	size_t top = 0;
	int n = 0;

	for (int i = 0; i < p->n_bufs; i++) {
		const struct plan_buf *b = &p->buf[i];

		if (b->home != HOME_SLAB || b->root != i || b->first < 0 || b->mem != slab.mem ||
		    b->constant != slab.constant || is_kept(b))
			continue;
		s[n++] = (struct span){ .id = i, .first = b->first, .last = b->last,
			.bytes = (b->bytes + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN };
	}
	qsort(s, (size_t)n, sizeof *s, larger_first);
	for (int i = 0; i < n; i++) {
		place(&s[i], s, i, busy);
		p->buf[s[i].id].offset = s[i].offset;
		p->unplanned += s[i].bytes;
		if (s[i].offset + s[i].bytes > top)
			top = s[i].offset + s[i].bytes;
	}
	return top;
}

static void assign_homes(struct plan *p)
{
	for (int i = 0; i < p->n_bufs; i++) {
		struct plan_buf *b = &p->buf[i];

		if (b->home == HOME_SLAB && b->root == i && b->first >= 0 && is_kept(b)) {
			b->offset = (size_t)p->n_kept++;
			p->kept += b->bytes;
			p->unplanned += b->bytes;
		}
	}
	for (int i = 0; i < p->n_bufs; i++) {
		struct plan_buf *b = &p->buf[i], *root = &p->buf[b->root];

		if (b->home != HOME_SLAB)
			continue;
		b->offset = root->offset;
		if (root->constant)
			b->home = root->first >= 0 && is_kept(root) ? HOME_KEPT : HOME_CONST;
	}
}

tt_status plan_assign(struct plan *p)
{
	size_t n = (size_t)p->n_bufs + 1;
	struct span *s = mem_calloc(n, sizeof *s);
	struct span **busy = mem_calloc(n, sizeof *busy);

	p->unplanned = 0;
	if (s && busy)
		merge_roots(p);
	for (int m = 0; s && busy && m < p->n_mems; m++) {
		p->mem[m].slab = place_all(p, (struct slab){ m, 0 }, s, busy);
		p->mem[m].slab_once = place_all(p, (struct slab){ m, 1 }, s, busy);
	}
	if (s && busy)
		assign_homes(p);
	mem_free(busy);
	mem_free(s);
	return s && busy ? TT_OK : TT_ENOMEM;
}
