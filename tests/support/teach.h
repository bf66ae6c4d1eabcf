/* teach.h -- a small net of pictures for learners, and batches of them in memory. */
#ifndef TESTS_TEACH_H
#define TESTS_TEACH_H

#include <tutti/learner.h>

#define TEACH_DATA \
	"data:\n" \
	"  train: synth:objects?size=8&count=50&classes=3&gray=yes\n" \
	"  mean: 0.5\n" \
	"  std: 0.25\n" \
	"  augment: {crop: 1, flip: yes}\n"
#define TEACH_NET \
	"model:\n" \
	"  input: [1, 8, 8]\n" \
	"  layers:\n" \
	"    - conv2d: {out: 4, kernel: 3, padding: 1, bias: no}\n" \
	"    - batchnorm: {activation: relu}\n" \
	"    - maxpool: {kernel: 2}\n" \
	"    - flatten\n" \
	"    - dropout: {p: 0.3}\n" \
	"    - dense: {out: 3}\n"
#define TEACH_TRAIN \
	"train:\n" \
	"  epochs: 2\n" \
	"  batch: 16\n" \
	"  threads: 1\n" \
	"  tune_kernels: no\n" \
	"  tensorboard: {every_steps: 0}\n"
#define TEACH_SIDE 8
#define TEACH_PIXELS (TEACH_SIDE * TEACH_SIDE)
#define TEACH_CLASSES 3
#define TEACH_SAMPLES 48

/* The model of a spec, key set to value, if that is not NULL. */
tt_model   *teach_model(const char *text, const char *key, const char *value);
/* That of TEACH_NET, without a word of data. */
tt_model   *teach_net(const char *key, const char *value);
tt_learner *teach_learner(tt_model *m);
void        teach_same(const tt_model *a, const tt_model *b);       /* to the bit */

/* Bright in one corner by class, and noise; a setup of cmocka makes them. */
extern float   teach_pictures[TEACH_SAMPLES * TEACH_PIXELS];
extern uint8_t teach_raw[TEACH_SAMPLES * TEACH_PIXELS];
extern int32_t teach_classes[TEACH_SAMPLES];
int            teach_make(void **state);

struct teach_columns { tt_column x, y; const tt_column *at[2]; tt_batch batch; };
const tt_batch *teach_batch(struct teach_columns *c, const float *x, const int32_t *y, int64_t n);
const tt_batch *teach_some(struct teach_columns *c, int64_t first, int64_t n);
/* Steps on batches of 16, three in turn. */
void            teach_steps(tt_learner *l, int from, int to);

#endif
