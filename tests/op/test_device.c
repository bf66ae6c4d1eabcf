/* test_device.c -- every device gives the reference's numbers, with every variant it offers.
 *
 * Each case becomes a program, as in training (with its gradients) and as in predicting (without,
 * weights prepared once), and is run on each device that this build has.  Where a device knows
 * several ways to run a node, each way has its turn.  One of them is the device for tests whose
 * memory is not the host's.  All that is wrong is listed. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "compute/exec/staging/staging.h"
#include "support/nth_device.h"
#include "support/op_case.h"

static struct op_cases cases;

/* Memory that nobody has written holds NaNs, in every type, and so does what lies behind a block:
 * who reads what is not its own, if only to multiply it by zero, is found. */
#define BEHIND 64

static void *alloc_nans(void *ctx, size_t bytes)
{
	void *p = malloc(bytes + BEHIND);

	(void)ctx;
	return p ? memset(p, 0xff, bytes + BEHIND) : NULL;
}

static void free_nans(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static int read_cases(void **state)
{
	(void)state;
	assert_ok(mem_use(&(struct mem_allocator){ alloc_nans, free_nans, NULL }));
	thread_set_count(1);
	op_cases_read(&cases, test_source("tests/op/cases.txt"));
	return 0;
}

static int release_cases(void **state)
{
	(void)state;
	op_cases_release(&cases);
	return 0;
}

/* ---- one case on one device ---- */

struct trial {
	const struct op_case *c;
	struct device        *device, *reference;
	enum precision        precision;
	enum program_purpose  purpose;
	int                   nth;         /* variant                                   */
	int                   limit;       /* try no more variants than this            */
	int                   most;        /* out: how many variants a node had at most */
	int                   faults;      /* out: things said by complain              */
};

__attribute__((format(printf, 2, 3)))
static void complain(struct trial *t, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	print_error("%s on %s (%s, %s, variant %d): %s\n", t->c->name, t->device->ops->name,
	            t->precision == PRECISION_BF16 ? "bf16" : "f32",
	            t->purpose == PROGRAM_TRAIN ? "train" : "infer", t->nth, text);
	t->faults++;
}

/* What a program runs on, filled with the case's numbers. */
#define INPUTS (OP_CASE_INPUTS + 2)     /* and a goal, and a seed */
struct memory { float *params, *grads, *buffers; void *input[INPUTS]; size_t n_params; };

static void memory_init(struct memory *m, const struct op_case *c)
{
	struct ir_graph *g = op_case_graph(c);

	*m = (struct memory){ .n_params = g->param_count };
	m->params = mem_calloc(g->param_count + 1, sizeof(float));
	m->grads = mem_calloc(g->param_count + 1, sizeof(float));
	m->buffers = mem_calloc(g->buffer_count + 1, sizeof(float));
	assert_true(m->params && m->grads && m->buffers);
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind == IR_PARAM)
			op_case_fill(c, v, m->params + v->offset);
		if (v->kind == IR_BUFFER)
			op_case_fill(c, v, m->buffers + v->offset);
		if (v->kind != IR_INPUT)
			continue;
		assert_true(v->index < INPUTS);
		assert_non_null(m->input[v->index] = mem_alloc(tensor_bytes(&v->desc)));
		op_case_fill(c, v, m->input[v->index]);
	}
	ir_graph_free(&g);
}

static void memory_release(struct memory *m)
{
	mem_free(m->params);
	mem_free(m->grads);
	mem_free(m->buffers);
	for (int i = 0; i < INPUTS; i++)
		mem_free(m->input[i]);
}

/* Where each result will lie: noted before the program takes the graph. */
struct place { char name[32]; enum op_result_kind kind; size_t at; int64_t n; };
struct places { struct place item[OP_CASE_RESULTS]; int n; };

static void note_place(void *ctx, enum op_result_kind kind, const char *name,
                       const struct ir_value *v)
{
	struct places *p = ctx;
	struct place *e = &p->item[p->n++];

	assert_true(p->n <= OP_CASE_RESULTS);
	snprintf(e->name, sizeof e->name, "%s", name);
	e->kind = kind;
	e->at = kind == OP_RESULT_OUTPUT ? (size_t)v->output - 1 : v->offset;
	e->n = tensor_count(&v->desc);
}

static void collect(const struct program *p, const struct places *where, const struct memory *m,
                    struct op_results *out)
{
	for (int i = 0; i < where->n; i++) {
		const struct place *e = &where->item[i];
		const float *v = e->kind == OP_RESULT_OUTPUT ? program_output(p, (int)e->at) :
		                 e->kind == OP_RESULT_GRAD ? m->grads + e->at : m->buffers + e->at;

		op_results_add(out, e->name, v, e->n);
	}
}

