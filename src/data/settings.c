/* What follows the scheme in a URI: a path, '?', and settings. */
#include "data/reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

const char *const split_words[] = { "train", "test", NULL };
const char *const folder_words[] = { "train", "test", "val", "valid", "none", NULL };

/* %26 stands for '&' in a value; what is no escape stays as written. */
static void unescape(char *s)
{
	char *to = s, hex[3] = "", *end;

	for (; *s; s++) {
		if (s[0] == '%' && isxdigit((unsigned char)s[1]) && s[2]) {
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

/* Where the settings begin: behind the '?' that follows the longest path of a file that is there;
 * NULL: nowhere, it is a path as a whole.  Names of files may hold a '?', too. */
static char *find_mark(char *text)
{
	char *mark;

	if (!strchr(text, '?') || file_exists(text))
		return NULL;
	for (size_t n = strlen(text); (mark = memrchr(text, '?', n)); n = (size_t)(mark - text)) {
		int there;

		*mark = '\0';
		there = file_exists(text);
		*mark = '?';
		if (there)
			return mark;
	}
	return strchr(text, '?');
}

/* %3F stands for '?' in a path, unless there is a file that is called so. */
static void unescape_path(struct arena *a, char *path)
{
	char *plain = strchr(path, '%') && !file_exists(path) ? arena_strdup(a, path) : NULL;

	if (!plain)
		return;
	unescape(plain);
	if (file_exists(plain))
		strcpy(path, plain);
}

tt_status reader_parse(struct arena *a, const char *uri, const char *rest, const char **path,
                       struct node *map)
{
	char *own = arena_strdup(a, rest), *mark = own ? find_mark(own) : NULL;

	*map = (struct node){ .kind = NODE_MAP, .file = uri };
	if (!own)
		return TT_ENOMEM;
	if (mark)
		*mark = '\0';
	unescape_path(a, own);
	*path = own;
	return mark ? parse_settings(a, map, mark + 1) : TT_OK;
}

tt_status reader_settings(const struct option *table, struct arena *a, const struct node *args,
                          void *base)
{
	tt_status st = options_default(table, a, base);

	return st == TT_OK ? options_read(table, a, args, base) : st;
}
