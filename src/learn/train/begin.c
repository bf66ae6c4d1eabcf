#include "learn/train/begin.h"

#include <tutti/run.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "base/sized.h"
#include "learn/spec/save.h"
#include "learn/spec/spec.h"

/* A tensor of the file under the name that it has here. */
struct theirs {
	const char               *name;
	const struct ckpt_tensor *t;
	int                       used;
};

struct begin {
	const struct init_opts *opts;
	struct tt_origins      *out;
	struct ckpt            *file;
	struct pattern_list     skip;
	struct pattern         *map;         /* keys of opts->map, in its order            */
	int                     maps;
	struct theirs          *theirs;      /* sorted by name                             */
	int                     n;
};

/* ---- the file ---- */

/* A run folder stands for its best checkpoint, or the last where nothing was validated. */
static tt_status find_file(struct begin *b)
{
	char *path;
	tt_status st = tt_run_checkpoint(b->opts->from, &path);

	if (st != TT_OK)
		return err_at(st, "train.init.from");
	b->out->from = arena_strdup(&b->out->arena, path);
	tt_free(path);
	return b->out->from ? TT_OK : TT_ENOMEM;
}

static tt_status read_map(struct begin *b)
{
	const struct node *map = b->opts->map;
	tt_status st = TT_OK;

	if (node_absent(map))
		return TT_OK;
	if (map->kind != NODE_MAP)
		return node_err(map, TT_ESPEC, "train.init.map must be a map from names there to names "
		                "here: {\"body[.](.*)\": \"$1\"}");
	if (!(b->map = mem_calloc(node_count(map) + 1, sizeof *b->map)))
		return TT_ENOMEM;
	for (const struct node *c = map->child; c && st == TT_OK; c = c->next)
		if ((st = pattern_make(&b->map[b->maps], c, c->key)) == TT_OK)
			st = pattern_check_replacement(&b->map[b->maps++], c);
	return st;
}

/* What a tensor of the file is called here. */
static tt_status rename_one(struct begin *b, const struct ckpt_tensor *t, struct theirs *out)
{
	struct str s = {0};
	tt_status st = TT_OK;

	*out = (struct theirs){ .name = t->name, .t = t };
	for (int i = 0; i < b->maps; i++) {
		if (!pattern_replace(&b->map[i], t->name, b->map[i].node->text, &s))
			continue;
		b->map[i].used++;
		str_add(&s, "");
		if ((st = str_status(&s)) == TT_OK &&
		    !(out->name = arena_strdup(&b->out->arena, s.p ? s.p : "")))
			st = TT_ENOMEM;
		break;
	}
	str_release(&s);
	return st;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct theirs *)a)->name, ((const struct theirs *)b)->name);
}

/* Ours: what a checkpoint keeps beside the model. */
static int is_state(const char *name)
{
	return strncmp(name, "tutti.", 6) == 0;
}

static tt_status rename_all(struct begin *b)
{
	tt_status st;

	if (!(b->theirs = mem_calloc((size_t)ckpt_count(b->file) + 1, sizeof *b->theirs)))
		return TT_ENOMEM;
	for (int i = 0; i < ckpt_count(b->file); i++)
		if (!is_state(ckpt_at(b->file, i)->name) &&
		    (st = rename_one(b, ckpt_at(b->file, i), &b->theirs[b->n++])) != TT_OK)
			return st;
	qsort(b->theirs, (size_t)b->n, sizeof *b->theirs, by_name);
	for (int i = 1; i < b->n; i++)
		if (strcmp(b->theirs[i - 1].name, b->theirs[i].name) == 0)
			return err_set(TT_ESPEC, "train.init.map: '%.80s' and '%.80s' of %s would both be "
			               "'%.80s'", b->theirs[i - 1].t->name, b->theirs[i].t->name, b->out->from,
			               b->theirs[i].name);
	for (int i = 0; i < b->maps; i++)
		if (!b->map[i].used)
			return node_err(b->map[i].node, TT_ESPEC, "train.init.map: '%.60s' matches no name of "
			                "%s", b->map[i].text, b->out->from);
	return TT_OK;
}

