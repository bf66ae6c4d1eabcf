/* choice.c -- classes of sizes, and what a sum of each was measured to take (measure.c). */
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

/* Between two classes by a line; beyond the last by its bytes per second. */
double comm_seconds(const struct comm *c, size_t n)
{
	int k = comm_class_of(n);
	double lo, hi, at;

	while (k > 0 && c->seconds[k] <= 0)
		k--;
	hi = c->seconds[k];
	if (k == 0)
		return hi;
	if (n > comm_class_size(k))
		return hi * (double)n / (double)comm_class_size(k);
	lo = c->seconds[k - 1];
	at = (double)(n - comm_class_size(k - 1)) /
		 (double)(comm_class_size(k) - comm_class_size(k - 1));
	return lo + (hi - lo) * at;
}

size_t comm_measured_size(const struct comm *c)
{
	size_t n = 0;

	for (int k = 0; k < COMM_CLASSES; k++)
		if (c->seconds[k] > 0)
			n = comm_class_size(k);
	return n;
}