/* One run from fresh memory; the parameters must come out as they went in. */
static void run_once(struct trial *t, struct program *p, const struct places *where,
                     struct op_results *out)
{
	const struct program_run run = { .seed = op_case_run.seed, .step = op_case_run.step,
	                                 .sample = op_case_run.sample,
	                                 .sample_stride = op_case_run.sample_stride };
	struct memory m, before;

	*out = (struct op_results){ .n = 0 };
	memory_init(&m, t->c);
	memory_init(&before, t->c);
	program_bind(p, m.params, m.grads, m.buffers);
	for (int i = 0; i < INPUTS; i++)
		if (m.input[i])
			program_set_input(p, i, m.input[i]);
	if (program_run(p, &run) != TT_OK)
		complain(t, "%s", tt_last_error());
	else
		collect(p, where, &m, out);
	if (memcmp(m.params, before.params, m.n_params * sizeof(float)) != 0)
		complain(t, "parameters were changed");
	memory_release(&m);
	memory_release(&before);
}

static int is_convolution(const struct trial *t)
{
	return t->c->op == IR_CONV2D || t->c->op == IR_CONV2D_DX;
}

static int spreads(const struct trial *t)
{
	return is_convolution(t) || t->c->op == IR_ATTENTION;
}

/* A NaN goes where the definition says.  Winograd's tiles spread it over more of an image, and a
 * later place that attention weighs with 0 does; this loses nothing, and the numbers that are left
 * are those of other cases. */
static void compare_nan(struct trial *t, const struct op_result *got, const struct op_result *want)
{
	for (int64_t i = 0; i < want->n; i++)
		if (!isnan(got->v[i]) != !isnan(want->v[i]) &&
		    (isnan(want->v[i]) || !spreads(t))) {
			complain(t, "a NaN in %s: %s[%lld] is %g, reference %g", t->c->poisoned,
			         got->name, (long long)i, (double)got->v[i], (double)want->v[i]);
			return;
		}
}

/* Of the largest number of a result.  f32: the order of a sum; Winograd's transforms cost a digit.
 * bf16: eight bits of mantissa in what is multiplied, and what falls on the other side of a kink
 * changes its slope; Winograd's transforms cost a digit here too. */
static double bound(const struct trial *t)
{
	if (t->precision == PRECISION_BF16)
		return is_convolution(t) && t->nth > 0 ? 1e-1 : 5e-2;
	return is_convolution(t) ? 1e-4 : 2e-5;
}

static void compare(struct trial *t, const struct op_result *got, const struct op_result *want)
{
	double largest = 1e-30, worst = 0;
	int64_t at = 0;

	if (t->c->poisoned) {
		compare_nan(t, got, want);
		return;
	}
	for (int64_t i = 0; i < want->n; i++)
		largest = fmax(largest, fabs((double)want->v[i]));
	for (int64_t i = 0; i < want->n; i++) {
		double d = fabs((double)got->v[i] - want->v[i]);

		if (isnan(d))                   /* a NaN travels: both have it */
			d = isnan(got->v[i]) && isnan(want->v[i]) ? 0 : HUGE_VAL;
		if (d > worst) {
			worst = d;
			at = i;
		}
	}
	if (worst > bound(t) * largest)
		complain(t, "%s[%lld] is %.8g, reference %.8g, bound %.2g of %.3g", got->name,
		         (long long)at, (double)got->v[at], (double)want->v[at], bound(t), largest);
}

static void compare_all(struct trial *t, const struct op_results *got,
                        const struct op_results *again, const struct op_results *want)
{
	for (int i = 0; i < got->n; i++) {
		assert_string_equal(got->item[i].name, want->item[i].name);
		assert_int_equal(got->item[i].n, want->item[i].n);
		compare(t, &got->item[i], &want->item[i]);
		if (i < again->n && memcmp(got->item[i].v, again->item[i].v,
		           (size_t)got->item[i].n * sizeof(float)) != 0)
			complain(t, "%s of the second run differs from the first", got->item[i].name);
	}
}

/* Compile and run twice: the second run must not feel the first.  A variant but the first may
 * refuse a node. */
