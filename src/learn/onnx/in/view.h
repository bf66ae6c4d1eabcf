/* view.h -- one view (views.h), for the files that make and end them. */
#ifndef ONNX_VIEW_H
#define ONNX_VIEW_H

#include "learn/onnx/in/atoms.h"
#include "learn/onnx/in/views.h"

enum role {
	VIEW_PART,              /* features of a product                               */
	VIEW_COS, VIEW_SIN,     /* ... times a wave of their places                    */
	VIEW_LOW, VIEW_HIGH,    /* ... turned: one half of them                        */
	VIEW_SCORES, VIEW_CHANCES, VIEW_CONTEXT,
	VIEW_LAYER              /* of a layer that is said, in an order of its own     */
};

struct view {
	enum role       role;
	struct atoms    a;
	struct product *p;
	double          scale;
	int64_t         other;          /* offset of the half that is turned with this one  */
	int             turned, rotary; /* itself; by those that are joined in it           */
	int             causal;
	struct view    *q, *k, *v;      /* of scores and what follows                       */
	const char     *layer;
};

/* The value `name` is a view like this one; or a layer's, where that lies as ours. */
tt_status view_add(struct net *r, const char *name, const struct view *w);
/* TT_ESUPPORT: the parts of an attention cannot be put together again. */
tt_status view_refuse(const struct net *r, const Onnx__Node *n);

/* views_ahead.c: do the nodes behind a product make scores of it, or a sum that chances weigh? */
int       view_attends(const struct net *r, const char *from);
/* views_layer.c: the product behind the heads, with what is added to it, is the end of a layer. */
tt_status view_finish(struct net *r, const Onnx__Node *n, const struct view *context);

#endif
