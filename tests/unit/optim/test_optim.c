/* The update rules against PyTorch's numbers (tests/golden/optim.json), and their independence of
 * ranges and threads. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "base/rng.h"
#include "sys/thread.h"
#include "optim/optim.h"
#include "support/support.h"

#define MAX 64

static size_t floats(const struct node *list, float *out)
{
	size_t n = 0;
	double v;

	for (const struct node *c = list->child; c; c = c->next) {
		assert_ok(node_double(c, &v));
		assert_true(n < MAX);
		out[n++] = (float)v;
	}
	return n;
}

static struct node *golden(struct arena *a)
{
	struct node *root;
	char *text;
	size_t size;

	assert_ok(file_read_all(test_source("tests/golden/optim.json"), 0, &text, &size));
	assert_ok(node_parse_json(a, "optim.json", text, size, &root));
	mem_free(text);
	return root;
}

static struct optim_opts options(struct arena *a, const struct node *n)
{
	struct optim_opts o;
	struct node *plain = NULL;
	struct str yaml = {0};

	/* Words are quoted in JSON; YAML takes them back as a spec would have them. */
	node_write_yaml(n, &yaml);
	assert_ok(node_parse_yaml(a, "options", yaml.p, yaml.len, &plain));
	str_release(&yaml);
	assert_ok(options_default(optim_options, a, &o));
	assert_ok(options_read(optim_options, a, plain, &o));
	return o;
}

static void check_case(struct arena *a, const struct node *root, const struct node *c)
{
	struct optim_opts o = options(a, node_get(c, "options"));
	float sizes[MAX], p[MAX], g[MAX], want[MAX];
	struct optim_tensor t[2] = { { .decay = 1 }, { .decay = o.decay_norms } };
	const struct node *grad = node_get(root, "grads")->child;
	struct optim *optim;
	int64_t step = 1;
	size_t n;

	assert_int_equal(floats(node_get(root, "sizes"), sizes), 2);
	t[0].count = t[1].offset = (size_t)sizes[0];
	t[1].count = (size_t)sizes[1];
	n = floats(node_get(root, "start"), p);
	assert_ok(optim_new(&optim, &o, t, 2));
	for (const struct node *s = node_get(c, "steps")->child; s; s = s->next, grad = grad->next) {
		assert_int_equal(floats(grad, g), n);
		assert_int_equal(floats(s, want), n);
		optim_begin(optim, o.lr, step++);
		optim_apply(optim, p, g, 0, n);
		print_message("%s, step %d\n", node_get(c, "name")->text, (int)step - 1);
		assert_floats_near(p, want, n, 2e-6);
	}
	optim_free(&optim);
}

static void rules_follow_pytorch(void **state)
{
	struct arena a = {0};
	struct node *root = golden(&a);

	(void)state;
	for (const struct node *c = node_get(root, "cases")->child; c; c = c->next)
		check_case(&a, root, c);
	arena_release(&a);
}

/* ---- ranges and threads ---- */

#define BIG 100003
static struct optim_tensor big_tensors[] = {
	{ .offset = 0, .count = 60001, .decay = 1 }, { .offset = 60001, .count = 7 },
	{ .offset = 60008, .count = 13, .decay = 1 }, { .offset = 60021, .count = 39982, .decay = 1 },
};

static void random_floats(float *x, size_t n, uint64_t seed)
{
	struct rng r;

	rng_init(&r, rng_key(seed, RNG_TEST), 0, 0);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(&r);
}

static struct optim_opts strong(int kind)
{
	struct arena a = {0};
	struct optim_opts o;

	assert_ok(options_default(optim_options, &a, &o));
	arena_release(&a);
	o.kind = kind;
	o.momentum = kind == OPTIM_ADAM || kind == OPTIM_ADAMW ? 0 : 0.9;
	o.weight_decay = 0.1;
	return o;
}

/* Three steps; each applied in pieces [0, cut), [cut, BIG). */
static void run(const struct optim_opts *o, size_t cut, float *p)
{
	float *g = mem_alloc(BIG * sizeof *g);
	struct optim *optim;

	random_floats(p, BIG, 1);
	assert_ok(optim_new(&optim, o, big_tensors, 4));
	for (int step = 1; step <= 3; step++) {
		random_floats(g, BIG, (uint64_t)step + 1);
		optim_begin(optim, 0.1, step);
		optim_apply(optim, p, g, cut, BIG);
		optim_apply(optim, p, g, 0, cut);
	}
	optim_free(&optim);
	mem_free(g);
}

