/* deliver.h -- from the columns of a reader to those of a batch.
 *
 *   reader                     route                          batch
 *   image u8 [3, 32, 32]  -->  table, augmentation        --> image f32 [3, 32, 32]
 *   label i64             -->  in bounds?                 --> label i32
 *   price f32             -->  right into its place       --> price f32
 *   words i32 [any]       -->  rows counted, room grows   --> words i32 [any], offsets
 *   w     f32             -->                             --> beside the columns
 *
 * A plan is made once; filling allocates nothing but room for ragged columns.  A delivery can be
 * used by many threads, each with a shelf and a scratch of its own. */
#ifndef DATA_DELIVER_H
#define DATA_DELIVER_H

#include "data/augment.h"
#include "data/reader.h"

/* How a column of the source goes into batches. */
enum delivery_kind {
	DELIVER_INPUT,          /* normalised and augmented, as f32                        */
	DELIVER_CLASS,          /* class indices, as i32                                   */
	DELIVER_VALUES,         /* targets that are numbers, as f32                        */
	DELIVER_WEIGHT,         /* beside the columns                                      */
	DELIVER_AS_IT_IS        /* any other, ragged ones too                              */
};
struct route {
	enum delivery_kind how;
	tt_column          raw;         /* as the reader gives it                           */
	size_t             bytes;       /* of a raw sample, or of a row if ragged           */
	int                place;       /* among the columns of a batch; -1: the weight     */
	int                direct;      /* enum: 1 if read goes right into the batch        */
};

struct delivery_opts {
	const struct data_opts    *data;        /* mean and std; borrowed for the call        */
	const struct augment_opts *augment;     /* NULL: none; copied                         */
	uint64_t                   seed;        /* of augmentation                            */
	int                        samples;     /* of a batch, at most                        */
};

struct delivery {
	const struct reader *reader;
	struct augment_opts  augment;
	struct normaliser    normaliser;
	uint64_t             seed;
	int                  samples;
	int                  run;               /* neighbours that are read at once, at most  */
	size_t               elements;          /* of one sample's first input; 0: ragged     */
	struct route         route[BATCH_COLUMNS];
	int                  routes;
};

/* What the columns of one batch are kept in. */
struct shelf {
	tt_column        column[BATCH_COLUMNS];
	const tt_column *pointer[BATCH_COLUMNS];
	void            *data[BATCH_COLUMNS];       /* by route, owned                            */
	size_t           room[BATCH_COLUMNS];       /* ragged: bytes there                        */
	int64_t         *offsets[BATCH_COLUMNS];    /* ragged: owned                              */
};

/* By route, where raw samples are kept on their way. */
struct scratch { void *raw[BATCH_COLUMNS]; };

/* The reader is borrowed until delivery_release.  TT_ESPEC: mean, std or augmentation do not fit
 * it.  Release after an error as well. */
tt_status delivery_init(struct delivery *d, const struct reader *r, const struct delivery_opts *o);
void      delivery_release(struct delivery *d);
tt_status shelf_init(const struct delivery *d, struct shelf *s);
void      shelf_release(struct shelf *s);
tt_status scratch_init(const struct delivery *d, struct scratch *s);
void      scratch_release(struct scratch *s);

/* Read the samples b->index[0 ... b->data.n - 1] as `epoch` wants them. */
tt_status delivery_fill(const struct delivery *d, struct shelf *s, int64_t epoch,
                        const struct scratch *scratch, struct batch *b);

#endif
