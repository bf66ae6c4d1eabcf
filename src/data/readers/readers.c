/* The table of schemes, and the public source in front of it: takes a URI apart,
 * finds the reader, checks what callers pass. */
#include "data/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct tt_source { struct reader *reader; };

const struct reader_ops *const readers[] = {
	&mnist_reader, &cifar10_reader, &images_reader, &csv_reader, &synth_reader, NULL
};

const char *const split_words[] = { "train", "test", NULL };
const char *const folder_words[] = { "train", "test", "val", NULL };

#define SCHEME_MAX 32

static tt_status unknown_scheme(const char *uri, const char *scheme)
{
	const char *names[sizeof readers / sizeof *readers];
	const char *near;
	size_t n = 0;

	for (; readers[n]; n++)
		names[n] = readers[n]->scheme;
	names[n] = NULL;
	near = str_nearest(scheme, names);
	if (near)
		return err_set(TT_ENOENT, "%s: there is no source '%s'; did you mean '%s:'?", uri,
		               scheme, near);
	return err_set(TT_ENOENT, "%s: not a source; write SCHEME:PLACE with one of mnist, cifar10, "
	               "images, csv, synth", uri);
}

static tt_status find_scheme(const char *uri, const struct reader_ops **out, const char **rest)
{
	const char *colon = strchr(uri, ':');
	char scheme[SCHEME_MAX] = "";
	size_t n = colon ? (size_t)(colon - uri) : 0;

	if (n > 0 && n < sizeof scheme)
		memcpy(scheme, uri, n);
	for (size_t i = 0; readers[i]; i++)
		if (scheme[0] && strcmp(readers[i]->scheme, scheme) == 0) {
			*out = readers[i];
			*rest = colon + 1;
			return TT_OK;
		}
	return unknown_scheme(uri, scheme);
}

/* %26 stands for '&' in a value; what is no escape stays as written. */
static void unescape(char *s)
{
	char *to = s, hex[3] = "", *end;

	for (; *s; s++) {
		if (s[0] == '%' && s[1] && s[2]) {
			memcpy(hex, s + 1, 2);
			long c = strtol(hex, &end, 16);
			if (end == hex + 2 && c > 0) {
				*to++ = (char)c;
				s += 2;
				continue;
			}
		}
		*to++ = *s;
	}
	*to = '\0';
}

static tt_status add_setting(struct arena *a, struct node *map, char *text)
{
	char *eq = strchr(text, '=');
	struct node **link = &map->child, *n;

	if (!eq || eq == text)
		return err_set(TT_EINVAL, "%s: the setting '%s' is not NAME=VALUE", map->file, text);
	*eq = '\0';
	unescape(eq + 1);
	if (node_get(map, text))
		return err_set(TT_EINVAL, "%s: '%s' is set twice", map->file, text);
	if (!(n = arena_alloc(a, sizeof *n)))
		return TT_ENOMEM;
	*n = (struct node){ .kind = NODE_TEXT, .file = map->file, .key = text, .text = eq + 1 };
	while (*link)
		link = &(*link)->next;
	*link = n;
	return TT_OK;
}

/* "a=1&b=2" into a MAP; text is taken to pieces. */
static tt_status parse_settings(struct arena *a, struct node *map, char *text)
{
	tt_status st;
	char *save = NULL;

	for (char *s = strtok_r(text, "&", &save); s; s = strtok_r(NULL, "&", &save))
		if ((st = add_setting(a, map, s)) != TT_OK)
			return st;
	return TT_OK;
}

tt_status reader_settings(const struct option *table, struct arena *a, const struct node *args,
                          void *base)
{
	tt_status st = options_default(table, a, base);

	return st == TT_OK ? options_read(table, a, args, base) : st;
}

tt_status source_wrap(tt_source **out, struct reader *r)
{
	tt_source *s = mem_calloc(1, sizeof *s);

	if (!s)
		return TT_ENOMEM;
	r->info.size = sizeof r->info;
	s->reader = r;
	*out = s;
	return TT_OK;
}

tt_status tt_source_open(tt_source **out, const char *uri)
{
	struct arena a = {0};
	struct node map = { .kind = NODE_MAP, .file = uri };
	const struct reader_ops *ops;
	const char *rest;
	struct reader *r = NULL;
	tt_status st;

	if (!out || !uri)
		return err_null(__func__);
	if ((st = find_scheme(uri, &ops, &rest)) != TT_OK)
		return st;
	char *path = arena_strdup(&a, rest);
	char *mark = path ? strchr(path, '?') : NULL;
	if (!path)
		return TT_ENOMEM;
	if (mark)
		*mark = '\0';
	if (mark && (st = parse_settings(&a, &map, mark + 1)) != TT_OK)
		goto out;
	if ((st = ops->open(&r, path, &map)) != TT_OK)
		goto out;
	if ((st = source_wrap(out, r)) != TT_OK)
		r->ops->close(r);
out:
	arena_release(&a);
	return st;
}

void tt_source_close(tt_source **s)
{
	if (!s || !*s)
		return;
	(*s)->reader->ops->close((*s)->reader);
	mem_free(*s);
	*s = NULL;
}

const tt_source_info *tt_source_describe(const tt_source *s)
{
	return s ? &s->reader->info : NULL;
}

tt_status tt_source_read(const tt_source *s, int64_t index, void *x, int32_t *label, float *values)
{
	const struct reader *r;

	if (!s)
		return err_null(__func__);
	r = s->reader;
	if (index < 0 || index >= r->info.count)
		return err_set(TT_EINVAL, "there is no sample %lld: the source has %lld",
		               (long long)index, (long long)r->info.count);
	return r->ops->read(r, index, x, label, values);
}

const struct reader *source_reader(const tt_source *s)
{
	return s->reader;
}

size_t source_elements(const tt_source_info *info)
{
	size_t n = 1;

	for (int i = 0; i < info->ndim; i++)
		n *= (size_t)info->shape[i];
	return n;
}

size_t source_bytes(const tt_source_info *info)
{
	return source_elements(info) * (info->type == TT_SAMPLE_U8 ? 1 : sizeof(float));
}
