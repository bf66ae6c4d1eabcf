#include "learn/nn/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MEMBER "members."

/* Which of m->members a name belongs to; behind them all: m->members. */
static int member_of(const struct tt_model *m, const char *name)
{
	char *end;
	long i;

	if (!m->members || strncmp(name, MEMBER, strlen(MEMBER)) != 0)
		return m->members;
	i = strtol(name + strlen(MEMBER), &end, 10);
	return *end == '.' && i >= 0 && i < m->members ? (int)i : m->members;
}

struct table { struct param *p; int n; };
struct part { int member, frozen; };

/* Those of one part, from `at` on; where they end. */
static size_t place_part(const struct tt_model *m, const struct table *t, struct part part,
                         size_t at)
{
	for (int i = 0; i < t->n; i++) {
		struct param *p = &t->p[i];

		if (p->frozen != part.frozen || member_of(m, p->name) != part.member)
			continue;
		p->offset = at;
		at += p->count;
	}
	return at;
}

/* How many numbers are trained. */
static size_t place_all(const struct tt_model *m, const struct table *t)
{
	size_t at = 0, trained = 0;

	for (int member = 0; member <= m->members; member++) {
		const size_t first = at;

		at = place_part(m, t, (struct part){ member, 0 }, at);
		trained += at - first;
		at = place_part(m, t, (struct part){ member, 1 }, at);
	}
	return trained;
}

void nn_place(struct tt_model *m)
{
	m->train_count = place_all(m, &(struct table){ m->param, m->n_params });
	m->live_count = place_all(m, &(struct table){ m->buffer, m->n_buffers });
}

static tt_status no_such(const struct pattern *p, const struct tt_model *m, const char *key)
{
	const char **names = mem_calloc((size_t)m->n_params + 1, sizeof *names), *near;
	tt_status st;

	if (!names)
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params; i++)
		names[i] = m->param[i].name;
	near = str_nearest(p->text, names);
	st = node_err(p->node, TT_ESPEC, "%s: '%.60s' fits no parameter of the model%s%s%s; "
	              "`tutti show` lists them", key, p->text, near ? "; the nearest is '" : "",
	              near ? near : "", near ? "'" : "");
	mem_free(names);
	return st;
}

tt_status nn_check_used(const struct pattern_list *l, const struct tt_model *m, const char *key)
{
	for (int i = 0; i < l->n; i++)
		if (!l->v[i].used)
			return no_such(&l->v[i], m, key);
	return TT_OK;
}
