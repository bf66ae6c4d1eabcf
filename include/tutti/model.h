/* model.h -- a net: layers, parameters and the spec they came from.
 *
 *   tt_spec *s;  tt_spec_load(&s, "examples/lenet5.yaml");  tt_spec_set(s, "train.epochs", "3");
 *   tt_model *m; tt_model_new(&m, s);
 *
 * or without a file:
 *
 *   tt_spec_new(&s, "mynet");
 *   tt_spec_set(s, "model.input", "[1, 28, 28]");
 *   tt_spec_layer(s, "conv2d", "{out: 6, kernel: 5, padding: 2, activation: relu}");
 *   tt_spec_layer(s, "maxpool", "{kernel: 2}");
 *
 * Specs and models are single-threaded and independent of each other. */
#ifndef TUTTI_MODEL_H
#define TUTTI_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/data.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_spec tt_spec;
typedef struct tt_model tt_model;

/* A spec is one YAML document: name, data, model, train (docs/spec.md lists every key).
 * *out is owned.  TT_ESPEC names file, line and the nearest right key. */
TT_API tt_status tt_spec_load(tt_spec **out, const char *path);
TT_API tt_status tt_spec_parse(tt_spec **out, const char *name, const char *text);
TT_API tt_status tt_spec_new(tt_spec **out, const char *name);
/* Set a dotted key to a value written as in YAML: "train.optimizer.lr", "0.1". */
TT_API tt_status tt_spec_set(tt_spec *s, const char *key, const char *value);
/* Append a layer to model.layers; settings as a YAML flow map or NULL. */
TT_API tt_status tt_spec_layer(tt_spec *s, const char *kind, const char *settings);
/* Where a layer says `out: classes`, open data.train and write their number there; other specs stay
 * as they are.  To be called before the first tt_spec_resolve, which knows numbers alone. */
TT_API tt_status tt_spec_meet(tt_spec *s);
/* Check all of it and fill in defaults; the calls below do this by themselves. */
TT_API tt_status tt_spec_resolve(tt_spec *s);
/* The whole spec as YAML, after resolve with every default; owned by the caller: tt_free. */
TT_API tt_status tt_spec_text(const tt_spec *s, char **out);
/* The value of a dotted key, "train.optimizer.lr" or "model.layers.0": a scalar as it stands, a
 * list or map in YAML's flow style; "" where nothing is set.  Before resolve only what was written
 * is there.  *out is owned: tt_free.  TT_ENOENT names the nearest key. */
TT_API tt_status tt_spec_get(const tt_spec *s, const char *key, char **out);
/* Call f for every key that is no map, in order; texts as of tt_spec_get, borrowed for the call.
 * What f returns other than TT_OK ends it and comes back. */
typedef tt_status tt_spec_fn(void *ctx, const char *key, const char *value);
TT_API tt_status tt_spec_each(const tt_spec *s, tt_spec_fn *f, void *ctx);
/* Numbers that the net of a resolved spec trains; 0 before.  Nothing is allocated for them. */
TT_API size_t    tt_spec_parameters(const tt_spec *s);
TT_API void      tt_spec_free(tt_spec **s);
TT_API void      tt_free(void *p);

/* Build the net and initialise its parameters from the spec's seed.  The spec is copied. */
TT_API tt_status tt_model_new(tt_model **out, const tt_spec *s);
/* From a checkpoint, which carries its spec. */
TT_API tt_status tt_model_load(tt_model **out, const char *checkpoint);
TT_API tt_status tt_model_save(const tt_model *m, const char *checkpoint);
TT_API void      tt_model_free(tt_model **m);

typedef struct tt_tensor {
	uint32_t    size;              /* of this struct; yours to set: TT_SIZED(tt_tensor)           */
	const char *name;              /* "conv1.weight", "bn1.running_mean"; borrowed from the model */
	int         ndim;
	int64_t     shape[5];
	float      *data;              /* row-major f32; borrowed: yours to read and write            */
	int         trainable;         /* 0 for buffers, and what train.freeze names                 */
} tt_tensor;
TT_API int       tt_model_tensors(const tt_model *m);                 /* parameters, then buffers */
TT_API tt_status tt_model_tensor(const tt_model *m, int i, tt_tensor *out);
TT_API size_t    tt_model_parameters(const tt_model *m);                 /* numbers, frozen or not*/

