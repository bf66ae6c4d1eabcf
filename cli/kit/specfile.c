#include "kit/specfile.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "kit/expand.h"
#include "kit/paths.h"

#define SPEC_MAX_BYTES ((size_t)8 << 20)

static tt_status set_one(tt_spec *s, const char *pair)
{
	const char *eq = strchr(pair, '=');
	char        key[256];

	if (!eq || eq == pair || (size_t)(eq - pair) >= sizeof key)
		return err_set(TT_EINVAL, "--set wants KEY=VALUE, such as train.epochs=3, not '%s'",
		               pair);
	memcpy(key, pair, (size_t)(eq - pair));
	key[eq - pair] = '\0';
	return tt_spec_set(s, key, eq + 1);
}

tt_status specfile_load(struct specfile *out, const char *path, const struct flag_list *sets)
{
	struct expansion e = { 0 };
	struct specfile  f = { .path = path };
	char            *text = NULL;
	size_t           size;
	tt_status        st;

	if ((st = file_read_all(path, SPEC_MAX_BYTES, &text, &size)) != TT_OK)
		return st;
	if (memchr(text, 0, size)) {
		st = err_set(TT_ESPEC, "%s: this is no text, so it is no spec", path);
		goto out;
	}
	if ((st = expand_text(path, text, NULL, NULL, &e)) != TT_OK ||
	    (st = tt_spec_parse(&f.spec, path, e.text.p)) != TT_OK)
		goto out;
	for (int i = 0; i < sets->n; i++)
		if ((st = set_one(f.spec, sets->v[i])) != TT_OK)
			goto out;
	if ((st = tt_spec_meet(f.spec)) != TT_OK)
		goto out;
	f.data_defaulted = e.data_defaulted;
	*out = f;
	f = (struct specfile){ 0 };
out:
	specfile_release(&f);
	expansion_release(&e);
	mem_free(text);
	return st;
}

tt_status specfile_text(struct arena *a, const tt_spec *s, const char *key, const char **out)
{
	char *text;
	tt_status st = tt_spec_get(s, key, &text);

	if (st != TT_OK)
		return st;
	*out = arena_strdup(a, text);
	tt_free(text);
	return *out ? TT_OK : TT_ENOMEM;
}

tt_status specfile_double(const tt_spec *s, const char *key, double *out)
{
	char *text;
	tt_status st = tt_spec_get(s, key, &text);

	if (st != TT_OK)
		return st;
	if (!str_to_double(text, out))
		st = err_set(TT_ESPEC, "%s is '%s', which is no number", key, text);
	tt_free(text);
	return st;
}

tt_status specfile_int(const tt_spec *s, const char *key, int *out)
{
	double v;
	tt_status st = specfile_double(s, key, &v);

	if (st == TT_OK)
		*out = (int)v;
	return st;
}

void specfile_release(struct specfile *f)
{
	tt_spec_free(&f->spec);
}

/* Of data that are there, if seen from where the spec lies. */
static void hint_place(const struct specfile *f, tt_status st)
{
	static const char *const key[] = { "data.train", "data.valid" };
	const char *uri;
	struct arena a = { 0 };

	for (size_t i = 0; i < sizeof key / sizeof *key; i++)
		if (strncmp(tt_last_error(), key[i], strlen(key[i])) == 0 &&
		    specfile_text(&a, f->spec, key[i], &uri) == TT_OK)
			paths_hint(st, uri, f->path);
	arena_release(&a);
}

tt_status specfile_hint(const struct specfile *f, tt_status st)
{
	char why[ERR_MAX];

	if (st != TT_ENOENT)
		return st;
	hint_place(f, st);
	if (!f->data_defaulted || file_is_dir("data"))
		return st;
	snprintf(why, sizeof why, "%s", tt_last_error());
	return err_set(st, "%s; set TUTTI_DATA to the folder of your data, or name a source with "
	               "--set data.train=... --set data.valid=...", why);
}
