/* writer.h -- what the files that write a Keras model share.  Private to this folder.
 *
 *   write         the graph's nodes become Keras' layers
 *   write_config  their order, and the architecture as JSON
 *   write_arrays  numbers, and whole files */
#ifndef KERAS_WRITER_H
#define KERAS_WRITER_H

#include "learn/keras/h5.h"
#include "learn/keras/turn.h"

#define KERAS_VERSION "3.0.0"           /* that reads what is written */

/* A Keras layer. */
struct made {
	const char             *class_name, *snake, *name;
	const char             *config;           /* settings behind name, as JSON members      */
	const struct ir_value  *out;              /* its shape                                  */
	struct made            *in[64];
	int                     n_in, depth, seen, nth;
	const char             *var[5];           /* our tensors, in Keras' order               */
};

struct writer {
	const struct tt_model *m;
	const char            *path;
	struct ir_graph       *g;
	struct arena           arena;
	struct made           *made, **order, **of;   /* of: by value                           */
	int                    n, steps;
	const struct h5_ops   *ops;
	struct h5             *h5;
	struct turns           turns;
	struct str             json;
};

/* w->order, and which of its class each layer is. */
tt_status writer_order(struct writer *w);
/* w->json: a Functional model. */
tt_status writer_config(struct writer *w, const char *name);
/* The whole file: .keras or .h5, by its name. */
tt_status writer_file(struct writer *w);

#endif