/* What train.init of the model's spec does when a training of it begins, tensor by tensor: those of
 * the model in their order, then those of the file that the model has no place for.  The file is
 * read; nothing is changed, and what would be refused is a row, too.  TT_ENOENT: train.init.from is
 * not set, or there is no such file. */
enum tt_origin_kind {
	TT_ORIGIN_TAKEN,               /* from the file                                               */
	TT_ORIGIN_SKIPPED,             /* drawn: train.init.skip names it                             */
	TT_ORIGIN_MISSING,             /* not in the file: the training is refused                    */
	TT_ORIGIN_UNLIKE,              /* of another shape, or whole numbers: refused                 */
	TT_ORIGIN_UNUSED               /* only in the file                                            */
};
#define TT_ORIGIN_KINDS 5
typedef struct tt_origin {
	uint32_t            size;      /* of this struct; yours to set: TT_SIZED(tt_origin)           */
	enum tt_origin_kind kind;
	const char         *name, *shape;            /* here, "64x3x7x7"; NULL if UNUSED              */
	const char         *theirs, *their_shape;    /* in the file; NULL where it has none           */
	const char         *their_type;              /* "F32", "BF16"                                 */
} tt_origin;
typedef struct tt_origins tt_origins;
TT_API tt_status   tt_origins_new(tt_origins **out, const tt_model *m);
TT_API int         tt_origins_count(const tt_origins *o);
TT_API const char *tt_origins_file(const tt_origins *o);        /* that was read; borrowed */
TT_API tt_status   tt_origins_get(const tt_origins *o, int i, tt_origin *out);   /* borrowed */
TT_API void        tt_origins_free(tt_origins **o);

/* What the model was built from, resolved; borrowed from it.  NULL of NULL. */
TT_API const tt_spec *tt_model_spec(const tt_model *m);
/* What goes into a model and what comes out, by name.  Before a model has seen data it knows what
 * its spec says (known is 0): one input "x" and one target "target".  Training adds the names of
 * the data's columns, features and classes, which are kept in checkpoints; where the model meets
 * data again they are matched by name. */
typedef struct tt_signature {
	uint32_t         size;
	int              known;         /* 1: names are those of the data it was trained on        */
	const tt_schema *data;          /* inputs and target                                       */
	const tt_column *output;        /* "probabilities" or "values", of one sample              */
	int              means, stds;   /* how many; 1: one for all channels or features, 0: none  */
	const double    *mean, *std;    /* u8 is scaled to 0..1, then mean subtracted, std divided  */
	int              blank;         /* of a net that spells labels (ctc): the class between
	                                 * them; else -1                                           */
} tt_signature;
/* Borrowed until the model is freed, bound to other data or trained.  NULL of NULL. */
TT_API const tt_signature *tt_model_signature(const tt_model *m);
/* The same as JSON, as it stands in checkpoints under tutti.signature; owned: tt_free. */
TT_API tt_status tt_model_signature_json(const tt_model *m, char **out);
/* Forget the names of the data: to train a model on data of other names. */
TT_API tt_status tt_model_unbind(tt_model *m);

/* Open a source for a model: of a table (csv:) without ?label= the target is the column that the
 * model knows by name; else the last, unless the model reads that one.  m NULL: tt_source_open. */
TT_API tt_status tt_source_open_for(tt_source **out, const char *uri, const tt_model *m);

/* Parts of data.train, cut as data.split of the model's spec says. */
enum tt_part { TT_PART_TRAIN, TT_PART_VALID, TT_PART_TEST };
/* Open one of them, as tt_source_open_for does.  TT_EINVAL: the spec does not split its data. */
TT_API tt_status tt_source_open_part(tt_source **out, const tt_model *m, enum tt_part part);

/* What of a source must be as a model knows it. */
enum tt_match {
	TT_MATCH_ALL,        /* inputs and target                                     */
	TT_MATCH_INPUTS      /* the inputs; what is shown has no target               */
};
/* A source as a model wants it: columns and features by name, classes numbered as the model numbers
 * them.  *out is owned; s is borrowed until it is closed.  Training and evaluation do this by
 * themselves.  TT_ESHAPE names both sides and the way out. */
TT_API tt_status tt_source_match(tt_source **out, const tt_source *s, const tt_model *m,
                                 enum tt_match what);

/* Names of its classes, if it has been trained on data that have them: else *n is 0, *out NULL.
 * *out ends with NULL and is owned, texts and all: one tt_free. */
TT_API tt_status tt_model_class_names(const tt_model *m, char ***out, int *n);

#ifdef __cplusplus
}
#endif
#endif
