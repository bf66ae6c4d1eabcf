/* spec.h -- the one document that says what to train: name, data, model, train,
 * distribute.
 *
 * The tree of nodes is the truth; tt_spec_resolve checks it against the option tables and fills
 * the structs below.  tt_spec_text then shows every default of them; layers are shown as they
 * were written. */
#ifndef SPEC_SPEC_H
#define SPEC_SPEC_H

#include <tutti/model.h>

#include "distribute/sync/sync.h"
#include "data/loader.h"
#include "learn/nn/options.h"
#include "optim/optim.h"

/* Whose numbers a new training begins with. */
struct init_opts {
	const char        *from;            /* checkpoint, safetensors or its index, run folder       */
	const struct node *map, *skip;      /* names there to names here; names here that are drawn   */
};
struct checkpoint_opts {
	int every_steps, every_epochs;      /* 0: not so (0, 1)                                       */
	int keep;                           /* numbered ones to keep beside last and best (0)         */
};
struct early_stop_opts {
	const char *monitor;                /* the older place of train.monitor                       */
	int         patience;               /* validations without progress (0: never stop early)     */
	double      min_delta;
};
struct tensorboard_opts {
	int every_steps;                    /* scalars (10; 0: no event file)                         */
	int images;                         /* samples to show (8)                                    */
	int histograms, graph;              /* no, yes (yes)                                          */
};

/* Of an ensemble whose answers a small net combines. */
struct combiner_opts {
	const struct node *layers;          /* (one dense layer)                                      */
	int    epochs, batch;               /* (3), (256)                                             */
	double lr, weight_decay;            /* of adamw, cosine to zero (0.001), (0.01)               */
};

/* Spec: the keys under `train`. */
struct train_opts {
	int64_t  seed;                      /* (1)                                                    */
	int      epochs;                    /* (1)                                                    */
	int      batch;                     /* global batch (64)                                      */
	int      micro_batch;               /* samples a worker computes at once (0: its share)       */
	int      eval_batch;                /* (0: as in training)                                    */
	int      precision;                 /* f32, bf16                                              */
	int      threads;                   /* compute threads (0: all cores)                         */
	int      tune_kernels;              /* off, on: measure implementations (on)                  */
	struct init_opts     init;
	const struct node   *freeze;        /* patterns of parameters that are not trained            */
	struct optim_opts    optimizer;
	struct schedule_opts schedule;
	double   ema;                       /* decay of an average of the weights (0: none is kept)   */
	int      valid_every;               /* epochs between validations (1)                         */
	int      top_k;                     /* (5)                                                    */
	const struct node *class_weights;   /* balanced, or numbers (1 each)                          */
	const char        *monitor;         /* the number by which an epoch is the best (auto)        */
	const struct node *metrics;         /* names of numbers that validation tells besides (none)  */
	struct checkpoint_opts  checkpoint;
	struct early_stop_opts  early_stop;
	struct tensorboard_opts tensorboard;
	struct combiner_opts    combiner;
};

struct tt_spec {
	struct arena       arena;
	struct node       *root;
	const char        *name;
	int                resolved;
	int                members;         /* of an ensemble's net while it is trained: how many    */
	struct model_opts  model;
	struct data_opts   data;
	struct train_opts  train;
	struct distribute_opts distribute;
	size_t             n_parameters, n_buffers;     /* numbers in the net, once resolved     */
};
extern const struct option spec_options[];      /* the top: name and the groups below */

/* A spec of its own that says the same, with the same lines; not resolved. */
tt_status spec_copy(tt_spec **out, const tt_spec *s);
/* A model without numbers, for who asks what it reads: model_file.c. */
tt_status model_shape(tt_model **out, const tt_spec *s);
/* A child by its key, or of a list by its number; NULL: there is none. */
const struct node *spec_child(const struct node *n, const char *word);
/* A branch of the tree with all below it. */
tt_status spec_copy_node(struct arena *a, const struct node *n, struct node **out);

#endif
