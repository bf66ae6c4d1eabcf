#include "learn/onnx/in/atoms.h"

#include <string.h>

#include "learn/onnx/in/net.h"

static void put(struct atoms *a, int dim, char of, int64_t size, int64_t step)
{
	a->d[dim].n = 1;
	a->d[dim].a[0] = (struct atom){ of, size, step };
}

void atoms_init(struct atoms *a, int64_t length, int64_t features, int time_first)
{
	*a = (struct atoms){ .ndim = 3 };
	put(a, time_first, 'n', NET_BATCH, 0);
	put(a, !time_first, 't', length, 0);
	put(a, 2, 'c', features, 1);
}

int64_t atoms_size(const struct atoms *a, int dim)
{
	int64_t all = 1;

	for (int i = 0; i < a->d[dim].n; i++)
		all = all ? onnx_times(all, a->d[dim].a[i].size) : 0;
	return all;
}

/* The only atom of a dimension, and of this kind; NULL: it is none. */
static const struct atom *only(const struct atoms *a, int dim, char of)
{
	return dim >= 0 && a->d[dim].n == 1 && a->d[dim].a[0].of == of ? &a->d[dim].a[0] : NULL;
}

/* ---- moves ---- */

/* Features that lie one behind the other are one atom. */
static void merge(struct atoms *a)
{
	for (int d = 0; d < a->ndim; d++)
		for (int i = 0; i + 1 < a->d[d].n; ) {
			struct atom *x = &a->d[d].a[i], *y = x + 1;

			if (x->of != 'c' || y->of != 'c' || x->step != y->size * y->step) {
				i++;
				continue;
			}
			*x = (struct atom){ 'c', x->size * y->size, y->step };
			memmove(y, y + 1, (size_t)(a->d[d].n - i - 2) * sizeof *y);
			a->d[d].n--;
		}
}

static int append(struct atoms *a, int dim, struct atom atom)
{
	if (a->d[dim].n == ATOMS_MOST)
		return 0;
	a->d[dim].a[a->d[dim].n++] = atom;
	return 1;
}

struct queue { struct atom a[ATOMS_DIMS * ATOMS_MOST]; int n, at; int64_t batch; };

/* A dimension of this size of the atoms that come next, the last of them cut if need be. */
static int take(struct queue *q, struct atoms *a, int dim, int64_t size)
{
	int64_t need = onnx_fix(size, q->batch);

	if (need == 1 && q->at < q->n && onnx_fix(q->a[q->at].size, q->batch) == 1)
		return append(a, dim, q->a[q->at++]);
	while (need != 1) {
		struct atom *x = &q->a[q->at];
		const int64_t is = q->at < q->n ? onnx_fix(x->size, q->batch) : 0;
		const int64_t more = is ? onnx_over(need, is) : 0, less = is ? onnx_over(is, need) : 0;

		if (more) {
			need = more;
			q->at++;
			if (!append(a, dim, *x))
				return 0;
			continue;
		}
		if (!less || x->of != 'c' || NET_IS_SYMBOL(need))
			return 0;
		x->size = less;
		return append(a, dim, (struct atom){ 'c', need, x->step * less });
	}
	return 1;
}

/* *dim of theirs: 0 is ours, -1 what is left. */
static int resolve(const struct atoms *a, int64_t *dim, size_t n, int keep, int64_t batch)
{
	int64_t all = 1, fixed = 1;
	int open = -1;

	for (int i = 0; i < a->ndim; i++)
		all = all ? onnx_times(all, onnx_fix(atoms_size(a, i), batch)) : 0;
	for (size_t i = 0; i < n; i++) {
		if (dim[i] == 0 && keep && i < (size_t)a->ndim)
			dim[i] = atoms_size(a, (int)i);
		if (dim[i] == -1 && open < 0)
			open = (int)i;
		else if (dim[i] < 1 && !NET_IS_SYMBOL(dim[i]))
			return 0;
		else
			fixed = fixed ? onnx_times(fixed, onnx_fix(dim[i], batch)) : 0;
	}
	if (!all || !fixed)
		return 0;
	if (open >= 0)
		dim[open] = onnx_over(all, fixed);
	return open >= 0 ? dim[open] != 0 : all == fixed;
}

int atoms_reshape(struct atoms *a, const int64_t *dim, size_t n, int keep, int64_t batch)
{
	struct atoms to = { .ndim = (int)n, .offset = a->offset };
	struct queue q = { .batch = batch };
	int64_t size[ATOMS_DIMS];

	if (n < 1 || n > ATOMS_DIMS)
		return 0;
	memcpy(size, dim, n * sizeof *size);
	if (!resolve(a, size, n, keep, batch))
		return 0;
	for (int d = 0; d < a->ndim; d++)
		for (int i = 0; i < a->d[d].n; i++)
			q.a[q.n++] = a->d[d].a[i];
	for (int d = 0; d < to.ndim; d++)
		if (!take(&q, &to, d, size[d]))
			return 0;
	if (q.at != q.n)
		return 0;
	merge(&to);
	*a = to;
	return 1;
}

int atoms_transpose(struct atoms *a, const int64_t *perm, size_t n)
{
	struct atoms to = *a;
	unsigned seen = 0;

	if (n != (size_t)a->ndim)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (perm[i] < 0 || perm[i] >= a->ndim)
			return 0;
		seen |= 1u << perm[i];
		to.d[i] = a->d[perm[i]];
	}
	*a = to;
	return seen == (1u << n) - 1;
}

static int among(int64_t x, const int64_t *axes, int n)
{
	for (int i = 0; i < n; i++)
		if (axes[i] == x)
			return 1;
	return 0;
}

