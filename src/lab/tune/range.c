/* range.c -- "log:1e-4..1e-1 if model.kind == cnn" to a parameter. */
#include "lab/tune/space.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MOST 65536

/* A piece of the text, without blanks around it, as a text of its own. */
static char *piece(struct arena *a, const char *from, const char *to)
{
	char *p;

	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	p = arena_alloc(a, (size_t)(to - from) + 1);
	if (p)
		memcpy(p, from, (size_t)(to - from));
	return p;
}

/* Where the next comma is that cuts, or the end. */
static const char *cut(const char *p)
{
	int depth = 0;
	char quote = 0;

	for (; *p; p++) {
		if (quote) {
			quote = *p == quote ? 0 : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (strchr("[{(", *p)) {
			depth++;
		} else if (strchr("]})", *p)) {
			depth -= depth > 0;
		} else if (*p == ',' && !depth) {
			break;
		}
	}
	return p;
}

/* The items between commas.  At least one; none is empty. */
static tt_status list(struct arena *a, const char *text, const char ***out, int *n)
{
	int count = 1;
	const char **v;

	for (const char *p = cut(text); *p; p = cut(p + 1))
		count++;
	if (count > SPACE_CHOICES)
		return err_set(TT_EINVAL, "%d values, %d is the most", count, SPACE_CHOICES);
	v = arena_alloc(a, (size_t)count * sizeof *v);
	if (!v)
		return TT_ENOMEM;
	for (int i = 0; i < count; i++) {
		const char *end = cut(text);

		v[i] = piece(a, text, end);
		if (!v[i])
			return TT_ENOMEM;
		if (!*v[i])
			return err_set(TT_EINVAL, "value %d of the list is empty", i + 1);
		text = end + 1;
	}
	*out = v;
	*n = count;
	return TT_OK;
}

static tt_status number(const char *text, double *out)
{
	char *end;
	const double v = strtod(text, &end);

	if (str_to_double(text, out))
		return TT_OK;
	if (*text && !*end && !isfinite(v))
		return err_set(TT_EINVAL, "%s is not finite", text);
	return err_set(TT_EINVAL, "\"%s\" is no number", text);
}

static int is_number(const char *text)
{
	char *end;

	strtod(text, &end);
	return *text && !*end;
}

/* ---- lists ---- */

static int by_size(const void *a, const void *b, void *numbers)
{
	const double x = ((double *)numbers)[*(const int *)a], y = ((double *)numbers)[*(const int *)b];

	return x < y ? -1 : x > y ? 1 : *(const int *)a - *(const int *)b;
}

static tt_status rank_numbers(struct arena *a, struct param *p)
{
	p->rank = arena_alloc(a, (size_t)p->count * sizeof *p->rank);
	p->by_rank = arena_alloc(a, (size_t)p->count * sizeof *p->by_rank);
	if (!p->rank || !p->by_rank)
		return TT_ENOMEM;
	for (int i = 0; i < p->count; i++)
		p->by_rank[i] = i;
	qsort_r(p->by_rank, (size_t)p->count, sizeof *p->by_rank, by_size, p->number);
	for (int i = 0; i < p->count; i++)
		p->rank[p->by_rank[i]] = i;
	return TT_OK;
}

static tt_status numbers(struct arena *a, struct param *p)
{
	tt_status st;

	p->kind = TT_PARAM_DISCRETE;
	p->number = arena_alloc(a, (size_t)p->count * sizeof *p->number);
	if (!p->number)
		return TT_ENOMEM;
	for (int i = 0; i < p->count; i++)
		if ((st = number(p->choice[i], &p->number[i])) != TT_OK)
			return st;
	return rank_numbers(a, p);
}

static tt_status words(struct arena *a, const char *text, struct param *p)
{
	p->kind = TT_PARAM_CATEGORICAL;
	return list(a, text, &p->choice, &p->count);
}

static tt_status items(struct arena *a, const char *text, struct param *p)
{
	tt_status st = words(a, text, p);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < p->count; i++)
		if (!is_number(p->choice[i]))
			return TT_OK;
	return numbers(a, p);
}

/* ---- ends ---- */

static tt_status check_ends(const struct param *p)
{
	if (p->lo > p->hi)
		return err_set(TT_EINVAL, "the range is empty: %g is above %g", p->lo, p->hi);
	if (p->lo == p->hi && p->kind == TT_PARAM_DOUBLE)
		return err_set(TT_EINVAL, "the range is empty: both ends are %g", p->lo);
	if (p->log && !(p->lo > 0))
		return err_set(TT_EINVAL, "%g has no logarithm: the lower end must be above zero", p->lo);
	if (!isfinite(p->hi - p->lo))
		return err_set(TT_EINVAL, "from %g to %g is too far", p->lo, p->hi);
	if (p->kind != TT_PARAM_INT)
		return TT_OK;
	if (p->lo != floor(p->lo) || p->hi != floor(p->hi))
		return err_set(TT_EINVAL, "%.17g and %.17g must be whole numbers", p->lo, p->hi);
	if (fabs(p->lo) > SPACE_WHOLE || fabs(p->hi) > SPACE_WHOLE)
		return err_set(TT_EINVAL, "whole numbers go to %g", SPACE_WHOLE);
	return TT_OK;
}

/* A + i STEP as it would be written: 0.1 + 2 * 0.1 reads 0.3. */
static char *step_text(struct arena *a, double v)
{
	char buf[40];
	struct str s = {0};
	char *out;

	snprintf(buf, sizeof buf, "%.12g", v);
	str_add_number(&s, str_to_double(buf, &v) ? v : 0);
	out = s.failed ? NULL : arena_strdup(a, s.p);
	str_release(&s);
	return out;
}

