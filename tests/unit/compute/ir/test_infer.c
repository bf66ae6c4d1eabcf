/* Shapes that layers make, defaults they fill in, and the sentences they refuse with. */
#include "compute/ir/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/support.h"

/* One layer on inputs of the given shapes.  Inputs 3 and 4 of a batch norm become buffers, an input
 * written as "s:" is s32, "u:" u8. */
struct shape_case {
	enum ir_op     op;
	struct ir_attr attr;
	const char    *in;          /* "2x3x8x8 4x3x3x3" */
	const char    *out;         /* "2x4x6x6", all outputs */
};

static struct tensor_desc parse_shape(const char **text)
{
	struct tensor_desc d = { .dtype = DTYPE_F32 };

	if (strncmp(*text, "s:", 2) == 0 || strncmp(*text, "u:", 2) == 0) {
		d.dtype = **text == 's' ? DTYPE_S32 : DTYPE_U8;
		*text += 2;
	}
	while (**text && **text != ' ') {
		char *end;

		d.dim[d.ndim++] = strtoll(*text, &end, 10);
		*text = *end == 'x' ? end + 1 : end;
	}
	*text += **text == ' ';
	return d;
}

static struct ir_node *emit_case(struct ir_graph *g, const struct shape_case *c)
{
	struct ir_value *in[8] = { NULL };
	const char *text = c->in;
	char name[16];
	int n = 0;

	while (*text) {
		struct tensor_desc d = parse_shape(&text);

		snprintf(name, sizeof name, "x%d", n);
		in[n] = c->op == IR_BATCHNORM && n >= 3 ? net_buffer(g, name, d)
		                                        : net_input(g, name, d);
		n++;
	}
	return ir_emit(g, c->op, "layer", in, n, &c->attr);
}

#define WINDOW(k, s, p) .kernel = { k, k }, .stride = { s, s }, .pad = { p, p, p, p }