int atoms_unsqueeze(struct atoms *a, const int64_t *axes, int n)
{
	struct atoms to = { .ndim = a->ndim + n, .offset = a->offset };
	int at = 0;

	if (to.ndim > ATOMS_DIMS)
		return 0;
	for (int i = 0; i < to.ndim; i++) {
		if (among(i, axes, n))
			continue;
		if (at == a->ndim)
			return 0;
		to.d[i] = a->d[at++];
	}
	*a = to;
	return at == to.ndim - n;
}

int atoms_squeeze(struct atoms *a, const int64_t *axes, int n)
{
	struct atoms to = { .offset = a->offset };

	for (int i = 0; i < a->ndim; i++) {
		const int one = a->d[i].n == 0;

		if (!one && among(i, axes, n))
			return 0;
		if (!one || (n && !among(i, axes, n)))
			to.d[to.ndim++] = a->d[i];
	}
	*a = to;
	return 1;
}

int atoms_cut(struct atoms *a, int64_t axis, int64_t at, int64_t size)
{
	struct atom *x;

	if (axis < 0 || axis >= a->ndim || !only(a, (int)axis, 'c'))
		return 0;
	x = &a->d[axis].a[0];
	if (size == -1) {
		size = 1;
		at += x->size;
	}
	if (at < 0 || size < 1 || at >= x->size || size > x->size - at)
		return 0;
	a->offset += at * x->step;
	x->size = size;
	if (size == 1)
		a->d[axis].n = 0;
	return 1;
}

int atoms_grow(struct atoms *a, int64_t offset, int64_t size)
{
	const int end = a->ndim - 1;
	const struct atom *x;

	if (!a->d[end].n && offset > a->offset)
		put(a, end, 'c', 1, offset - a->offset);
	x = only(a, end, 'c');
	if (!x || offset != a->offset + x->size * x->step)
		return 0;
	a->d[end].a[0].size += size;
	merge(a);
	return 1;
}

/* ---- products ---- */

/* Batch and heads in the same places. */
static int same_front(const struct atoms *a, const struct atoms *b)
{
	if (a->ndim != b->ndim || a->ndim < 3)
		return 0;
	for (int d = 0; d < a->ndim - 2; d++) {
		if (a->d[d].n != b->d[d].n)
			return 0;
		for (int i = 0; i < a->d[d].n; i++)
			if (a->d[d].a[i].of != b->d[d].a[i].of || a->d[d].a[i].size != b->d[d].a[i].size)
				return 0;
	}
	return 1;
}

/* How many atoms of a kind lie in front of the last two dimensions. */
static int count_front(const struct atoms *a, char of)
{
	int n = 0;

	for (int d = 0; d < a->ndim - 2; d++)
		for (int i = 0; i < a->d[d].n; i++)
			n += a->d[d].a[i].of == of;
	return n;
}

/* Features of a head; where it has one alone the dimension holds nothing. */
static const struct atom *features(const struct atoms *a, int dim)
{
	static const struct atom one = { 'c', 1, 1 };

	return a->d[dim].n ? only(a, dim, 'c') : &one;
}

int atoms_score(struct atoms *a, const struct atoms *k)
{
	const int end = a->ndim - 1;
	const struct atom *c, *kc, *kt;

	if (!same_front(a, k) || count_front(a, 'n') != 1 || count_front(a, 'c') > 1 ||
	    !only(a, end - 1, 't') || !(c = features(a, end)) ||
	    !(kc = features(k, end - 1)) || !(kt = only(k, end, 't')) || c->size != kc->size)
		return 0;
	put(a, end, 's', kt->size, 0);
	return 1;
}

int atoms_weigh(struct atoms *a, const struct atoms *v)
{
	const int end = a->ndim - 1;
	const struct atom *c;

	if (!same_front(a, v) || !only(a, end, 's') || !only(v, end - 1, 't') ||
	    !(c = features(v, end)))
		return 0;
	put(a, end, 'c', c->size, 1);
	a->d[end].n = c->size > 1;
	a->offset = 0;
	for (int d = 0; d < end - 1; d++)
		for (int i = 0; i < a->d[d].n; i++)
			if (a->d[d].a[i].of == 'c')
				a->d[d].a[i].step = c->size;
	return 1;
}

void atoms_heads(const struct atoms *a, struct heads *out)
{
	*out = (struct heads){ .heads = 1, .size = 1, .step = 1 };
	for (int d = 0; d < a->ndim; d++)
		for (int i = 0; i < a->d[d].n; i++) {
			const struct atom *x = &a->d[d].a[i];

			if (x->of != 'c')
				continue;
			if (d < a->ndim - 2) {
				out->heads = x->size;
				out->head_step = x->step;
			} else {
				out->size = x->size;
				out->step = x->step;
			}
		}
}

int atoms_is_joined(const struct atoms *a, int64_t wide)
{
	const struct atom *c = features(a, a->ndim - 1);
	int n = 0, t = 0, other = 0;

	for (int d = 0; d < a->ndim - 1; d++)
		for (int i = 0; i < a->d[d].n; i++) {
			n += a->d[d].a[i].of == 'n';
			t += a->d[d].a[i].of == 't';
			other += a->d[d].a[i].of == 'c';
		}
	return c && c->size == wide && c->step == 1 && a->offset == 0 && n == 1 && t == 1 && !other;
}

int atoms_form(const struct atoms *a)
{
	if (a->ndim != 3 || !features(a, 2))
		return -1;
	return only(a, 0, 'n') && only(a, 1, 't') ? 0 : only(a, 0, 't') && only(a, 1, 'n') ? 1 : -1;
}
