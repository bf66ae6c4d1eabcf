/* choice.c -- which algorithm for which size, by what was measured (measure.c). */
#include "distribute/coll/coll_internal.h"

#define FIRST_CLASS 256

size_t comm_class_size(int k) { return (size_t)FIRST_CLASS << 2 * k; }

int comm_class_of(size_t n)
{
	int k = 0;

	while (k < COMM_CLASSES - 1 && comm_class_size(k) < n)
		k++;
	return k;
}

/* Without a measurement. */
static enum comm_algorithm rule_of_thumb(const struct comm *c, size_t n)
{
	if (c->hosts < c->size && (c->hosts > 1 || c->near))
		return ALGO_HIERARCHICAL;
	return n < COMM_SMALL ? ALGO_HALVING_DOUBLING : ALGO_RING;
}

enum comm_algorithm comm_choice(const struct comm *c, size_t n)
{
	for (int k = comm_class_of(n); k >= 0; k--)
		if (c->measured[k].algorithm)
			return (enum comm_algorithm)c->measured[k].algorithm;
	return rule_of_thumb(c, n);
}

/* Between two classes by a line; beyond the last by its bytes per second. */
double comm_seconds(const struct comm *c, size_t n)
{
	int k = comm_class_of(n);
	double lo, hi, at;

	while (k > 0 && !c->measured[k].algorithm)
		k--;
	hi = c->measured[k].seconds;
	if (k == 0)
		return hi;
	if (n > comm_class_size(k))
		return hi * (double)n / (double)comm_class_size(k);
	lo = c->measured[k - 1].seconds;
	at = (double)(n - comm_class_size(k - 1)) /
		 (double)(comm_class_size(k) - comm_class_size(k - 1));
	return lo + (hi - lo) * at;
}

size_t comm_measured_size(const struct comm *c)
{
	size_t n = 0;

	for (int k = 0; k < COMM_CLASSES; k++)
		if (c->measured[k].algorithm)
			n = comm_class_size(k);
	return n;
}