static const struct shape_case good[] = {
	{ IR_CONV2D, { .groups = 0 }, "2x3x8x8 4x3x3x3", "2x4x6x6" },
	{ IR_CONV2D, { WINDOW(3, 2, 1) }, "2x3x8x8 4x3x3x3 4", "2x4x4x4" },
	{ IR_CONV2D, { WINDOW(3, 2, 1) }, "2x3x7x7 4x3x3x3 4", "2x4x4x4" },
	{ IR_CONV2D, { .dilation = { 2, 1 } }, "1x1x9x9 1x1x3x3", "1x1x5x7" },
	{ IR_CONV2D, { .pad = { 0, 1, 2, 3 } }, "1x1x5x5 1x1x3x3", "1x1x5x7" },
	{ IR_CONV2D, { .groups = 6 }, "1x6x5x5 12x1x3x3", "1x12x3x3" },
	{ IR_CONV2D, { .groups = 0 }, "1x1x1x1 1x1x1x1", "1x1x1x1" },
	{ IR_DENSE, { .groups = 0 }, "5x7 3x7 3", "5x3" },
	{ IR_DENSE, { .groups = 0 }, "5x2x7 3x7", "5x2x3" },
	{ IR_MAXPOOL, { .kernel = { 2, 2 } }, "2x3x9x8", "2x3x4x4 s:2x3x4x4" },
	{ IR_MAXPOOL, { WINDOW(3, 2, 1) }, "2x3x8x8", "2x3x4x4 s:2x3x4x4" },
	{ IR_AVGPOOL, { .kernel = { 9, 8 } }, "2x3x9x8", "2x3x1x1" },
	{ IR_BATCHNORM, { .groups = 0 }, "2x3x4x4 3 3 3 3", "2x3x4x4 3 3" },
	{ IR_BATCHNORM, { .act = ACT_RELU }, "2x3 3 3 3 3", "2x3 3 3" },
	{ IR_BATCHNORM_INFER, { .groups = 0 }, "1x3 3 3 3 3", "1x3" },
	{ IR_LAYERNORM, { .groups = 0 }, "2x3x4 4 4", "2x3x4 6 6" },
	{ IR_LAYERNORM, { .ndim = 2 }, "2x3x4 3x4 3x4", "2x3x4 2 2" },
	{ IR_RMSNORM, { .groups = 0 }, "2x3x4 4", "2x3x4 6" },
	{ IR_RMSNORM, { .ndim = 2 }, "2x3x4 12", "2x3x4 2" },
	{ IR_GROUPNORM, { .groups = 3 }, "2x6x4x4 6 6", "2x6x4x4 6 6" },
	{ IR_GROUPNORM, { .groups = 1 }, "5x6 6 6", "5x6 5 5" },
	{ IR_LRN, { .size = 5 }, "2x3x4x4", "2x3x4x4" },
	{ IR_PRELU, { .groups = 0 }, "2x3x4x4 3", "2x3x4x4" },
	{ IR_PRELU, { .groups = 0 }, "2x3 1", "2x3" },
	{ IR_BIAS, { .groups = 0 }, "2x3x4 3", "2x3x4" },
	{ IR_RESIZE, { .ndim = 4, .dims = { 2, 3, 7, 1 } }, "2x3x4x4", "2x3x7x1" },
	{ IR_CONV2D_DX, { .stride = { 2, 2 }, .ndim = 4, .dims = { 2, 5, 6, 7 } }, "2x3x3x3 3x5x2x2",
	  "2x5x6x7" },
	{ IR_DROPOUT, { .p = 0.5F }, "2x3", "2x3 u:2x3" },
	{ IR_ACT, { .act = ACT_SILU }, "2x3", "2x3" },
	{ IR_SOFTMAX, { .groups = 0 }, "2x3", "2x3" },
	{ IR_ADD, { .act = ACT_RELU }, "2x3 2x3", "2x3" },
	{ IR_CONCAT, { .axis = 1 }, "2x3x4 2x1x4 2x2x4", "2x6x4" },
	{ IR_RESHAPE, { .ndim = 2, .dims = { 2, 12 } }, "2x3x4", "2x12" },
	{ IR_EMBEDDING, { .groups = 0 }, "s:2x5 10x3", "2x5x3" },
	{ IR_EMBEDDING, { .groups = 0 }, "2x5 10x3", "2x5x3" },
	{ IR_XENT, { .groups = 0 }, "4x10 s:4", "1 4x10" },
	{ IR_XENT, { .groups = 0 }, "4x10 s:4 4", "1 4x10" },
	{ IR_BCE, { .groups = 0 }, "4x10 4x10", "1" },
	{ IR_BCE, { .groups = 0 }, "4x10 4x10 4", "1" },
	{ IR_MSE, { .groups = 0 }, "4x10 4x10", "1" },
	{ IR_MAE, { .groups = 0 }, "4 4", "1" },
	{ IR_HUBER, { .groups = 0 }, "4x10 4x10", "1" },
	{ IR_FOCAL, { .gamma = 2 }, "4x10 s:4 4", "1" },
	{ IR_SIGMOID_FOCAL, { .gamma = 2 }, "4x10 4x10", "1" },
	{ IR_HINGE, { .groups = 0 }, "4x10 s:4", "1" },
	{ IR_KL, { .groups = 0 }, "4x10 4x10 4", "1" },
	{ IR_SUM, { .groups = 0 }, "2x3 2x3 2x3", "2x3" },
	{ IR_SLICE, { .axis = 1, .start = 1, .size = 2 }, "2x3", "2x2" },
	{ IR_FILL, { .ndim = 1, .dims = { 7 } }, "", "7" },
	{ IR_FOLD_BN, { .groups = 0 }, "4x3x3x3 4 4 4 4 4", "4x3x3x3 4" },
	{ IR_MATMUL, { .groups = 0 }, "3x4 4x5", "3x5" },
	{ IR_MATMUL, { .trans_a = 1, .trans_b = 1 }, "4x3 5x4", "3x5" },
	{ IR_MATMUL, { .groups = 0 }, "2x1x3x4 7x4x5", "2x7x3x5" },
	{ IR_MATMUL, { .groups = 0 }, "3x4 2x1x4x5", "2x1x3x5" },
	{ IR_MULTIPLY, { .groups = 0 }, "2x3 2x3", "2x3" },
	{ IR_BROADCAST, { .ndim = 3, .dims = { 4, 2, 3 } }, "2x1", "4x2x3" },
	{ IR_TRANSPOSE, { .groups = 0 }, "2x3x4", "4x3x2" },
	{ IR_TRANSPOSE, { .perm = { 1, 2, 0 } }, "2x3x4", "3x4x2" },
	{ IR_TRANSPOSE, { .groups = 0 }, "s:2x3", "s:3x2" },
	{ IR_REDUCE, { .groups = 0 }, "2x3x4", "1" },
	{ IR_REDUCE, { .keep = 1 }, "2x3x4", "1x1x1" },
	{ IR_REDUCE, { .axes = 5, .reduce = REDUCE_MAX }, "2x3x4", "3" },
	{ IR_REDUCE, { .axes = 2, .keep = 1 }, "2x3x4", "2x1x4" },
	{ IR_INDEX, { .axis = 1 }, "2x3x4 s:5x6", "2x5x6x4" },
	{ IR_INDEX_DX, { .axis = 1, .ndim = 3, .dims = { 2, 3, 4 } }, "s:5x6 2x5x6x4", "2x3x4" },
	{ IR_SPLIT, { .axis = 1, .parts = 3 }, "2x6", "2x2 2x2 2x2" },
	{ IR_PAD, { .axis = 1, .start = 1, .size = 5 }, "2x3", "2x5" },
	{ IR_RESHAPE, { .ndim = 1, .dims = { 6 } }, "s:2x3", "s:6" },
};