static void try_variant(struct trial *t, const struct op_results *want)
{
	struct nth_device nth;
	struct device *devices[] = { &nth.base, t->reference, NULL };
	const struct program_opts opts = { .devices = devices, .precision = t->precision,
	                                   .purpose = t->purpose };
	struct ir_graph *g = op_case_graph(t->c);
	struct places where = { .n = 0 };
	struct op_results got, again;
	struct program *p = NULL;

	nth_device_init(&nth, t->device, t->nth);
	op_case_visit(g, note_place, &where);
	if (program_new(&p, g, &opts) != TT_OK) {
		if (t->nth == 0)
			complain(t, "%s", tt_last_error());
		return;
	}
	run_once(t, p, &where, &got);
	again = (struct op_results){ .n = 0 };
	if (!t->c->poisoned)
		run_once(t, p, &where, &again);
	compare_all(t, &got, &again, want);
	op_results_release(&got);
	op_results_release(&again);
	program_free(&p);
	t->most = nth.most > t->most ? nth.most : t->most;
}

static int check_variants(struct trial *t)
{
	struct ir_graph *g = op_case_graph(t->c);
	struct op_results want;

	op_case_reference(t->c, g, &want);
	ir_graph_free(&g);
	t->most = 1;
	for (t->nth = 0; t->nth < t->most && t->nth < t->limit; t->nth++)
		try_variant(t, &want);
	op_results_release(&want);
	return t->faults;
}

/* These change state or draw numbers: operations of training, even without gradients. */
static int is_of_training(enum ir_op op)
{
	return op == IR_BATCHNORM || op == IR_BN_JOIN || op == IR_DROPOUT;
}

static int check_case(const struct op_case *c, const struct device_list *l,
                      enum precision precision, int limit)
{
	struct op_case forward = *c;
	int last = 0, faults = 0;

	forward.grad = 0;
	while (l->dev[last + 1])
		last++;
	for (int i = 0; l->dev[i]; i++) {
		struct trial train = { .c = c, .device = l->dev[i], .reference = l->dev[last],
		                       .precision = precision, .purpose = PROGRAM_TRAIN,
		                       .limit = limit };
		struct trial infer = train;

		infer.c = &forward;
		infer.purpose = PROGRAM_INFER;
		if (c->grad || is_of_training(c->op))
			faults += check_variants(&train);
		if (!is_of_training(c->op))
			faults += check_variants(&infer);
	}
	return faults;
}

/* The same with a NaN here and there, input by input. */
static int check_poisoned(const struct op_case *c, const struct device_list *l,
                          enum precision precision, int limit)
{
	int faults = 0;

	for (int i = 0; i < c->n_in; i++) {
		struct op_case bad = *c;

		if (c->in[i].desc.dtype != DTYPE_F32 || c->in[i].again >= 0 ||
		    strncmp(c->in[i].kind, "whole", 5) == 0)
			continue;
		bad.poisoned = c->in[i].name;
		faults += check_case(&bad, l, precision, limit);
	}
	return faults;
}

typedef int check_fn(const struct op_case *c, const struct device_list *l,
                     enum precision precision, int limit);

static void check_all(check_fn *check, enum precision precision, int limit)
{
	const struct device_ops *ops[DEVICE_LIST_MAX + 2] = { &staging_device };
	struct device_list l;
	int faults = 0;

	device_list_known(ops + 1);
	assert_ok(device_list_open(&l, ops));
	for (int i = 0; i < cases.n; i++)
		faults += check(&cases.item[i], &l, precision, limit);
	device_list_close(&l);
	assert_int_equal(faults, 0);
}

static void devices_agree_with_the_reference_in_f32(void **state)
{
	(void)state;
	check_all(check_case, PRECISION_F32, DEVICE_MAX_VARIANTS);
}

static void devices_are_near_the_reference_in_bf16(void **state)
{
	(void)state;
	check_all(check_case, PRECISION_BF16, DEVICE_MAX_VARIANTS);
}

static void every_kernel_hands_a_nan_on_in_f32(void **state)
{
	(void)state;
	check_all(check_poisoned, PRECISION_F32, DEVICE_MAX_VARIANTS);
}

static void every_kernel_hands_a_nan_on_in_bf16(void **state)
{
	(void)state;
	check_all(check_poisoned, PRECISION_BF16, DEVICE_MAX_VARIANTS);
}

/* More threads than most cases have samples, and a number that divides nothing. */
static void devices_agree_with_the_reference_on_three_threads(void **state)
{
	(void)state;
	thread_set_count(3);
	check_all(check_case, PRECISION_F32, DEVICE_MAX_VARIANTS);
	thread_set_count(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_agree_with_the_reference_in_f32),
		cmocka_unit_test(devices_agree_with_the_reference_on_three_threads),
		cmocka_unit_test(devices_are_near_the_reference_in_bf16),
		cmocka_unit_test(every_kernel_hands_a_nan_on_in_f32),
		cmocka_unit_test(every_kernel_hands_a_nan_on_in_bf16),
	};

	return cmocka_run_group_tests(tests, read_cases, release_cases);
}
