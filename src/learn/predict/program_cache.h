/* program_cache.h -- what compiles and runs nets: devices, kernel choices, compute threads.
 *
 *   engine --> programs (one net, one purpose) --> program (one batch size)
 *
 * Devices and measured choices are shared by all programs of a trainer or predictor; programs are
 * compiled when a batch size first comes.  Single-threaded. */
#ifndef PREDICT_PROGRAM_CACHE_H
#define PREDICT_PROGRAM_CACHE_H

#include "compute/exec/device.h"
#include "learn/nn/model.h"

struct kernel_cache;

struct engine_opts {
	int            threads;       /* 0: all cores                                   */
	enum precision precision;
	int            tune;          /* measure kernels; else the devices' own choice  */
	const char    *cache;         /* file of measured choices; NULL: in memory only */
};

struct engine {
	struct device_list   devices;
	struct kernel_cache *cache;   /* NULL: no measuring   */
	enum precision       precision;
	int                  threads;
	int                (*stop)(void *ctx);    /* as of program_opts; may change */
	void                *stop_ctx;
};

tt_status engine_open(struct engine **out, const struct engine_opts *o);
void      engine_close(struct engine **e);                /* NULL is fine */
/* The calling thread is about to compute: give it the engine's number of threads. */
void      engine_enter(const struct engine *e);

/* All borrowed until program_cache_free.  grads: NULL unless training. */
struct program_cache_opts {
	struct engine         *engine;
	const struct tt_model *model;
	enum nn_purpose        purpose;
	float                 *grads;
	const struct nn_group *group;     /* NN_TRAIN among others; NULL: alone               */
};

struct program_cache;
tt_status program_cache_new(struct program_cache **out, const struct program_cache_opts *o);
void      program_cache_free(struct program_cache **p);             /* NULL is fine */
/* The program for this batch size: compiled at the first call, then the same again. */
tt_status program_cache_get(struct program_cache *p, int64_t batch, struct program **out);
/* The model's parameters or buffers have changed since the last run. */
void      program_cache_refresh(struct program_cache *p);

#endif
