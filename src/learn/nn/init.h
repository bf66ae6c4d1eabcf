/* init.h -- the numbers a net begins with.
 *
 * Each number is a function of (seed, parameter's name, element): adding a layer does not change
 * what the others begin with, and neither does the number of threads. */
#ifndef NN_INIT_H
#define NN_INIT_H

#include <stddef.h>
#include <stdint.h>

enum init_kind {
	INIT_HE,                /* normal, variance 2/fan_in: He et al. 2015                     */
	INIT_GLOROT,            /* uniform, variance 2/(fan_in+fan_out): Glorot and Bengio 2010  */
	INIT_LECUN,             /* normal, variance 1/fan_in: LeCun et al. 1998                  */
	INIT_UNIFORM,           /* in -0.05 ... 0.05                                             */
	INIT_NORMAL,            /* standard deviation 0.05                                       */
	INIT_ZEROS,
	INIT_TORCH,             /* uniform in +-1/sqrt(fan_in), biases too: PyTorch's own        */
	INIT_CONST,             /* not in specs: norms                                           */
	INIT_UNIT               /* not in specs: normal, variance 1: embeddings                  */
};
extern const char *const init_words[];          /* of those in specs, NULL-terminated */

struct init {
	enum init_kind kind;
	double         value;                   /* INIT_CONST                         */
	int64_t        fan_in, fan_out;
};

void init_fill(float *x, size_t n, const struct init *how, uint64_t seed, const char *name);

#endif
