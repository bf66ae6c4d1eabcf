/* save.h -- a model as it stands in a checkpoint.
 *
 * Tensors under their own names; in the metadata tutti.format (a number that grows when old
 * readers could be misled), tutti.version, tutti.spec (YAML) and, if known, tutti.classes (JSON).
 * A trainer adds its own state to these rows before it writes. */
#ifndef NN_SAVE_H
#define NN_SAVE_H

#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"

#define NN_FORMAT "1"
#define NN_META_SPEC "tutti.spec"
#define NN_META_CLASSES "tutti.classes"

/* Rows for ckpt_write.  The arrays have room for `more` rows of the caller's own; data and names
 * are borrowed from the model until nn_saved_release. */
struct nn_saved {
	struct ckpt_tensor *tensor;
	struct ckpt_meta   *meta;
	int                 n_tensors, n_meta;
	char               *text;           /* of the spec */
};
tt_status nn_saved_init(struct nn_saved *s, const struct tt_model *m, int more);
void      nn_saved_release(struct nn_saved *s);

/* The model that a checkpoint describes.  `path` is for messages. */
tt_status nn_model_of(tt_model **out, const struct ckpt *c, const char *path);
/* Its numbers into a model that stands already.  TT_ESHAPE names the first tensor that is missing
 * or has another shape; the model is then as it was. */
tt_status nn_load_tensors(struct tt_model *m, const struct ckpt *c, const char *path);

#endif
