/* names.h -- what the classes of a model are called. */
#ifndef PRINT_NAMES_H
#define PRINT_NAMES_H

#include <tutti/data.h>
#include <tutti/model.h>

#include "base/str.h"

struct names {
	const char *const *v;      /* [classes]; NULL: they have no names        */
	int                classes;
	char             **owned;  /* [n] of a model                             */
	int                n;
};

/* The names of `classes` classes: those the model carries, else those of the source (which may be
 * NULL, and must outlive them); v is NULL where neither has as many. */
tt_status names_of_classes(struct names *out, const tt_model *m, const tt_source *source,
                           int classes);
/* Of a model whose numbers are probabilities: the class that each of its `outputs` is that of;
 * NULL: unknown.  One number is the second of two classes'. */
const char *const *names_of_shares(const struct names *n, int outputs);
void      names_release(struct names *n);

/* The columns of a table that the net does not read, as a sentence; nothing if there are none. */
void        names_unread(const tt_model *m, const tt_source *source, struct str *out);

/* The name of class i, or its number, written into buf: a source may have more than the model. */
const char *names_get(const struct names *n, int i, char buf[16]);

#endif