static void layers_make_their_shapes(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const char *want = good[i].out;
		struct ir_graph *g;
		struct ir_node *n;

		assert_ok(ir_graph_new(&g));
		n = emit_case(g, &good[i]);
		if (!n)
			fail_msg("case %zu: %s", i, tt_last_error());
		for (int k = 0; k < n->n_out; k++) {
			struct tensor_desc d = parse_shape(&want);
			char text[TENSOR_TEXT];

			if (!tensor_same(&d, &n->out[k]->desc))
				fail_msg("case %zu (%s): output %d is %s", i, ir_op_name(n->op), k,
				         tensor_text(&n->out[k]->desc, text));
		}
		assert_string_equal(want, "");
		assert_ok(ir_verify(g));
		ir_graph_free(&g);
	}
}

struct bad_case {
	struct shape_case c;
	tt_status         st;
	const char       *text;
};

#define BAD(op, attr, in) { op, attr, in, NULL }
#define NONE { .groups = 0 }
#define A(...) { __VA_ARGS__ }

static const struct bad_case bad[] = {
	{ BAD(IR_CONV2D, A(.groups = 1), "64x3x32x32 16x4x3x3"), TT_ESHAPE,
	  "layer (conv2d): input 64x3x32x32 from input 'x0' has 3 channels, filter 16x4x3x3 wants 4 "
	  "(groups 1)" },
	{ BAD(IR_CONV2D, A(.groups = 3), "1x6x8x8 4x2x3x3"), TT_ESHAPE,
	  "groups 3 does not divide the 4 filters" },
	{ BAD(IR_CONV2D, A(.groups = 4), "1x6x8x8 4x1x3x3"), TT_ESHAPE, "6 channels" },
	{ BAD(IR_CONV2D, NONE, "1x3x2x8 4x3x3x3"), TT_ESHAPE, "does not fit into input 1x3x2x8" },
	{ BAD(IR_CONV2D, A(.dilation = { 5, 5 }), "1x3x8x8 4x3x3x3"), TT_ESHAPE, "(dilation 5x5)" },
	{ BAD(IR_CONV2D, NONE, "1x3x8x8 4x3x3x3 5"), TT_ESHAPE, "5 from input 'x2' should be 4" },
	{ BAD(IR_CONV2D, NONE, "3x8x8 4x3x3x3"), TT_ESHAPE, "must be NxCxHxW" },
	{ BAD(IR_CONV2D, NONE, "1x3x8x8 4x3x3"), TT_ESHAPE, "filter 4x3x3 must be KxCxHxW" },
	{ BAD(IR_CONV2D, A(.kernel = { 3, 5 }), "1x3x8x8 4x3x3x3"), TT_ESHAPE, "kernel 3x5 differ" },
	{ BAD(IR_CONV2D, A(.stride = { -1, 1 }), "1x3x8x8 4x3x3x3"), TT_EINVAL, "stride -1x1" },
	{ BAD(IR_CONV2D, A(.pad = { 0, -1 }), "1x3x8x8 4x3x3x3"), TT_EINVAL, "padding -1" },
	{ BAD(IR_CONV2D, A(.groups = -2), "1x3x8x8 4x3x3x3"), TT_ESHAPE, "groups -2" },
	{ BAD(IR_CONV2D, NONE, "s:1x3x8x8 4x3x3x3"), TT_ESHAPE, "is s32, input 0 must be f32" },
	{ BAD(IR_CONV2D, A(.act = 99), "1x3x8x8 4x3x3x3"), TT_EINVAL, "activation number 99" },
	{ BAD(IR_DENSE, NONE, "5x7 3x8"), TT_ESHAPE,
	  "layer (dense): input 5x7 from input 'x0' does not fit weights 3x8 (out x in)" },
	{ BAD(IR_DENSE, NONE, "7 3x7"), TT_ESHAPE, "does not fit weights" },
	{ BAD(IR_DENSE, NONE, "5x7 3x7 4"), TT_ESHAPE, "should be 3" },
	{ BAD(IR_MAXPOOL, NONE, "1x1x4x4"), TT_EINVAL, "kernel 0x0" },
	{ BAD(IR_MAXPOOL, A(WINDOW(2, 2, 2)), "1x1x4x4"), TT_EINVAL,
	  "padding 2 must be less than the kernel's side 2" },
	{ BAD(IR_AVGPOOL, A(.kernel = { 5, 5 }), "1x1x4x4"), TT_ESHAPE, "does not fit" },
	{ BAD(IR_BATCHNORM, NONE, "2x3x4x4 3 3 3 4"), TT_ESHAPE, "4 from buffer 'x4' should be 3" },
	{ BAD(IR_BATCHNORM, NONE, "1x3 3 3 3 3"), TT_ESHAPE, "a batch of 1 cannot be normalised" },
	{ BAD(IR_BATCHNORM, A(.momentum = 2), "2x3 3 3 3 3"), TT_EINVAL, "momentum 2" },
	{ BAD(IR_BATCHNORM, A(.act = ACT_TANH), "2x3 3 3 3 3"), TT_EINVAL, "relu, not tanh" },
	{ BAD(IR_BATCHNORM_INFER, A(.eps = -1), "2x3 3 3 3 3"), TT_EINVAL, "eps -1" },
	{ BAD(IR_LAYERNORM, A(.ndim = 3), "2x3x4 24 24"), TT_ESHAPE, "leave no batch" },
	{ BAD(IR_LAYERNORM, NONE, "2x3x4 3 3"), TT_ESHAPE, "normalises 4 values, gamma is 3" },
	{ BAD(IR_LAYERNORM, NONE, "2x3x4 4 5"), TT_ESHAPE, "differ" },
	{ BAD(IR_RMSNORM, NONE, "2x3x4 3"), TT_ESHAPE, "normalises 4 values, gamma is 3" },
	{ BAD(IR_RMSNORM, A(.eps = -1), "2x3 3"), TT_EINVAL, "eps -1" },
	{ BAD(IR_GROUPNORM, A(.groups = 4), "2x6x4x4 6 6"), TT_ESHAPE, "do not divide into 4" },
	{ BAD(IR_GROUPNORM, NONE, "2x6 6 6"), TT_ESHAPE, "do not divide into 0" },
	{ BAD(IR_GROUPNORM, A(.groups = 2), "2x6 6 3"), TT_ESHAPE, "should be 6" },
	{ BAD(IR_LRN, NONE, "2x6x4x4"), TT_EINVAL, "0 channels: 1 to 128" },
	{ BAD(IR_LRN, A(.size = 5), "6"), TT_ESHAPE, "has no channels" },
	{ BAD(IR_PRELU, NONE, "2x6x4x4 4"), TT_ESHAPE, "neither one nor one for each channel" },
	{ BAD(IR_BIAS, NONE, "2x6x4x4 4"), TT_ESHAPE, "should be 6" },
	{ BAD(IR_RESIZE, A(.ndim = 4, .dims = { 2, 6, 8, 8 }), "2x3x4x4"), TT_ESHAPE,
	  "cannot be resized to 2x6x8x8" },
	{ BAD(IR_RESIZE, A(.resize = 7, .ndim = 4, .dims = { 2, 3, 8, 8 }), "2x3x4x4"), TT_EINVAL,
	  "no way 7 to resize" },
	{ BAD(IR_CONV2D_DX, A(.stride = { 2, 2 }, .ndim = 4, .dims = { 2, 5, 9, 7 }),
	      "2x3x3x3 3x5x2x2"), TT_ESHAPE, "should be" },
	{ BAD(IR_DROPOUT, A(.p = 1), "2x3"), TT_EINVAL, "p 1 must be" },
	{ BAD(IR_DROPOUT, A(.p = (float)NAN), "2x3"), TT_EINVAL, "must be" },
	{ BAD(IR_ADD, NONE, "64x16x8x8 64x32x8x8"), TT_ESHAPE,
	  "layer (add): 64x16x8x8 from input 'x0' and 64x32x8x8 from input 'x1' differ" },
	{ BAD(IR_CONCAT, A(.axis = 1), "2x3x4 2x3x5"), TT_ESHAPE, "differ in more than axis 1" },
	{ BAD(IR_CONCAT, A(.axis = 3), "2x3x4 2x3x4"), TT_EINVAL, "axes 0 to 2" },
	{ BAD(IR_RESHAPE, A(.ndim = 2, .dims = { 2, 13 }), "2x3x4"), TT_ESHAPE,
	  "cannot become 2x13: 24 elements, not 26" },
	{ BAD(IR_RESHAPE, A(.ndim = 9), "2x3x4"), TT_ESHAPE, "9 dimensions" },
	{ BAD(IR_EMBEDDING, NONE, "s:2x5 10x3x1"), TT_ESHAPE, "the table must be VxD" },
	{ BAD(IR_XENT, NONE, "4x10 s:5"), TT_ESHAPE, "5 from input 'x1' should be 4" },
	{ BAD(IR_XENT, NONE, "4x10 4"), TT_ESHAPE, "is f32, input 1 must be s32" },
	{ BAD(IR_XENT, A(.smoothing = 1), "4x10 s:4"), TT_EINVAL, "smoothing 1" },
	{ BAD(IR_MSE, NONE, "4x10 4x9"), TT_ESHAPE, "differ" },
	{ BAD(IR_MSE, NONE, "4x10 4x10 10"), TT_ESHAPE, "10 from input 'x2' should be 4" },
	{ BAD(IR_XENT, NONE, "4x10 s:4 1"), TT_ESHAPE, "1 from input 'x2' should be 4" },
	{ BAD(IR_HUBER, A(.delta = -1), "4x10 4x10"), TT_EINVAL, "delta -1" },
	{ BAD(IR_HINGE, A(.delta = -1), "4x10 s:4"), TT_EINVAL, "delta -1" },
	{ BAD(IR_FOCAL, A(.gamma = -1), "4x10 s:4"), TT_EINVAL, "gamma -1" },
	{ BAD(IR_SLICE, A(.axis = 1, .start = 2, .size = 2), "2x3"), TT_ESHAPE, "are not inside" },
	{ BAD(IR_MATMUL, NONE, "3x4 5x6"), TT_ESHAPE,
	  "3x4 from input 'x0' and 5x6 from input 'x1' have no product" },
	{ BAD(IR_MATMUL, A(.trans_b = 1), "3x4 4x5"), TT_ESHAPE, "'x1' (transposed) have no product" },
	{ BAD(IR_MATMUL, NONE, "2x3x4 3x4x5"), TT_ESHAPE, "have no product" },
	{ BAD(IR_MATMUL, NONE, "4 4x5"), TT_ESHAPE, "have no product" },
	{ BAD(IR_MULTIPLY, NONE, "2x3 2x1"), TT_ESHAPE, "differ" },
	{ BAD(IR_BROADCAST, A(.ndim = 2, .dims = { 2, 3 }), "2x2"), TT_ESHAPE,
	  "2x2 from input 'x0' cannot be repeated to 2x3" },
	{ BAD(IR_BROADCAST, A(.ndim = 1, .dims = { 3 }), "1x3"), TT_ESHAPE, "cannot be repeated" },
	{ BAD(IR_BROADCAST, A(.ndim = 1), "1"), TT_ESHAPE, "must be at least 1" },
	{ BAD(IR_TRANSPOSE, A(.perm = { 0, 1, 1 }), "2x3x4"), TT_EINVAL, "0,1,1,0,0 is no order" },
	{ BAD(IR_TRANSPOSE, A(.perm = { 1, 3 }), "2x3"), TT_EINVAL, "is no order" },
	{ BAD(IR_REDUCE, A(.axes = 4), "2x3"), TT_EINVAL, "axes 0x4: 2x3 from input 'x0' has 2" },
	{ BAD(IR_REDUCE, A(.reduce = 7), "2x3"), TT_EINVAL, "reduction number 7" },
	{ BAD(IR_INDEX, A(.axis = 2), "2x3 s:4"), TT_EINVAL, "axis 2: input 2x3 from input 'x0'" },
	{ BAD(IR_INDEX, NONE, "2x3 4"), TT_ESHAPE, "is f32, input 1 must be s32" },
	{ BAD(IR_INDEX, NONE, "2x3x4 s:1x1x1x1"), TT_ESHAPE, "more than 5 dimensions" },
	{ BAD(IR_INDEX_DX, A(.ndim = 2, .dims = { 2, 3 }), "s:4 4x2"), TT_ESHAPE, "should be 4x3" },
	{ BAD(IR_SPLIT, A(.axis = 1, .parts = 4), "2x6"), TT_ESHAPE, "cannot be split into 4 parts" },
	{ BAD(IR_SPLIT, A(.axis = 1), "2x6"), TT_EINVAL, "0 parts: 1 to 8 are possible" },
	{ BAD(IR_SPLIT, A(.axis = 1, .parts = 9), "2x9"), TT_EINVAL, "9 parts" },
	{ BAD(IR_PAD, A(.axis = 1, .start = 3, .size = 5), "2x3"), TT_ESHAPE, "is not inside 5" },
	{ BAD(IR_PAD, A(.axis = 1, .start = -1, .size = 5), "2x3"), TT_ESHAPE, "is not inside 5" },
	{ BAD(IR_PAD, A(.start = INT64_MAX, .size = INT64_MIN), "2x3"), TT_ESHAPE, "is not inside" },
	{ BAD(IR_FACTORS, A(.rows = 3), "4x40 4x40"), TT_ESHAPE, "less room than rows" },
	{ BAD(IR_FACTORS, A(.rows = 20), "4x40 4x40"), TT_ESHAPE, "larger than the gradient" },
	{ BAD(IR_FACTORS, A(.rows = 4, .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 },
	                    .dilation = { 1, 1 }, .groups = 1), "4x40x3x3 4x40x3x3"), TT_ESHAPE,
	  "such a gradient has no factors" },
	{ BAD(IR_CONV2D, NONE, "1x3x8x8"), TT_EINVAL, "1 inputs given, it takes 2 to 3" },
};

