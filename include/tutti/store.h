/* store.h -- every run remembered: parameters, numbers over steps, tags, files.
 *
 *   tt_store *s;  tt_store_open(&s, "runs/tutti.db", TT_STORE_MAKE);
 *   tt_store_find(s, TT_STORE_QUERY(.filter = "valid.accuracy > 0.9"), show, NULL);
 *
 *   tt_recorder: an observer that writes a training into a store from a thread of its own
 *
 * A store is a file of SQLite ("runs/tutti.db", "sqlite:PATH") or a database of a PostgreSQL server
 * ("postgresql://USER@HOST/DATABASE", with all that libpq knows).  The run folder is the truth and
 * the store an index of it: what the store has lost, tt_store_import adds again.  A store belongs
 * to one thread at a time; several threads and processes open it once each.  Texts handed to a
 * callback are borrowed for the call; what it returns other than TT_OK ends the call and comes
 * back.  TT_EBUSY: others have written for too long.  TT_EIO: the disk is full, or the store is
 * gone. */
#ifndef TUTTI_STORE_H
#define TUTTI_STORE_H

#include <tutti/model.h>
#include <tutti/observer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_store tt_store;

enum tt_store_access { TT_STORE_THERE, TT_STORE_MAKE };
/* TT_ENOENT: there is no such store, and it was not to be made.  TT_EFORMAT: the file is no store,
 * or damaged.  TT_ESUPPORT: it is of a newer version, or what reads it is not built in. */
TT_API tt_status tt_store_open(tt_store **out, const char *uri, enum tt_store_access access);
TT_API void      tt_store_close(tt_store **s);                   /* NULL is fine */

#define TT_STORE_ID 33                 /* bytes of an id of ours: 32 hex digits and NUL */

/* A run.  Where it is written, what is NULL or 0 stays as it was; id is its key. */
typedef struct tt_store_run {
	uint32_t    size;              /* of this struct                                           */
	const char *id;                /* at most 64 of letters, digits, '-' and '_'               */
	const char *name;              /* of its spec                                              */
	const char *kind;              /* "train", "fold", "folds", "trial", "study", yours        */
	const char *parent;            /* id of the run that it is part of; "": of none            */
	const char *folder;            /* absolute path of its run folder; "": it has none         */
	const char *status;            /* "scheduled", "running", "finished", "stopped", "failed",
	                                * "killed": also where its process on this machine is gone */
	const char *note, *host;
	int64_t     process;           /* on host                                                  */
	double      begun, ended;      /* seconds since 1970                                       */
	int         values;            /* found: of the query's columns                            */
	const char *const *value;      /* [values] as text, "" where it has none                   */
} tt_store_run;
#define TT_STORE_RUN(...) (&(tt_store_run){ .size = sizeof(tt_store_run), __VA_ARGS__ })
TT_API tt_status tt_store_put(tt_store *s, const tt_store_run *run);
TT_API tt_status tt_store_delete(tt_store *s, const char *id);   /* the row; no file is touched */
/* The id of a run from what people write: it, its first letters (4 at least), or a run folder.
 * TT_ENOENT: none.  TT_EINVAL: several begin so. */
TT_API tt_status tt_store_resolve(tt_store *s, const char *word, char id[65]);

/* What is known of a run. */
enum tt_record_kind { TT_RECORD_METRIC, TT_RECORD_PARAM, TT_RECORD_TAG, TT_RECORD_ARTIFACT };
typedef struct tt_record {
	uint32_t            size;      /* of this struct; of an array, of each                      */
	enum tt_record_kind kind;
	const char         *name;      /* "valid.accuracy", "train.optimizer.lr", a path            */
	const char         *text;      /* PARAM, TAG; else NULL                                     */
	double              value;     /* METRIC; ARTIFACT: its bytes                               */
	int64_t             step;      /* METRIC                                                    */
	double              time;      /* METRIC: seconds since 1970, 0: not known                  */
} tt_record;
/* All of them or none, durably.  The same metric, step and time again takes the place of what was
 * there; so does a parameter or tag of that name. */
TT_API tt_status tt_store_write(tt_store *s, const char *id, const tt_record *v, int n);
/* Numbers of steps after this one are dropped: the run goes on from there. */
TT_API tt_status tt_store_rewind(tt_store *s, const char *id, int64_t step);

typedef tt_status tt_record_fn(void *ctx, const tt_record *r);
/* The last number of each metric, parameters, tags and files, by kind and name. */
TT_API tt_status tt_store_read(tt_store *s, const char *id, tt_record_fn *f, void *ctx);
/* A metric over steps. */
TT_API tt_status tt_store_history(tt_store *s, const char *id, const char *metric,
                                  tt_record_fn *f, void *ctx);

