#include "kit/flags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 30
#define HELP_WIDTH 96
#define MAX_ROWS 64

const struct flag common_flags[] = {
	{ "json",  0,   FLAG_YES, offsetof(struct common, json), .help =
	  "results as one JSON object on the last line of stdout" },
	{ "quiet", 'q', FLAG_YES, offsetof(struct common, quiet), .help =
	  "no talk on stderr but errors" },
	{ "help",  'h', FLAG_YES, offsetof(struct common, help), .help = "explain the verb" },
	{ .kind = FLAG_END },
};

static const struct flag *find_in(const struct flag *rows, const char *name, size_t len)
{
	for (; rows->kind != FLAG_END; rows++)
		if (strlen(rows->name) == len && memcmp(rows->name, name, len) == 0)
			return rows;
	return NULL;
}

static const struct flag *find_letter(const struct flag *rows, char letter)
{
	for (; rows->kind != FLAG_END; rows++)
		if (rows->letter == letter)
			return rows;
	return NULL;
}

static tt_status unknown_flag(const struct flag *rows, const char *name, size_t len)
{
	const char *names[MAX_ROWS + 1];
	char        wrong[64];
	const char *near;
	size_t      n = 0;

	len = len < sizeof wrong - 1 ? len : sizeof wrong - 1;
	memcpy(wrong, name, len);
	wrong[len] = '\0';
	for (const struct flag *f = rows; f->kind != FLAG_END && n < MAX_ROWS; f++)
		names[n++] = f->name;
	for (const struct flag *f = common_flags; f->kind != FLAG_END && n < MAX_ROWS; f++)
		names[n++] = f->name;
	names[n] = NULL;
	near = str_nearest(wrong, names);
	if (near)
		return err_set(TT_EINVAL, "unknown option --%s; did you mean --%s?", wrong, near);
	return err_set(TT_EINVAL, "unknown option --%s", wrong);
}

static tt_status set_int(const struct flag *f, const char *text, int64_t *out)
{
	char     *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || *end || v < f->min || v > f->max)
		return err_set(TT_EINVAL, "--%s wants a whole number from %lld to %lld, not '%s'",
		               f->name, (long long)f->min, (long long)f->max, text);
	*out = v;
	return TT_OK;
}

const char *const *flag_words(const struct flag *row)
{
	return row->list ? row->list() : row->words;
}

static tt_status set_text(const struct flag *f, const char *text, const char **out)
{
	const char *const *words = flag_words(f);
	struct str list = { 0 };
	tt_status  st;

	for (const char *const *w = words; w && *w; w++)
		if (strcmp(*w, text) == 0) {
			*out = *w;
			return TT_OK;
		}
	if (!words && !*text)         /* "$UNSET" of some script: no folder is meant */
		return err_set(TT_EINVAL, "--%s wants %s, not ''", f->name, f->arg);
	if (!words) {
		*out = text;
		return TT_OK;
	}
	for (const char *const *w = words; *w; w++)
		str_addf(&list, "%s%s", w == words ? "" : ", ", *w);
	st = err_set(TT_EINVAL, "--%s wants one of %s, not '%s'", f->name,
	             list.p ? list.p : "its words", text);
	str_release(&list);
	return st;
}

static tt_status add_to_list(struct arena *a, const char *text, struct flag_list *l)
{
	const int    room = l->room ? 2 * l->room : 8;
	const char **v;

	if (l->n == l->room) {
		if (!(v = arena_alloc(a, (size_t)room * sizeof *v)))
			return TT_ENOMEM;
		if (l->n)
			memcpy(v, l->v, (size_t)l->n * sizeof *v);
		l->v = v;
		l->room = room;
	}
	l->v[l->n++] = text;
	return TT_OK;
}

/* --epochs 3 as --set train.epochs=3. */
static tt_status add_setting(const struct flag *rows, const struct flag *f, struct arena *a,
                             void *base)
{
	const struct flag *set = find_in(rows, "set", 3);
	const char        *value = *(const char *const *)((char *)base + f->offset);
	const char        *pair = set ? arena_printf(a, "%s=%s", f->key, value) : NULL;

	return pair ? add_to_list(a, pair, (void *)((char *)base + set->offset)) : TT_ENOMEM;
}

