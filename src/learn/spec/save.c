#include "learn/spec/save.h"

#include <string.h>

#include "base/mem.h"
#include "learn/nn/loss.h"

static void add_tensors(struct model_rows *s, const struct param *p, int n, const float *data)
{
	for (int i = 0; i < n; i++)
		s->tensor[s->n_tensors++] = (struct ckpt_tensor){ .name = p[i].name, .desc = p[i].desc,
		                                                  .data = data + p[i].offset };
}

/* Class names are in the signature as well: those who read version 0.1 look here. */
static tt_status write_texts(struct model_rows *s, const struct tt_model *m)
{
	const tt_schema *data = &m->signature->data.view;

	signature_write(m->signature, &s->signature);
	for (int i = 0; data->class_names && i < data->classes; i++) {
		str_add(&s->classes, i ? ", " : "[");
		str_add_json(&s->classes, data->class_names[i]);
	}
	if (s->classes.len)
		str_add(&s->classes, "]");
	if (s->signature.failed || s->classes.failed)
		return TT_ENOMEM;
	return tt_spec_text(m->spec, &s->text);
}

#define OWN_META 5

tt_status model_rows_init(struct model_rows *s, const struct tt_model *m, int more)
{
	size_t tensors = (size_t)(tt_model_tensors(m) + more), metas = (size_t)(OWN_META + more);
	tt_status st;

	*s = (struct model_rows){0};
	if ((st = write_texts(s, m)) != TT_OK) {
		model_rows_release(s);
		return st;
	}
	s->tensor = mem_calloc(tensors ? tensors : 1, sizeof *s->tensor);
	s->meta = mem_calloc(metas, sizeof *s->meta);
	if (!s->tensor || !s->meta) {
		model_rows_release(s);
		return TT_ENOMEM;
	}
	add_tensors(s, m->param, m->n_params, m->params);
	add_tensors(s, m->buffer, m->n_buffers, m->buffers);
	s->meta[s->n_meta++] = (struct ckpt_meta){ "tutti.format", MODEL_FORMAT };
	s->meta[s->n_meta++] = (struct ckpt_meta){ "tutti.version", TT_VERSION };
	s->meta[s->n_meta++] = (struct ckpt_meta){ MODEL_META_SPEC, s->text };
	s->meta[s->n_meta++] = (struct ckpt_meta){ MODEL_META_SIGNATURE, s->signature.p };
	if (s->classes.len)
		s->meta[s->n_meta++] = (struct ckpt_meta){ MODEL_META_CLASSES, s->classes.p };
	return TT_OK;
}

void model_rows_release(struct model_rows *s)
{
	mem_free(s->tensor);
	mem_free(s->meta);
	mem_free(s->text);
	str_release(&s->signature);
	str_release(&s->classes);
	*s = (struct model_rows){0};
}

int model_tensor_fits(const struct param *p, const struct ckpt_tensor *t)
{
	struct tensor_desc as = t->desc;

	if (as.dtype == DTYPE_BF16)
		as.dtype = DTYPE_F32;
	return tensor_same(&as, &p->desc);
}

static tt_status check_tensors(const struct param *p, int n, const struct ckpt *c, const char *path)
{
	char want[TENSOR_TEXT], is[TENSOR_TEXT];

	for (int i = 0; i < n; i++) {
		const struct ckpt_tensor *t = ckpt_find(c, p[i].name);

		if (!t)
			return err_set(TT_ESHAPE, "%s: has no tensor '%s' (%s), which the model needs", path,
			               p[i].name, tensor_text(&p[i].desc, want));
		if (!model_tensor_fits(&p[i], t))
			return err_set(TT_ESHAPE, "%s: tensor '%s' is %s %s, but %s f32 in the model", path,
			               p[i].name, tensor_text(&t->desc, is),
			               t->desc.dtype == DTYPE_F32 ? "f32" : t->stored,
			               tensor_text(&p[i].desc, want));
	}
	return TT_OK;
}

/* bf16 is the upper half of f32. */
static void from_bf16(const uint16_t *from, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t bits = (uint32_t)from[i] << 16;

		memcpy(to + i, &bits, sizeof bits);
	}
}

void model_copy_tensor(const struct param *p, const struct ckpt_tensor *t, float *vector)
{
	if (t->desc.dtype == DTYPE_BF16)
		from_bf16(t->data, p->count, vector + p->offset);
	else
		memcpy(vector + p->offset, t->data, p->count * sizeof *vector);
}

static void copy_tensors(const struct param *p, int n, const struct ckpt *c, float *to)
{
	for (int i = 0; i < n; i++)
		model_copy_tensor(&p[i], ckpt_find(c, p[i].name), to);
}

