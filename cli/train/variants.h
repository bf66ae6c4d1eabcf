/* variants.h -- a spec with one part left out at a time: a layer, a group of layers, a column of
 * its table, an augmentation. */
#ifndef TRAIN_VARIANTS_H
#define TRAIN_VARIANTS_H

#include "kit/specfile.h"

enum variant_kind { VARIANT_WHOLE, VARIANT_LAYER, VARIANT_GROUP, VARIANT_COLUMN, VARIANT_AUGMENT };
#define VARIANT_KINDS 5
#define VARIANT_CHANGES 5

struct change { const char *key, *value; };              /* as of tt_spec_set */

struct variant {
	enum variant_kind kind;
	const char       *name;                          /* "conv3", "dropout (layer 4)", "age"     */
	const char       *refused;                       /* why it cannot be left out; NULL: it can */
	const char       *failed;                        /* how its training ended; NULL: it did not */
	struct change     change[VARIANT_CHANGES];
	int               changes;
};

/* What is left out. */
struct variant_wish {
	const char             *path;                    /* of the spec                             */
	const struct flag_list *set;
	const char             *kinds;                   /* words of variant_words, by commas       */
	const char             *groups;                  /* how their layers' names begin; or NULL  */
};

struct variants { struct variant *v; int n, cap; struct arena *arena; };

/* What a kind is called: "layers", "groups", "columns", "augment". */
extern const char *const variant_words[VARIANT_KINDS];

/* All variants, the whole first.  The first layer and the last are left out as of a group only.
 * TT_EINVAL: an unknown word, a group without layers, nothing that could be left out. */
tt_status variants_list(struct variants *out, const struct variant_wish *w);
/* The spec of one, not resolved. */
tt_status variant_load(struct specfile *out, const struct variant_wish *w, const struct variant *v);
void      variants_release(struct variants *out);

#endif
