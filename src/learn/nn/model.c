#include "learn/nn/model.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"

static void draw_vector(const struct tt_model *m, const struct param *p, int n, float *v)
{
	for (int i = 0; i < n; i++)
		init_fill(v + p[i].offset, p[i].count, &p[i].init, m->seed, p[i].name);
}

tt_status nn_model_shape(struct tt_model *m, const struct scaling *s)
{
	tt_status st = nn_collect(m);

	return st == TT_OK ? signature_derive(&m->signature, m, s, &(struct class_names){0}) : st;
}

tt_status nn_model_room(struct tt_model *m)
{
	m->params = mem_alloc_aligned((m->param_count ? m->param_count : 1) * sizeof *m->params);
	m->buffers = mem_alloc_aligned((m->buffer_count ? m->buffer_count : 1) * sizeof *m->buffers);
	return m->params && m->buffers ? TT_OK : TT_ENOMEM;
}

void nn_model_draw(struct tt_model *m)
{
	draw_vector(m, m->param, m->n_params, m->params);
	draw_vector(m, m->buffer, m->n_buffers, m->buffers);
}

void nn_model_release(struct tt_model *m)
{
	signature_free(&m->signature);
	mem_free(m->params);
	mem_free(m->buffers);
	arena_release(&m->arena);
}

int tt_model_tensors(const tt_model *m)
{
	return m ? m->n_params + m->n_buffers : 0;
}

const tt_spec *tt_model_spec(const tt_model *m)
{
	return m ? m->spec : NULL;
}

size_t tt_model_parameters(const tt_model *m)
{
	return m ? m->param_count : 0;
}

tt_status tt_model_tensor(const tt_model *m, int i, tt_tensor *out)
{
	const struct param *p;
	tt_tensor t = TT_SIZED(tt_tensor);

	if (!m)
		return err_null(__func__);
	if (i < 0 || i >= tt_model_tensors(m))
		return err_set(TT_EINVAL, "tensor %d: the model has tensors 0 to %d", i,
		               tt_model_tensors(m) - 1);
	p = i < m->n_params ? &m->param[i] : &m->buffer[i - m->n_params];
	t.trainable = i < m->n_params && !p->frozen;
	t.name = p->name;
	t.ndim = p->desc.ndim;
	t.data = (i < m->n_params ? m->params : m->buffers) + p->offset;
	memcpy(t.shape, p->desc.dim, sizeof t.shape);
	return sized_give(out, &t, sizeof t, "tt_tensor");
}

static void count_not_finite(const struct param *p, int n, const float *v, struct not_finite *out)
{
	for (int i = 0; i < n; i++) {
		size_t bad = 0;

		for (size_t k = 0; k < p[i].count; k++)
			bad += !isfinite(v[p[i].offset + k]);
		if (bad && !out->tensors++)
			*out = (struct not_finite){ p[i].name, bad, p[i].count, 1 };
	}
}

int nn_not_finite(const struct tt_model *m, struct not_finite *out)
{
	*out = (struct not_finite){ .tensors = 0 };
	count_not_finite(m->param, m->n_params, m->params, out);
	count_not_finite(m->buffer, m->n_buffers, m->buffers, out);
	return out->tensors;
}

tt_status nn_check_finite(const struct tt_model *m, const char *of)
{
	struct not_finite f;

	if (!nn_not_finite(m, &f))
		return TT_OK;
	return err_set(TT_ENAN, "%s%zu of the %zu numbers of tensor '%s' are not finite, and in %d "
	               "tensors in all some are: take a checkpoint from before", of, f.bad, f.count,
	               f.name, f.tensors);
}
