/* engine.h -- what compiles nets: devices, measured choices, compute threads.
 *
 * Shared by all programs of a trainer or session.  The lock guards devices and choices while
 * somebody compiles; the rest never changes. */
#ifndef PREDICT_ENGINE_H
#define PREDICT_ENGINE_H

#include "compute/exec/device.h"
#include "compute/exec/program.h"
#include "sys/lock.h"

struct kernel_cache;

struct engine_opts {
	int            threads;       /* 0: all that the policy allows                  */
	enum precision precision;
	int            tune;          /* measure kernels; else the devices' own choice  */
	const char    *cache;         /* file of measured choices; NULL: in memory only */
};

struct engine {
	struct device_list   devices;
	struct kernel_cache *cache;   /* NULL: no measuring   */
	enum precision       precision;
	int                  threads;
	struct lock          lock;
	int                (*stop)(void *ctx);    /* as of program_opts; may change */
	void                *stop_ctx;
};

tt_status engine_open(struct engine **out, const struct engine_opts *o);
void      engine_close(struct engine **e);                /* NULL is fine */
/* The calling thread is about to compute: give it the engine's number of threads. */
void      engine_enter(const struct engine *e);

#endif
