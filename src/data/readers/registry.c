#include "data/readers/registry.h"

#include <string.h>

#include "data/part.h"

const struct reader_ops *const readers[] = {
#define X(name) &name##_reader,
	READERS(X)
#undef X
	NULL
};

#define SCHEME_MAX 32
#define ROWS (sizeof readers / sizeof *readers)

static tt_status unknown_scheme(const char *uri, const char *scheme)
{
	const char *names[ROWS], *near;
	struct str list = {0};
	tt_status st;

	for (size_t n = 0; n < ROWS; n++) {
		names[n] = readers[n] ? readers[n]->scheme : NULL;
		if (names[n])
			str_addf(&list, "%s%s", n ? ", " : "", names[n]);
	}
	near = str_nearest(scheme, names);
	if ((st = str_status(&list)) == TT_OK)
		st = near ? err_set(TT_ENOENT, "%s: there is no source '%s'; did you mean '%s:'?", uri,
		                    scheme, near)
		          : err_set(TT_ENOENT, "%s: not a source; write SCHEME:PLACE with one of %s", uri,
		                    list.p);
	str_release(&list);
	return st;
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

static tt_status open_reader(struct reader **out, const struct reader_ops *ops, const char *path,
                             const struct node *args, const struct known_columns *known)
{
	return known && ops->open_for ? ops->open_for(out, path, args, known)
	                              : ops->open(out, path, args);
}

/* Tables cut themselves: what they teach is found in one part. */
static tt_status take_part(tt_source **out, tt_source *whole, const struct known_columns *known)
{
	tt_status st;

	if (!known || !known->cut.split || source_reader(whole)->ops == &csv_reader) {
		*out = whole;
		return TT_OK;
	}
	if ((st = source_part(out, whole, &known->cut)) != TT_OK)
		tt_source_close(&whole);
	return st;
}

tt_status source_open_for(tt_source **out, const char *uri, const struct known_columns *known)
{
	const struct reader_ops *ops;
	const char *rest, *path;
	struct arena a = {0};
	struct node map;
	struct reader *r = NULL;
	tt_source *whole = NULL;
	tt_status st;

	if ((st = find_scheme(uri, &ops, &rest)) != TT_OK)
		return st;
	if ((st = reader_parse(&a, uri, rest, &path, &map)) == TT_OK &&
	    (st = open_reader(&r, ops, path, &map, known)) == TT_OK &&
	    (st = source_wrap(&whole, r)) != TT_OK)
		r->ops->close(r);
	arena_release(&a);
	return st == TT_OK ? take_part(out, whole, known) : st;
}

int source_asks_names(const char *uri)
{
	const char *colon = strchr(uri, ':');

	for (size_t i = 0; colon && readers[i]; i++)
		if (strlen(readers[i]->scheme) == (size_t)(colon - uri) &&
		    memcmp(readers[i]->scheme, uri, (size_t)(colon - uri)) == 0)
			return readers[i]->open_for != NULL;
	return 0;
}

tt_status tt_source_open(tt_source **out, const char *uri)
{
	return out && uri ? source_open_for(out, uri, NULL) : err_null(__func__);
}
