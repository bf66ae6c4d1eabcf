/* winograd_job.h -- how the work of a Winograd convolution is cut: for the kernels of this folder.
 *
 * Tiles are numbered through all images; a strip is a few in a row, so that its V and M (36 x
 * tiles x channels) stay in the cache; a part is the strips of one thread. */
#ifndef CPU_WINOGRAD_JOB_H
#define CPU_WINOGRAD_JOB_H

#include "compute/exec/cpu/winograd.h"

struct wino_job;
/* Tiles from .. from+count: V and M (or Z) lie at v and m; du is the part's own sum, or NULL. */
typedef void wino_strip(const struct wino_job *j, int64_t from, int64_t count, void *v, void *m,
                        float *du);

struct wino_job {
	int64_t     n, c, k, h, w, oh, ow;      /* input and output planes                      */
	int64_t     ty, tx, tiles;              /* tiles down, across, in all images            */
	int64_t     strip, share;               /* tiles in a strip, strips per thread          */
	int64_t     u_step, v_step, m_step;     /* numbers from one of the 36 points to the next */
	int         pad, relu;
	const void *x, *dy, *u;                 /* images, gradient of the output, filters      */
	const float *bias;
	void       *y;
	float      *du, *scratch;               /* du: [threads][36][C][K]                      */
	size_t      per_thread;                 /* floats of V and M                            */
	wino_strip *run;
};

struct wino_job wino_job(const struct winograd *g);        /* forward                        */
struct wino_job wino_job_dw(const struct winograd *g);     /* the gradient by w              */
struct wino_job wino_job_dx(const struct winograd *g);     /* the convolution that gives dx  */
size_t wino_filter_floats(const struct winograd *g);

void wino_run(struct wino_job *j);                         /* all parts, on all threads      */
/* du of all parts -> plain dw[K][C][3][3]. */
void wino_collect(struct wino_job *j, float *dw);

#endif
