/* All metrics against scikit-learn's (tests/golden/metrics.json), by one worker and by three. */
#include "support/support.h"
#include "support/ranks.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "distribute/coll/coll.h"
#include "learn/score/scores.h"

#define MOST 256

struct golden {
	const char         *name;
	struct scores_what  what;
	int                 n;
	float               scores[MOST], values[MOST], weight[MOST];
	int32_t             label[MOST];
	int                 weighted;
	const struct node  *want;
};

static const struct kind {
	const char *name;
	enum scores_kind kind;
	enum loss_answers answers;
} kinds[] = {
	{ "classes", SCORES_CLASSES, ANSWERS_SOFTMAX }, { "yes_no", SCORES_YES_NO, ANSWERS_SIGMOID },
	{ "labels", SCORES_LABELS, ANSWERS_SIGMOID }, { "values", SCORES_VALUES, ANSWERS_VALUES },
	{ "shares", SCORES_LABELS, ANSWERS_SIGMOID },
};

static int read_numbers(const struct node *list, float *out)
{
	int n = 0;

	for (const struct node *c = list->child; c; c = c->next) {
		double v;

		assert_true(n < MOST);
		assert_ok(node_double(c, &v));
		out[n++] = (float)v;
	}
	return n;
}

static const struct kind *kind_of(const struct node *n)
{
	const char *name;

	assert_ok(node_text(node_get(n, "kind"), &name));
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fail_msg("no kind %s", name);
	return NULL;
}

static void read_case(const struct node *n, struct golden *g)
{
	const struct kind *k = kind_of(n);
	int64_t width;

	memset(g, 0, sizeof *g);
	assert_ok(node_text(node_get(n, "name"), &g->name));
	assert_ok(node_int(node_get(n, "width"), 1, 16, &width));
	g->n = read_numbers(node_get(n, "scores"), g->scores) / (int)width;
	read_numbers(node_get(n, "truth"), g->values);
	for (int i = 0; i < g->n; i++)
		g->label[i] = (int32_t)g->values[i];
	g->weighted = !node_absent(node_get(n, "weight"));
	if (g->weighted)
		read_numbers(node_get(n, "weight"), g->weight);
	g->want = node_get(n, "want");
	g->what = (struct scores_what){ .kind = k->kind, .answers = k->answers, .width = (int)width,
		.classes = k->kind == SCORES_CLASSES ? (int)width : k->kind == SCORES_YES_NO ? 2 : 0,
		.k = 2, .samples = g->n };
	g->what.rows = scores_all(&g->what);
}

/* Samples first, first + step, ... one by one. */
static tt_status add_part(struct scores *s, const struct golden *g, int first, int step)
{
	const int width = g->what.width;
	tt_status st = TT_OK;

	for (int i = first; i < g->n && st == TT_OK; i += step)
		st = scores_add(s, &(struct metrics_batch){
			.logits = g->scores + i * width, .width = width, .n = 1,
			.label = g->what.classes ? g->label + i : NULL,
			.weight = g->weighted ? g->weight + i : NULL,
			.values = g->what.classes ? NULL : g->values + i * width });
	return st;
}

static int all_near(const struct scores *s, const struct golden *g)
{
	int good = 1;

	for (const struct node *c = g->want->child; c; c = c->next) {
		const int row = scores_find(c->key, g->what.k);
		double want, got = row >= 0 ? score_rows[row].value(s) : NAN;

		if (node_double(c, &want) == TT_OK && fabs(got - want) <= 2e-7 * fmax(1, fabs(want)))
			continue;
		fprintf(stderr, "%s: %s is %.12g, scikit-learn says %s\n", g->name, c->key, got, c->text);
		good = 0;
	}
	return good;
}

static void each_case(void (*f)(const struct golden *g))
{
	struct arena a = {0};
	struct golden g;
	struct node *root;
	char *text;
	size_t size;

	assert_ok(file_read_all(test_source("tests/golden/metrics.json"), 0, &text, &size));
	assert_ok(node_parse_json(&a, "metrics.json", text, size, &root));
	assert_true(node_count(root) >= 12);
	for (const struct node *n = root->child; n; n = n->next) {
		read_case(n, &g);
		f(&g);
	}
	arena_release(&a);
	mem_free(text);
}

static void alone(const struct golden *g)
{
	struct scores s = { 0 };

	assert_ok(scores_init(&s, &g->what));
	for (int again = 0; again < 2; again++) {       /* a second pass begins from nothing */
		scores_clear(&s);
		assert_ok(add_part(&s, g, 0, 1));
		assert_ok(scores_finish(&s, NULL));
		assert_true(all_near(&s, g));
	}
	scores_release(&s);
}

static void all_numbers_are_those_of_scikit_learn(void **state)
{
	(void)state;
	each_case(alone);
}

/* ---- is anything left out? ---- */

static int seen[SCORES_MAX];            /* kinds of which some case has this row's number */

static void see(const struct golden *g)
{
	for (const struct node *c = g->want->child; c; c = c->next) {
		const int row = scores_find(c->key, g->what.k);

		if (row < 0)
			fail_msg("%s: there is no %s", g->name, c->key);
		seen[row] |= (int)g->what.kind;
	}
}

/* Rows that scikit-learn does not have, and where their numbers are from. */
static const struct { const char *name, *numbers; } elsewhere[] = {
	{ "valid.loss", "tests/op/golden.txt, each of the losses by PyTorch" },
};

static int is_elsewhere(const char *name)
{
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		if (strcmp(elsewhere[i].name, name) == 0)
			return 1;
	return 0;
}