tt_status model_check_tensors(const struct tt_model *m, const struct ckpt *c, const char *path)
{
	tt_status st = check_tensors(m->param, m->n_params, c, path);

	return st == TT_OK ? check_tensors(m->buffer, m->n_buffers, c, path) : st;
}

tt_status model_load_tensors(struct tt_model *m, const struct ckpt *c, const char *path)
{
	tt_status st = model_check_tensors(m, c, path);

	if (st != TT_OK)
		return st;
	copy_tensors(m->param, m->n_params, c, m->params);
	copy_tensors(m->buffer, m->n_buffers, c, m->buffers);
	return TT_OK;
}

tt_status model_check_format(const struct ckpt *c, const char *path)
{
	const char *format = ckpt_meta(c, "tutti.format");

	if (!format || !ckpt_meta(c, MODEL_META_SPEC))
		return err_set(TT_EFORMAT,
		               "%s: a safetensors file, but not one of tutti's: it holds no spec",
		               path);
	if (strcmp(format, MODEL_FORMAT) != 0)
		return err_set(TT_EFORMAT, "%s: of format %.20s; this tutti reads format %s", path, format,
		               MODEL_FORMAT);
	return TT_OK;
}

static tt_status read_classes(struct arena *a, const char *json, const char *path,
                              struct class_names *out)
{
	const char **v;
	struct node *list;
	tt_status st = node_parse_json(a, path, json, strlen(json), &list);

	if (st != TT_OK)
		return st;
	if (!(v = arena_alloc(a, (node_count(list) + 1) * sizeof *v)))
		return TT_ENOMEM;
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = node_text(n, &v[out->n++]);
	out->v = v;
	return st;
}

/* The names stand there twice, for version 0.1 and for us: who changes one changes the other. */
static tt_status compare_classes(const struct signature *s, const struct class_names *names,
                                 const char *path)
{
	const tt_schema *d = &s->data.view;
	const int n = d->class_names ? d->classes : 0;

	if (n != names->n)
		return err_set(TT_EFORMAT, "%s: " MODEL_META_CLASSES " has %d names, " MODEL_META_SIGNATURE
		               " %d", path, names->n, n);
	for (int i = 0; i < n; i++)
		if (strcmp(names->v[i], d->class_names[i]) != 0)
			return err_set(TT_EFORMAT, "%s: class %d is '%.60s' in " MODEL_META_CLASSES
			               ", '%.60s' in " MODEL_META_SIGNATURE, path, i, names->v[i],
			               d->class_names[i]);
	return TT_OK;
}

/* Does the target suit the outputs that the spec gives the model? */
static tt_status check_outputs(const struct tt_model *m, const struct signature *s,
                               const char *path)
{
	const tt_schema *d = &s->data.view;
	const int none = d->kind == TT_TARGET_NONE || d->kind == TT_TARGET_VALUES;

	if (!none && d->classes != m->outputs &&
	    (m->outputs != 1 || loss_row(m->net.loss)->takes == TAKES_CLASS))
		return err_set(TT_EFORMAT, "%s: " MODEL_META_SIGNATURE " has %d classes, but the model "
		               "%lld outputs", path, d->classes, (long long)m->outputs);
	return TT_OK;
}

tt_status model_signature_read(struct signature **out, const struct tt_model *m, const char *json,
                               const char *path)
{
	struct signature *s = NULL;
	tt_status st = signature_read(&s, m, json, path);

	if (st == TT_OK && (st = check_outputs(m, s, path)) == TT_OK)
		*out = s;
	else
		signature_free(&s);
	return st;
}

tt_status model_signature_of(struct tt_model *m, const struct ckpt *c, const char *path)
{
	const char *json = ckpt_meta(c, MODEL_META_SIGNATURE);
	const char *classes = ckpt_meta(c, MODEL_META_CLASSES);
	struct class_names names = {0};
	struct arena a = {0};
	struct signature *s = NULL;
	tt_status st = classes ? read_classes(&a, classes, path, &names) : TT_OK;

	if (st == TT_OK && !json)               /* version 0.1 wrote names of classes at most */
		st = classes ? nn_set_classes(m, &names) : TT_OK;
	if (st == TT_OK && json && (st = model_signature_read(&s, m, json, path)) == TT_OK &&
	    (!classes || (st = compare_classes(s, &names, path)) == TT_OK)) {
		signature_free(&m->signature);
		m->signature = s;
		s = NULL;
	}
	signature_free(&s);
	arena_release(&a);
	return st;
}
