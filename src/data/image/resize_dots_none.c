/* resize_dots_none.c -- stands in for resize_dots.c and resize_far.c on processors that have no
 * AVX-512 at all; resize.c says so. */
#include "data/image/resize.h"

static int plan(struct resizing *z)
{
	(void)z;
	return 0;
}

const struct resize_way resize_dots = { "dots", plan, NULL, NULL, NULL };
const struct resize_way resize_far = { "far", plan, NULL, NULL, NULL };
