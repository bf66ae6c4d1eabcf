/* file.h -- where a Keras file keeps its two halves: the architecture as JSON, weights as HDF5.
 *
 *   .keras   a zip: config.json, model.weights.h5 with layers/CLASS[_N]/vars/I
 *   .h5      one HDF5 file, of before Keras 3: the attribute model_config, and
 *            model_weights/NAME/..., whose attribute weight_names says what lies where */
#ifndef KERAS_FILE_H
#define KERAS_FILE_H

#include "base/node/node.h"
#include "learn/keras/h5.h"

struct keras_file {
	const char          *path;
	int                  legacy;         /* .h5                                  */
	int                  old;            /* written by a Keras before version 3  */
	struct arena         arena;
	struct node         *config;         /* {class_name, config}                 */
	char                *bytes;          /* of the HDF5 part, owned              */
	const struct h5_ops *ops;
	struct h5           *h5;
};

tt_status keras_open(struct keras_file *f, const char *path);
void      keras_close(struct keras_file *f);

/* A layer's i-th array.  snake: its class as v3 writes it, "conv2d"; nth: which of that class. */
struct keras_place { const char *name, *snake; int nth; };
tt_status keras_array(struct keras_file *f, const struct keras_place *at, int i,
                      const char **path);

#endif