/* A..B:STEP as a list; the last is B, or the one before it. */
static tt_status steps(struct arena *a, double step, struct param *p)
{
	const double n = floor((p->hi - p->lo) / step + 1e-9) + 1;

	if (!(step > 0) || (p->kind == TT_PARAM_INT && step != floor(step)))
		return err_set(TT_EINVAL, "%g is no step", step);
	if (p->log)
		return err_set(TT_EINVAL, "a range by its logarithm has no equal steps");
	if (n > SPACE_CHOICES)
		return err_set(TT_EINVAL, "%.0f values, %d is the most", n, SPACE_CHOICES);
	p->count = (int)n;
	p->choice = arena_alloc(a, (size_t)n * sizeof *p->choice);
	for (int i = 0; p->choice && i < p->count; i++)
		if (!(p->choice[i] = step_text(a, p->lo + i * step)))
			return TT_ENOMEM;
	return p->choice ? numbers(a, p) : TT_ENOMEM;
}

static tt_status between(struct arena *a, const char *text, const char *dots, struct param *p)
{
	const char *colon = strchr(dots, ':');
	const char *end = colon ? colon : text + strlen(text);
	const char *lo = piece(a, text, dots), *hi = piece(a, dots + 2, end);
	const char *by = colon ? piece(a, colon + 1, text + strlen(text)) : "";
	double step;
	tt_status st;

	if (!lo || !hi || !by)
		return TT_ENOMEM;
	if ((st = number(lo, &p->lo)) != TT_OK || (st = number(hi, &p->hi)) != TT_OK ||
	    (st = check_ends(p)) != TT_OK)
		return st;
	if (!colon)
		return TT_OK;
	if ((st = number(by, &step)) != TT_OK)
		return st;
	return steps(a, step, p);
}

/* ---- conditions ---- */

static const struct { const char *word; int is_not, several; } relations[] = {
	{ " == ", 0, 0 }, { " != ", 1, 0 }, { " in ", 0, 1 },
};

static tt_status values(struct arena *a, const struct param *parent, const char *text, int several,
                        struct condition *c)
{
	const char **v = &text;
	tt_status st;

	c->n = 1;
	if (several && (st = list(a, text, &v, &c->n)) != TT_OK)
		return st;
	c->x = arena_alloc(a, (size_t)c->n * sizeof *c->x);
	if (!c->x)
		return TT_ENOMEM;
	for (int i = 0; i < c->n; i++) {
		c->x[i] = param_x(parent, v[i]);
		if (isnan(c->x[i]))
			return err_set(TT_EINVAL, "\"%s\" is no value of %s (%s)", v[i], parent->name,
			               parent->range);
	}
	return TT_OK;
}

static tt_status condition(struct arena *a, const struct tt_space *s, const char *text,
                           struct condition *c)
{
	for (size_t k = 0; k < sizeof relations / sizeof *relations; k++) {
		const char *at = strstr(text, relations[k].word);
		const char *name, *rest;
		int parent;

		if (!at)
			continue;
		name = piece(a, text, at);
		rest = piece(a, at + strlen(relations[k].word), text + strlen(text));
		if (!name || !rest)
			return TT_ENOMEM;
		parent = space_find(s, name);
		if (parent < 0)
			return err_set(TT_EINVAL, "there is no parameter \"%s\" before this one", name);
		if (s->param[parent].kind == TT_PARAM_DOUBLE)
			return err_set(TT_EINVAL, "%s (%s) has no single values to ask for", name,
			               s->param[parent].range);
		c->parent = parent;
		c->is_not = relations[k].is_not;
		return values(a, &s->param[parent], rest, relations[k].several, c);
	}
	return err_set(TT_EINVAL, "a condition is \" if NAME == VALUE\", \" != \", or \" in A,B\"");
}

/* ---- all of it ---- */

static int prefix(const char **text, const char *word)
{
	const size_t n = strlen(word);

	if (strncmp(*text, word, n) != 0)
		return 0;
	*text += n;
	while (isspace((unsigned char)**text))
		(*text)++;
	return 1;
}

static tt_status body(struct arena *a, const char *text, struct param *p)
{
	const char *dots;
	int is_int, known;

	if (prefix(&text, "cat:"))
		return words(a, text, p);
	p->log = prefix(&text, "log:");
	is_int = prefix(&text, "int:");
	p->log = prefix(&text, "log:") || p->log;
	known = p->log || is_int;
	p->kind = is_int ? TT_PARAM_INT : TT_PARAM_DOUBLE;
	dots = strstr(text, "..");
	if (known && !dots)
		return err_set(TT_EINVAL, "a range is A..B");
	/* words such as ../data are a list; so is what does not begin with a number */
	if (!known && (!dots || *cut(text) || dots == text || (!isdigit((unsigned char)dots[-1]) &&
	    !strchr(".nfy", dots[-1]) && !isspace((unsigned char)dots[-1]))))
		return items(a, text, p);
	return between(a, text, dots, p);
}

tt_status range_read(struct arena *a, const struct tt_space *s, const char *text, struct param *p)
{
	const char *when = strstr(text, " if ");
	const char *own;
	tt_status st;

	if (strlen(text) > TEXT_MOST)
		return err_set(TT_EINVAL, "more than %d bytes", TEXT_MOST);
	own = piece(a, text, when ? when : text + strlen(text));
	if (!own)
		return TT_ENOMEM;
	if (!*own)
		return err_set(TT_EINVAL, "there is no range");
	if ((st = body(a, own, p)) != TT_OK)
		return st;
	return when ? condition(a, s, when + 4, &p->when) : TT_OK;
}
