/* summary.h -- how a training ended: its last epoch beside its best, with the file of each.
 *
 * The best epoch's numbers are those of its checkpoint, so that no line tells of one epoch and
 * names the file of another, also where a run was resumed. */
#ifndef PRINT_SUMMARY_H
#define PRINT_SUMMARY_H

#include <tutti/observer.h>

#include "base/arena.h"
#include "print/json.h"

/* What is told of an epoch; NAN: not known. */
struct epoch_facts {
	const char *file;                 /* its checkpoint; NULL: none */
	int         epoch;                /* from 1 on                  */
	double      valid_accuracy, accuracy, valid_loss, loss;
	double      watched;     /* train.monitor, where it is none of these; else NAN */
};

struct summary {
	const tt_progress *progress;
	const char        *run;           /* its folder                 */
	int64_t            steps;         /* of this process            */
};

/* The best epoch of a run folder.  TT_ENOENT: nothing was kept as the best. */
tt_status summary_best(struct arena *a, const char *run, struct epoch_facts *out);
tt_status summary_print(const struct summary *s, struct arena *a);
/* The same numbers as members of an open object. */
tt_status summary_json(const struct summary *s, struct arena *a, struct json *j);

#endif
