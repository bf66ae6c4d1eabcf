#include "learn/predict/sample.h"

#include <math.h>
#include <stdlib.h>

static int greatest(const float *score, int n)
{
	int at = 0;

	for (int i = 1; i < n; i++)
		at = score[i] > score[at] ? i : at;
	return at;
}

void sample_softmax(const float *score, int n, float *p)
{
	const double most = score[greatest(score, n)];
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += exp(score[i] - most);
	for (int i = 0; i < n; i++)
		p[i] = (float)(exp(score[i] - most) / sum);
}

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->at - y->at;
}

/* How many of the greatest have the share top_p of those that are left. */
static int nucleus(const struct sample_opts *o, const struct ranked *r, int n)
{
	double sum = 0, share = 0;
	int i = 0;

	for (int k = 0; k < n; k++)
		sum += exp((r[k].score - r[0].score) / o->temperature);
	while (i < n && share < o->top_p * sum)
		share += exp((r[i++].score - r[0].score) / o->temperature);
	return i > 0 ? i : 1;
}

int sample_draw(const struct sample_opts *o, const float *score, int n, double u,
                struct ranked *room)
{
	int left = n, i;
	double sum = 0;

	if (o->temperature <= 0)
		return greatest(score, n);
	for (i = 0; i < n; i++)
		room[i] = (struct ranked){ score[i], i };
	qsort(room, (size_t)n, sizeof *room, by_score);
	if (o->top_k && o->top_k < left)
		left = o->top_k;
	if (o->top_p > 0 && o->top_p < 1)
		left = nucleus(o, room, left);
	for (i = 0; i < left; i++)
		sum += exp((room[i].score - room[0].score) / o->temperature);
	u *= sum;
	for (i = 0; i < left - 1; i++)
		if ((u -= exp((room[i].score - room[0].score) / o->temperature)) < 0)
			break;
	while (i > 0 && !isfinite(room[i].score))       /* u was at the very end */
		i--;
	return room[i].at;
}
