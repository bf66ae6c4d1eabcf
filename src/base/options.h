/* options.h -- one table per options struct.
 *
 * A row ties a field to its name in the spec, its type, default, bounds and a
 * line of help.  Parsing, defaults, --set, help, the spec reference and the
 * resolved spec are all made from the same rows.
 *
 *   static const struct option train_options[] = {
 *       OPT_INT   (struct train_opts, epochs, "1", 0, 1e9, "passes over the data"),
 *       OPT_ENUM  (struct train_opts, precision, "f32", precision_words, "..."),
 *       OPT_GROUP (struct train_opts, optimizer, optim_options, "..."),
 *       OPT_END };
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/node/node.h"

enum option_type {
	OPTION_END, OPTION_INT /* int */, OPTION_INT64, OPTION_DOUBLE, OPTION_TEXT /* const char* */,
	OPTION_ENUM /* int index into words; yes/no options are words too */,
	OPTION_DOUBLES /* struct option_list */, OPTION_NODE /* struct node*, taken as it stands */,
	OPTION_GROUP /* nested struct, own table */
};

struct option_list { const double *v; size_t n; };

struct option {
	const char           *name;
	enum option_type      type;
	size_t                offset;
	const char           *def;       /* default as text; NULL: zero, absent             */
	double                min, max;  /* of numbers, inclusive                           */
	const char *const    *words;     /* of ENUM, NULL-terminated; of INT: for 0, -1 ... */
	const char *const   (*old)[2];   /* of ENUM: words of before and today's, to a NULL */
	const struct option  *group;     /* of GROUP                                        */
	const char           *help;      /* one line: what, unit, source                    */
};

#define OPT_ROW(T, f, ...)        { .name = #f, .offset = offsetof(T, f), __VA_ARGS__ }
#define OPT_NUMBER(T, f, t, d, lo, hi, h) \
	OPT_ROW(T, f, .type = t, .def = d, .min = lo, .max = hi, .help = h)
#define OPT_INT(T, f, d, lo, hi, h)    OPT_NUMBER(T, f, OPTION_INT, d, lo, hi, h)
/* The first word stands for 0, the next for -1 ...; numbers lie above. */
#define OPT_INT_OR(T, f, d, w, lo, hi, h) \
	OPT_ROW(T, f, .type = OPTION_INT, .def = d, .words = w, .min = lo, .max = hi, .help = h)
#define OPT_INT64(T, f, d, lo, hi, h)  OPT_NUMBER(T, f, OPTION_INT64, d, lo, hi, h)
#define OPT_DOUBLE(T, f, d, lo, hi, h) OPT_NUMBER(T, f, OPTION_DOUBLE, d, lo, hi, h)
#define OPT_TEXT(T, f, d, h)           OPT_ROW(T, f, .type = OPTION_TEXT, .def = d, .help = h)
#define OPT_ENUM(T, f, d, w, h) \
	OPT_ROW(T, f, .type = OPTION_ENUM, .def = d, .words = w, .help = h)
/* o: old words that are understood, and never written. */
#define OPT_ENUM_OLD(T, f, d, w, o, h) \
	OPT_ROW(T, f, .type = OPTION_ENUM, .def = d, .words = w, .old = o, .help = h)
#define OPT_DOUBLES(T, f, d, h)        OPT_ROW(T, f, .type = OPTION_DOUBLES, .def = d, .help = h)
#define OPT_NODE(T, f, h)              OPT_ROW(T, f, .type = OPTION_NODE, .help = h)
#define OPT_GROUP(T, f, g, h)          OPT_ROW(T, f, .type = OPTION_GROUP, .group = g, .help = h)
#define OPT_END                        { .type = OPTION_END }

extern const char *const option_no_yes[];      /* "no", "yes" (also false/true, off/on) */

/* Fill *base with the defaults.  Texts and lists are placed in the arena. */
tt_status options_default(const struct option *t, struct arena *a, void *base);

/* Overwrite the fields named in the MAP n (NULL: none).  An unknown key is
 * TT_ESPEC and names the nearest right one and the line; so are type and bounds. */
tt_status options_read(const struct option *t, struct arena *a, const struct node *n, void *base);

/* One field from its text ("lr", "0.1"); dotted names reach into groups. */
tt_status options_set(const struct option *t, struct arena *a, void *base,
                      const char *name, const char *value);

/* All fields as a MAP node in table order: the resolved spec. */
tt_status options_node(const struct option *t, struct arena *a, const void *base,
                       struct node **out);

#endif
