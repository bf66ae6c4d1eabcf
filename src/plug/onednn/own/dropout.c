/* dropout.c -- dropout among oneDNN's layouts: blocks of 16 channels stay as they are. */
#include "plug/onednn/onednn.h"

#include "sys/thread.h"
#include "compute/exec/cpu/drop.h"
#include "compute/exec/host/dropout.h"

struct share {
	struct dropout drop;            /* run NULL: the mask is there already (backward) */
	const float   *x;
	uint8_t       *mask;
	float         *y, scale;
	int64_t        c, points;
	int            blocked;
};

/* Samples lo..hi: draw their masks, apply them while they are in the cache. */
static void some(void *ctx, int64_t lo, int64_t hi)
{
	const struct share *s = ctx;
	int64_t per = s->c * s->points;

	for (int64_t i = lo; i < hi; i++) {
		if (s->drop.run)
			dropout_mask(&s->drop, i, 1, per, s->mask + i * per);
		if (s->blocked)
			drop_blocked(s->x + i * per, s->mask + i * per, s->scale, s->c, s->points,
			             s->y + i * per);
		else
			drop_plain(s->x + i * per, s->mask + i * per, s->scale, per, s->y + i * per);
	}
}

static void run(const struct host_args *a, const struct run_context *rc, int blocked)
{
	const struct ir_node *n = a->node;
	const struct tensor_desc *d = &n->in[0]->desc;
	struct share s = { .drop = { .p = n->attr.p, .stream = n->attr.stream, .run = rc },
	                   .x = a->ptr[0], .mask = a->ptr[1], .y = a->ptr[2],
	                   .scale = n->attr.p < 1 ? 1 / (1 - n->attr.p) : 0,
	                   .c = d->ndim > 1 ? d->dim[1] : 1, .blocked = blocked };

	s.points = tensor_count(d) / d->dim[0] / s.c;
	thread_for(d->dim[0], 1, some, &s);
}

static void forward_plain(const struct host_args *a) { run(a, a->run, 0); }
static void forward_blocked(const struct host_args *a) { run(a, a->run, 1); }
static void backward_plain(const struct host_args *a) { run(a, NULL, 0); }
static void backward_blocked(const struct host_args *a) { run(a, NULL, 1); }

tt_status one_dropout(struct one_device *d, struct plan *p, const struct ir_node *n,
                      const char *variant)
{
	int backward = n->op == IR_DROPOUT_DX, blocked, a[3];
	const struct layout *l;
	tt_status st = one_blocks(d, p, n->in[0], &l);

	(void)variant;
	if (st != TT_OK)
		return st;
	blocked = l != NULL;
	a[0] = plan_in(p, n->in[0], l);
	if (a[0] < 0)
		return TT_ENOMEM;
	a[1] = backward ? plan_in(p, n->in[1], NULL) : plan_out(p, n->out[1], NULL);
	a[2] = a[1] < 0 ? -1 : plan_out_over(p, n->out[0], l, a[0]);
	if (a[2] < 0)
		return TT_ENOMEM;
	if (backward)
		return host_step(p, "tutti", blocked ? backward_blocked : backward_plain, a, 3);
	return host_step(p, "tutti:philox", blocked ? forward_blocked : forward_plain, a, 3);
}
