/* sample.h -- draw one of many by their scores. */
#ifndef PREDICT_SAMPLE_H
#define PREDICT_SAMPLE_H

#include <stdint.h>

struct sample_opts {
	double temperature;                /* 0: the greatest score                           */
	int    top_k;                      /* 0: any                                          */
	double top_p;                      /* 0 or 1: any                                     */
};

struct ranked { float score; int32_t at; };

/* p[i] = softmax(score); -INFINITY has none. */
void sample_softmax(const float *score, int n, float *p);
/* A number below n; u: of [0, 1), by which it is drawn.  room: [n].  Of equal scores the first
 * is the greater. */
int  sample_draw(const struct sample_opts *o, const float *score, int n, double u,
                 struct ranked *room);

#endif
