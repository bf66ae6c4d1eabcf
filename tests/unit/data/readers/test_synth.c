#include "support/support.h"

#include <math.h>
#include <string.h>

#include <tutti/data.h>

#include "data/readers/shapes.h"

#define PIXELS (3 * 32 * 32)

static tt_source *open_synth(const char *settings)
{
	char uri[200];
	tt_source *s;

	snprintf(uri, sizeof uri, "synth:objects?%s", settings);
	assert_ok(tt_source_open(&s, uri));
	return s;
}

static void read_one(const char *settings, int64_t i, uint8_t *x, int32_t *label)
{
	tt_source *s = open_synth(settings);

	assert_ok(tt_source_read(s, i, x, label, NULL));
	tt_source_close(&s);
}

static void a_sample_is_a_function_of_its_number(void **state)
{
	uint8_t a[PIXELS], b[PIXELS];
	int32_t label;

	(void)state;
	read_one("count=100", 17, a, &label);
	assert_int_equal(label, 7);
	read_one("count=1000000", 17, b, &label);
	assert_memory_equal(a, b, sizeof a);
	read_one("count=100&seed=2", 17, b, &label);
	assert_memory_not_equal(a, b, sizeof a);
	read_one("count=100&split=test", 17, b, &label);
	assert_memory_not_equal(a, b, sizeof a);
	read_one("count=100", 27, b, &label);
	assert_int_equal(label, 7);
	assert_memory_not_equal(a, b, sizeof a);
}

static void settings_give_the_shape(void **state)
{
	static uint8_t x[3 * 64 * 64];
	tt_source *s = open_synth("size=8&classes=3&gray=yes&count=5");
	const tt_source_info *info = tt_source_describe(s);
	int32_t label;

	(void)state;
	assert_int_equal(info->count, 5);
	assert_int_equal(info->shape[0], 1);
	assert_int_equal(info->shape[2], 8);
	assert_int_equal(info->classes, 3);
	assert_ok(tt_source_read(s, 4, x, &label, NULL));
	assert_int_equal(label, 1);
	tt_source_close(&s);
	s = open_synth("size=64");
	assert_ok(tt_source_read(s, 4, x, NULL, NULL));
	tt_source_close(&s);
}

/* Exported folders are numbered by sorted name: labels must come out the same. */
static void names_are_sorted(void **state)
{
	tt_source *s = open_synth("count=1");
	const tt_source_info *info = tt_source_describe(s);

	(void)state;
	for (int i = 1; i < info->classes; i++)
		assert_true(strcmp(info->class_names[i - 1], info->class_names[i]) < 0);
	tt_source_close(&s);
}

/* Brightness must not give the class away: the means of the classes differ by less
 * than a third of what single pictures differ by. */
static void brightness_tells_nothing(void **state)
{
	tt_source *s = open_synth("count=4000");
	double mean[10] = {0}, all = 0, spread = 0;
	uint8_t x[PIXELS];
	int32_t label;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		double sum = 0;

		assert_ok(tt_source_read(s, i, x, &label, NULL));
		for (int k = 0; k < PIXELS; k++)
			sum += x[k];
		mean[label] += sum / PIXELS / 400;
		all += sum / PIXELS / 4000;
		spread += sum / PIXELS * (sum / PIXELS) / 4000;
	}
	spread = sqrt(spread - all * all);
	for (int c = 0; c < 10; c++)
		assert_true(fabs(mean[c] - all) < spread / 3);
	tt_source_close(&s);
}

/* A distance is right if it is 0 on the edge, grows outward, and lies within the unit
 * circle: just outside of it every figure is left, and each has an inside. */
static void figures_lie_within_the_unit_circle(void **state)
{
	float u[64], v[64], d[64], inside;

	(void)state;
	for (int s = 0; s < SHAPES; s++) {
		for (int i = 0; i < 64; i++) {
			u[i] = 1.01f * cosf((float)i * 0.0982f);
			v[i] = 1.01f * sinf((float)i * 0.0982f);
		}
		shapes[s].distance(u, v, 64, d);
		for (int i = 0; i < 64; i++)
			assert_true(d[i] > 0);
		inside = 1;
		for (int y = 0; y < 64; y++) {
			for (int x = 0; x < 64; x++) {
				u[x] = ((float)x - 31.5f) / 32;
				v[x] = ((float)y - 31.5f) / 32;
			}
			shapes[s].distance(u, v, 64, d);
			for (int x = 0; x < 64; x++)
				inside = d[x] < inside ? d[x] : inside;
			for (int x = 1; x < 64; x++)                    /* no jumps */
				assert_true(fabsf(d[x] - d[x - 1]) < 2.0f / 32);
		}
		assert_true(inside < -0.1f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_a_function_of_its_number),
		cmocka_unit_test(settings_give_the_shape),
		cmocka_unit_test(names_are_sorted),
		cmocka_unit_test(brightness_tells_nothing),
		cmocka_unit_test(figures_lie_within_the_unit_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
