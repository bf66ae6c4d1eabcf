#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/curves.h"

static void series_of_any_length_stays_in_its_room_and_keeps_its_mean(void **state)
{
	struct series *s = mem_calloc(1, sizeof *s);
	double sum = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		series_add(s, i, 5 + sin(i));
	assert_in_range(s->n, SERIES_ROOM / 2, SERIES_ROOM);
	for (int i = 0; i < s->n; i++) {
		sum += s->p[i].y;
		assert_true(i == 0 || s->p[i].x > s->p[i - 1].x);
	}
	assert_near(sum / s->n, 5, 0.01);
	assert_true(s->p[0].x < 200 && s->p[s->n - 1].x > 99000);
	mem_free(s);
}

static void series_leaves_out_what_is_not_finite(void **state)
{
	struct series *s = mem_calloc(1, sizeof *s);

	(void)state;
	series_add(s, 1, NAN);
	series_add(s, 2, INFINITY);
	series_add(s, 3, 4);
	assert_int_equal(s->n, 1);
	assert_true(s->p[0].x == 3 && s->p[0].y == 4);
	mem_free(s);
}

static struct str draw(const struct series *a, const struct series *b, const char *title)
{
	const struct panel p = { .title = "loss", .name = { "training", "validation" },
	                         .line = { a, b } };
	struct str s = {0};

	curves_draw(&(struct picture){ title, "epochs", &p, 1 }, &s);
	assert_ok(str_status(&s));
	return s;
}

/* Every coordinate of a polyline, x and y in turn, lies inside the picture. */
static void check_points(const char *svg)
{
	for (const char *at = svg; (at = strstr(at, "points=\""));) {
		at += strlen("points=\"");
		while (*at != '"') {
			char *end;
			double v = strtod(at, &end);

			assert_true(end > at && v >= 0 && v <= 440);
			at = end + strspn(end, " ,");
		}
	}
}

static void curves_lie_inside_the_picture(void **state)
{
	static struct series a, b;
	struct str s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		series_add(&a, i / 100.0, 2.3 * exp(-i / 300.0) + 1e-4);
	series_add(&b, 10, 0.2);
	s = draw(&a, &b, "a");
	check_points(s.p);
	assert_contains(s.p, "prefers-color-scheme:dark");
	assert_contains(s.p, "validation 0.2");
	assert_memory_equal(s.p + s.len - 7, "</svg>\n", 7);
	str_release(&s);
}

static void curves_without_points_are_a_picture_still(void **state)
{
	static struct series none, one, flat;
	struct str s;

	(void)state;
	s = draw(&none, &none, "");
	assert_null(strstr(s.p, "nan"));
	str_release(&s);
	series_add(&one, 0, 1);
	for (int i = 0; i < 9; i++)
		series_add(&flat, i, -3e-7);
	s = draw(&one, &flat, "");
	assert_null(strstr(s.p, "nan"));
	check_points(s.p);
	str_release(&s);
}

static void curves_escape_names(void **state)
{
	static struct series a;
	struct str s = draw(&a, &a, "<net> & \x01more");

	(void)state;
	assert_contains(s.p, ">&lt;net&gt; &amp; more<");
	str_release(&s);
}

/* Entries of a legend begin with a dot of radius 4; their text has 12 pixels and ends before the
 * panel does.  Whatever there are of them, none lies on another or on the plot. */
static void legends_stay_inside(void **state)
{
	static const char *const names[][CURVES_MAX_LINES] = {
		{ "allreduce", "average", "easgd", "eamsgd" }, { "hogwild", "ensemble", "allreduce" },
		{ "a strategy with a name that is long", "and another that is longer still" },
	};
	struct series *s = mem_calloc(1, sizeof *s);

	(void)state;
	series_add(s, 0, 0.1);
	series_add(s, 1, 0.98765);
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		struct panel p[2] = { { .title = "accuracy", .unit = CURVE_PERCENT } };
		double cx, cy, end = 0, row = 0;
		struct str out = {0};
		int entries = 0, want = 0;

		for (; want < CURVES_MAX_LINES && names[k][want]; want++) {
			p[0].name[want] = names[k][want];
			p[0].line[want] = s;
		}
		p[1] = p[0];
		curves_draw(&(struct picture){ "t", "x", p, 2 }, &out);
		for (const char *at = out.p; (at = strstr(at, "<circle r=\"4\"")); at++) {
			const char *text = strchr(strstr(at, "<text"), '>') + 1;
			const double width = 7.0 * (double)strcspn(text, "<");
			const double right = entries < want ? 440 - 18 : 880 - 18;

			assert_int_equal(sscanf(at, "<circle r=\"4\" cx=\"%lf\" cy=\"%lf", &cx, &cy), 2);
			assert_true(cx + 9 + width <= right + 0.1);
			assert_true(cy > row || cx > end || entries == want);
			end = cx + 9 + width;
			row = cy;
			entries++;
		}
		assert_int_equal(entries, 2 * want);
		/* The first line of the grid of the topmost tick, and all others, lie below. */
		for (const char *at = out.p; (at = strstr(at, "<line ")); at++) {
			double y1 = 0;

			if (sscanf(strstr(at, "y1="), "y1=\"%lf", &y1) == 1)
				assert_true(y1 > row + 4);
		}
		str_release(&out);
	}
	mem_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_of_any_length_stays_in_its_room_and_keeps_its_mean),
		cmocka_unit_test(series_leaves_out_what_is_not_finite),
		cmocka_unit_test(curves_lie_inside_the_picture),
		cmocka_unit_test(curves_without_points_are_a_picture_still),
		cmocka_unit_test(curves_escape_names),
		cmocka_unit_test(legends_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
