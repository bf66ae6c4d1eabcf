#include "base/series.h"

#include <math.h>

static void halve(struct series *s)
{
	for (int i = 0; i < SERIES_ROOM / 2; i++) {
		s->p[i].x = 0.5 * (s->p[2 * i].x + s->p[2 * i + 1].x);
		s->p[i].y = 0.5 * (s->p[2 * i].y + s->p[2 * i + 1].y);
	}
	s->n = SERIES_ROOM / 2;
	s->every *= 2;
}

void series_add(struct series *s, double x, double y)
{
	if (!isfinite(y))
		return;
	if (s->every < 1)
		s->every = 1;
	s->sum_x += x;
	s->sum_y += y;
	if (++s->pending < s->every)
		return;
	if (s->n == SERIES_ROOM)
		halve(s);               /* every doubles: this point has waited half as long, no harm */
	s->p[s->n].x = s->sum_x / s->pending;
	s->p[s->n].y = s->sum_y / s->pending;
	s->n++;
	s->pending = 0;
	s->sum_x = s->sum_y = 0;
}
