/* write_arrays.c -- numbers as Keras lays them out, and the two kinds of files. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/keras/writer.h"
#include "learn/keras/zip.h"

/* ---- arrays ---- */

static const struct param *tensor_of(const struct writer *w, const char *name, const float **x,
                                     const struct turn **t)
{
	const struct tt_model *m = w->m;

	for (int i = 0; i < m->n_params; i++)
		if (strcmp(m->param[i].name, name) == 0) {
			*x = m->params + m->param[i].offset;
			*t = &w->turns.param[i];
			return &m->param[i];
		}
	for (int i = 0; i < m->n_buffers; i++)
		if (strcmp(m->buffer[i].name, name) == 0) {
			*x = m->buffers + m->buffer[i].offset;
			*t = &w->turns.buffer[i];
			return &m->buffer[i];
		}
	return NULL;
}

static tt_status write_array(struct writer *w, const char *name, const char *path)
{
	const struct turn *t = NULL;
	const float *ours = NULL;
	const struct param *p = tensor_of(w, name, &ours, &t);
	struct tensor_desc d;
	float *x;
	tt_status st;

	if (!p || !t)
		return err_set(TT_EINTERNAL, "no tensor %s", name);
	if (!(x = mem_alloc((p->count + 1) * sizeof *x)))
		return TT_ENOMEM;
	d = turn_shape(t, p);
	turn_out(t, p, ours, x);
	st = w->ops->write(w->h5, path, &d, x);
	mem_free(x);
	return st;
}

static tt_status write_v3(struct writer *w, const struct made *k)
{
	const char *group = k->nth ? arena_printf(&w->arena, "/layers/%s_%d/vars", k->snake, k->nth)
	                           : arena_printf(&w->arena, "/layers/%s/vars", k->snake);
	tt_status st = group ? w->ops->group(w->h5, group) : TT_ENOMEM;

	if (st == TT_OK)
		st = w->ops->set_text(w->h5, group, "name", k->name);
	for (int i = 0; i < 5 && k->var[i] && st == TT_OK; i++) {
		const char *path = arena_printf(&w->arena, "%s/%d", group, i);

		st = path ? write_array(w, k->var[i], path) : TT_ENOMEM;
	}
	return st;
}

static tt_status write_legacy(struct writer *w, const struct made *k)
{
	static const char *const norm[] = { "gamma", "beta", "moving_mean", "moving_variance" };
	static const char *const plain[] = { "kernel", "bias" };
	const int is_norm = strstr(k->class_name, "Normalization") != NULL;
	const char *group = arena_printf(&w->arena, "/model_weights/%s", k->name), *names[5];
	struct h5_texts t = { names, 0 };
	tt_status st = group ? w->ops->group(w->h5, group) : TT_ENOMEM;

	for (int i = 0; i < 5 && k->var[i] && st == TT_OK; i++) {
		const char *what = is_norm ? norm[i] : plain[i], *path;

		names[i] = arena_printf(&w->arena, "%s/%s", k->name, what);
		path = arena_printf(&w->arena, "%s/%s/%s", group, k->name, what);
		st = names[i] && path ? write_array(w, k->var[i], path) : TT_ENOMEM;
		t.n++;
	}
	return st == TT_OK ? w->ops->set_texts(w->h5, group, "weight_names", &t) : st;
}

static tt_status write_all(struct writer *w, int legacy)
{
	tt_status st = TT_OK;

	for (int i = 0; i < w->n && st == TT_OK; i++)
		st = legacy ? write_legacy(w, w->order[i]) : write_v3(w, w->order[i]);
	return st;
}

/* ---- files ---- */

static tt_status write_zip(struct writer *w)
{
	static const char metadata[] = "{\"keras_version\": \"" KERAS_VERSION "\", \"date_saved\": "
	                               "\"1980-01-01@00:00:00\"}";
	struct str h5 = {0};
	tt_status st;

	if ((st = write_all(w, 0)) == TT_OK && (st = w->ops->group(w->h5, "/vars")) == TT_OK &&
	    (st = w->ops->image(w->h5, &h5)) == TT_OK)
		st = zip_write(w->path, (const struct zip_member[]){
			{ "metadata.json", metadata, sizeof metadata - 1 },
			{ "config.json", w->json.p, w->json.len },
			{ "model.weights.h5", h5.p, h5.len } }, 3);
	str_release(&h5);
	return st;
}

static tt_status list_layers(struct writer *w)
{
	struct h5_texts t = { arena_alloc(&w->arena, ((size_t)w->n + 1) * sizeof *t.v), w->n };
	tt_status st = t.v ? TT_OK : TT_ENOMEM;

	for (int i = 0; i < w->n && st == TT_OK; i++)
		t.v[i] = w->order[i]->name;
	if (st != TT_OK ||
	    (st = w->ops->set_texts(w->h5, "/model_weights", "layer_names", &t)) != TT_OK ||
	    (st = w->ops->set_text(w->h5, "/model_weights", "backend", "tutti")) != TT_OK ||
	    (st = w->ops->set_text(w->h5, "/model_weights", "keras_version", KERAS_VERSION)) != TT_OK ||
	    (st = w->ops->set_text(w->h5, "/", "keras_version", KERAS_VERSION)) != TT_OK ||
	    (st = w->ops->set_text(w->h5, "/", "backend", "tutti")) != TT_OK)
		return st;
	return w->ops->set_text(w->h5, "/", "model_config", w->json.p);
}

static tt_status write_h5(struct writer *w)
{
	struct file_new *f = NULL;
	struct str h5 = {0};
	tt_status st;

	if ((st = write_all(w, 1)) == TT_OK && (st = list_layers(w)) == TT_OK &&
	    (st = w->ops->image(w->h5, &h5)) == TT_OK && (st = file_new_open(&f, w->path)) == TT_OK &&
	    (st = file_new_write(f, h5.p, h5.len)) == TT_OK)
		st = file_new_commit(f);
	file_new_close(&f);
	str_release(&h5);
	return st;
}

tt_status writer_file(struct writer *w)
{
	const size_t n = strlen(w->path);

	return n >= 3 && strcmp(w->path + n - 3, ".h5") == 0 ? write_h5(w) : write_zip(w);
}
