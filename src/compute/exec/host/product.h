/* product.h -- gradients from their factors, a service of devices.
 *
 * A FACTORS node leaves a layer's gradient as its two factors (ir/factors.h), in a form that is the
 * device's business.  Ranks exchange these as they are, in the host's memory; the product of all
 * ranks' factors is the sum of their gradients.  All devices that do FACTORS, in one list and on
 * all ranks, leave one form. */
#ifndef HOST_PRODUCT_H
#define HOST_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "compute/ir/factors.h"

#define PRODUCT_ROWS 8

/* Of dw[k][c][taps]: multiples of PRODUCT_ROWS, or k. */
struct product_rows { int64_t lo, hi; };

/* All borrowed for the call. */
struct product {
	const struct factors *factors;
	const float *const   *all;      /* [ranks]: what each has left                          */
	int                   ranks;
	struct product_rows   rows;     /* what is wanted                                       */
	float                *work;     /* room for as many floats as `work` says, MEM_ALIGN    */
	float                *dw;       /* where the first of these rows belongs                */
};

/* Thread-safe. */
struct product_ops {
	size_t    (*work)(const struct factors *f);
	/* The order of additions is that of ranks, samples and places, whatever the number of threads.
	 * TT_EINTERNAL: what a rank left cannot be right. */
	tt_status (*multiply)(const struct product *p);
	/* Does it multiply and add in one rounding?  Ranks that differ come to other bits. */
	int       (*fused)(void);
};

struct device_list;
/* Of the first device that has it; NULL: no device of the list does FACTORS. */
const struct product_ops *device_list_product(const struct device_list *l);

#endif
