/* winograd_bf16_none.c -- stands in for winograd_bf16.c on processors that have no AVX512_BF16 at
 * all; winograd_bf16_pays says so, and nobody calls these. */
#include "compute/exec/cpu/winograd.h"

#include <assert.h>

void winograd_bf16_forward(const struct winograd *g, const uint16_t *x, const float *w,
                           const float *b,
                           uint16_t *y, float *scratch)
{
	(void)g, (void)x, (void)w, (void)b, (void)y, (void)scratch;
	assert(!"winograd_bf16_pays() is 0");
}

void winograd_bf16_dx(const struct winograd *g, const uint16_t *dy, const float *w, uint16_t *dx,
                      float *scratch)
{
	(void)g, (void)dy, (void)w, (void)dx, (void)scratch;
	assert(!"winograd_bf16_pays() is 0");
}

void winograd_bf16_dw(const struct winograd *g, const uint16_t *x, const uint16_t *dy, float *dw,
                      float *db, float *scratch)
{
	(void)g, (void)x, (void)dy, (void)dw, (void)db, (void)scratch;
	assert(!"winograd_bf16_pays() is 0");
}
