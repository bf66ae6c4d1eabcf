/* nets.h -- small graphs for tests: layers in one line, and a LeNet and a ResNet in miniature.
 *
 * Names of parameters are "layer.weight" and so on; offsets follow the order of making.  Every
 * function asserts that it could be done. */
#ifndef SUPPORT_NETS_H
#define SUPPORT_NETS_H

#include "compute/ir/graph.h"

#define SHAPE(...) (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
	(const int64_t[]){ __VA_ARGS__ }
#define F32(...) tensor_desc_make(DTYPE_F32, SHAPE(__VA_ARGS__))
#define S32(...) tensor_desc_make(DTYPE_S32, SHAPE(__VA_ARGS__))

struct ir_value *net_input(struct ir_graph *g, const char *name, struct tensor_desc d);
struct ir_value *net_param(struct ir_graph *g, const char *name, struct tensor_desc d);
struct ir_value *net_buffer(struct ir_graph *g, const char *name, struct tensor_desc d);

/* First output of a new node; inputs that are NULL are left out. */
#define net_op(g, op, name, attr, ...) \
	net_node(g, op, name, attr, (struct ir_value *const[]){ __VA_ARGS__, NULL })
struct ir_value *net_node(struct ir_graph *g, enum ir_op op, const char *name,
                          const struct ir_attr *attr, struct ir_value *const *in);

/* Layers that make their own parameters.  conv: K filters of a->kernel, no bias; dense has one. */
struct ir_value *net_conv(struct ir_graph *g, const char *name, struct ir_value *x, int K,
                          const struct ir_attr *a);
struct ir_value *net_dense(struct ir_graph *g, const char *name, struct ir_value *x, int K);
struct ir_value *net_act(struct ir_graph *g, const char *name, struct ir_value *x, enum ir_act act);

/* Which of its two forms a net takes. */
enum net_mode { NET_TRAIN, NET_INFER };
struct ir_value *net_batchnorm(struct ir_graph *g, const char *name, struct ir_value *x,
                               enum net_mode mode);

/* Whole nets on input "x" and labels "label"; TRAIN ends in a loss (output 1, differentiated),
 * INFER in the logits (output 1). */
struct ir_graph *net_lenet(enum net_mode mode);
struct ir_graph *net_resnet(enum net_mode mode);

int net_count(const struct ir_graph *g, enum ir_op op);
/* The output-th output (from 1), or NULL. */
struct ir_value *net_output(const struct ir_graph *g, int output);

#endif
