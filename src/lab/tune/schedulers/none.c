/* none.c -- every trial goes as far as it does. */
#include "lab/tune/rows.h"

const struct scheduler scheduler_none = {
	.name = "none", .help = "every trial goes as far as it does",
};
