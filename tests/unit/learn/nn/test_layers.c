/* What each kind of layer makes of its input: the shape out, and the parameters with their
 * names. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "learn/nn/layers/kinds.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"
#include "support/support.h"

/* input, layers, then the shape of the last value at batch 2 and the parameters in their order */
static const struct { const char *input, *layers, *out, *params; } cases[] = {
	{ "[3, 8, 9]", "[conv2d: {out: 4}]", "2x4x6x7", "conv1.weight 4x3x3x3, conv1.bias 4" },
	{ "[3, 8, 9]", "[conv2d: {name: c, out: 4, kernel: [1, 5], stride: [2, 1], "
	  "padding: [0, 2], bias: no}]",
	  "2x4x4x9", "c.weight 4x3x1x5" },
	{ "[4, 8, 8]", "[conv2d: {out: 6, groups: 2, padding: same, stride: 3, bias: no}]", "2x6x3x3",
	  "conv1.weight 6x2x3x3" },
	{ "[1, 7, 7]", "[conv2d: {out: 1, padding: [1, 2, 3, 4], dilation: 2, bias: no}]", "2x1x7x9",
	  "conv1.weight 1x1x3x3" },
	{ "[1, 8, 8]", "[conv2d: {out: 1, kernel: 4, padding: same, bias: no}]", "2x1x8x8",
	  "conv1.weight 1x1x4x4" },
	{ "[3, 8, 8]", "[depthwise2d: {multiplier: 2, padding: 1}]", "2x6x8x8",
	  "conv1.weight 6x1x3x3, conv1.bias 6" },
	{ "[3, 8, 8]", "[maxpool]", "2x3x4x4", "" },
	{ "[3, 7, 7]", "[maxpool: {kernel: 3, stride: 2, padding: 1}]", "2x3x4x4", "" },
	{ "[3, 112, 112]", "[maxpool: {kernel: 3, stride: 2, padding: same}]", "2x3x56x56", "" },
	{ "[3, 8, 8]", "[avgpool: {kernel: [2, 4]}]", "2x3x4x2", "" },
	{ "[3, 8, 6]", "[globalpool]", "2x3", "" },
	{ "[3, 8, 6]", "[globalpool: {pool: max, keepdims: yes}]", "2x3x1x1", "" },
	{ "[3, 9]", "[globalpool]", "2x3", "" },
	{ "[3, 9]", "[globalpool: {pool: max, keepdims: yes}]", "2x3x1", "" },
	{ "[3, 9]", "[conv1d: {out: 4}]", "2x4x7", "conv1.weight 4x3x3, conv1.bias 4" },
	{ "[4, 9]", "[conv1d: {name: c, out: 6, kernel: 5, groups: 2, padding: [2, 1], stride: 2, "
	  "bias: no, activation: relu}, batchnorm, conv1d: {out: 1, kernel: 1, bias: no}]", "2x1x4",
	  "c.weight 6x2x5, bn1.weight 6, bn1.bias 6, conv2.weight 1x6x1" },
	{ "[4, 9]", "[conv1d: {out: 6, padding: same, dilation: 2, stride: 2}, maxpool1d]", "2x6x2",
	  "conv1.weight 6x4x3, conv1.bias 6" },
	{ "[4, 9]", "[maxpool1d: {kernel: 3, stride: 1, padding: 1}, avgpool1d: {kernel: 4}]", "2x4x2",
	  "" },
	{ "[4, 5, 6]", "[conv_transpose2d: {out: 3, kernel: [2, 4], stride: 2, padding: [0, 1]}]",
	  "2x3x10x12", "deconv1.weight 4x3x2x4, deconv1.bias 3" },
	{ "[4, 5, 6]", "[conv_transpose2d: {out: 6, groups: 2, stride: [2, 3], padding: 1, bias: no, "
	  "dilation: [1, 2], output_padding: [1, 2], activation: relu}]", "2x6x10x20",
	  "deconv1.weight 4x3x3x3" },
	{ "[4, 5, 6]", "[upsample, upsample: {scale: [1, 3], mode: bilinear}]", "2x4x10x36", "" },
	{ "[4, 5, 6]", "[upsample: {size: [7, 3], mode: bilinear}]", "2x4x7x3", "" },
	{ "[4, 5, 6]", "[pad: {padding: [1, 2, 0, 3], value: -1}, pad: {padding: 1}]", "2x4x8x13", "" },
	{ "[4, 5]", "[pad: {padding: [1, 2]}]", "2x4x8", "" },
	{ "[4, 5, 6]", "[slice: {start: 1}, slice: {axis: 3, start: 2, size: 3}]", "2x3x5x3", "" },
	{ "[4, 5, 6]", "[transpose, transpose: {dims: [2, 3, 1]}]", "2x5x4x6", "" },
	{ "[4, 5, 6]", "[reduce: {op: max, axis: [1, 3]}]", "2x5", "" },
	{ "[4, 5, 6]", "[reduce: {op: sum, axis: 2, keepdims: yes}, reduce: {axis: [1, 2, 3]}]", "2x1",
	  "" },
	{ "[3, 4, 5]", "[globalpool: {keepdims: yes}, sigmoid, multiply: {from: [input, sigmoid1]}, "
	  "reduce: {name: r, axis: 1, keepdims: yes}, multiply: {from: [r, sigmoid1]}]", "2x3x4x5",
	  "" },
	{ "[7]", "[dense: {out: 5}]", "2x5", "dense1.weight 5x7, dense1.bias 5" },
	{ "[4, 7]", "[dense: {out: 5, bias: no}]", "2x4x5", "dense1.weight 5x7" },
	{ "[6]", "[embedding: {rows: 10, dim: 3}]", "2x6x3", "embedding1.weight 10x3" },
	{ "[6, 3]", "[seqpool]", "2x3", "" },
	{ "[6, 3]", "[seqpool: {pool: last}]", "2x3", "" },
	{ "[6, 3]", "[lstm: {hidden: 2}]", "2x6x2", "lstm1.weight_ih_l0 8x3, "
	  "lstm1.weight_hh_l0 8x2, lstm1.bias_ih_l0 8, lstm1.bias_hh_l0 8" },
	{ "[6, 3]", "[gru: {hidden: 2, bias: no, bidirectional: yes, num_layers: 2, "
	  "output: last}]", "2x4",
	  "gru1.weight_ih_l0 6x3, gru1.weight_hh_l0 6x2, gru1.weight_ih_l0_reverse 6x3, "
	  "gru1.weight_hh_l0_reverse 6x2, gru1.weight_ih_l1 6x4, gru1.weight_hh_l1 6x2, "
	  "gru1.weight_ih_l1_reverse 6x4, gru1.weight_hh_l1_reverse 6x2" },
	{ "[6, 3]", "[rnn: {hidden: 5, bias: no, activation: relu, output: last}]", "2x5",
	  "rnn1.weight_ih_l0 5x3, rnn1.weight_hh_l0 5x5" },
	{ "[6, 4]", "[attention: {heads: 2}]", "2x6x4", "attn1.in_proj_weight 12x4, "
	  "attn1.in_proj_bias 12, attn1.out_proj.weight 4x4, attn1.out_proj.bias 4" },
	{ "[6, 4]", "[transformer: {heads: 2, norm_first: yes, hidden: 5, bias: no, rotary: yes}]",
	  "2x6x4", "block1.norm1.weight 4, block1.norm1.bias 4, "
	  "block1.self_attn.in_proj_weight 12x4, block1.self_attn.out_proj.weight 4x4, "
	  "block1.norm2.weight 4, block1.norm2.bias 4, block1.linear1.weight 5x4, "
	  "block1.linear2.weight 4x5" },
	{ "[6, 4]", "[positions: {max: 9}, positions: {kind: sinusoidal}]", "2x6x4",
	  "pos1.weight 9x4" },
	{ "[6, 4]", "[class_token: {name: cls}, class_token]", "2x8x4",
	  "cls.weight 1x4, token2.weight 1x4" },
	{ "[3, 8, 8]", "[batchnorm: {activation: relu}]", "2x3x8x8", "bn1.weight 3, bn1.bias 3" },
	{ "[5]", "[batchnorm]", "2x5", "bn1.weight 5, bn1.bias 5" },
	{ "[3, 4, 5]", "[layernorm: {dims: 2}]", "2x3x4x5", "ln1.weight 4x5, ln1.bias 4x5" },
	{ "[3, 4, 5]", "[rmsnorm: {dims: 3, activation: tanh}]", "2x3x4x5", "rms1.weight 3x4x5" },
	{ "[6, 4, 5]", "[groupnorm: {groups: 3}]", "2x6x4x5", "gn1.weight 6, gn1.bias 6" },
	{ "[6]", "[groupnorm: {groups: 2, affine: no}]", "2x6", "" },
	{ "[6, 4, 5]", "[instancenorm, instancenorm: {affine: yes}]", "2x6x4x5",
	  "in2.weight 6, in2.bias 6" },
	{ "[6, 4, 5]", "[lrn: {size: 3}]", "2x6x4x5", "" },
	{ "[6, 4, 5]", "[prelu, prelu: {channels: yes}]", "2x6x4x5",
	  "prelu1.weight 1, prelu2.weight 6" },
	{ "[5]", "[dropout: {p: 0.3}]", "2x5", "" },
	{ "[3, 4, 5]", "[flatten]", "2x60", "" },
	{ "[3, 4, 5]", "[reshape: {shape: [5, -1, 2]}]", "2x5x6x2", "" },
	{ "[3, 4, 5]", "[relu: {name: a}, tanh, add: {from: [a, input, tanh1], activation: elu}]",
	  "2x3x4x5", "" },
	{ "[3, 4, 5]", "[relu, gelu: {from: input}, concat: {from: [relu1, gelu1, input]}]",
	  "2x9x4x5", "" },
	{ "[3, 4, 5]", "[relu, concat: {from: [relu1, input], axis: 3}]", "2x3x4x10", "" },
	{ "[5]", "[leaky_relu, elu, gelu, silu, sigmoid, tanh, relu6, hardswish, hardsigmoid, softmax, "
	  "relu: {name: last}]", "2x5", "" },
	/* names */
	{ "[5]", "[dense: {out: 1}, dense: {name: mid, out: 2}, dense: {out: 3}]", "2x3",
	  "dense1.weight 1x5, dense1.bias 1, mid.weight 2x1, mid.bias 2, "
	  "dense3.weight 3x2, dense3.bias 3" },
	{ "[5]", "[sequence: {name: s, layers: [relu, dense: {out: 2, bias: no}, sequence: {layers: "
	  "[dense: {name: x, out: 1, bias: no}]}]}]", "2x1", "s.1.weight 2x5, s.2.x.weight 1x2" },
	{ "[5]", "[repeat: {name: r, times: 2, start: 3, layers: [dense: {out: 5, bias: no}]}]", "2x5",
	  "r.3.weight 5x5, r.4.weight 5x5" },
	{ "[5]", "[repeat: {name: r, times: 2, layers: [dense: {out: 5, bias: no}, relu]}]", "2x5",
	  "r.0.0.weight 5x5, r.1.0.weight 5x5" },
	{ "[5]", "[repeat: {name: r, times: 2, layers: [dense: {name: a, out: 5, bias: no}]}]", "2x5",
	  "r.0.a.weight 5x5, r.1.a.weight 5x5" },
	{ "[5]", "[residual: {name: b, body: [dense: {out: 5, bias: no}], activation: relu}]", "2x5",
	  "b.0.weight 5x5" },
	{ "[5]", "[residual: {name: b, body: [dense: {name: f, out: 3, bias: no}], "
	  "shortcut: [dense: {out: 3, bias: no}]}]", "2x3",
	  "b.f.weight 3x5, b.downsample.0.weight 3x5" },
	{ "[2, 4, 4]", "[branches: {name: m, paths: [[conv2d: {out: 3, kernel: 1, bias: no}], [], "
	  "[maxpool: {kernel: 3, stride: 1, padding: 1}]]}]", "2x7x4x4", "m.0.0.weight 3x2x1x1" },
	{ "[5]", "[branches: {name: m, join: add, paths: {a: [dense: {out: 2, bias: no}], "
	  "b: [dense: {name: f, out: 2, bias: no}]}}]", "2x2", "m.a.0.weight 2x5, m.b.f.weight 2x5" },
	/* `from` finds the innermost name, and skips what lies between */
	{ "[5]", "[dense: {name: a, out: 7, bias: no}, sequence: {name: s, layers: "
	  "[dense: {name: a, out: 3, "
	  "bias: no}, relu, dense: {name: z, out: 1, from: a, bias: no}]}]", "2x1",
	  "a.weight 7x5, s.a.weight 3x7, s.z.weight 1x3" },
	{ "[5]", "[sequence: {name: s, layers: [dense: {name: a, out: 3, bias: no}]}, "
	  "dense: {name: z, out: 1, from: s.a, bias: no}, dense: {name: y, out: 2, from: s, bias: no}]",
	  "2x2", "s.a.weight 3x5, z.weight 1x3, y.weight 2x3" },
};