static tt_status open_file(struct begin *b)
{
	tt_status st;

	if ((st = find_file(b)) != TT_OK || (st = ckpt_open(&b->file, b->out->from)) != TT_OK ||
	    (st = pattern_list_make(&b->skip, b->opts->skip, "train.init.skip")) != TT_OK ||
	    (st = read_map(b)) != TT_OK)
		return st;
	return rename_all(b);
}

static void release(struct begin *b)
{
	ckpt_close(&b->file);
	pattern_list_release(&b->skip);
	for (int i = 0; i < b->maps; i++)
		pattern_release(&b->map[i]);
	mem_free(b->map);
	mem_free(b->theirs);
}

/* ---- both sides ---- */

/* A member's tensor is called as in the net alone. */
static const char *alone(const struct tt_model *m, const char *name)
{
	static const char members[] = "members.";
	const char *rest = name + sizeof members - 1;

	if (!m->members || strncmp(name, members, sizeof members - 1) != 0)
		return name;
	rest += strspn(rest, "0123456789");
	return *rest == '.' ? rest + 1 : name;
}

static struct theirs *find(const struct begin *b, const char *name)
{
	const struct theirs key = { .name = name };

	return bsearch(&key, b->theirs, (size_t)b->n, sizeof key, by_name);
}

static const char *shape_text(struct begin *b, const struct tensor_desc *d)
{
	char text[TENSOR_TEXT];

	return arena_strdup(&b->out->arena, tensor_text(d, text));
}

static tt_status add_row(struct begin *b, enum tt_origin_kind kind, const struct param *p,
                         const struct ckpt_tensor *t)
{
	struct tt_origins *o = b->out;
	tt_origin *row = &o->row[o->n++];

	*row = (tt_origin){ .size = sizeof *row, .kind = kind };
	o->of[kind]++;
	if ((p && (!(row->name = arena_strdup(&o->arena, p->name)) ||
	           !(row->shape = shape_text(b, &p->desc)))) ||
	    (t && (!(row->theirs = arena_strdup(&o->arena, t->name)) ||
	           !(row->their_shape = shape_text(b, &t->desc)) ||
	           !(row->their_type = arena_strdup(&o->arena, t->stored)))))
		return TT_ENOMEM;
	return TT_OK;
}

static tt_status match_one(struct begin *b, const struct tt_model *m, const struct param *p)
{
	const char *name = alone(m, p->name);
	struct theirs *t = find(b, name);

	if (t)
		t->used = 1;
	if (pattern_list_find(&b->skip, name))
		return add_row(b, TT_ORIGIN_SKIPPED, p, t ? t->t : NULL);
	if (!t)
		return add_row(b, TT_ORIGIN_MISSING, p, NULL);
	return add_row(b, model_tensor_fits(p, t->t) ? TT_ORIGIN_TAKEN : TT_ORIGIN_UNLIKE, p, t->t);
}

static tt_status match_all(struct begin *b, const struct tt_model *m)
{
	const size_t rows = (size_t)(tt_model_tensors(m) + b->n) + 1;
	tt_status st = TT_OK;

	if (!(b->out->row = arena_alloc(&b->out->arena, rows * sizeof *b->out->row)))
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params && st == TT_OK; i++)
		st = match_one(b, m, &m->param[i]);
	for (int i = 0; i < m->n_buffers && st == TT_OK; i++)
		st = match_one(b, m, &m->buffer[i]);
	for (int i = 0; i < b->n && st == TT_OK; i++)
		if (!b->theirs[i].used)
			st = add_row(b, TT_ORIGIN_UNUSED, NULL, b->theirs[i].t);
	return st;
}

/* ---- what is wrong ---- */

