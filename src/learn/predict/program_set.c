#include "learn/predict/program_set.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/constants.h"

/* The program as compiled serves the first context that wants it; others get clones. */
struct entry {
	struct sizes            sizes;
	struct program         *program;
	struct program_context *taken;      /* by whom, for itself; NULL: nobody               */
};

struct program_set {
	struct program_set_opts opts;
	struct entry           *entry;      /* guarded by opts.lock                            */
	int                     n, cap;
};

/* own: a clone, freed with the context; else the entry's program. */
struct held { struct sizes sizes; struct program *program; int own; };

struct program_context {
	struct program_set *set;
	struct held        *held;
	int                 n, cap;
};

static int same(struct sizes a, struct sizes b)
{
	return a.batch == b.batch && a.length == b.length && a.kept == b.kept &&
	       a.weighted == b.weighted;
}

/* ---- the set ---- */

tt_status program_set_new(struct program_set **out, const struct program_set_opts *o)
{
	struct program_set *s = mem_calloc(1, sizeof *s);
	tt_status st = TT_OK;

	if (!s)
		return TT_ENOMEM;
	s->opts = *o;
	if (o->program.constants)
		constants_ref(o->program.constants);
	else if (o->program.purpose == PROGRAM_INFER)
		st = constants_new(&s->opts.program.constants);
	if (st == TT_OK)
		*out = s;
	else
		program_set_free(&s);
	return st;
}

void program_set_free(struct program_set **sp)
{
	struct program_set *s = *sp;

	if (!s)
		return;
	for (int i = 0; i < s->n; i++)
		program_free(&s->entry[i].program);
	constants_unref(&s->opts.program.constants);
	mem_free(s->entry);
	mem_free(s);
	*sp = NULL;
}

static struct entry *find(const struct program_set *s, struct sizes z)
{
	for (int i = 0; i < s->n; i++)
		if (same(s->entry[i].sizes, z))
			return &s->entry[i];
	return NULL;
}

/* A child of a fork may find it at any point: the entries are always there (lock.h). */
static tt_status make_room(struct program_set *s)
{
	int cap = s->cap ? 2 * s->cap : 4;
	struct entry *e, *before = s->entry;

	if (s->n < s->cap)
		return TT_OK;
	if (!(e = mem_calloc((size_t)cap, sizeof *e)))
		return TT_ENOMEM;
	if (s->n)
		memcpy(e, before, (size_t)s->n * sizeof *e);
	s->entry = e;
	s->cap = cap;
	mem_free(before);
	return TT_OK;
}

/* With the lock held. */
static tt_status compile(struct program_set *s, struct sizes z, struct entry **out)
{
	const struct program_set_opts *o = &s->opts;
	struct ir_graph *g = NULL;
	struct program *made = NULL;
	tt_status st = make_room(s);

	if (st != TT_OK || (st = o->build(o->ctx, z, &g)) != TT_OK ||
	    (st = program_new(&made, g, &o->program)) != TT_OK)
		return st;
	o->compiled(o->ctx, made);
	s->entry[s->n] = (struct entry){ .sizes = z, .program = made };
	*out = &s->entry[s->n++];
	return TT_OK;
}

static tt_status find_or_compile(struct program_set *s, struct sizes z, struct entry **out)
{
	return (*out = find(s, z)) ? TT_OK : compile(s, z, out);
}

tt_status program_set_compile(struct program_set *s, struct sizes z)
{
	struct entry *e;
	tt_status st;

	lock_take(s->opts.lock);
	st = find_or_compile(s, z, &e);
	lock_give(s->opts.lock);
	return st;
}

int program_set_count(struct program_set *s)
{
	int n;

	lock_take(s->opts.lock);
	n = s->n;
	lock_give(s->opts.lock);
	return n;
}

void program_set_refresh(struct program_set *s)
{
	if (s->opts.program.constants)
		constants_refresh(s->opts.program.constants);
}

/* ---- contexts ---- */

tt_status program_context_new(struct program_context **out, struct program_set *s)
{
	struct program_context *c = mem_calloc(1, sizeof *c);

	if (!c)
		return TT_ENOMEM;
	c->set = s;
	*out = c;
	return TT_OK;
}

void program_context_free(struct program_context **cp)
{
	struct program_context *c = *cp;

	if (!c)
		return;
	lock_take(c->set->opts.lock);
	for (int i = 0; i < c->set->n; i++)
		if (c->set->entry[i].taken == c)
			c->set->entry[i].taken = NULL;
	lock_give(c->set->opts.lock);
	for (int i = 0; i < c->n; i++)
		if (c->held[i].own)
			program_free(&c->held[i].program);
	mem_free(c->held);
	mem_free(c);
	*cp = NULL;
}

static tt_status make_room_held(struct program_context *c)
{
	int cap = c->cap ? 2 * c->cap : 4;
	struct held *h;

	if (c->n < c->cap)
		return TT_OK;
	if (!(h = mem_realloc(c->held, (size_t)cap * sizeof *h)))
		return TT_ENOMEM;
	c->held = h;
	c->cap = cap;
	return TT_OK;
}

/* With the lock held. */
static tt_status take(struct program_context *c, struct sizes z, struct held *out)
{
	struct entry *e;
	tt_status st = find_or_compile(c->set, z, &e);

	*out = (struct held){ .sizes = z };
	if (st != TT_OK)
		return st;
	if (!e->taken) {
		e->taken = c;
		out->program = e->program;
		return TT_OK;
	}
	out->own = 1;
	return program_clone(&out->program, e->program);
}

tt_status program_context_get(struct program_context *c, struct sizes z, struct program **out)
{
	tt_status st;

	for (int i = 0; i < c->n; i++)
		if (same(c->held[i].sizes, z)) {
			*out = c->held[i].program;
			return TT_OK;
		}
	if ((st = make_room_held(c)) != TT_OK)
		return st;
	lock_take(c->set->opts.lock);
	st = take(c, z, &c->held[c->n]);
	lock_give(c->set->opts.lock);
	if (st == TT_OK)
		*out = c->held[c->n++].program;
	return st;
}
