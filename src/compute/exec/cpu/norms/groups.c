#include "compute/exec/cpu/norms/groups.h"

#include <math.h>

#include "base/simd.h"
#include "compute/exec/cpu/sync_batchnorm.h"
#include "sys/thread.h"

#define LANES 16

/* The channels of all images, as one image's. */
static struct sync_batchnorm channels_of(const struct groups *s)
{
	return (struct sync_batchnorm){ .n = 1, .c = s->n * s->c, .points = s->points,
	                                .block = s->block };
}

/* ---- y = scale * z + slope * (x - mean) + shift, channel by channel ---- */

/* z NULL: without it.  The vectors are [n][c]. */
struct line { const float *x, *z, *mean, *scale, *slope, *shift; float *y; };

/* A channel's four numbers in all lanes, or those of 16 channels in one each. */
struct lanes { float mean[LANES], scale[LANES], slope[LANES], shift[LANES]; };

INLINE void lanes_load(struct lanes *v, const struct line *a, int64_t c, int block)
{
	for (int l = 0; l < LANES; l++) {
		const int64_t at = c * block + (block > 1 ? l : 0);

		v->mean[l] = a->mean[at];
		v->slope[l] = a->slope[at];
		v->shift[l] = a->shift[at];
		v->scale[l] = a->z ? a->scale[at] : 0;
	}
}

/* n numbers from `at` on; in blocks n is a multiple of 16. */
SIMD static void line_run(const struct line *a, const struct lanes *v, int64_t at, int64_t n)
{
	const float *x = a->x + at, *z = a->z ? a->z + at : NULL;
	float *y = a->y + at;
	int64_t i = 0;

	for (; !z && i + LANES <= n; i += LANES) {
		IN_PLACE
		for (int l = 0; l < LANES; l++)
			y[i + l] = (x[i + l] - v->mean[l]) * v->slope[l] + v->shift[l];
	}
	for (; z && i + LANES <= n; i += LANES) {
		IN_PLACE
		for (int l = 0; l < LANES; l++)
			y[i + l] = z[i + l] * v->scale[l] + (x[i + l] - v->mean[l]) * v->slope[l] + v->shift[l];
	}
	for (; i < n; i++)
		y[i] = (z ? z[i] * v->scale[0] : 0) + (x[i] - v->mean[0]) * v->slope[0] + v->shift[0];
}

struct line_job { const struct groups *s; const struct line *a; };

static void line_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct line_job *j = ctx;
	const int64_t n = j->s->points * j->s->block;
	struct lanes v;

	for (int64_t c = lo; c < hi; c++) {
		lanes_load(&v, j->a, c, j->s->block);
		line_run(j->a, &v, c * n, n);
	}
}

static void line(const struct groups *s, const struct line *a)
{
	struct line_job j = { s, a };

	thread_for(s->n * s->c / s->block, 8, line_some, &j);
}

/* ---- forward ---- */

struct moments { double mean, rstd; };

/* Of the channels lo..hi, which have equally many numbers. */
static struct moments join(const struct groups *s, const float *mean, const float *squares,
                           int64_t lo, int64_t hi)
{
	struct moments m = { 0, 0 };
	double all = 0;

	for (int64_t c = lo; c < hi; c++)
		m.mean += mean[c];
	m.mean /= (double)(hi - lo);
	for (int64_t c = lo; c < hi; c++)
		all += squares[c] + (double)s->points * (mean[c] - m.mean) * (mean[c] - m.mean);
	m.rstd = 1 / sqrt(all / (double)((hi - lo) * s->points) + s->eps);
	return m;
}

void groups_norm(const struct groups *s, const struct groups_norm *a)
{
	const struct sync_batchnorm channels = channels_of(s);
	const int64_t per = s->c / s->groups;
	float *mean = a->work, *slope = mean + channels.c, *shift = slope + channels.c;

	sync_batchnorm_moments(&channels, a->x, mean, slope);
	for (int64_t g = 0; g < s->n * s->groups; g++) {
		const struct moments m = join(s, mean, slope, g * per, (g + 1) * per);

		for (int64_t c = g * per; c < (g + 1) * per; c++) {
			mean[c] = (float)m.mean;
			slope[c] = (float)(m.rstd * a->gamma[c % s->c]);
			shift[c] = a->beta[c % s->c];
		}
		if (a->mean)
			a->mean[g] = (float)m.mean;
		if (a->rstd)
			a->rstd[g] = (float)m.rstd;
	}
	line(s, &(struct line){ .x = a->x, .mean = mean, .slope = slope, .shift = shift, .y = a->y });
}

/* ---- gradients ---- */

/* The sums of a channel over all images. */
static void add_images(const struct groups *s, const float *per_image, float *sum)
{
	for (int64_t c = 0; c < s->c; c++) {
		double all = 0;

		for (int64_t i = 0; i < s->n; i++)
			all += per_image[i * s->c + c];
		sum[c] = (float)all;
	}
}

/* dx = rstd (gamma dy - mean(gamma dy) - xhat mean(gamma dy xhat)): the numbers of its line, from
 * dgamma and dbeta of the channels, which lie where slope and shift are wanted. */
static void lines_of(const struct groups *s, const struct groups_norm_dx *a, struct line *v,
                     float *work)
{
	const int64_t per = s->c / s->groups, all = s->n * s->c;
	float *scale = work, *slope = work + all, *shift = work + 2 * all;

	for (int64_t g = 0; g < s->n * s->groups; g++) {
		const double count = (double)(per * s->points), rstd = a->rstd[g];
		double sum = 0, dot = 0;

		for (int64_t c = g * per; c < (g + 1) * per; c++) {
			dot += (double)a->gamma[c % s->c] * slope[c];
			sum += (double)a->gamma[c % s->c] * shift[c];
		}
		for (int64_t c = g * per; c < (g + 1) * per; c++) {
			scale[c] = (float)(rstd * a->gamma[c % s->c]);
			slope[c] = (float)(-rstd * rstd * dot / count);
			shift[c] = (float)(-rstd * sum / count);
		}
	}
	v->scale = scale;
	v->slope = slope;
	v->shift = shift;
}

void groups_norm_dx(const struct groups *s, const struct groups_norm_dx *a)
{
	const struct sync_batchnorm channels = channels_of(s);
	const int64_t per = s->c / s->groups, all = channels.c;
	float *mean = a->work, *rstd = mean + all, *work = rstd + all;
	struct line v = { .x = a->x, .z = a->dy, .mean = mean, .y = a->dx };

	for (int64_t c = 0; c < all; c++) {
		mean[c] = a->mean[c / per];
		rstd[c] = a->rstd[c / per];
	}
	sync_batchnorm_sums(&channels, &(struct norm_sums){ .x = a->x, .dy = a->dy, .mean = mean,
		.rstd = rstd, .dgamma = work + all, .dbeta = work + 2 * all });
	if (a->dgamma)
		add_images(s, work + all, a->dgamma);
	if (a->dbeta)
		add_images(s, work + 2 * all, a->dbeta);
	if (!a->dx)
		return;
	lines_of(s, a, &v, work);
	line(s, &v);
}
