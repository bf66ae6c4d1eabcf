#include "base/pattern.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define LENGTH_MAX 200
#define NAME_MAX_LEN 512          /* longer names fit nothing: those of models have 120 */
#define GROUPS 10                 /* $0 to $9 */

/* ---- come and go ---- */

/* Braces multiply, back-references search: neither has a bound.  In a bracket all are plain. */
static const char *find_forbidden(const char *s)
{
	int inside = 0;

	for (const char *at = s; *at; at++) {
		if (inside) {
			inside = *at != ']' || at[-1] == '[' || (at[-1] == '^' && at[-2] == '[');
			continue;
		}
		if (*at == '{' || (*at == '\\' && at[1] >= '1' && at[1] <= '9'))
			return at;
		if (*at == '\\' && at[1])
			at++;
		inside = *at == '[' && (at == s || at[-1] != '\\');
	}
	return NULL;
}

tt_status pattern_make(struct pattern *p, const struct node *node, const char *text)
{
	char whole[LENGTH_MAX + 8], why[128];
	const char *bad;
	tt_status st;
	int rc;

	*p = (struct pattern){ .node = node, .text = text };
	if (!text && (st = node_text(node, &p->text)) != TT_OK)
		return st;
	if (!*p->text || strlen(p->text) > LENGTH_MAX)
		return node_err(node, TT_ESPEC, "a pattern of %zu letters: 1 to %d are possible",
		                strlen(p->text), LENGTH_MAX);
	if ((bad = find_forbidden(p->text)))
		return node_err(node, TT_ESPEC, "pattern '%.60s': '%.2s' is not understood; a brace is "
		                "written [{], and there are no back-references", p->text, bad);
	snprintf(whole, sizeof whole, "^(%s)$", p->text);
	if ((rc = regcomp(&p->re, whole, REG_EXTENDED)) == 0)
		return TT_OK;
	regerror(rc, &p->re, why, sizeof why);
	*p = (struct pattern){ .used = 0 };
	return node_err(node, TT_ESPEC, "'%.60s' is no pattern (extended regular expression): %s",
	                whole, why);
}

void pattern_release(struct pattern *p)
{
	if (p->re.re_nsub)            /* our own group, of one that was compiled */
		regfree(&p->re);
	*p = (struct pattern){ .used = 0 };
}

/* ---- names ---- */

int pattern_fits(const struct pattern *p, const char *name)
{
	const size_t len = strlen(name);
	char part[NAME_MAX_LEN];

	if (len >= sizeof part)
		return 0;
	memcpy(part, name, len + 1);
	for (;;) {
		char *dot;

		if (regexec(&p->re, part, 0, NULL, 0) == 0)
			return 1;
		if (!(dot = strrchr(part, '.')))
			return 0;
		*dot = 0;
	}
}

int pattern_replace(const struct pattern *p, const char *name, const char *by, struct str *out)
{
	regmatch_t group[GROUPS + 1];           /* the first two are all of it */

	if (strlen(name) >= NAME_MAX_LEN || regexec(&p->re, name, GROUPS + 1, group, 0) != 0)
		return 0;
	for (; *by; by++) {
		const regmatch_t *g;

		if (*by != '$' || by[1] < '0' || by[1] > '9') {
			str_add_bytes(out, by, 1);
			continue;
		}
		g = &group[*++by - '0' + 1];
		if (g->rm_so >= 0)
			str_add_bytes(out, name + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
	}
	return 1;
}

tt_status pattern_check_replacement(const struct pattern *p, const struct node *by)
{
	const char *text;
	tt_status st = node_text(by, &text);

	if (st != TT_OK)
		return st;
	for (; *text; text++)
		if (*text == '$' && text[1] >= '1' && text[1] <= '9' &&
		    (size_t)(text[1] - '0') >= p->re.re_nsub)
			return node_err(by, TT_ESPEC, "'%.60s' has no group for $%c", p->text, text[1]);
	return TT_OK;
}

/* ---- lists ---- */

tt_status pattern_list_make(struct pattern_list *l, const struct node *n, const char *key)
{
	const struct node *c;
	tt_status st = TT_OK;

	*l = (struct pattern_list){ .n = 0 };
	if (node_absent(n))
		return TT_OK;
	if (n->kind == NODE_MAP)
		return node_err(n, TT_ESPEC, "%s must be a pattern or a list of patterns", key);
	c = n->kind == NODE_LIST ? n->child : n;
	if (!(l->v = mem_calloc(n->kind == NODE_LIST ? node_count(n) + 1 : 1, sizeof *l->v)))
		return TT_ENOMEM;
	for (; c && st == TT_OK; c = n->kind == NODE_LIST ? c->next : NULL)
		if ((st = pattern_make(&l->v[l->n], c, NULL)) == TT_OK)
			l->n++;
	if (st != TT_OK)
		pattern_list_release(l);
	return st;
}

void pattern_list_release(struct pattern_list *l)
{
	for (int i = 0; i < l->n; i++)
		pattern_release(&l->v[i]);
	mem_free(l->v);
	*l = (struct pattern_list){ .n = 0 };
}

struct pattern *pattern_list_find(struct pattern_list *l, const char *name)
{
	for (int i = 0; i < l->n; i++)
		if (pattern_fits(&l->v[i], name)) {
			l->v[i].used++;
			return &l->v[i];
		}
	return NULL;
}
