/* section.h -- the section `tune` of a spec: what options of the command line say as well.
 *
 *   tune:
 *     params: {train.optimizer.lr: log:1e-4..1e-1, train.batch: [32, 64, 128]}
 *     metric: max:valid.f1
 *     scheduler: asha:factor=3
 *     trials: 30 */
#ifndef TUNE_SECTION_H
#define TUNE_SECTION_H

#include "tune/plan.h"

/* Fill in what the command line leaves open, from the spec (NULL: a command) and by default. */
tt_status section_read(struct arena *a, const char *spec, struct tune_args *o);
/* The same of a spec's text, without defaults. */
tt_status section_parse(struct arena *a, const char *name, const char *text, struct tune_args *o);

#endif
