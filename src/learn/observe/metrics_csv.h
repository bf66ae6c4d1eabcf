/* metrics_csv.h -- metrics.csv: step,epoch,split,name,value, a row per number. */
#ifndef OBSERVE_METRICS_CSV_H
#define OBSERVE_METRICS_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Steps after the last one that counts are no rows of this run. */
struct csv_metric { int64_t step; const char *split, *name; double value; };
typedef void csv_metric_fn(void *ctx, const struct csv_metric *m);

/* Call f for each whole row up to step `last`, in order.  A last row that was never finished is
 * left out; so is what is no row. */
tt_status metrics_csv_each(const char *path, int64_t last, csv_metric_fn *f, void *ctx);

/* The same of a text, which is taken to pieces. */
void metrics_csv_parse(char *text, int64_t last, csv_metric_fn *f, void *ctx);

/* The splits that have rows: of "train.loss" and "valid.loss", not of "workers.wire_ms". */
int metrics_csv_has(const char *split, size_t split_len);

#endif
