/* signature.h -- what goes into a net and what comes out, by name.
 *
 *   spec       --derive--> x f32 [784], target, values f32 [10]             known: no
 *   + data     --bind----> image u8 [1, 28, 28], label (10 names), ...      known: yes
 *   checkpoint <--write, read-->  tutti.signature, JSON
 *
 * Wherever a net meets data the two are compared by one function, signature_match. */
#ifndef NN_SIGNATURE_H
#define NN_SIGNATURE_H

#include <tutti/model.h>

#include "base/options.h"
#include "data/view.h"

#define SIGNATURE_TARGET "label"        /* the target of who has not said its name */

struct signature {
	tt_signature  view;              /* what the public sees: points into the rest   */
	struct schema data;              /* inputs and target                            */
	tt_column     output;
};

/* mean and std as in `data` of a document; copied. */
struct scaling { struct option_list mean, std; };

/* Without inputs and target. */
tt_status signature_new(struct signature **out, const struct tt_model *m, const struct scaling *s);
/* What the net alone says, and the names of classes if nothing else is known (n is 0: nothing). */
struct class_names { const char *const *v; int n; };
tt_status signature_derive(struct signature **out, const struct tt_model *m,
                           const struct scaling *s, const struct class_names *names);
/* The same with the names of a source.  TT_ESHAPE: it has not the columns that the net reads, or
 * not such samples as it wants. */
tt_status signature_bind(struct signature **out, const struct tt_model *m, const tt_schema *data,
                         const struct scaling *s);
void      signature_free(struct signature **s);

/* As JSON, on one line; and back.  TT_EFORMAT: it is none, or not that of the net m. */
void      signature_write(const struct signature *s, struct str *out);
tt_status signature_read(struct signature **out, const struct tt_model *m, const char *json,
                         const char *path);

/* How to show a source with this schema to the net: columns and features by name, classes by name.
 * TT_ESHAPE names both sides and the way out: a column, feature or class that the other does not
 * have, another shape, another kind of target.  Zero-initialise the plan; it is empty after an
 * error. */
tt_status signature_match(const struct signature *s, const tt_schema *data, struct view_plan *plan);
/* The same of the inputs alone: the plan shows no target. */
tt_status signature_match_inputs(const struct signature *s, const tt_schema *data,
                                 struct view_plan *plan);

/* Where the features that `want` names lie in `is`; what pick holds is tried first.  *moved: 1 if
 * not in the same places.  TT_ESHAPE: one is missing. */
tt_status signature_pick(const tt_column *want, const tt_column *is, int64_t *pick, int *moved);
/* May state of a net with the names of `there` go on with a net that has those of s?  Where both
 * name features or classes, these are the same in the same order; else TT_ESHAPE. */
tt_status signature_same_names(const struct signature *s, const tt_schema *there);

/* rows.c: have the embeddings of the net a row for each number of the columns that they read, as
 * far as a table or text says how many there are?  TT_ESHAPE names both. */
tt_status signature_check_rows(const struct signature *s, const struct tt_model *m);

/* Is this column of samples of the shape that the net wants of its n-th input?  TT_ESHAPE names
 * both. */
tt_status signature_check_samples(const struct signature *s, int n, const tt_column *samples);

/* Match, and make the view where one is needed: else *out is NULL, and s fits as it is. */
tt_status signature_view(const struct signature *s, const tt_source *source, tt_source **out);

#endif
