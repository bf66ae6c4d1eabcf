#include "tune/words.h"

#include <ctype.h>
#include <string.h>

#define NAMES_MOST 1008

static const char *const facts[] = { "trial", "dir", "budget", "parent" };
enum { TRIAL, DIR, BUDGET, PARENT, FACTS };

/* The length of a name in braces at s, which is '{'; 0: none. */
static size_t name_at(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[1 + n]) || (s[1 + n] && strchr("_.-", s[1 + n])))
		n++;
	return s[1 + n] == '}' ? n : 0;
}

static int is_name(const char *name, const char *s, size_t n)
{
	return strlen(name) == n && memcmp(name, s, n) == 0;
}

/* ---- filling in ---- */

static void add_fact(int which, const struct words_facts *f, struct str *out)
{
	const char *text = which == DIR ? f->dir : f->parent;

	switch (which) {
	case TRIAL:
		str_addf(out, "%lld", (long long)f->trial);
		break;
	case BUDGET:
		str_addf(out, "%lld", (long long)f->budget);
		break;
	default:
		str_add(out, text ? text : "");
	}
}

static void add_name(const char *s, size_t n, const struct words_facts *f, struct str *out)
{
	tt_value v = TT_SIZED(tt_value);

	for (int i = 0; i < f->n; i++)
		if (tt_study_value(f->study, f->trial, i, &v) == TT_OK && is_name(v.name, s, n)) {
			str_add(out, v.text);
			return;
		}
	for (int i = 0; i < FACTS; i++)
		if (is_name(facts[i], s, n))
			add_fact(i, f, out);
}

tt_status words_fill(const char *word, const struct words_facts *f, struct str *out)
{
	str_add(out, "");
	while (*word) {
		const size_t plain = strcspn(word, "{"), n = word[plain] ? name_at(word + plain) : 0;

		str_add_bytes(out, word, plain);
		word += plain;
		if (n)
			add_name(word + 1, n, f, out);
		else if (*word)
			str_add(out, "{");
		word += n ? n + 2 : *word != '\0';
	}
	return str_status(out);
}

/* ---- checking ---- */

static tt_status no_name(const char *s, size_t n, const char *const *names)
{
	char wrong[100];
	const char *near;

	n = n < sizeof wrong ? n : sizeof wrong - 1;
	memcpy(wrong, s, n);
	wrong[n] = '\0';
	near = str_nearest(wrong, names);
	return err_set(TT_EINVAL, "{%s} in the command is no --param%s%s%s", wrong,
	               near ? "; did you mean {" : "", near ? near : "", near ? "}?" : "");
}

static tt_status check_name(const char *s, size_t n, const tt_space *space, char *used)
{
	const char *names[NAMES_MOST + 1] = {0};
	int k = 0;

	for (int i = 0; i < tt_space_count(space) && k < NAMES_MOST - FACTS; i++) {
		tt_param p = TT_SIZED(tt_param);

		if (tt_space_get(space, i, &p) != TT_OK)
			continue;
		if (is_name(p.name, s, n)) {
			used[i] = 1;
			return TT_OK;
		}
		names[k++] = p.name;
	}
	for (int i = 0; i < FACTS; i++) {
		if (is_name(facts[i], s, n))
			return TT_OK;
		names[k++] = facts[i];
	}
	return no_name(s, n, names);
}

tt_status words_check(const char *word, const tt_space *space, char *used)
{
	tt_status st = TT_OK;

	for (; st == TT_OK && (word = strchr(word, '{')); word++) {
		const size_t n = name_at(word);

		if (n)
			st = check_name(word + 1, n, space, used);
	}
	return st;
}
