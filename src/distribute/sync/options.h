/* options.h -- the keys under `distribute` of a spec. */
#ifndef SYNC_OPTIONS_H
#define SYNC_OPTIONS_H

#include <stdint.h>

#include "base/options.h"

enum sync_optimizer_state { STATE_KEEP, STATE_AVERAGE, STATE_RESET };
enum sync_combine { COMBINE_AVERAGE, COMBINE_NET };
enum sync_factors { FACTORS_AUTO, FACTORS_NO, FACTORS_YES };
enum sync_overlap { OVERLAP_FORWARD, OVERLAP_BACKWARD, OVERLAP_NONE };

struct distribute_opts {
	int         strategy;           /* row of sync_strategies (allreduce)                         */
	int         workers;            /* ranks on this machine as threads (1)                       */
	double      timeout;            /* seconds a rank may be silent (60)                          */
	int         algorithm;          /* comm_algorithm (auto: in the order of ranks)             */
	int         wire;               /* comm_wire (f32)                                            */
	int         transport;          /* comm_transport (auto: tried at start)                      */
	int         encrypt;            /* what goes from machine to machine                          */
	int64_t     bucket_bytes;       /* 0: chosen by measurement at start                          */
	int         factors;            /* allreduce: sync_factors of layers' gradients (auto)        */
	int         overlap;            /* allreduce: sync_overlap (with the next forward pass too)   */
	int         period;             /* average, easgd: steps between exchanges; 0: one at the end */
	int         post_local;         /* average: plain all-reduce for so many epochs first         */
	int         optimizer_state;    /* average: keep, average, reset                              */
	double      alpha;              /* easgd: elastic rate; 0: 0.9/N                              */
	double      delta;              /* eamsgd: momentum                                           */
	int         deterministic;      /* no/yes: ordered sums, the same bits for any bucket size    */
	int         combine;            /* ensemble: sync_combine                                     */
	int         shard_optimizer;    /* allreduce: no/yes (yes): each rank optimizes a part        */
	int         sync_batchnorm;     /* no/yes: batch norms see the batch of all ranks             */
};
extern const struct option distribute_options[];
extern const char *const   sync_words[];     /* names of the strategies, NULL-terminated */

#endif
