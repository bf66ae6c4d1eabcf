/* model.h -- layers become a graph, names become ranges of flat vectors.
 *
 *   params: | conv1.weight | conv1.bias | bn1.weight | ... |      f32, canonical layout
 *   buffers: | bn1.running_mean | bn1.running_var | ... |
 *
 * Parameters lie in the order of the layers, so that backward fills a gradient vector of the
 * same layout from its end.  What is frozen lies behind all that is trained: gradients, the
 * optimizer and whoever exchanges them see vectors of the first `train_count` numbers.
 *
 *   params: | what is trained ... train_count | what is frozen ... param_count | */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include <tutti/model.h>

#include "base/arena.h"
#include "compute/ir/factors.h"
#include "compute/ir/graph.h"
#include "compute/pass/pass.h"
#include "learn/nn/init.h"
#include "learn/nn/options.h"
#include "learn/nn/signature.h"

enum param_role { PARAM_WEIGHT, PARAM_BIAS, PARAM_NORM };   /* norm: scale and shift of norms */

struct param {
	const char        *name;
	struct tensor_desc desc;
	size_t             offset, count;
	enum param_role    role;
	int                frozen;       /* training leaves it as it is                  */
	struct init        init;         /* how it begins                                */
};

/* What a net reads, as its document says. */
struct net_input {
	const char        *name;
	struct tensor_desc desc;         /* of one sample; dim[1] is -1: a sequence       */
	int64_t            numbers;      /* of a sample, or of a row of a sequence        */
	int64_t            tokens;       /* rows of the smallest embedding behind it; 0: none */
	const char        *embedding;    /* its name                                      */
	int64_t            most;         /* places that a sequence may have; 0: any       */
	const char        *limit;        /* the layer that says so                        */
};
#define NET_INPUTS_MAX 32
/* What a net answers, where there is more than the last layer's loss to make small. */
struct net_output {
	const char        *name;
	const char        *metric;       /* "train.loss.NAME": what its loss is called    */
	const char        *from;         /* the layer; NULL: the last, whose answers are the net's */
	int                loss;         /* enum loss_kind                                */
	double             weight;       /* of it in what training makes small            */
	const struct node *node;         /* of the document, for messages                 */
};
#define NET_OUTPUTS_MAX 16
int                net_input_ragged(const struct net_input *in);
struct tensor_desc net_input_desc(const struct net_input *in, int64_t batch, int64_t length);

struct tt_model {
	struct model_opts net;           /* what it is made of; nodes are borrowed from the document */
	uint64_t      seed;              /* of its first numbers                         */
	tt_spec      *spec;              /* the document it came from, resolved; owned by learn/spec,
	                                  * which alone looks into it here and below     */
	struct arena  arena;             /* of names and tables                          */
	const struct node *freeze;       /* patterns of what is not trained; borrowed likewise */
	int           members;           /* nets whose vectors lie one after the other, each as it
	                                  * were alone: those of an ensemble; else 0     */
	struct param *param, *buffer;    /* in the order of layers                       */
	int           n_params, n_buffers;
	size_t        param_count, buffer_count;
	size_t        train_count, live_count;   /* of these, what training changes     */
	float        *params, *buffers;  /* owned, 64-byte aligned                       */
	struct net_input *input;         /* [n_inputs]                                   */
	struct known_input *column;      /* [n_inputs] the same for who opens tables     */
	int           n_inputs;
	struct net_output *output;       /* [n_outputs], the last layer's first          */
	int           n_outputs;         /* 0: its loss is all there is                   */
	int64_t       inputs;            /* numbers of the first one per sample (row)    */
	int64_t       outputs;           /* numbers out, per sample or place             */
	int           per_place;         /* enum no/yes: it answers at each place of a sequence */
	int           paced_by;          /* of it: the input whose lengths the answers have; -1: none */
	struct tensor_desc out_desc;     /* of logits at batch 1                         */
	struct signature *signature;     /* owned; NULL while the net is only counted    */
};

/* The model learns the names of its data, which must fit it: TT_ESHAPE says what does not. */
tt_status nn_bind(struct tt_model *m, const tt_schema *data);
/* A model of the same net knows what `from` knows. */
tt_status nn_copy_names(struct tt_model *m, const struct tt_model *from);
/* What it knows of the columns of a table, and what its loss wants of the target; borrowed. */
struct known_columns nn_known_columns(const struct tt_model *m);
/* Another mean and std of its data: in its signature. */
tt_status nn_set_scaling(struct tt_model *m, const struct scaling *c);
/* All that the model knows of its data are the names of the classes. */
tt_status nn_set_classes(struct tt_model *m, const struct class_names *names);

/* The first tensor with numbers that are not finite, how many of them, how many such tensors. */
struct not_finite { const char *name; size_t bad, count; int tensors; };
int nn_not_finite(const struct tt_model *m, struct not_finite *out);
/* TT_ENAN if there is one; of is what the message begins with: "FILE: ", or "". */
tt_status nn_check_finite(const struct tt_model *m, const char *of);