static void wrong_layers_say_why(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct ir_graph *g;

		assert_ok(ir_graph_new(&g));
		if (emit_case(g, &bad[i].c))
			fail_msg("bad case %zu (%s) was accepted", i, bad[i].text);
		assert_error(bad[i].text);
		assert_error("layer (");
		assert_int_equal(g->n_nodes, 0);
		assert_ok(ir_verify(g));      /* a refused layer leaves no trace */
		ir_graph_free(&g);
	}
}

static void messages_name_the_layers_in_front(void **state)
{
	const struct ir_attr k3 = { .kernel = { 3, 3 } };
	struct ir_graph *g;
	struct ir_value *x, *a, *b;
	(void)state;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(2, 3, 8, 8));
	a = net_conv(g, "conv3", x, 16, &k3);
	b = net_conv(g, "conv4", x, 32, &k3);
	assert_null(ir_emit(g, IR_ADD, "add1", (struct ir_value *const[]){ a, b }, 2, NULL));
	assert_error("add1 (add): 2x16x6x6 from conv3 and 2x32x6x6 from conv4 differ");
	ir_graph_free(&g);
}

static void running_statistics_must_be_buffers(void **state)
{
	struct ir_graph *g;
	struct ir_value *in[5];
	(void)state;

	assert_ok(ir_graph_new(&g));
	in[0] = net_input(g, "x", F32(2, 3));
	for (int i = 1; i < 5; i++)
		in[i] = net_param(g, (const char *[]){ "", "g", "b", "m", "v" }[i], F32(3));
	assert_null(ir_emit(g, IR_BATCHNORM, "bn", in, 5, NULL));
	assert_error("bn (batchnorm): running mean and variance are written and must be buffers");
	ir_graph_free(&g);
}

