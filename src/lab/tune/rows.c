#include "lab/tune/rows.h"

const struct sampler *const samplers[] = {
	&sampler_random, &sampler_grid, &sampler_launch, &sampler_sobol, &sampler_tpe, &sampler_gp,
	&sampler_cmaes, &sampler_de, &sampler_evolution, &sampler_pbt, NULL
};

const struct scheduler *const schedulers[] = {
	&scheduler_none, &scheduler_median, &scheduler_halving, &scheduler_asha, &scheduler_hyperband,
	NULL
};