/* A model whose last value need not suit a loss: one more layer makes it do. */
static void collect(struct tt_model *m, const char *input, const char *layers)
{
	struct str yaml = {0};
	size_t len = strlen(layers);

	str_addf(&yaml, "model: {input: %s, loss: mse, layers: %.*s, flatten: {name: tail}]}", input,
	         (int)len - 1, layers);
	*m = (struct tt_model){0};
	assert_ok(tt_spec_parse(&m->spec, "case", yaml.p));
	assert_ok(tt_spec_resolve(m->spec));
	m->net = m->spec->model;
	assert_ok(nn_collect(m));
	str_release(&yaml);
}

static void drop(struct tt_model *m)
{
	arena_release(&m->arena);
	tt_spec_free(&m->spec);
}

/* What the tail reshapes. */
static const char *shape_out(const struct tt_model *m, enum nn_purpose p, char text[TENSOR_TEXT])
{
	struct ir_graph *g;

	assert_ok(nn_graph(m, 2, p, &g));
	assert_ok(ir_verify(g));
	for (const struct ir_node *n = g->first; n; n = n->next)
		if (strcmp(n->name, "tail") == 0 && !n->backward)
			tensor_text(&n->in[0]->desc, text);
	ir_graph_free(&g);
	return text;
}

static void params_text(const struct tt_model *m, struct str *out)
{
	char shape[TENSOR_TEXT];

	str_add(out, "");
	for (int i = 0; i < m->n_params; i++)
		str_addf(out, "%s%s %s", i ? ", " : "", m->param[i].name,
		         tensor_text(&m->param[i].desc, shape));
}

