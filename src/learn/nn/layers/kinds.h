/* kinds.h -- the kinds of layers, one row each.
 *
 * Parsing, checking, building, `tutti help layers` and the spec reference are made from these
 * rows.  A layer in a spec is `kind: {settings}`; every kind has the settings `name` and `from`. */
#ifndef LAYERS_KINDS_H
#define LAYERS_KINDS_H

#include "base/options.h"

struct builder;
struct layer;

/* What a kind makes of sequences of different lengths. */
enum layer_time {
	TIME_REFUSED,        /* it would mix them with what fills them up: an error           */
	TIME_EACH,           /* each number by itself: what comes out has the lengths of the input */
	TIME_KEPT,           /* each place [N,T,features] by itself: the same                    */
	TIME_OWN,            /* it looks at them, and says what lengths come out              */
	TIME_PLACES,         /* so it does, and of a sequence that comes in pieces it keeps all
	                      * places (build_state), or asks for their numbers                  */
	TIME_PIECES          /* the same, but what the next piece needs is of one size            */
};

struct layer_kind {
	const char          *name;        /* "conv2d"                                          */
	const char          *prefix;      /* names without a name: "conv" gives conv1, conv2   */
	const char          *group;       /* chapter of the reference: "activations"           */
	size_t               size;        /* of the struct that options fill                   */
	const struct option *options;
	tt_status          (*build)(struct builder *b, struct layer *l);
	const char          *help;        /* one line: what it computes                        */
	enum layer_time      time;
};

extern const struct layer_kind *const layer_kinds[];     /* ends with NULL */

const struct layer_kind *layer_kind_find(const char *name);      /* or NULL */
const char *layer_kind_nearest(const char *wrong);               /* or NULL */

#endif
