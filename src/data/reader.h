/* reader.h -- the port behind which every kind of source hides.
 *
 * A reader gives samples by index.  read() must be thread-safe: the loader calls
 * it from several threads at once.  One file per scheme, one row in readers.c. */
#ifndef DATA_READER_H
#define DATA_READER_H

#include <tutti/data.h>

#include "base/node.h"
#include "base/options.h"

struct reader {
	const struct reader_ops *ops;
	tt_source_info           info;
	/* the implementation's struct embeds this one as its first member */
};

struct reader_ops {
	const char *scheme;                   /* "mnist"                                  */
	const char *help;                     /* one line: what it reads                  */
	const struct option *settings;        /* what may follow '?'; for help and docs   */
	/* path: between ':' and '?'; args: MAP of the settings (unknown ones are errors). */
	tt_status (*open)(struct reader **out, const char *path, const struct node *args);
	void      (*close)(struct reader *r);
	/* x may be NULL: the target alone. */
	tt_status (*read)(const struct reader *r, int64_t index, void *x, int32_t *label,
	                  float *values);
	/* Where the sample lies in memory, borrowed from the reader; NULL slot: nowhere.
	 * It saves the loader a copy. */
	const void *(*peek)(const struct reader *r, int64_t index);
};

extern const struct reader_ops mnist_reader, cifar10_reader, images_reader, csv_reader,
                               synth_reader;
extern const struct reader_ops *const readers[];      /* NULL-terminated: readers.c */

/* The settings of `args` over the defaults of `table` into *base; texts live in a. */
tt_status reader_settings(const struct option *table, struct arena *a, const struct node *args,
                          void *base);

/* The words of a `split` setting, and their meaning as an index.  Only folders know a third. */
enum split { SPLIT_TRAIN, SPLIT_TEST, SPLIT_VAL, FOLDER_SPLITS };
extern const char *const split_words[], *const folder_words[];

/* Put a source in front of a reader; *r is taken on success. */
tt_status source_wrap(tt_source **out, struct reader *r);
const struct reader *source_reader(const tt_source *s);     /* borrowed */

/* Elements of one sample; bytes of one as read() stores it. */
size_t source_elements(const tt_source_info *info);
size_t source_bytes(const tt_source_info *info);

#endif
