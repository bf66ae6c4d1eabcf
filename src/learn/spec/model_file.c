/* model_file.c -- from a document to a model, and from a checkpoint, which holds one. */
#include <tutti/model.h>

#include "base/mem.h"
#include "learn/spec/save.h"
#include "learn/spec/spec.h"

tt_status model_shape(tt_model **out, const tt_spec *s)
{
	tt_model *m = mem_calloc(1, sizeof *m);
	tt_status st;

	if (!m)
		return TT_ENOMEM;
	if ((st = spec_copy(&m->spec, s)) != TT_OK || (st = tt_spec_resolve(m->spec)) != TT_OK)
		goto out;
	m->net = m->spec->model;
	m->freeze = m->spec->train.freeze;
	m->members = m->spec->members;
	m->seed = (uint64_t)m->spec->train.seed;
	st = nn_model_shape(m, &(struct scaling){ m->spec->data.mean, m->spec->data.std });
	if (st != TT_OK)
		goto out;
	*out = m;
	m = NULL;
out:
	tt_model_free(&m);
	return st;
}

tt_status tt_model_new(tt_model **out, const tt_spec *s)
{
	tt_model *m = NULL;
	tt_status st;

	if (!out || !s)
		return err_null(__func__);
	if ((st = model_shape(&m, s)) != TT_OK)
		return st;
	if ((st = nn_model_room(m)) != TT_OK) {
		tt_model_free(&m);
		return st;
	}
	nn_model_draw(m);
	*out = m;
	return TT_OK;
}

void tt_model_free(tt_model **m)
{
	if (!m || !*m)
		return;
	nn_model_release(*m);
	tt_spec_free(&(*m)->spec);
	mem_free(*m);
	*m = NULL;
}

tt_status model_of_ckpt(tt_model **out, const struct ckpt *c, const char *path)
{
	tt_model *m = NULL;
	tt_spec *s = NULL;
	tt_status st;

	if ((st = model_check_format(c, path)) != TT_OK)
		return st;
	if ((st = tt_spec_parse(&s, path, ckpt_meta(c, MODEL_META_SPEC))) != TT_OK ||
	    (st = model_shape(&m, s)) != TT_OK || (st = model_check_tensors(m, c, path)) != TT_OK ||
	    (st = nn_model_room(m)) != TT_OK || (st = model_load_tensors(m, c, path)) != TT_OK ||
	    (st = model_signature_of(m, c, path)) != TT_OK)
		goto out;
	*out = m;
	m = NULL;
out:
	tt_model_free(&m);
	tt_spec_free(&s);
	return st;
}

tt_status tt_model_save(const tt_model *m, const char *checkpoint)
{
	struct model_rows s;
	tt_status st;

	if (!m || !checkpoint)
		return err_null(__func__);
	if ((st = model_rows_init(&s, m, 0)) != TT_OK)
		return st;
	st = ckpt_write(checkpoint, s.tensor, s.n_tensors, s.meta, s.n_meta);
	model_rows_release(&s);
	return st;
}

tt_status tt_model_load(tt_model **out, const char *checkpoint)
{
	struct ckpt *c;
	tt_status st;

	if (!out || !checkpoint)
		return err_null(__func__);
	if ((st = ckpt_open(&c, checkpoint)) != TT_OK)
		return st;
	st = model_of_ckpt(out, c, checkpoint);
	ckpt_close(&c);
	return st;
}
