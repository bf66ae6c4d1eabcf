#include "optim/ema.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"

/* A range smaller than this is not worth waking a second thread for. */
#define GRAIN 32768

tt_status ema_init(struct ema *e, size_t count, double decay)
{
	*e = (struct ema){ .count = count, .decay = decay };
	if (decay <= 0)
		return TT_OK;
	if (!(e->v = mem_alloc_aligned(count * sizeof *e->v)))
		return TT_ENOMEM;
	memset(e->v, 0, count * sizeof *e->v);
	return TT_OK;
}

void ema_release(struct ema *e)
{
	mem_free(e->v);
	*e = (struct ema){ 0 };
}

void ema_begin(struct ema *e, int64_t t)
{
	e->first = t == 1;
}

/* The same range of both, and how much of the way the average goes. */
struct job { float *v; const float *p; float part; };

static void approach(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	float *restrict v = j->v;
	const float *restrict p = j->p;
	const float part = j->part;

	for (int64_t i = lo; i < hi; i++)
		v[i] += part * (p[i] - v[i]);
}

/* From the other end, as torch.lerp does it where that is nearer. */
static void recede(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	float *restrict v = j->v;
	const float *restrict p = j->p;
	const float rest = 1 - j->part;

	for (int64_t i = lo; i < hi; i++)
		v[i] = p[i] - rest * (p[i] - v[i]);
}

void ema_take(const struct ema *e, const float *params, size_t lo, size_t hi, int64_t steps)
{
	const double part = steps == 1 ? 1 - e->decay : 1 - pow(e->decay, (double)steps);
	struct job j = { e->v + lo, params + lo, (float)part };

	if (e->first)
		memcpy(j.v, j.p, (hi - lo) * sizeof *j.v);
	else
		thread_for((int64_t)(hi - lo), GRAIN, part < 0.5 ? approach : recede, &j);
}

void ema_swap(const struct ema *e, float *params)
{
	for (size_t i = 0; i < e->count; i++) {
		const float x = params[i];

		params[i] = e->v[i];
		e->v[i] = x;
	}
}
