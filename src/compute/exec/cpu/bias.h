/* bias.h -- a number added to each channel of images, plain (block 1) or in blocks of 16. */
#ifndef CPU_BIAS_H
#define CPU_BIAS_H

#include <stdint.h>

struct bias { int64_t n, c, points; int block; };
void bias_add(const struct bias *s, const float *x, const float *b, float *y);  /* y may be x */

#endif