static void layers_give_their_shapes_and_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str params = {0};
		char shape[TENSOR_TEXT];
		struct tt_model m;

		print_message("%s\n", cases[i].layers);
		collect(&m, cases[i].input, cases[i].layers);
		/* What has no parameters cannot be trained. */
		for (enum nn_purpose p = m.n_params ? NN_TRAIN : NN_EVAL; p <= NN_PREDICT; p++)
			assert_string_equal(shape_out(&m, p, shape), cases[i].out);
		params_text(&m, &params);
		assert_string_equal(params.p ? params.p : "", cases[i].params);
		str_release(&params);
		drop(&m);
	}
}

/* A kind without a case above is one that nobody tested. */
static void every_kind_has_a_case(void **state)
{
	(void)state;
	for (int k = 0; layer_kinds[k]; k++) {
		int found = 0;

		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			found |= strstr(cases[i].layers, layer_kinds[k]->name) != NULL;
		print_message("%s\n", layer_kinds[k]->name);
		assert_true(found);
		assert_ptr_equal(layer_kind_find(layer_kinds[k]->name), layer_kinds[k]);
		assert_true(strlen(layer_kinds[k]->help) > 8);
	}
	assert_null(layer_kind_find("conv"));
	assert_string_equal(layer_kind_nearest("conv2"), "conv2d");
}

