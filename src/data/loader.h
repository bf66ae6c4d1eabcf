/* loader.h -- from a source to batches, in an order that is a pure function.
 *
 * The order of epoch e is a permutation of the whole set given by (seed, e) alone, and by the size
 * of a batch where samples of like length are put together (arrange.h);
 * global batch k holds positions [k*batch, min((k+1)*batch, count)), and rank r of
 * `world` takes the positions p with (p - k*batch) % world == r.  So the state of a
 * loader is (epoch, samples consumed), whatever the number of ranks, and resume is
 * exact in mid-epoch.
 *
 * With DEAL_PARTS each rank has a part of the set to itself, the same in every epoch: the set in
 * an order given by the seed alone is dealt out one by one, and only the order within a part
 * changes.  Rank r then takes the positions p of a batch with p % world == r.
 *
 * With data.carry a batch is a piece of each of `batch` streams of a text, which go on in the next
 * one: a stream is a run of neighbours, and position p of the epoch is piece p / batch of stream
 * p % batch.  Rank r has the streams s % world == r for good, whatever the deal.
 *
 * Augmentation is keyed by (seed, epoch, sample): it does not depend on ranks, threads or batch.
 *
 * With a pool (lease.h) each worker of a process takes whole batches in turn, and begins to at its
 * first loader_seek, once the pool knows from where.
 *
 * A source that only goes forward is shuffled by whole shards, and read by one thread.
 *
 * Worker threads decode, augment and normalise ahead; with prefetch = 0 the caller's
 * thread does the work itself.  A loader is used by one thread.  Nothing is allocated
 * after loader_new, but for ragged columns, whose room grows to that of the largest batch. */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include <tutti/data.h>

#include "base/options.h"
#include "data/batch.h"
#include "data/cut.h"
#include "data/lease.h"

enum { AUGMENT_ZERO, AUGMENT_REFLECT };
/* How centre and scale of a column are found: mean and standard deviation, smallest number and
 * range, or median and distance of the quartiles (statistics.h). */
enum { NORMALISE_NONE, NORMALISE_STANDARD, NORMALISE_MINMAX, NORMALISE_ROBUST };

enum { BUCKETS_AUTO = -1, BUCKETS_NO };

/* Spec: the keys under `data.augment`. */
struct augment_opts {
	int    crop;               /* pad by this many pixels on each side, cut back at random (0) */
	int    border;             /* what is padded: AUGMENT_ZERO or AUGMENT_REFLECT (zero)       */
	int    cutout;             /* blank a square of this many pixels at a random place (0)     */
	int    until;              /* crop and cutout in the first so many epochs only (0: always) */
	int    flip;               /* enum no/yes: mirror left-right with probability 1/2 (no)      */
};

/* Spec: the keys under `data`. */
struct data_opts {
	const char         *train;       /* URI                                                   */
	const char         *valid;       /* URI; NULL: none                                       */
	int                 normalise;   /* NORMALISE_NONE, or how mean and std are to be found    */
	struct option_list  mean, std;   /* per channel (or one for all), after scaling u8 to 0..1 */
	int                 shuffle;     /* enum no/yes (yes)                                      */
	int                 carry;       /* enum no/yes (no): a text goes on from batch to batch   */
	int                 buckets;     /* batches that are sorted by length together, BUCKETS_NO
	                                  * or BUCKETS_AUTO (auto)                                 */
	int                 threads;     /* loader threads (1)                                     */
	int                 prefetch;    /* batches ready ahead (4); 0: none                       */
	struct augment_opts augment;     /* of the training data only                              */
	struct split_opts   split;       /* data.train is cut into parts                           */
};
extern const struct option data_options[];

enum loader_deal { DEAL_BATCHES, DEAL_PARTS };

struct loader_opts {
	const struct data_opts *data;    /* borrowed until loader_free                        */
	int      training;               /* 0: no shuffle, no augmentation                    */
	int      batch;                  /* global                                            */
	int      rank, world;
	uint64_t seed;
	enum loader_deal deal;           /* each epoch anew, or parts for good (batches)      */
	struct lease_pool *pool;         /* of the workers that take turns: leases of `batch`
	                                  * samples, for one worker alone; borrowed (none)    */
};

/* Columns under the names of the source, the weight beside them.  The first input is plain f32,
 * normalised and augmented, unless it is whole numbers (i32, i64) and there is no mean or std;
 * classes are i32, other targets f32; other columns are as they were. */
struct batch {
	tt_batch  data;         /* of this rank: may have no sample at all          */
	float    *x;            /* the first input, if it is plain f32, 64-byte aligned; else NULL */
	int32_t  *label;        /* TT_TARGET_CLASS; else NULL                       */
	float    *values;       /* other targets; else NULL                         */
	int64_t  *index;        /* [n] of the sample in the source                  */
	int       n;            /* data.n                                           */
	int       n_global;     /* of all ranks: what gradients are divided by      */
	int64_t   position;     /* of the global batch's first sample in the epoch  */
	int       begins;       /* enum no/yes: its streams do (data.carry)         */
};

struct loader;
tt_status loader_new(struct loader **out, tt_source *source, const struct loader_opts *o);
/* Go to a place: the next batch starts `consumed` samples into `epoch`. */
tt_status loader_seek(struct loader *l, int64_t epoch, int64_t consumed);
/* The next batch, or NULL at the end of the epoch (call loader_seek for the next).
 * Borrowed until the next call on the loader.  x may be freely written to. */
tt_status loader_next(struct loader *l, struct batch **out);
/* Of a pool: leases that it has taken and not yet handed out, up to `most`. */
int       loader_ahead(struct loader *l, struct lease *out, int most);
int64_t   loader_batches(const struct loader *l);          /* per epoch */
/* Parts of the places of a batch that fill up, shuffled and sorted; batches 0: they are not. */
struct loader_padding { int batches; double shuffled, sorted; };
struct loader_padding loader_padding(const struct loader *l);
void      loader_free(struct loader **l);

/* Normalise one raw sample as the loader does (for predict). */
void loader_normalise(const tt_source_info *info, const struct data_opts *d, const void *raw,
                      float *x);

#endif
