/* program_cache.h -- the programs of one net for one purpose, by batch size.
 *
 *   engine --> cache (one net, one purpose) --> program (one batch size)
 *                 \--> another cache that shares its programs: what another thread runs
 *
 * Programs are compiled when a batch size first comes.  A cache serves one thread at a time; those
 * that share may be used side by side. */
#ifndef PREDICT_PROGRAM_CACHE_H
#define PREDICT_PROGRAM_CACHE_H

#include "learn/nn/model.h"
#include "learn/predict/engine.h"
#include "learn/predict/program_set.h"

struct constants;
struct program_cache;

/* All borrowed until program_cache_free.  grads: NULL unless training. */
struct program_cache_opts {
	struct engine         *engine;
	const struct tt_model *model;
	enum nn_purpose        purpose;
	float                 *grads;
	const struct nn_group *group;     /* NN_TRAIN among others; NULL: alone               */
	int                    carry;     /* enum no/yes: states come and go (carry.h)        */
	struct constants      *constants; /* of this model, for several purposes; NULL: own   */
};

tt_status program_cache_new(struct program_cache **out, const struct program_cache_opts *o);
/* A cache that shares all but activations with `of`, and is freed before it. */
tt_status program_cache_share(struct program_cache **out, const struct program_cache *of);
void      program_cache_free(struct program_cache **p);             /* NULL is fine */
const struct tt_model *program_cache_model(const struct program_cache *p);
/* The program for these sizes: compiled at the first call, then the same again. */
tt_status program_cache_get(struct program_cache *p, struct sizes z, struct program **out);
int       program_cache_count(const struct program_cache *p);       /* of programs made so far */
/* The model's parameters or buffers have changed since the last run; nobody is running. */
void      program_cache_refresh(struct program_cache *p);

#endif
