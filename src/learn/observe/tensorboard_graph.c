#include "learn/observe/tensorboard_graph.h"

#include <ctype.h>
#include <string.h>

#include "learn/events/proto.h"

/* Fields of graph.proto, node_def.proto, attr_value.proto and tensor_shape.proto. */
enum { GRAPH_NODE = 1, GRAPH_VERSIONS = 4 };
enum { VERSIONS_PRODUCER = 1, PRODUCER = 22 };
enum { NODE_NAME = 1, NODE_OP = 2, NODE_INPUT = 3, NODE_ATTR = 5 };
enum { MAP_KEY = 1, MAP_VALUE = 2 };
enum { ATTR_LIST = 1, ATTR_TYPE = 6 };
enum { LIST_SHAPE = 7 };
enum { SHAPE_DIM = 2, DIM_SIZE = 1 };

/* By dtype: TensorFlow's numbers for float, bfloat16, int32, uint8. */
static const int tf_type[] = {
	[DTYPE_F32] = 1, [DTYPE_BF16] = 14, [DTYPE_S32] = 3, [DTYPE_U8] = 4
};

/* "layer1.0.conv1" is layer1/0/conv1: a box in a box. */
static void add_scoped(struct str *s, const char *name)
{
	for (; *name; name++) {
		char c = *name == '.' ? '/' : isalnum((unsigned char)*name) ? *name : '_';

		str_add_bytes(s, &c, 1);
	}
}

/* Several nodes of one layer may have the same op: the node's number tells them apart. */
static int is_alone(const struct ir_graph *g, const struct ir_node *n)
{
	for (const struct ir_node *m = g->first; m; m = m->next)
		if (m != n && m->op == n->op && strcmp(m->name, n->name) == 0)
			return 0;
	return 1;
}

static void add_node_name(struct str *s, const struct ir_graph *g, const struct ir_node *n)
{
	add_scoped(s, n->name);
	str_addf(s, "/%s", ir_op_name(n->op));
	if (!is_alone(g, n))
		str_addf(s, "_%d", n->id);
}

static void add_value_name(struct str *s, const struct ir_graph *g, const struct ir_value *v)
{
	if (v->kind == IR_TEMP) {
		add_node_name(s, g, v->maker);
		if (v->index)
			str_addf(s, ":%d", v->index);
	} else {
		add_scoped(s, v->name);
	}
}

static void add_attr_type(struct str *s, enum dtype t)
{
	size_t attr = proto_open(s, NODE_ATTR), value;

	proto_text(s, MAP_KEY, "T");
	value = proto_open(s, MAP_VALUE);
	proto_int(s, ATTR_TYPE, tf_type[t]);
	proto_close(s, value);
	proto_close(s, attr);
}

static void add_shape(struct str *s, const struct tensor_desc *d)
{
	size_t shape = proto_open(s, LIST_SHAPE);

	for (int i = 0; i < d->ndim; i++) {
		size_t dim = proto_open(s, SHAPE_DIM);

		proto_int(s, DIM_SIZE, d->dim[i]);
		proto_close(s, dim);
	}
	proto_close(s, shape);
}

static void add_attr_shapes(struct str *s, struct ir_value *const *v, int n)
{
	size_t attr = proto_open(s, NODE_ATTR), value, list;

	proto_text(s, MAP_KEY, "_output_shapes");
	value = proto_open(s, MAP_VALUE);
	list = proto_open(s, ATTR_LIST);
	for (int i = 0; i < n; i++)
		add_shape(s, &v[i]->desc);
	proto_close(s, list);
	proto_close(s, value);
	proto_close(s, attr);
}

static void add_source(struct str *s, const struct ir_graph *g, struct ir_value *v)
{
	static const char *const op[] = {
		[IR_INPUT] = "Placeholder", [IR_PARAM] = "VariableV2", [IR_BUFFER] = "VariableV2",
	};
	size_t node = proto_open(s, GRAPH_NODE), name = proto_open(s, NODE_NAME);

	add_value_name(s, g, v);
	proto_close(s, name);
	proto_text(s, NODE_OP, op[v->kind]);
	add_attr_type(s, v->desc.dtype);
	add_attr_shapes(s, &v, 1);
	proto_close(s, node);
}

static void add_node(struct str *s, const struct ir_graph *g, const struct ir_node *n)
{
	size_t node = proto_open(s, GRAPH_NODE), part = proto_open(s, NODE_NAME);

	add_node_name(s, g, n);
	proto_close(s, part);
	proto_text(s, NODE_OP, ir_op_name(n->op));
	for (int i = 0; i < n->n_in; i++) {
		part = proto_open(s, NODE_INPUT);
		add_value_name(s, g, n->in[i]);
		proto_close(s, part);
	}
	add_attr_type(s, n->out[0]->desc.dtype);
	add_attr_shapes(s, n->out, n->n_out);
	proto_close(s, node);
}

void tensorboard_graph(const struct ir_graph *g, struct str *out)
{
	size_t at;

	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind != IR_TEMP)
			add_source(out, g, g->value[i]);
	for (const struct ir_node *n = g->first; n; n = n->next)
		add_node(out, g, n);
	at = proto_open(out, GRAPH_VERSIONS);
	proto_int(out, VERSIONS_PRODUCER, PRODUCER);
	proto_close(out, at);
}
