/* save.h -- a model as it stands in a checkpoint.
 *
 * Tensors under their own names; in the metadata tutti.format (a number that grows when old
 * readers could be misled), tutti.version, tutti.spec (YAML), tutti.signature (JSON) and, if known,
 * tutti.classes (JSON), which is all that version 0.1 knew of its data.
 * A trainer adds its own state to these rows before it writes. */
#ifndef SPEC_SAVE_H
#define SPEC_SAVE_H

#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"

#define MODEL_FORMAT "1"
#define MODEL_META_SPEC "tutti.spec"
#define MODEL_META_SIGNATURE "tutti.signature"
#define MODEL_META_CLASSES "tutti.classes"

/* Rows for ckpt_write.  The arrays have room for `more` rows of the caller's own; data and names
 * are borrowed from the model until model_rows_release. */
struct model_rows {
	struct ckpt_tensor *tensor;
	struct ckpt_meta   *meta;
	int                 n_tensors, n_meta;
	char               *text;           /* of the spec */
	struct str          signature, classes;
};
tt_status model_rows_init(struct model_rows *s, const struct tt_model *m, int more);
void      model_rows_release(struct model_rows *s);

/* Is it one of ours, of a format that we can read?  TT_EFORMAT. */
tt_status model_check_format(const struct ckpt *c, const char *path);
/* The model that a checkpoint describes (model_file.c).  `path` is for messages. */
tt_status model_of_ckpt(tt_model **out, const struct ckpt *c, const char *path);
/* What the checkpoint knows of the data, into a model that stands already. */
tt_status model_signature_of(struct tt_model *m, const struct ckpt *c, const char *path);
/* A signature (JSON) that suits the model; nothing is changed yet. */
tt_status model_signature_read(struct signature **out, const struct tt_model *m, const char *json,
                               const char *path);
/* Is a tensor of a file in the parameter's shape, numbers with a point?  Then its numbers, to where
 * the parameter lies in a flat vector. */
int  model_tensor_fits(const struct param *p, const struct ckpt_tensor *t);
void model_copy_tensor(const struct param *p, const struct ckpt_tensor *t, float *vector);
/* Its numbers into a model that stands already.  TT_ESHAPE names the first tensor that is missing
 * or has another shape; the model is then as it was. */
tt_status model_check_tensors(const struct tt_model *m, const struct ckpt *c, const char *path);
tt_status model_load_tensors(struct tt_model *m, const struct ckpt *c, const char *path);

#endif