static tt_status set_field(const struct flag *f, struct arena *a, void *base, const char *text)
{
	void *field = (char *)base + f->offset;

	switch (f->kind) {
	case FLAG_YES:
		*(int *)field = 1;
		return TT_OK;
	case FLAG_INT:
		return set_int(f, text, field);
	case FLAG_TEXT:
		return set_text(f, text, field);
	case FLAG_MAYBE:
		*(const char **)field = text;
		return TT_OK;
	case FLAG_LIST:
		return add_to_list(a, text, field);
	case FLAG_END:
		break;
	}
	return TT_OK;
}

static int takes_word(const struct flag *f)
{
	return f->kind != FLAG_YES && f->kind != FLAG_MAYBE;
}

/* One option at w->v[*i], which begins with '-': finds its row, takes its value. */
static tt_status parse_one(const struct flag *rows, struct arena *a, void *base,
                           const struct words *w, int *i)
{
	const char        *word = w->v[*i], *name = word + 2, *value = NULL;
	int                is_long = word[1] == '-';
	size_t             len = is_long ? strcspn(name, "=") : 1;
	const struct flag *f;
	tt_status          st;

	f = is_long ? find_in(rows, name, len) : find_letter(rows, word[1]);
	if (!f)
		f = is_long ? find_in(common_flags, name, len) : find_letter(common_flags, word[1]);
	if (!f && is_long)
		return unknown_flag(rows, name, len);
	if (!f)
		return err_set(TT_EINVAL, "unknown option %s", word);
	if (is_long && name[len] == '=')
		value = name + len + 1;
	else if (!is_long && word[2])
		value = word + 2;
	if (value && f->kind == FLAG_YES)
		return err_set(TT_EINVAL, "--%s takes no value, but '%s' was given", f->name, value);
	if (!value && f->takes && *i + 1 < w->n && f->takes(w->v[*i + 1]))
		value = w->v[++*i];
	if (!value && takes_word(f)) {
		if (*i + 1 >= w->n)
			return err_set(TT_EINVAL, "--%s wants a value (%s)", f->name, f->arg);
		value = w->v[++*i];
	}
	if ((st = set_field(f, a, base, value ? value : "")) != TT_OK || !f->key)
		return st;
	return add_setting(rows, f, a, base);
}

static tt_status set_defaults(const struct flag *rows, struct arena *a, void *base)
{
	tt_status st;

	for (; rows->kind != FLAG_END; rows++)
		if (rows->def && (st = set_field(rows, a, base, rows->def)) != TT_OK)
			return st;
	return TT_OK;
}

tt_status flags_parse(const struct flag *rows, struct arena *a, void *base, struct words *w)
{
	int       n = 0, only_words = 0;
	tt_status st = set_defaults(rows, a, base);

	for (int i = 0; st == TT_OK && i < w->n; i++) {
		const char *word = w->v[i];

		if (only_words || word[0] != '-' || word[1] == '\0')
			w->v[n++] = w->v[i];
		else if (strcmp(word, "--") == 0)
			only_words = 1;
		else
			st = parse_one(rows, a, base, w, &i);
	}
	w->n = n;
	return st;
}

void flag_usage(const struct flag *row, struct str *out)
{
	str_addf(out, "--%s", row->name);
	if (row->kind == FLAG_MAYBE)
		str_addf(out, "[=%s]", row->arg);
	else if (row->kind != FLAG_YES)
		str_addf(out, " %s", row->arg);
}

/* Words of a text in lines of at most HELP_WIDTH, the first of which begins at HELP_COLUMN. */
static void add_wrapped(const char *text, struct str *out)
{
	size_t column = HELP_COLUMN;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + n > HELP_WIDTH) {
			str_addf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			str_add(out, " ");
			column++;
		}
		str_add_bytes(out, text, n);
		column += n;
		text += n + strspn(text + n, " ");
	}
}

static void add_help(const struct flag *row, struct str *out)
{
	struct str text = { 0 };

	str_add(&text, row->help);
	if (row->def)
		str_addf(&text, " (%s)", row->def);
	add_wrapped(text.p ? text.p : "", out);
	str_release(&text);
	str_add(out, "\n");
}

void flags_help(const struct flag *rows, struct str *out)
{
	for (; rows->kind != FLAG_END; rows++) {
		size_t start = out->len;

		if (rows->hidden)
			continue;
		if (rows->letter)
			str_addf(out, "  -%c, ", rows->letter);
		else
			str_add(out, "      ");
		flag_usage(rows, out);
		if (out->len - start + 2 > HELP_COLUMN)
			str_addf(out, "\n%*s", HELP_COLUMN, "");
		else
			str_addf(out, "%*s", (int)(HELP_COLUMN - (out->len - start)), "");
		add_help(rows, out);
	}
}
