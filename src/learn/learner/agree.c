/* agree.c -- are all ranks the same?  They say what must be equal, and rank 0 compares. */
#include "distribute/coll/coll.h"
#include "base/str.h"
#include "learn/learner/learner_own.h"

static void add_parameters(struct str *s, const struct tt_model *m)
{
	char shape[TENSOR_TEXT];

	for (int i = 0; i < m->n_params; i++)
		str_addf(s, "parameter %s %s\n", m->param[i].name, tensor_text(&m->param[i].desc, shape));
	for (int i = 0; i < m->n_buffers; i++)
		str_addf(s, "buffer %s %s\n", m->buffer[i].name, tensor_text(&m->buffer[i].desc, shape));
}

tt_status learner_agree(struct learner *l, const char *facts)
{
	struct comm *c = l->opts.comm;
	struct str s = {0};
	char *spec;
	tt_status st;

	if (c->size == 1)
		return TT_OK;
	c->doing = "the start";
	if ((st = tt_spec_text(l->opts.model->spec, &spec)) != TT_OK)
		return st;
	str_addf(&s, "tutti " TT_VERSION "\n%s%s", facts, spec);
	add_parameters(&s, l->opts.model);
	if (l->n_factored)
		str_addf(&s, "distribute.factors: products are rounded %s\n",
		         l->product->fused() ? "once, as sums" : "before they are added");
	if ((st = str_status(&s)) == TT_OK)
		st = comm_agree(c, s.p);
	tt_free(spec);
	str_release(&s);
	return blame_peer(st);
}