static tt_status missing(const struct begin *b, const tt_origin *row)
{
	const char **names = mem_calloc((size_t)b->n + 1, sizeof *names), *near;
	tt_status st;

	if (!names)
		return TT_ENOMEM;
	for (int i = 0; i < b->n; i++)
		names[i] = b->theirs[i].name;
	near = str_nearest(row->name, names);
	st = err_set(TT_ESHAPE, "train.init: %s has no '%s' (%s)%s%s%s, nor %d other%s of the model's "
	             "tensors: say what they are called there in train.init.map, or name them in "
	             "train.init.skip", b->out->from, row->name, row->shape,
	             near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "",
	             b->out->of[TT_ORIGIN_MISSING] - 1, b->out->of[TT_ORIGIN_MISSING] == 2 ? "" : "s");
	mem_free(names);
	return st;
}

static tt_status check(const struct begin *b)
{
	const struct tt_origins *o = b->out;

	for (int i = 0; i < b->skip.n; i++)
		if (!b->skip.v[i].used)
			return node_err(b->skip.v[i].node, TT_ESPEC, "train.init.skip: '%.60s' fits no tensor "
			                "of the model", b->skip.v[i].text);
	for (int i = 0; i < o->n; i++) {
		const tt_origin *row = &o->row[i];

		if (row->kind == TT_ORIGIN_UNLIKE)
			return err_set(TT_ESHAPE, "train.init: '%s' is %s %s in %s, but %s here, and %d of the "
			               "model's tensors in all are unlike: name those that shall be drawn in "
			               "train.init.skip", row->theirs, row->their_shape, row->their_type,
			               o->from, row->shape, o->of[TT_ORIGIN_UNLIKE]);
		if (row->kind == TT_ORIGIN_MISSING)
			return missing(b, row);
	}
	return TT_OK;
}

/* ---- doing it ---- */

static void take(const struct begin *b, struct tt_model *m)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		const int is_param = i < m->n_params;
		const struct param *p = is_param ? &m->param[i] : &m->buffer[i - m->n_params];

		if (b->out->row[i].kind == TT_ORIGIN_TAKEN)
			model_copy_tensor(p, find(b, alone(m, p->name))->t, is_param ? m->params : m->buffers);
	}
}

static tt_status begin(const struct tt_model *shape, struct tt_model *to, struct tt_origins *out)
{
	struct begin b = { .opts = &shape->spec->train.init, .out = out };
	tt_status st;

	if ((st = open_file(&b)) == TT_OK && (st = match_all(&b, shape)) == TT_OK && to &&
	    (st = check(&b)) == TT_OK)
		take(&b, to);
	release(&b);
	return st;
}

tt_status model_begin(struct tt_model *m)
{
	struct tt_origins o = { .n = 0 };
	tt_status st;

	if (!m->spec->train.init.from || !*m->spec->train.init.from)
		return TT_OK;
	st = begin(m, m, &o);
	arena_release(&o.arena);
	return st;
}

/* ---- public ---- */

tt_status tt_origins_new(tt_origins **out, const tt_model *m)
{
	struct tt_origins *o;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	if (!m->spec->train.init.from || !*m->spec->train.init.from)
		return err_set(TT_ENOENT, "train.init.from is not set: all numbers are drawn");
	if (!(o = mem_calloc(1, sizeof *o)))
		return TT_ENOMEM;
	if ((st = begin(m, NULL, o)) == TT_OK)
		*out = o;
	else
		tt_origins_free(&o);
	return st;
}

int tt_origins_count(const tt_origins *o)
{
	return o ? o->n : 0;
}

const char *tt_origins_file(const tt_origins *o)
{
	return o ? o->from : NULL;
}

tt_status tt_origins_get(const tt_origins *o, int i, tt_origin *out)
{
	if (!o)
		return err_null(__func__);
	if (i < 0 || i >= o->n)
		return err_set(TT_EINVAL, "row %d: there are rows 0 to %d", i, o->n - 1);
	return sized_give(out, &o->row[i], sizeof o->row[i], "tt_origin");
}

void tt_origins_free(tt_origins **o)
{
	if (!o || !*o)
		return;
	arena_release(&(*o)->arena);
	mem_free(*o);
	*o = NULL;
}
