/* reader.h -- the port behind which every kind of source hides.
 *
 *   schema   image u8 [1, 28, 28] | label i32 (target)        what there is
 *   read     samples first ... first + n - 1, every column that is asked for
 *
 * A reader of files has a file in readers/ and a row in readers/registry.c.  read() must be safe
 * from any thread: the loader calls it from several at once. */
#ifndef DATA_READER_H
#define DATA_READER_H

#include <tutti/data.h>

#include "base/node/node.h"
#include "base/options.h"
#include "data/cut.h"
#include "data/schema.h"

/* Where the values of one column go. */
struct cells {
	void    *data;          /* NULL: the column is not wanted                                 */
	size_t   room;          /* ragged: bytes behind data                                      */
	size_t   used;          /* ragged: set by read, bytes of these samples; if they are more
	                         * than room nothing was written, and read must be asked again    */
	int64_t *rows;          /* ragged: [n], set by read                                       */
};

struct reader {
	const struct reader_ops *ops;
	struct schema            schema;     /* owned: reader_release                             */
	int64_t                  count;      /* samples                                           */
	tt_source_info           info;       /* the same for who knows one input and one target;
	                                      * made by source_wrap                               */
	/* abilities */
	enum tt_access           access;
	const char              *left_out;   /* what is no sample of it though it is there, one line
	                                      * for people; owned by the reader; NULL: nothing    */
	const char              *unseen;     /* the same of categories that training has not seen */
	const tt_table_column   *table;      /* [table_columns] of a table; owned by the reader   */
	int                      table_columns;
	int                      ids;        /* names that each sample has                        */
	const char *const       *id_names;   /* [ids] of their columns; owned by the reader       */
	int                      ranges;     /* enum no/yes: neighbours are cheaper together      */
	int                      follows;    /* enum no/yes: each sample goes on where the one before
	                                      * has ended                                         */
	int                      measured;   /* enum no/yes: how long a sample is, it knows at once */
	const int64_t           *shard;      /* [shards + 1] first samples; owned by the reader   */
	int64_t                  shards;     /* 0: all is one                                     */
	/* the implementation's struct embeds this one as its first member */
};

/* What a target is to whom the source is opened for.  Where a setting (task=) says something else,
 * that counts. */
enum target_wish {
	WISH_ANY,           /* as the target looks                                                    */
	WISH_CLASSES,       /* classes, numbers too                                                   */
	WISH_NUMBERS,       /* numbers, few and whole ones too                                        */
	WISH_YES_NO,        /* 0 and 1, or two words; other numbers are shares                        */
	WISH_SPELL          /* a list of labels, of a length of its own                               */
};

/* An input of a model that is one number, or a sequence (enum no/yes) of tokens: a column of that
 * name is shown as it is. */
struct known_input { const char *name; enum tt_type type; int sequence; };

/* What a model knows of a table; borrowed. */
struct known_columns {
	const char        *target;            /* where no setting names one; NULL: it has no name */
	const char        *weight;            /* the same of weights; NULL: it knows none         */
	const char *const *features;          /* [count]; NULL: they have no names                */
	int64_t            count;             /* of features; 0: unknown                          */
	enum target_wish   wish;
	const char *const *class_names;       /* [classes]; NULL: they have none                  */
	int                classes;
	const char        *recipe;            /* of the table that it was trained on; NULL: none  */
	struct cut         cut;               /* one part of it is wanted; split NULL: all        */
	const struct known_input *inputs;     /* [n_inputs]                                       */
	int                n_inputs;
};

struct reader_ops {
	const char *scheme;                   /* "mnist"; NULL: not opened by a URI               */
	const char *help;                     /* one line: what it reads                          */
	const struct option *settings;        /* what may follow '?'; for help and docs           */
	/* path: between ':' and '?'; args: MAP of the settings (unknown ones are errors). */
	tt_status (*open)(struct reader **out, const char *path, const struct node *args);
	/* The same for a model, with the part that it wants; NULL: its columns make no difference. */
	tt_status (*open_for)(struct reader **out, const char *path, const struct node *args,
	                      const struct known_columns *known);
	void      (*close)(struct reader *r);
	/* cells: one for each column of the schema. */
	tt_status (*read)(const struct reader *r, int64_t first, int64_t n, struct cells *cells);
	/* Where a sample's value lies in memory, borrowed from the reader; NULL: nowhere (so is a
	 * NULL slot).  Fixed columns only.  It saves the loader a copy. */
	const void *(*peek)(const struct reader *r, int column, int64_t index);
	/* The k-th name of a sample, borrowed; NULL: samples have none. */
	const char *(*id)(const struct reader *r, int k, int64_t index);
};

/* For close: what every reader has. */
void reader_release(struct reader *r);

static inline const void *reader_peek(const struct reader *r, int column, int64_t index)
{
	return r->ops->peek ? r->ops->peek(r, column, index) : NULL;
}

static inline const char *reader_id(const struct reader *r, int k, int64_t index)
{
	return r->ops->id ? r->ops->id(r, k, index) : NULL;
}

/* The settings of `args` over the defaults of `table` into *base; texts live in a. */
tt_status reader_settings(const struct option *table, struct arena *a, const struct node *args,
                          void *base);
/* "PATH?a=1&b=2" into the path and a MAP, all in the arena; messages begin with uri. */
tt_status reader_parse(struct arena *a, const char *uri, const char *rest, const char **path,
                       struct node *map);

/* The words of a `split` setting, and their meaning as an index.  Only folders know more than two:
 * valid is another word for val, none means that no folder holds a split. */
enum split { SPLIT_TRAIN, SPLIT_TEST, SPLIT_VAL, SPLIT_VALID, SPLIT_NONE, FOLDER_SPLITS };
extern const char *const split_words[], *const folder_words[];

/* Put a source in front of a reader; *r is taken on success. */
tt_status source_wrap(tt_source **out, struct reader *r);
const struct reader *source_reader(const tt_source *s);     /* borrowed */

/* What all columns of sample `index` hold, hashed into *h. */
tt_status source_hash(const tt_source *s, int64_t index, uint64_t *h);

/* Elements of one sample; bytes of one as tt_source_read stores it. */
size_t source_elements(const tt_source_info *info);
size_t source_bytes(const tt_source_info *info);

#endif