static void zero_attributes_get_defaults(void **state)
{
	struct ir_graph *g;
	struct ir_value *y;
	(void)state;

	assert_ok(ir_graph_new(&g));
	y = net_op(g, IR_CONV2D, "c", NULL, net_input(g, "x", F32(1, 2, 8, 8)),
	           net_param(g, "w", F32(4, 2, 3, 5)));
	assert_int_equal(y->maker->attr.kernel[1], 5);
	assert_int_equal(y->maker->attr.stride[0], 1);
	assert_int_equal(y->maker->attr.groups, 1);
	y = net_op(g, IR_MAXPOOL, "p", (&(struct ir_attr){ .kernel = { 2, 3 } }), y);
	assert_int_equal(y->maker->attr.stride[0], 2);
	assert_int_equal(y->maker->attr.stride[1], 3);
	ir_graph_free(&g);
}

static void names_are_unique(void **state)
{
	const struct tensor_desc d = F32(2);
	struct ir_graph *g;
	(void)state;

	assert_ok(ir_graph_new(&g));
	assert_non_null(ir_input(g, "x", &d));
	assert_null(ir_param(g, "x", &d, 0));
	assert_error("two inputs or parameters named 'x'");
	ir_graph_free(&g);
	ir_graph_free(&g);              /* freeing nothing is fine */
}

