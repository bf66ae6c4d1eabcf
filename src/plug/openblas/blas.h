/* blas.h -- OpenBLAS, loaded when the first kernel wants it.
 *
 * Linked in, it would start a thread for each core as soon as anybody loads tutti, and its symbols
 * would be those of every BLAS in the process. */
#ifndef OPENBLAS_BLAS_H
#define OPENBLAS_BLAS_H

#include <cblas.h>

#include "base/err.h"

struct blas { __typeof__(&cblas_sgemm) sgemm; };

/* Once per process; safe from any thread.  TT_ESUPPORT says why it cannot be loaded. */
tt_status          blas_load(void);
const struct blas *blas(void);             /* after a blas_load that was good */
int                blas_is_missing(void);  /* blas_load was tried, in vain    */

#endif
