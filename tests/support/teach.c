#include "support/teach.h"

#include <string.h>

#include "learn/nn/model.h"
#include "support/support.h"

tt_model *teach_model(const char *text, const char *key, const char *value)
{
	tt_model *m;
	tt_spec *s;

	assert_ok(tt_spec_parse(&s, "learner.yaml", text));
	if (key)
		assert_ok(tt_spec_set(s, key, value));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

tt_model *teach_net(const char *key, const char *value)
{
	return teach_model("name: net\n" TEACH_NET TEACH_TRAIN, key, value);
}

tt_learner *teach_learner(tt_model *m)
{
	tt_learner *l;

	assert_ok(tt_learner_new(&l, m, NULL));
	return l;
}

void teach_same(const tt_model *a, const tt_model *b)
{
	assert_int_equal(a->param_count, b->param_count);
	assert_memory_equal(a->params, b->params, a->param_count * sizeof *a->params);
	assert_memory_equal(a->buffers, b->buffers, a->buffer_count * sizeof *a->buffers);
}

/* ---- batches from memory ---- */

float   teach_pictures[TEACH_SAMPLES * TEACH_PIXELS];
uint8_t teach_raw[TEACH_SAMPLES * TEACH_PIXELS];
int32_t teach_classes[TEACH_SAMPLES];

int teach_make(void **state)
{
	uint32_t noise = 1;

	(void)state;
	for (int i = 0; i < TEACH_SAMPLES; i++) {
		teach_classes[i] = i % TEACH_CLASSES;
		for (int k = 0; k < TEACH_PIXELS; k++) {
			noise = noise * 1664525 + 1013904223;
			teach_raw[i * TEACH_PIXELS + k] = (uint8_t)(noise >> 26);
			if (k / TEACH_SIDE < TEACH_SIDE / 2 && k % TEACH_SIDE / 3 == teach_classes[i])
				teach_raw[i * TEACH_PIXELS + k] = (uint8_t)(teach_raw[i * TEACH_PIXELS + k] + 150);
			teach_pictures[i * TEACH_PIXELS + k] = (float)teach_raw[i * TEACH_PIXELS + k] / 255.0f;
		}
	}
	return 0;
}

const tt_batch *teach_batch(struct teach_columns *c, const float *x, const int32_t *y, int64_t n)
{
	c->x = (tt_column){ .size = sizeof c->x, .name = "picture", .type = TT_F32, .ndim = 3,
	                    .shape = { 1, TEACH_SIDE, TEACH_SIDE }, .data = x };
	c->y = (tt_column){ .size = sizeof c->y, .name = "label", .type = TT_I32, .data = y };
	c->at[0] = &c->x;
	c->at[1] = &c->y;
	c->batch = (tt_batch){ .size = sizeof c->batch, .columns = 2, .column = c->at, .n = n };
	return &c->batch;
}

const tt_batch *teach_some(struct teach_columns *c, int64_t first, int64_t n)
{
	return teach_batch(c, teach_pictures + first * TEACH_PIXELS, teach_classes + first, n);
}

void teach_steps(tt_learner *l, int from, int to)
{
	struct teach_columns c;

	for (int i = from; i < to; i++)
		assert_ok(tt_learner_step(l, teach_some(&c, i % 3 * 16, 16), NULL, NULL));
}
