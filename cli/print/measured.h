/* measured.h -- what tutti eval has found about a model, for people and for programs. */
#ifndef PRINT_MEASURED_H
#define PRINT_MEASURED_H

#include <tutti/data.h>
#include <tutti/session.h>

#include "print/json.h"
#include "print/names.h"

/* All are borrowed. */
struct measured {
	const char          *name, *uri;        /* of the model, as it was given; of the data    */
	const char          *curves;            /* the folder of their pictures; NULL: none      */
	const tt_source     *source;
	const tt_evaluation *numbers;
	const struct names  *names;
};

void measured_print(const struct measured *m);
/* What was found of each class, and taken for which; of many classes those that occur. */
void measured_print_classes(const struct measured *m);
void measured_json(const struct measured *m, struct json *j);

#endif