/* filter: "valid.accuracy > 0.9 and (train.optimizer.lr < 0.01 or status = 'failed')".  Operators
 * are = != < <= > >= and like ('%' stands for any letters), joined by and, or, not.  A name is one
 * of a run's own (id name kind parent folder status note host begun ended seconds) or of its
 * metrics (the last number), parameters or tags; `metrics.`, `params.` or `tags.` in front says
 * which, and `...` encloses odd ones.  A run that lacks a name passes no comparison with it.
 * TT_EINVAL shows the place; TT_ENOENT: no run has such a name: the nearest. */
typedef struct tt_store_query {
	uint32_t           size;       /* of this struct                                           */
	const char        *filter;     /* NULL or "": all                                          */
	const char        *sort;       /* "NAME", "NAME desc" (the newest first); without it: last */
	int64_t            limit;      /* at most so many (0: all)                                 */
	int                columns;
	const char *const *column;     /* [columns] names, as in a filter                          */
} tt_store_query;
#define TT_STORE_QUERY(...) (&(tt_store_query){ .size = sizeof(tt_store_query), __VA_ARGS__ })
typedef tt_status tt_store_run_fn(void *ctx, const tt_store_run *run);
TT_API tt_status tt_store_find(tt_store *s, const tt_store_query *q, tt_store_run_fn *f, void *ctx);

/* Add what a run folder says: its spec, environment and metrics.csv; nothing is there twice.  The
 * folder's id stands in its file run.id, which is made where it can be. */
TT_API tt_status tt_store_import(tt_store *s, const char *folder);

/* ---- models ---- */

/* A checkpoint with a name and a number.  Its run, by id, says what it learnt from. */
typedef struct tt_model_version {
	uint32_t    size;              /* of this struct                                           */
	const char *model;             /* no '@', '/', ':' or blank in it                          */
	int64_t     version;           /* from 1 on                                                */
	const char *run;               /* id ("": not known)                                       */
	const char *path;              /* of the checkpoint, absolute                              */
	const char *stage;             /* "none", "staging", "production", "archived", yours       */
	const char *description;
	const char *aliases;           /* found: "canary,prod"                                     */
	double      made;              /* seconds since 1970 (now)                                 */
} tt_model_version;
#define TT_MODEL_VERSION(...) (&(tt_model_version){ .size = sizeof(tt_model_version), __VA_ARGS__ })
/* One more version; *version is its number. */
TT_API tt_status tt_store_register(tt_store *s, const tt_model_version *v, int64_t *version);
/* Change stage and description, where they are not NULL. */
TT_API tt_status tt_store_describe(tt_store *s, const tt_model_version *v);
TT_API tt_status tt_store_unregister(tt_store *s, const char *model, int64_t version);
/* From now on the alias is this version. */
TT_API tt_status tt_store_alias(tt_store *s, const char *model, const char *alias, int64_t version);
/* Again what it was before; *version is that.  TT_ENOENT: nothing. */
TT_API tt_status tt_store_rollback(tt_store *s, const char *model, const char *alias,
                                   int64_t *version);
typedef tt_status tt_version_fn(void *ctx, const tt_model_version *v);
/* All versions of a model, in order; of all models where it is NULL. */
TT_API tt_status tt_store_versions(tt_store *s, const char *model, tt_version_fn *f, void *ctx);
/* One: "N@alias", "N/3", or "N", the newest; `models:` may stand in front. */
TT_API tt_status tt_store_version(tt_store *s, const char *word, tt_version_fn *f, void *ctx);

/* ---- a training as it goes on ---- */

typedef struct tt_recorder tt_recorder;
typedef struct tt_recorder_opts {
	uint32_t       size;           /* of this struct                                           */
	const char    *store;          /* URI                                                      */
	const char    *folder;         /* run folder                                               */
	const char    *parent;         /* folder of the run that it is part of (none)              */
	const char    *kind;           /* ("train")                                                */
	const tt_spec *spec;           /* parameters, resolved (none); read now                    */
	int64_t        resumed;        /* steps done before                                        */
	void         (*tell)(void *ctx, const char *text);   /* called once, by the thread of the
	                                * trainer, if the store does not take what is told (nothing) */
	void          *tell_ctx;
} tt_recorder_opts;
#define TT_RECORDER_OPTS(...) (&(tt_recorder_opts){ .size = sizeof(tt_recorder_opts), __VA_ARGS__ })

/* Starts the thread; the store is opened there, so that nobody waits for it.  While it cannot be
 * written it is tried again, numbers are kept as far as there is room, and the rest is taken
 * from the folder's metrics.csv at the end. */
TT_API tt_status tt_recorder_open(tt_recorder **out, const tt_recorder_opts *o);
/* The observer to give to tt_trainer_observe; the recorder outlives the trainer's last event. */
TT_API tt_status tt_recorder_observer(tt_recorder *r, tt_observer *out);
/* Write down how it ended, for a few seconds at most; then the thread is gone.  NULL is fine. */
TT_API void      tt_recorder_close(tt_recorder **r, tt_status end);

#ifdef __cplusplus
}
#endif
#endif
