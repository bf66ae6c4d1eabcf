/* options.c -- the keys under `distribute`. */
#include "distribute/sync/options.h"

#include "distribute/coll/coll.h"
#include "distribute/comm/launched.h"

static const char *const state_words[] = {
	[STATE_KEEP] = "keep", [STATE_AVERAGE] = "average", [STATE_RESET] = "reset", NULL
};

static const char *const combine_words[] = {
	[COMBINE_AVERAGE] = "average", [COMBINE_NET] = "net", NULL
};
static const char *const factors_words[] = {
	[FACTORS_AUTO] = "auto", [FACTORS_NO] = "no", [FACTORS_YES] = "yes", NULL
};
static const char *const overlap_words[] = {
	[OVERLAP_FORWARD] = "forward", [OVERLAP_BACKWARD] = "backward", [OVERLAP_NONE] = "none", NULL
};

static const char *const old_algorithms[][2] = { { "ordered", "direct" }, { NULL, NULL } };

#define T struct distribute_opts
const struct option distribute_options[] = {
	OPT_ENUM  (T, strategy, "allreduce", sync_words, "the strategy by which workers stay together"),
	OPT_INT   (T, workers, "1", 1, 4096, "workers on this machine; they share its cores"),
	OPT_DOUBLE(T, timeout, "60", 0.1, 1e6, "seconds a worker may be silent before all give up"),
	OPT_ENUM_OLD(T, algorithm, "auto", comm_algorithm_words, old_algorithms,
	           "how sums over workers are made; auto: direct, by memory inside a host; all but the "
	           "library's add in an order that depends on the workers alone"),
	OPT_ENUM  (T, wire, "f32", comm_wire_words, "numbers on their way; sums are f32 always"),
	OPT_ENUM  (T, transport, "auto", comm_transport_words,
	           "between machines, and for short messages inside one: the MPI library, or TCP "
	           "connections of our own; auto: TCP, unless MPI has a faster wire"),
	OPT_ENUM  (T, encrypt, "no", option_no_yes,
	           "encrypt what goes from machine to machine; not for workers that MPI has started"),
	OPT_INT64 (T, bucket_bytes, "0", 0, 0x1p40,
	           "gradients travel in pieces of this size; 0: measured at the start"),
	OPT_ENUM  (T, factors, "auto", factors_words,
	           "allreduce: of the gradients of dense layers and of convolutions over a few places "
	           "the two factors travel where these are fewer bytes; auto: between hosts, and by "
	           "memory between workers of one thread each; not if deterministic"),
	OPT_ENUM  (T, overlap, "forward", overlap_words,
	           "allreduce: sums travel during backward, or until the next forward pass needs them"),
	OPT_INT   (T, period, "10", 0, 1e9,
	           "average, easgd, eamsgd: steps between exchanges; average, 0: one at the end"),
	OPT_INT   (T, post_local, "0", 0, 1e9, "average: this many epochs of allreduce come first"),
	OPT_ENUM  (T, optimizer_state, "average", state_words,
	           "average: what happens to momentum and moments at each exchange"),
	OPT_DOUBLE(T, alpha, "0", 0, 1, "easgd, eamsgd: pull to the centre; 0: 0.9 / workers"),
	OPT_DOUBLE(T, delta, "0.9", 0, 1, "eamsgd: momentum; the optimizer's own must be 0"),
	OPT_ENUM  (T, deterministic, "no", option_no_yes,
	           "add in the order of the workers: the same bits for any piece or algorithm"),
	OPT_ENUM  (T, combine, "average", combine_words,
	           "ensemble: the average of the answers, or a small model trained over them"),
	OPT_ENUM  (T, shard_optimizer, "yes", option_no_yes,
	           "allreduce: each worker does the optimizer's work on a part of the parameters"),
	OPT_ENUM  (T, sync_batchnorm, "no", option_no_yes,
	           "allreduce: batch norms see the batch of all workers, not each its own share"),
	OPT_END
};
#undef T
