/* engine.h -- what compiles and runs nets: devices, kernel choices, compute threads.
 *
 *   engine --> programs (one net, one purpose) --> program (one batch size)
 *
 * Devices and measured choices are shared by all programs of a trainer or predictor; programs are
 * compiled when a batch size first comes.  Single-threaded. */
#ifndef PREDICT_ENGINE_H
#define PREDICT_ENGINE_H

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

/* All borrowed until programs_free.  grads: NULL unless training. */
struct programs_opts {
	struct engine         *engine;
	const struct tt_model *model;
	enum nn_purpose        purpose;
	float                 *grads;
	const struct nn_group *group;     /* NN_TRAIN among others; NULL: alone               */
};

struct programs;
tt_status programs_new(struct programs **out, const struct programs_opts *o);
void      programs_free(struct programs **p);             /* NULL is fine */
/* The program for this batch size: compiled at the first call, then the same again. */
tt_status programs_get(struct programs *p, int64_t batch, struct program **out);
/* The model's parameters or buffers have changed since the last run. */
void      programs_refresh(struct programs *p);

#endif
