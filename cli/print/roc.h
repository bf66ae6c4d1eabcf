/* roc.h -- ROC and precision-recall curves of an evaluation, as pictures in a folder. */
#ifndef PRINT_ROC_H
#define PRINT_ROC_H

#include <tutti/session.h>

#include "print/names.h"

struct roc {
	tt_evaluation      *of;
	const struct names *names;
	const char         *model;          /* the pictures' title                         */
	const char         *dir;            /* made if need be: roc.svg, precision_recall.svg */
};

/* A line for each class; of more than there is room for, those of least area.  Of two classes the
 * second alone.  TT_EINVAL: the answers are no classes, or the samples too many. */
tt_status roc_write(const struct roc *r);

extern const char *const roc_files[];       /* names in the folder, to a NULL */

#endif