/* Whether such a net can be built, and how many numbers it has. */
tt_status nn_count(const struct model_opts *o, size_t *parameters, size_t *buffers);

/* Is an input a sequence of any length? */
int       nn_has_sequences(const struct tt_model *m);
/* Is it a language model, whose answer at each place is one of the tokens that it reads?  And is
 * what it makes small the log loss of that? */
int       nn_is_language(const struct tt_model *m);
int       nn_loss_is_log(const struct tt_model *m);
/* Does each place have a target of its own?  Then it is what is counted, and weighed. */
int       nn_counts_places(const struct tt_model *m);
/* m->column from m->input: inputs that one column of a table may be. */
tt_status nn_name_columns(struct tt_model *m);
/* m->input from m->net. */
tt_status nn_read_inputs(struct tt_model *m);
/* Fill the tables of a model of which only net is set; no numbers yet. */
tt_status nn_collect(struct tt_model *m);
/* The same, and what its signature says without data; then room for its numbers; then its first
 * ones, by m->seed.  Who knows what the numbers should be compares shapes before there is room:
 * a few lines describe nets of any size.  Release after an error as well. */
tt_status nn_model_shape(struct tt_model *m, const struct scaling *s);
tt_status nn_model_room(struct tt_model *m);
void      nn_model_draw(struct tt_model *m);
void      nn_model_release(struct tt_model *m);       /* all but the document */

/* NN_TRAIN: inputs x..., target, weight?, seed; outputs loss sum, logits, and of m->output each
 * loss by itself, of which the first is the weighted sum; with gradients.
 * NN_EVAL: inputs x..., target, weight?; outputs loss sum, logits.  NN_PREDICT: inputs x...; output
 * probabilities or values.  x...: all of m->input in order, each sequence followed by its lengths,
 * s32 [batch].  weight: of samples, where the graph is made for them; of nets that count places
 * always, one for each: rows of target, weight and logits are then batch * length.  Of ctc: target
 * s32 [batch, places + 1], filled up with -1, logits [batch, places, classes].
 * NN_STEP: some places of sequences that go on: inputs x..., places s32 [batch, length] (their
 * numbers), states; outputs logits, states (nn_states). */
enum nn_purpose { NN_TRAIN, NN_EVAL, NN_PREDICT, NN_STEP };
enum nn_output { OUTPUT_LOSS, OUTPUT_LOGITS, OUTPUT_PARTS };
#define NN_LENGTH 64            /* of sequences, where nobody says another */
tt_status nn_graph(const struct tt_model *m, int64_t batch, enum nn_purpose purpose,
                   struct ir_graph **out);
/* A rank among others that train the net together. */
struct nn_group {
	int                 norm_ranks;   /* that share their batch norms, so that a rank's share of a
	                                   * batch may be 1; 0: each has its own */
	struct pass_factors factors;      /* hosts 0: all gradients are made here */
};
/* The same with all that may be said.  Which gradients are factors depends on m and g alone. */
struct nn_shape {
	int64_t                batch;
	int64_t                length;    /* of sequences, with what fills them up; 0: there are none */
	enum nn_purpose        purpose;
	int                    weighted;  /* samples have weights                      */
	const struct nn_group *group;     /* NN_TRAIN for such a rank; NULL: alone     */
	int64_t                kept;      /* NN_STEP: places that attention may look back   */
	int                    carry;     /* NN_TRAIN, NN_EVAL: enum no/yes, states that are replaced
	                                   * are inputs, behind x..., and outputs, the last ones;
	                                   * no gradient goes through them                  */
};
tt_status nn_graph_of(const struct tt_model *m, const struct nn_shape *s, struct ir_graph **out);
/* What a net hands from one piece of a sequence to the next: an input of the graph, which an output
 * follows.  REPLACED: by that output.  APPENDED: input [n, kept, ..], output [n, length, ..], the
 * rows that are put behind those that are kept. */
enum nn_state_form { STATE_REPLACED, STATE_APPENDED };
struct nn_state {
	const char        *name;          /* "lstm1.h_l0"                              */
	enum nn_state_form form;
	struct tensor_desc desc;          /* of the input                              */
	int                input, output; /* their numbers in the graph                */
};
struct nn_states {
	struct nn_state *v;               /* [n], in the order of inputs and outputs   */
	int              n;
	int64_t          places;          /* that the net has numbers for; 0: any      */
	struct arena     arena;
};
/* Those of NN_STEP, or with carry.  TT_ESHAPE: a net that cannot go on where it stopped says why.
 */
tt_status nn_states(const struct tt_model *m, const struct nn_shape *s, struct nn_states *out);
void      nn_states_release(struct nn_states *s);
/* The weights whose gradients are, by their places in the flat vector; owned: mem_free. */
struct nn_factored { size_t at; struct factors factors; };
tt_status nn_factored(const struct tt_model *m, const struct nn_group *g,
                      struct nn_factored **out, int *n);

#endif
