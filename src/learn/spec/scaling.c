#include "learn/spec/scaling.h"

#include "base/str.h"
#include "learn/spec/spec.h"

int model_wants_scaling(const struct tt_model *m)
{
	const struct data_opts *d = &m->spec->data;

	return d->normalise != NORMALISE_NONE && !d->mean.n && !d->std.n;
}

static tt_status set_list(tt_spec *s, const char *key, const struct option_list *l)
{
	struct str text = {0};
	tt_status st;

	for (size_t i = 0; i < l->n; i++) {
		str_add(&text, i ? ", " : "[");
		str_add_number(&text, l->v[i]);
	}
	str_add(&text, l->n ? "]" : "[]");
	if ((st = str_status(&text)) == TT_OK)
		st = tt_spec_set(s, key, text.p);
	str_release(&text);
	return st;
}

tt_status model_set_scaling(struct tt_model *m, const struct scaling *c)
{
	tt_status st;

	if ((st = set_list(m->spec, "data.mean", &c->mean)) != TT_OK ||
	    (st = set_list(m->spec, "data.std", &c->std)) != TT_OK ||
	    (st = tt_spec_resolve(m->spec)) != TT_OK)
		return st;
	return nn_set_scaling(m, c);
}