static void a_missing_input_keeps_the_first_error(void **state)
{
	const struct tensor_desc d = F32(2, -3);
	struct ir_graph *g;
	struct ir_value *x;
	(void)state;

	assert_ok(ir_graph_new(&g));
	x = ir_input(g, "x", &d);
	assert_null(x);
	assert_null(ir_emit(g, IR_ACT, "act", &x, 1, NULL));
	assert_error("x: shape 2x-3");
	ir_graph_free(&g);
}

static void counts_multiply_adds_twice(void **state)
{
	const struct ir_attr half = { .kernel = { 3, 3 }, .groups = 2 };
	struct ir_graph *g;
	struct ir_value *y, *loss;
	(void)state;

	assert_ok(ir_graph_new(&g));
	y = net_input(g, "x", F32(2, 4, 8, 8));
	y = net_conv(g, "conv", net_conv(g, "conv0", y, 4, &half), 6, &half);
	assert_true(ir_flops(y->maker) == 2.0 * 2 * 6 * 4 * 4 * 2 * 9);
	y = net_op(g, IR_RESHAPE, "flat", (&(struct ir_attr){ .ndim = 2, .dims = { 2, 96 } }), y);
	y = net_dense(g, "fc", y, 5);
	assert_true(ir_flops(y->maker) == 2.0 * 2 * 96 * 5);
	loss = net_op(g, IR_MSE, "loss", NULL, y, net_input(g, "t", F32(2, 5)));
	assert_ok(ir_backward(g, loss));
	for (const struct ir_node *n = g->first; n; n = n->next)
		if (n->op == IR_DENSE_DX || n->op == IR_DENSE_DW)
			assert_true(ir_flops(n) == 2.0 * 2 * 96 * 5);
		else if (n->op == IR_CONV2D_DX)
			assert_true(ir_flops(n) == 2.0 * 2 * 6 * 4 * 4 * 2 * 9);
	ir_graph_free(&g);
}

