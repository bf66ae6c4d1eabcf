#include "lab/pool/lines.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/node/node.h"

#define LINE_LONGEST 65536
#define NAME_LONGEST 128
#define SEEN_LONGEST 200

struct found { struct lines *l; int64_t step, epoch; unsigned have; double value[LINES_VALUES]; };

/* ---- a pair ---- */

static void remember(struct lines *l, const char *name)
{
	if (!*name || l->seen.len + strlen(name) > SEEN_LONGEST)
		return;
	for (const char *p = l->seen.p; p && (p = strstr(p, name)); p++)
		if ((p == l->seen.p || p[-1] == ' ') && strchr(", ", p[strlen(name)]))
			return;
	str_addf(&l->seen, "%s%s", l->seen.len ? ", " : "", name);
}

/* -1: it is no whole number that a step could be. */
static int64_t whole(double v)
{
	return v >= 0 && v <= 1e15 && v == floor(v) ? (int64_t)v : -1;
}

/* A step that differs from that of the line before begins a new report. */
static void begin(struct lines *l, int64_t step)
{
	if (step == 0)
		l->from_zero = 1;
	step += l->from_zero;
	if (step != l->now.step)
		l->have = 0;
	l->now.step = step;
}

static void take_pair(struct found *f, const char *name, double v)
{
	struct lines *l = f->l;

	if (strcmp(name, "step") == 0) {
		f->step = whole(v);
		return;
	}
	if (strcmp(name, "epoch") == 0)
		f->epoch = whole(v);
	for (int i = 0; i < l->n; i++)
		if (strcmp(name, l->name[i]) == 0) {
			f->value[i] = v;
			f->have |= 1u << i;
			return;
		}
	remember(l, name);
}

/* ---- a line of pairs ---- */

static int in_name(int c)
{
	return isalnum((unsigned char)c) || strchr("_./-@", c);
}

static int read_number(const char *text, double *out)
{
	char *end;

	if (str_to_double(text, out))
		return 1;
	*out = strtod(text, &end);              /* nan, inf: in no locale anything else */
	return end != text && !*end && !isfinite(*out);
}

/* The pair whose '=' stands at `eq`; what follows it. */
static char *read_pair(struct found *f, char *line, char *eq)
{
	char *end = eq + 1 + strcspn(eq + 1, " \t,;\r"), *name = eq, word[NAME_LONGEST], after = *end;
	double v;

	while (name > line && in_name(name[-1]))
		name--;
	*end = '\0';
	if (name < eq && (size_t)(eq - name) < sizeof word && read_number(eq + 1, &v)) {
		memcpy(word, name, (size_t)(eq - name));
		word[eq - name] = '\0';
		take_pair(f, word, v);
	}
	*end = after;
	return end;
}

static void read_pairs(struct found *f, char *line)
{
	for (char *p = line, *eq; (eq = strchr(p, '=')); )
		p = read_pair(f, line, eq);
}

/* ---- a line of JSON ---- */

static void read_json(struct found *f, const char *line, size_t n)
{
	struct arena a = {0};
	struct node *root = NULL;
	double v;

	if (node_parse_json(&a, "line", line, n, &root) == TT_OK && root->kind == NODE_MAP)
		for (const struct node *c = root->child; c; c = c->next)
			if (c->kind == NODE_TEXT && c->key && strlen(c->key) < NAME_LONGEST &&
			    (read_number(c->text, &v) || (node_absent(c) && (v = NAN, 1))))
				take_pair(f, c->key, v);
	arena_release(&a);
}

/* ---- lines ---- */

static void give(struct lines *l, lines_fn *f, void *ctx)
{
	for (int i = 0; i < l->n; i++)
		if (!(l->have & 1u << i))
			l->now.value[i] = NAN;
	l->reports++;
	l->have = 0;
	f(ctx, &l->now);
}

static void read_line(struct lines *l, lines_fn *f, void *ctx)
{
	struct found found = { l, -1, -1, 0, {0} };
	const unsigned all = (l->n < 32 ? 1u << l->n : 0) - 1;
	char *text = l->line.p ? l->line.p : "";

	if (text[strspn(text, " \t")] == '{')
		read_json(&found, text, l->line.len);
	else
		read_pairs(&found, text);
	if (!found.have)
		return;
	if (found.step >= 0 || found.epoch >= 0)
		begin(l, found.step >= 0 ? found.step : found.epoch);
	else if (!l->have)
		l->now.step = l->reports + 1;
	for (int i = 0; i < l->n; i++)
		if (found.have & 1u << i)
			l->now.value[i] = found.value[i];
	l->have |= found.have;
	if (((l->have | (unsigned)l->optional) & all) == all)
		give(l, f, ctx);
}

static void add(struct lines *l, const char *p, size_t n)
{
	if (l->skipping || l->line.len + n > LINE_LONGEST) {
		l->skipping = 1;
		return;
	}
	for (const char *end = p + n, *zero; p < end; p = zero + 1) {
		zero = memchr(p, 0, (size_t)(end - p));
		if (!zero)
			zero = end;
		str_add_bytes(&l->line, p, (size_t)(zero - p));
	}
}

static void end_line(struct lines *l, lines_fn *f, void *ctx)
{
	if (!l->skipping && l->line.len)
		read_line(l, f, ctx);
	l->skipping = 0;
	l->line.len = 0;
	if (l->line.p)
		l->line.p[0] = '\0';
}

void lines_take(struct lines *l, const char *p, size_t n, lines_fn *f, void *ctx)
{
	const char *end = p + n, *eol;

	while (p < end && (eol = memchr(p, '\n', (size_t)(end - p)))) {
		add(l, p, (size_t)(eol - p));
		end_line(l, f, ctx);
		p = eol + 1;
	}
	if (p < end)
		add(l, p, (size_t)(end - p));
}

void lines_finish(struct lines *l, lines_fn *f, void *ctx)
{
	end_line(l, f, ctx);
}

void lines_release(struct lines *l)
{
	str_release(&l->line);
	str_release(&l->seen);
}
