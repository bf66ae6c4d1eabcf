#include "learn/keras/file.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/keras/zip.h"
#include "sys/plug.h"

#define CONFIG_MAX ((size_t)64 << 20)

tt_status h5_find(const struct h5_ops **out)
{
	const struct plug *p;
	tt_status st = plug_find(PLUG_FILE, "hdf5", &p);

	if (st == TT_OK)
		*out = p->ops;
	return st;
}

static tt_status parse(struct keras_file *f, const char *text, size_t n)
{
	tt_status st = node_parse_json(&f->arena, f->path, text, n, &f->config);

	if (st == TT_OK && (f->config->kind != NODE_MAP || !node_get(f->config, "class_name")))
		st = err_set(TT_EFORMAT, "%s: no Keras model: its config has no class_name", f->path);
	return st;
}

/* 2.13.1 is old; what says nothing is as old as its form of file. */
static int is_old(const char *version, int otherwise)
{
	return version && *version ? *version < '3' && version[1] == '.' : otherwise;
}

static tt_status read_version(struct keras_file *f)
{
	struct zip_wanted w = { "metadata.json", CONFIG_MAX };
	struct node *root;
	char *text = NULL;
	size_t n;
	tt_status st = zip_read(f->path, &w, &text, &n);

	if (st == TT_OK && text && node_parse_json(&f->arena, f->path, text, n, &root) == TT_OK &&
	    root->kind == NODE_MAP && node_get(root, "keras_version"))
		f->old = is_old(node_get(root, "keras_version")->text, 0);
	mem_free(text);
	return st == TT_ENOMEM ? st : TT_OK;
}

static tt_status open_zip(struct keras_file *f)
{
	struct zip_wanted w = { "config.json", CONFIG_MAX };
	char *text = NULL;
	size_t n;
	tt_status st;

	if ((st = zip_read(f->path, &w, &text, &n)) == TT_OK)
		st = parse(f, text ? text : "", n);
	mem_free(text);
	if (st == TT_OK)
		st = read_version(f);
	w = (struct zip_wanted){ "model.weights.h5", 0 };
	if (st == TT_OK && (st = zip_read(f->path, &w, &f->bytes, &n)) == TT_OK)
		st = f->ops->open(&f->h5, f->path, f->bytes, n);
	return st;
}

static tt_status open_legacy(struct keras_file *f)
{
	struct h5_texts t = { .n = 0 }, version = { .n = 0 };
	size_t n;
	tt_status st;

	if ((st = file_read_all(f->path, 0, &f->bytes, &n)) != TT_OK ||
	    (st = f->ops->open(&f->h5, f->path, f->bytes, n)) != TT_OK)
		return st;
	st = f->ops->texts(f->h5, "/", "model_config", &f->arena, &t);
	if (st == TT_ENOENT || (st == TT_OK && t.n != 1))
		return err_set(TT_EFORMAT, "%s: it holds weights, but no model_config: save the whole "
		               "model, by model.save(\"net.keras\")", f->path);
	if (st == TT_OK)
		st = f->ops->texts(f->h5, "/", "keras_version", &f->arena, &version);
	if (st == TT_ENOENT)
		st = TT_OK;
	f->old = is_old(version.n == 1 ? version.v[0] : NULL, 1);
	return st == TT_OK ? parse(f, t.v[0], strlen(t.v[0])) : st;
}

tt_status keras_open(struct keras_file *f, const char *path)
{
	const size_t n = strlen(path);
	tt_status st;

	*f = (struct keras_file){ .path = path };
	f->legacy = n < 6 || strcmp(path + n - 6, ".keras") != 0;
	if ((st = h5_find(&f->ops)) == TT_OK)
		st = f->legacy ? open_legacy(f) : open_zip(f);
	if (st != TT_OK)
		keras_close(f);
	return st;
}

void keras_close(struct keras_file *f)
{
	if (f->h5)
		f->ops->close(&f->h5);
	mem_free(f->bytes);
	arena_release(&f->arena);
	*f = (struct keras_file){ .path = NULL };
}

static tt_status legacy_array(struct keras_file *f, const struct keras_place *at, int i,
                              struct arena *a, const char **path)
{
	const char *group = arena_printf(a, "/model_weights/%s", at->name);
	struct h5_texts names = { .n = 0 };
	tt_status st = group ? f->ops->texts(f->h5, group, "weight_names", a, &names) : TT_ENOMEM;

	if (st == TT_ENOENT || (st == TT_OK && i >= names.n))
		return err_set(TT_EFORMAT, "%s: layer %s has %d arrays, not %d or more", f->path, at->name,
		               names.n, i + 1);
	if (st == TT_OK && !(*path = arena_printf(a, "%s/%s", group, names.v[i])))
		st = TT_ENOMEM;
	return st;
}

tt_status keras_array(struct keras_file *f, const struct keras_place *at, int i,
                      const char **path)
{
	struct arena *a = &f->arena;
	struct h5_texts name = { .n = 0 };
	const char *group;
	tt_status st;

	if (f->legacy)
		return legacy_array(f, at, i, a, path);
	group = at->nth ? arena_printf(a, "/layers/%s_%d/vars", at->snake, at->nth)
	                : arena_printf(a, "/layers/%s/vars", at->snake);
	if (!group)
		return TT_ENOMEM;
	/* Newer versions say whose it is. */
	st = f->ops->texts(f->h5, group, "name", a, &name);
	if (st == TT_OK && name.n == 1 && strcmp(name.v[0], at->name) != 0)
		return err_set(TT_EFORMAT, "%s: %s holds the arrays of %.80s, not of %.80s", f->path, group,
		               name.v[0], at->name);
	if (st != TT_OK && st != TT_ENOENT)
		return st;
	return (*path = arena_printf(a, "%s/%d", group, i)) ? TT_OK : TT_ENOMEM;
}