/* What is spelt is no matter of scikit-learn's: test_spelling.c and tests/train/test_ctc.c. */
static void every_row_has_its_numbers_of_every_kind(void **state)
{
	(void)state;
	each_case(see);
	for (int i = 0; i < score_row_count; i++) {
		const int missing = score_rows[i].known & ~seen[i] & ~SCORES_SPELT;

		if (!is_elsewhere(score_rows[i].name) && missing)
			fail_msg("%s: tests/golden/metrics.json has no number for kinds %d",
			         score_rows[i].name, missing);
	}
}

/* All say the same, to the bit. */
static void of_a_rank(struct comm *c, void *ctx)
{
	const struct golden *g = ctx;
	double value[SCORES_MAX], of_first[SCORES_MAX];
	struct scores s = { 0 };

	rank_ok(scores_init(&s, &g->what));
	rank_ok(add_part(&s, g, c->rank, c->size));
	rank_ok(scores_finish(&s, c));
	rank_true(all_near(&s, g));
	for (int i = 0; i < score_row_count; i++)
		of_first[i] = value[i] = score_rows[i].value(&s);
	rank_ok(comm_broadcast(c, 0, of_first, sizeof of_first));
	rank_true(memcmp(of_first, value, (size_t)score_row_count * sizeof *value) == 0);
	scores_release(&s);
}

static void together(const struct golden *g)
{
	ranks_run((struct ranks){ .n = 3 }, of_a_rank, (void *)(uintptr_t)g);
}

static void workers_say_what_one_says(void **state)
{
	(void)state;
	each_case(together);
}

static void what_was_not_asked_for_is_not_known(void **state)
{
	static const float z[4] = { 1, -1, 2, -2 };
	static const int32_t label[4] = { 1, 0, 0, 1 };
	struct scores_what w = { .kind = SCORES_YES_NO, .answers = ANSWERS_SIGMOID, .width = 1,
	                         .classes = 2, .k = 1, .samples = 4 };
	struct scores s = { 0 };

	(void)state;
	w.rows = scores_cheap(&w);
	assert_ok(scores_init(&s, &w));
	assert_ok(scores_add(&s, &(struct metrics_batch){ .logits = z, .width = 1, .label = label,
	                                                  .n = 4 }));
	assert_ok(scores_finish(&s, NULL));
	assert_true(isnan(score_rows[scores_find("valid.roc_auc", 1)].value(&s)));
	assert_null(s.kept);
	assert_near(score_rows[scores_find("valid_f1", 1)].value(&s), 0.5, 1e-12);
	scores_release(&s);
}

/* So much memory is nobody's wish. */
static void of_a_very_large_source_no_scores_are_kept(void **state)
{
	struct scores_what w = { .kind = SCORES_CLASSES, .answers = ANSWERS_SOFTMAX, .width = 1000,
	                         .classes = 1000, .samples = 50000 };
	struct scores s = { 0 };

	(void)state;
	w.rows = scores_all(&w);
	assert_false(scores_too_many(&w));
	w.samples = 100000;
	assert_true(scores_too_many(&w));
	assert_ok(scores_init(&s, &w));
	assert_false(s.keeps);
	scores_release(&s);
}

static void rows_are_found_by_all_their_names(void **state)
{
	(void)state;
	assert_int_equal(scores_find("loss", 5), SCORE_LOSS);
	assert_int_equal(scores_find("valid_accuracy", 5), SCORE_ACCURACY);
	assert_int_equal(scores_find("valid.top_5", 5), SCORE_TOP_K);
	assert_int_equal(scores_find("valid.top_4", 5), -1);
	assert_int_equal(scores_find("train.loss", 5), -1);
	assert_int_equal(scores_find("", 5), -1);
}

static void scores_that_are_no_numbers_have_no_area(void **state)
{
	struct ranked v[3] = { { 1, 1, 1 }, { NAN, 1, 0 }, { 2, 1, 0 } };

	(void)state;
	ranking_sort(v, 3);
	assert_true(isnan(ranking_areas(v, 3).roc));
	v[0].score = 0;
	ranking_sort(v, 3);
	assert_near(ranking_areas(v, 3).roc, 0.5, 1e-12);
	v[0].positive = v[1].positive = v[2].positive = 0;
	assert_true(isnan(ranking_areas(v, 3).pr));
}

/* Its area, by trapezoids, is the one that was counted. */
static void a_curve_of_many_points_keeps_its_shape(void **state)
{
	enum { N = 20000 };
	static struct ranked v[N];
	static struct series s;
	double area = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		v[i] = (struct ranked){ (float)((i * 7919) % N), 1, (i * 7919) % N * 3 % 50021 > 20000 };
	ranking_sort(v, N);
	ranking_draw(v, N, RANKING_ROC, &s);
	assert_true(s.n > 50 && s.p[0].x == 0 && s.p[s.n - 1].x == 1 && s.p[s.n - 1].y == 1);
	for (int i = 1; i < s.n; i++)
		area += (s.p[i].x - s.p[i - 1].x) * (s.p[i].y + s.p[i - 1].y) / 2;
	assert_near(area, ranking_areas(v, N).roc, 2e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_numbers_are_those_of_scikit_learn),
		cmocka_unit_test(every_row_has_its_numbers_of_every_kind),
		cmocka_unit_test(workers_say_what_one_says),
		cmocka_unit_test(what_was_not_asked_for_is_not_known),
		cmocka_unit_test(of_a_very_large_source_no_scores_are_kept),
		cmocka_unit_test(rows_are_found_by_all_their_names),
		cmocka_unit_test(scores_that_are_no_numbers_have_no_area),
		cmocka_unit_test(a_curve_of_many_points_keeps_its_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
