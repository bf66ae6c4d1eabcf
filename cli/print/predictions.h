/* predictions.h -- what a net said about each sample, as text, CSV or JSON. */
#ifndef PRINT_PREDICTIONS_H
#define PRINT_PREDICTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "print/json.h"
#include "print/names.h"

enum prediction_kind { ANSWER_CLASSES, ANSWER_VALUES, ANSWER_SPELT };

extern const char *const prediction_formats[];          /* "text", "csv", "json" */

struct answers {
	enum prediction_kind   kind;
	int                width, top;      /* numbers in an answer; classes to name */
	const struct names *names;          /* of the classes; borrowed              */
	const char *const *shares;          /* [width] classes that values are the probabilities of;
	                                     * borrowed; NULL: they are other numbers */
	FILE              *to;
	int                ids;             /* names that samples have, in the columns...  */
	const char *const *id_names;        /* [ids] of these names; borrowed              */
	const char       **id;              /* [ids] of the sample that is added           */
	const char        *spelt;           /* SPELT: the answer to the sample that is added */
	const struct prediction_form *form;
	struct json        json;
	int               *order;           /* room to sort in                       */
};

/* What is known to be right: a class by its name, n numbers, or nothing. */
struct truth {
	const char  *class;
	const float *values;
	int          n;
	char         number[16];            /* room for the name of a class without one */
};

/* The fields above `form` are set by the caller. */
tt_status predictions_begin(struct answers *a, const char *format);
void      predictions_add(struct answers *a, const char *sample, const struct truth *t,
                          const float *out);
tt_status predictions_end(struct answers *a);
void      predictions_release(struct answers *a);

#endif
