#include "lab/tune/rows.h"

const struct sampler *const samplers[] = {
	&sampler_random, &sampler_grid, &sampler_launch, &sampler_sobol, NULL
};

const struct scheduler *const schedulers[] = {
	&scheduler_none, &scheduler_median, &scheduler_halving, &scheduler_asha, &scheduler_hyperband,
	NULL
};