static int count(const struct ir_graph *g, enum ir_op op)
{
	int n = 0;

	for (const struct ir_node *i = g->first; i; i = i->next)
		n += i->op == op;
	return n;
}

static void dropout_and_statistics_belong_to_training(void **state)
{
	struct tt_model m;
	struct ir_graph *g;

	(void)state;
	collect(&m, "[5]", "[dense: {out: 4}, batchnorm, dropout]");
	assert_int_equal(m.n_buffers, 2);
	assert_string_equal(m.buffer[0].name, "bn1.running_mean");
	assert_string_equal(m.buffer[1].name, "bn1.running_var");
	assert_int_equal(m.buffer[1].offset, 4);
	assert_ok(nn_graph(&m, 2, NN_TRAIN, &g));
	assert_int_equal(count(g, IR_DROPOUT), 1);
	assert_int_equal(count(g, IR_BATCHNORM), 1);
	ir_graph_free(&g);
	assert_ok(nn_graph(&m, 2, NN_EVAL, &g));
	assert_int_equal(count(g, IR_DROPOUT), 0);
	assert_int_equal(count(g, IR_BATCHNORM_INFER), 1);
	ir_graph_free(&g);
	drop(&m);
}

static void roles_tell_weights_from_biases_and_norms(void **state)
{
	struct tt_model m;

	(void)state;
	collect(&m, "[5]", "[dense: {out: 4}, layernorm]");
	assert_int_equal(m.param[0].role, PARAM_WEIGHT);
	assert_int_equal(m.param[1].role, PARAM_BIAS);
	assert_int_equal(m.param[2].role, PARAM_NORM);
	assert_int_equal(m.param[3].role, PARAM_NORM);
	drop(&m);
}

