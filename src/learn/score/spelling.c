#include "learn/score/spelling.h"

/* Of equal scores the first; one that is no number is never the largest. */
static int likeliest(const float *z, int width)
{
	int best = 0;

	for (int j = 1; j < width; j++)
		if (z[j] > z[best] || z[best] != z[best])
			best = j;
	return best;
}

int64_t spelling_read(const float *scores, int64_t places, int width, int blank, int32_t *out)
{
	int before = blank;
	int64_t n = 0;

	for (int64_t t = 0; t < places; t++) {
		const int is = likeliest(scores + t * width, width);

		if (is != blank && is != before)
			out[n++] = is;
		before = is;
	}
	return n;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* room[k]: the distance of the first labels of a from the first k of b. */
int64_t spelling_distance(struct spelt a, struct spelt b, int64_t *room)
{
	for (int64_t k = 0; k <= b.n; k++)
		room[k] = k;
	for (int64_t i = 0; i < a.n; i++) {
		int64_t aslant = room[0];

		room[0] = i + 1;
		for (int64_t k = 0; k < b.n; k++) {
			const int64_t exchange = aslant + (a.v[i] != b.v[k]);

			aslant = room[k + 1];
			room[k + 1] = least(exchange, least(aslant, room[k]) + 1);
		}
	}
	return room[b.n];
}
