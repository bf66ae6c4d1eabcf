/* test_variants.c -- what there is to choose from: a program in bf16 may take every kernel that one
 * in f32 may, and the operations that only the definition computes are known by name.
 *
 * Where a layer is slow in bf16 (few channels, odd sizes), or costs more copies than it saves, it
 * is computed as in f32: so all that is measured there is measured here, too. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include "compute/exec/device.h"
#include "support/nth_device.h"
#include "support/op_case.h"

static struct op_cases cases;
static struct device_list devices;

static int open_all(void **state)
{
	(void)state;
	op_cases_read(&cases, test_source("tests/op/cases.txt"));
	assert_ok(device_list_open_known(&devices));
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	op_cases_release(&cases);
	device_list_close(&devices);
	return 0;
}

/* What a device offers for each node of an op, noted on the way. */
#define MOST 64
struct offers { char name[MOST][VARIANT_NAME]; int n; };

struct listener { struct nth_device nth; enum ir_op op; struct offers *out; };

static int listen(struct device *d, struct plan *p, const struct ir_node *n,
                  char names[][VARIANT_NAME], int max)
{
	struct listener *l = (struct listener *)d;
	struct device *real = l->nth.real;
	int k = 1;

	names[0][0] = '\0';
	if (real->ops->variants)
		k = real->ops->variants(real, p, n, names, max);
	for (int i = 0; n->op == l->op && i < k && l->out->n < MOST; i++)
		memcpy(l->out->name[l->out->n++], names[i], VARIANT_NAME);
	return k;
}

static void ask(const struct op_case *c, struct device *d, enum ir_op op, enum precision precision,
                struct offers *out)
{
	struct listener l = { .op = op, .out = out };
	struct device *last = devices.dev[0], *list[] = { &l.nth.base, NULL, NULL };
	const struct program_opts o = { .devices = list, .precision = precision,
	                                .purpose = c->grad ? PROGRAM_TRAIN : PROGRAM_INFER };
	struct program *p = NULL;

	for (int i = 0; devices.dev[i]; i++)
		last = devices.dev[i];
	list[1] = last;
	out->n = 0;
	nth_device_init(&l.nth, d, 0);
	l.nth.ops.variants = listen;
	assert_ok(program_new(&p, op_case_graph(c), &o));
	program_free(&p);
}

static int has(const struct offers *o, const char *name)
{
	char f32[VARIANT_NAME + 8];

	snprintf(f32, sizeof f32, "f32:%s", name);
	for (int i = 0; i < o->n; i++)
		if (strcmp(o->name[i], name) == 0 || strcmp(o->name[i], f32) == 0)
			return 1;
	return 0;
}

static int compare(const struct op_case *c, struct device *d, enum ir_op op)
{
	struct offers f32, bf16;
	int faults = 0;

	ask(c, d, op, PRECISION_F32, &f32);
	ask(c, d, op, PRECISION_BF16, &bf16);
	for (int i = 0; i < f32.n; i++)
		if (!has(&bf16, f32.name[i])) {
			print_error("%s: bf16 may not take %s's '%s' for %s\n", c->name, d->ops->name,
			            f32.name[i], ir_op_name(op));
			faults++;
		}
	return faults;
}

static void bf16_may_take_every_kernel_of_f32(void **state)
{
	static const enum ir_op heavy[] = { IR_CONV2D, IR_CONV2D_DX, IR_CONV2D_DW, IR_DENSE,
	                                    IR_DENSE_DX, IR_DENSE_DW, IR_MATMUL, IR_MAXPOOL };
	int faults = 0;

	(void)state;
	for (int i = 0; i < cases.n; i++)
		for (size_t k = 0; k < sizeof heavy / sizeof *heavy; k++)
			for (int d = 0; devices.dev[d + 1]; d++)
				if (cases.item[i].op == IR_CONV2D || cases.item[i].op == IR_DENSE ||
				    cases.item[i].op == heavy[k])
					faults += compare(&cases.item[i], devices.dev[d], heavy[k]);
	assert_int_equal(faults, 0);
}

/* ---- who computes what ---- */

/* Operations for which no device has a kernel but the reference.  A new one is written here, or
 * gets a kernel.  Most are small, or run once. */
static const enum ir_op left[] = {
	IR_FILL, IR_RESHAPE, IR_ALL_GATHER, IR_BN_JOIN, IR_FACTORS, IR_PLACES,
	IR_PAD, IR_INDEX, IR_INDEX_DX, IR_MIX, IR_MIX_DX, IR_SOFTMAX_DX,
	/* of many numbers XENT has one: compute/exec/cpu/seq */
	IR_XENT, IR_BCE, IR_MSE, IR_MAE, IR_HUBER, IR_FOCAL, IR_SIGMOID_FOCAL, IR_HINGE, IR_KL,
	IR_BCE_DX, IR_MSE_DX, IR_MAE_DX, IR_HUBER_DX, IR_FOCAL_DX, IR_SIGMOID_FOCAL_DX, IR_HINGE_DX,
	IR_KL_DX, IR_CTC, IR_CTC_DX,
};

static int is_left(enum ir_op op)
{
	for (size_t i = 0; i < sizeof left / sizeof *left; i++)
		if (left[i] == op)
			return 1;
	return 0;
}

/* Marks the operations of a case's program that another device than the reference runs. */
static void look_at(const struct op_case *c, int seen[IR_OP_COUNT], int fast[IR_OP_COUNT])
{
	const struct program_opts o = { .devices = devices.dev,
	                                .purpose = c->grad ? PROGRAM_TRAIN : PROGRAM_INFER };
	struct program *p = NULL;
	struct program_step_info s;

	assert_ok(program_new(&p, op_case_graph(c), &o));
	for (int i = 0; i < program_steps(p); i++) {
		program_step(p, i, &s);
		for (int op = 0; op < IR_OP_COUNT; op++)
			if (strcmp(s.op, ir_op_name(op)) == 0) {
				seen[op] = 1;
				fast[op] |= strcmp(s.device, "ref") != 0;
			}
	}
	program_free(&p);
}

static void what_only_the_definition_computes_is_listed(void **state)
{
	static int seen[IR_OP_COUNT], fast[IR_OP_COUNT];
	int faults = 0;

	(void)state;
	if (!devices.dev[1])
		skip();                 /* built without a library of kernels */
	for (int i = 0; i < cases.n; i++)
		look_at(&cases.item[i], seen, fast);
	for (int op = 0; op < IR_OP_COUNT; op++) {
		if (!seen[op] || fast[op] != is_left(op))
			continue;
		print_error("%s: %s\n", ir_op_name(op), fast[op] ? "has a kernel, and is listed"
		                                                 : "has no kernel but the definition");
		faults++;
	}
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_the_definition_computes_is_listed),
		cmocka_unit_test(bf16_may_take_every_kernel_of_f32),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