static void prints_a_line_a_node(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct str out = {0};
	(void)state;

	ir_print(g, &out);
	assert_ok(str_status(&out));
	assert_contains(out.p, "input x 3x1x12x12\n");
	assert_contains(out.p, "input label 3 s32\n");
	assert_contains(out.p, "param conv1.weight 4x1x5x5 at 0 grad %");
	assert_contains(out.p, "conv2d conv1 (x, conv1.weight) 3x4x12x12 kernel=5,5 stride=1,1 "
	                "dilation=1,1 pad=2,2,2,2 groups=1\n");
	assert_contains(out.p, "=* dense_dx fc2 (");
	assert_contains(out.p, "-> output 1\n");
	str_release(&out);
	ir_graph_free(&g);
}

/* What is measured for one value of an attribute must not be taken for another. */
static void keys_tell_every_attribute_that_is_timed(void **state)
{
	int timed = 0;
	(void)state;

	for (const struct ir_attr_row *row = ir_attr_rows; row->name; row++)
		for (int i = 0; i < row->count; i++) {
			struct ir_attr a = { .groups = 0 };
			struct str key = {0};

			memset((char *)&a + row->offset + (size_t)i * (row->kind == ATTR_I64 ? 8 : 4), 1, 1);
			ir_attr_key(&a, &key);
			assert_ok(str_status(&key));
			if (row->timed)
				assert_contains(key.p, row->name);
			else
				assert_true(key.len == 0);
			timed += row->timed;
			str_release(&key);
		}
	assert_true(timed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_make_their_shapes),
		cmocka_unit_test(wrong_layers_say_why),
		cmocka_unit_test(messages_name_the_layers_in_front),
		cmocka_unit_test(running_statistics_must_be_buffers),
		cmocka_unit_test(zero_attributes_get_defaults),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(a_missing_input_keeps_the_first_error),
		cmocka_unit_test(counts_multiply_adds_twice),
		cmocka_unit_test(keys_tell_every_attribute_that_is_timed),
		cmocka_unit_test(prints_a_line_a_node),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