/* Two dropouts must not draw the same mask; another layer must not change a mask. */
static void dropout_streams_belong_to_names(void **state)
{
	uint32_t stream[2][2];

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct tt_model m;
		struct ir_graph *g;
		int n = 0;

		collect(&m, "[5]", more ? "[dense: {out: 3}, dropout: {name: z}, dropout: {name: a}, "
		                          "dropout: {name: b}]"
		                        : "[dense: {out: 3}, dropout: {name: a}, dropout: {name: b}]");
		assert_ok(nn_graph(&m, 1, NN_TRAIN, &g));
		for (const struct ir_node *i = g->first; i; i = i->next)
			if (i->op == IR_DROPOUT && strcmp(i->name, "z") != 0)
				stream[more][n++] = i->attr.stream;
		ir_graph_free(&g);
		drop(&m);
	}
	assert_int_not_equal(stream[0][0], stream[0][1]);
	assert_memory_equal(stream[0], stream[1], sizeof stream[0]);
}

static void the_answer_is_what_the_loss_is_about(void **state)
{
	static const struct { const char *loss; enum ir_op last, loss_op; } want[] = {
		{ "cross_entropy", IR_SOFTMAX, IR_XENT }, { "bce", IR_ACT, IR_BCE },
		{ "mse", IR_DENSE, IR_MSE }, { "mae", IR_DENSE, IR_MAE }, { "huber", IR_DENSE, IR_HUBER },
		{ "focal", IR_SOFTMAX, IR_FOCAL }, { "sigmoid_focal", IR_ACT, IR_SIGMOID_FOCAL },
		{ "hinge", IR_DENSE, IR_HINGE }, { "kl", IR_SOFTMAX, IR_KL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		struct tt_model m;
		struct ir_graph *g;

		collect(&m, "[5]", "[relu]");
		tt_spec_free(&m.spec);
		assert_ok(tt_spec_new(&m.spec, "x"));
		assert_ok(tt_spec_set(m.spec, "model.input", "[5]"));
		assert_ok(tt_spec_set(m.spec, "model.loss", want[i].loss));
		assert_ok(tt_spec_layer(m.spec, "dense", "{out: 4}"));
		assert_ok(tt_spec_resolve(m.spec));
		m.net = m.spec->model;
		assert_ok(nn_collect(&m));
		assert_int_equal(m.outputs, 4);
		assert_int_equal(m.inputs, 5);
		assert_ok(nn_graph(&m, 3, NN_PREDICT, &g));
		assert_int_equal(g->last->op, want[i].last);
		ir_graph_free(&g);
		assert_ok(nn_graph(&m, 3, NN_EVAL, &g));
		assert_int_equal(g->last->op, want[i].loss_op);
		ir_graph_free(&g);
		drop(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_give_their_shapes_and_names),
		cmocka_unit_test(every_kind_has_a_case),
		cmocka_unit_test(dropout_and_statistics_belong_to_training),
		cmocka_unit_test(roles_tell_weights_from_biases_and_norms),
		cmocka_unit_test(dropout_streams_belong_to_names),
		cmocka_unit_test(the_answer_is_what_the_loss_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
