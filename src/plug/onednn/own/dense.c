/* dense.c -- a dense layer of ours for few samples, plain: the variant "tutti:turned". */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/turned.h"

static struct turned turned_of(const struct ir_node *n)
{
	const int64_t *w = n->in[1]->desc.dim;

	return (struct turned){ .n = tensor_count(&n->in[0]->desc) / w[1], .c = w[1], .k = w[0] };
}

int one_turned_fits(const struct ir_node *n)
{
	const struct turned t = one_role(n) == ROLE_FWD ? turned_of(n) : (struct turned){ .n = 0 };

	return turned_pays(&t) && one_library_act(&n->attr) == ACT_NONE;
}

/* ptr: x, w, b or NULL, y, room */
static void run(const struct host_args *a)
{
	struct turned t = turned_of(a->node);

	t.x = a->ptr[0];
	t.w = a->ptr[1];
	t.b = a->ptr[2];
	t.y = a->ptr[3];
	t.room = a->ptr[4];
	turned_run(&t);
}

tt_status one_turned(struct plan *p, const struct ir_node *n)
{
	const struct turned t = turned_of(n);
	const md_t y = one_md_rows(&n->out[0]->desc, dnnl_f32);
	const int args[] = { plan_in(p, n->in[0], NULL), plan_in(p, n->in[1], NULL),
	                     n->n_in == 3 ? plan_in(p, n->in[2], NULL) : -1,
	                     plan_out(p, n->out[0], NULL),
	                     plan_scratch(p, turned_room(&t) * sizeof(float)) };
	tt_status st;

	for (int i = 0; i < 5; i++)
		if (args[i] < 0 && (i != 2 || n->n_in == 3))
			return TT_ENOMEM;
	st = host_step(p, ONE_TURNED, run, args, 5);
	return st == TT_OK && one_own_act(&n->attr) ? one_act_step(p, &n->attr, &y, args[3], args[3])
	                                            : st;
}
