/* answer.h -- what a net said about each sample, as text, CSV or JSON on stdout. */
#ifndef KIT_ANSWER_H
#define KIT_ANSWER_H

#include <stdint.h>

#include "kit/json.h"

enum answer_kind { ANSWER_CLASSES, ANSWER_VALUES };

extern const char *const answer_formats[];          /* "text", "csv", "json" */

struct answers {
	enum answer_kind   kind;
	int                width, top;      /* numbers in an answer; classes to name */
	const char *const *names;           /* of the classes, or NULL; borrowed     */
	const struct answer_form *form;
	struct json        json;
	int               *order;           /* room to sort in                       */
};

/* The fields above `form` are set by the caller. */
tt_status answers_begin(struct answers *a, const char *format);
/* label: the right class, or -1 where it is not known. */
void      answers_add(struct answers *a, const char *sample, int label, const float *out);
tt_status answers_end(struct answers *a);
void      answers_release(struct answers *a);

#endif