static void ranges_and_threads_change_no_bit(void **state)
{
	float *one = mem_alloc(BIG * sizeof *one), *two = mem_alloc(BIG * sizeof *two);

	(void)state;
	for (int kind = OPTIM_SGD; kind <= OPTIM_LAMB; kind++) {
		struct optim_opts o = strong(kind);
		int by_tensor = kind == OPTIM_LARS || kind == OPTIM_LAMB;

		thread_set_count(1);
		run(&o, 0, one);
		thread_set_count(3);
		run(&o, by_tensor ? 60008 : 33333, two);
		assert_memory_equal(one, two, BIG * sizeof *one);
	}
	mem_free(one);
	mem_free(two);
}

static void clipping_and_trust_wait_for_the_whole(void **state)
{
	struct optim_opts o = strong(OPTIM_SGD);
	struct optim_tensor t = { .count = 2, .decay = 1 };
	struct optim *optim;

	(void)state;
	assert_ok(optim_new(&optim, &o, &t, 1));
	assert_true(optim_by_range(optim));
	optim_free(&optim);
	o.clip_norm = 1;
	assert_ok(optim_new(&optim, &o, &t, 1));
	assert_false(optim_by_range(optim));
	optim_free(&optim);
	o = strong(OPTIM_LAMB);
	assert_ok(optim_new(&optim, &o, &t, 1));
	assert_false(optim_by_range(optim));
	optim_free(&optim);
}

/* The mean of (3,0) and (0,4) has norm 2.5; clipping each first would give (0.5, 0.5). */
static void the_mean_is_clipped_not_the_parts(void **state)
{
	struct optim_opts o = strong(OPTIM_SGD);
	struct optim_tensor t = { .count = 2, .decay = 1 };
	float g[2] = { 1.5f, 2 };
	struct optim *optim;

	(void)state;
	o.clip_norm = 1;
	assert_ok(optim_new(&optim, &o, &t, 1));
	assert_near(optim_clip(optim, g), 2.5, 1e-12);
	assert_near(g[0], 0.6, 1e-6);
	assert_near(g[1], 0.8, 1e-6);
	g[0] = 0.3f;
	g[1] = 0.4f;
	assert_near(optim_clip(optim, g), 0.5, 1e-7);
	assert_true(g[0] == 0.3f && g[1] == 0.4f);
	optim_free(&optim);
}

static void a_norm_that_is_not_finite_is_told(void **state)
{
	struct optim_opts o = strong(OPTIM_SGD);
	struct optim_tensor t = { .count = 2, .decay = 1 };
	float g[2] = { NAN, 2 };
	struct optim *optim;

	(void)state;
	o.clip_norm = 1;
	assert_ok(optim_new(&optim, &o, &t, 1));
	assert_true(isnan(optim_clip(optim, g)));
	assert_true(g[1] == 2);
	optim_free(&optim);
}

/* Momentum of the form u = m u + g: a jump of lr needs no correction (-1.461 is the other form). */
static void a_jump_of_lr_needs_no_correction(void **state)
{
	static const double lr[] = { 0.1, 0.1, 1.0 };
	struct optim_opts o = strong(OPTIM_SGD);
	struct optim_tensor t = { .count = 1, .decay = 1 };
	float w = 0, g = 1;
	struct optim *optim;

	(void)state;
	o.weight_decay = 0;
	assert_ok(optim_new(&optim, &o, &t, 1));
	for (int i = 0; i < 3; i++) {
		optim_begin(optim, lr[i], i + 1);
		optim_apply(optim, &w, &g, 0, 1);
	}
	assert_near(w, -3.0, 1e-6);
	optim_free(&optim);
}

static void adagrad_shortens_its_steps(void **state)
{
	static const float g[] = { 3, 4, 12 };
	static const double step[] = { 1, 0.8, 0.923077 };
	struct optim_opts o = strong(OPTIM_ADAGRAD);
	struct optim_tensor t = { .count = 1, .decay = 1 };
	struct optim *optim;

	(void)state;
	o.weight_decay = 0;
	assert_ok(optim_new(&optim, &o, &t, 1));
	for (int i = 0; i < 3; i++) {
		float w = 0;

		optim_begin(optim, 1, i + 1);
		optim_apply(optim, &w, &g[i], 0, 1);
		assert_near(-w, step[i], 1e-6);
	}
	optim_free(&optim);
}

