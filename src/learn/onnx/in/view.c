#include "learn/onnx/in/view.h"

/* As a value of a layer where it is one that lies as ours: *done. */
static tt_status lay_out(struct net *r, const char *name, const struct view *w, int *done)
{
	const int form = w->role == VIEW_LAYER ? atoms_form(&w->a) : -1;
	struct value *v;
	tt_status st;

	*done = form >= 0;
	if (!*done)
		return TT_OK;
	if ((st = onnx_add(r, name, VALUE_LAYER, &v)) != TT_OK)
		return st;
	v->form = form ? FORM_TIME_FIRST : FORM_PLAIN;
	v->layer = w->layer;
	v->ndim = 3;
	for (int i = 0; i < 3; i++)
		v->dim[i] = atoms_size(&w->a, i);
	return TT_OK;
}

tt_status view_add(struct net *r, const char *name, const struct view *w)
{
	struct value *v;
	int done;
	tt_status st = lay_out(r, name, w, &done);

	if (st == TT_OK && !done)
		st = onnx_add(r, name, VALUE_VIEW, &v);
	if (st != TT_OK || done)
		return st;
	if (!(v->view = onnx_room(r, 1, sizeof *v->view)))
		return TT_ENOMEM;
	*v->view = *w;
	v->ndim = w->a.ndim;
	for (int i = 0; i < w->a.ndim; i++)
		if (!(v->dim[i] = atoms_size(&w->a, i)))
			return err_set(TT_ESUPPORT, "%s: '%.80s' has an impossible shape", r->path, name);
	return TT_OK;
}

tt_status view_refuse(const struct net *r, const Onnx__Node *n)
{
	return onnx_refuse(r, n, "the parts of an attention cannot be put together again here");
}
