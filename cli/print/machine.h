/* machine.h -- what we run on and what we are made of: for `tutti info` and environment.json. */
#ifndef PRINT_MACHINE_H
#define PRINT_MACHINE_H

#include "base/arena.h"
#include "kit/flags.h"
#include "print/json.h"

struct machine {
	const char *host, *system, *cpu;        /* "node7", "Linux 6.1 x86_64", "Intel ..." */
	const char *instructions;               /* "avx2 fma avx512f ..."                   */
	int         cores;                      /* this process may use                     */
	double      memory;                     /* bytes in the machine                     */
};
tt_status machine_describe(struct arena *a, struct machine *out);

/* Facts, libraries, command line, folder, git commit and telling environment variables, as the
 * JSON object that goes into a run's environment.json. */
tt_status machine_environment(struct arena *a, const struct words *line, struct str *out);

/* machine and libraries as keys of the open object. */
void machine_json(const struct machine *m, struct json *j);

#endif