/* ---- state and misuse ---- */

static void slots_are_named_as_in_pytorch(void **state)
{
	static const struct { int kind; const char *name[2]; } want[] = {
		{ OPTIM_SGD, { "momentum_buffer" } }, { OPTIM_ADAM, { "exp_avg", "exp_avg_sq" } },
		{ OPTIM_ADAGRAD, { "sum" } }, { OPTIM_RMSPROP, { "square_avg", "momentum_buffer" } },
	};
	struct optim_tensor t = { .count = 3, .decay = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		struct optim_opts o = strong(want[i].kind);
		struct optim *optim;
		const char *name;

		assert_ok(optim_new(&optim, &o, &t, 1));
		assert_int_equal(optim_slots(optim), want[i].name[1] ? 2 : 1);
		for (int s = 0; s < optim_slots(optim); s++) {
			float *v = optim_slot(optim, s, &name);

			assert_string_equal(name, want[i].name[s]);
			assert_true(v[0] == 0 && v[2] == 0);
		}
		optim_free(&optim);
	}
}

static void slots_carry_the_whole_state(void **state)
{
	struct optim_opts o = strong(OPTIM_ADAM);
	struct optim_tensor t = { .count = 3, .decay = 1 };
	float straight[3] = { 1, -2, 3 }, stopped[3] = { 1, -2, 3 }, g[3] = { 0.3f, 0.1f, -0.2f };
	struct optim *first, *second;
	const char *name;

	(void)state;
	assert_ok(optim_new(&first, &o, &t, 1));
	assert_ok(optim_new(&second, &o, &t, 1));
	for (int step = 1; step <= 4; step++) {
		optim_begin(first, 0.1, step);
		optim_apply(first, straight, g, 0, 3);
		if (step == 2) {
			memcpy(stopped, straight, sizeof stopped);
			for (int s = 0; s < 2; s++)
				memcpy(optim_slot(second, s, &name), optim_slot(first, s, &name), sizeof g);
		} else if (step > 2) {
			optim_begin(second, 0.1, step);
			optim_apply(second, stopped, g, 0, 3);
		}
	}
	assert_memory_equal(straight, stopped, sizeof straight);
	optim_free(&first);
	optim_free(&second);
}

static void nesterov_without_momentum_is_refused(void **state)
{
	struct optim_opts o = strong(OPTIM_SGD);
	struct optim_tensor t = { .count = 3, .decay = 1 };
	struct optim *optim = NULL;

	(void)state;
	o.nesterov = 1;
	o.momentum = 0;
	assert_status(optim_new(&optim, &o, &t, 1), TT_EINVAL);
	assert_error("needs momentum");
	assert_null(optim);
	o = strong(OPTIM_ADAM);
	o.nesterov = 1;
	o.momentum = 0.9;
	assert_status(optim_new(&optim, &o, &t, 1), TT_EINVAL);
}

static void memory_that_ends_leaks_nothing(void **state)
{
	struct optim_opts o = strong(OPTIM_ADAM);
	struct optim_tensor t = { .count = 3, .decay = 1 };
	int64_t live = mem_live();
	struct optim *optim = NULL;
	uint64_t n = 0;
	tt_status st;

	(void)state;
	do {
		mem_fail_at(++n, 1);
		st = optim_new(&optim, &o, &t, 1);
		mem_fail_at(0, 0);
		optim_free(&optim);
		assert_int_equal(mem_live(), live);
	} while (st != TT_OK);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_follow_pytorch),
		cmocka_unit_test(ranges_and_threads_change_no_bit),
		cmocka_unit_test(clipping_and_trust_wait_for_the_whole),
		cmocka_unit_test(the_mean_is_clipped_not_the_parts),
		cmocka_unit_test(a_norm_that_is_not_finite_is_told),
		cmocka_unit_test(a_jump_of_lr_needs_no_correction),
		cmocka_unit_test(adagrad_shortens_its_steps),
		cmocka_unit_test(slots_are_named_as_in_pytorch),
		cmocka_unit_test(slots_carry_the_whole_state),
		cmocka_unit_test(nesterov_without_momentum_is_refused),
		cmocka_unit_test(memory_that_ends_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
