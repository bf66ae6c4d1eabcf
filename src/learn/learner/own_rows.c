/* own_rows.c -- what each rank has of its own, as tensors of a checkpoint:
 *
 *   tutti.worker.easgd.params [ranks, count]     floats; a row for each rank
 *   tutti.worker.easgd.buffers.since             counts, as the bytes of doubles
 *
 * One file holds all of it beside what ranks have in common, written by rank 0 and renamed when it
 * is whole: no kill can leave parts of two steps. */
#include <stdio.h>
#include <string.h>

#include "learn/learner/learner_own.h"

#define PREFIX "tutti.worker."

tt_status learner_collect(struct learner *l)
{
	tt_status st = carried_collect(l);

	own_release(&l->own);
	return st == TT_OK && l->sync ? blame_peer(sync_gather_own(l->sync, &l->own)) : st;
}

static enum dtype dtype_of(enum own_kind k)
{
	return k == OWN_FLOATS ? DTYPE_F32 : DTYPE_U8;
}

/* Bytes of a row where they are bytes, else numbers. */
static size_t width_of(enum own_kind k)
{
	return k == OWN_FLOATS ? 1 : own_bytes(k, 1);
}

tt_status own_rows_add(const struct learner *l, struct learner_rows *r, struct model_rows *s)
{
	for (int i = 0; i < l->own.n; i++) {
		const struct own_of_all *p = &l->own.part[i];
		const int64_t dim[] = { l->own.ranks, (int64_t)(p->count * width_of(p->kind)) };
		struct str *name = &r->name[r->n++];
		tt_status st;

		str_addf(name, PREFIX "%s.%s", l->strategy->name, p->name);
		if ((st = str_status(name)) != TT_OK)
			return st;
		s->tensor[s->n_tensors++] = (struct ckpt_tensor){
			.name = name->p, .desc = tensor_desc_make(dtype_of(p->kind), 2, dim), .data = p->all };
	}
	return TT_OK;
}

/* ---- back ---- */

/* The name of a part of this strategy, or NULL. */
static const char *part_of(const struct learner *l, const char *tensor)
{
	const size_t prefix = strlen(PREFIX), n = strlen(l->strategy->name);

	if (strncmp(tensor + prefix, l->strategy->name, n) != 0 || tensor[prefix + n] != '.')
		return NULL;
	return tensor + prefix + n + 1;
}

static tt_status take(struct own_all *own, const struct ckpt_tensor *t, const char *name,
                      const char *path)
{
	const enum own_kind kind = t->desc.dtype == DTYPE_F32 ? OWN_FLOATS : OWN_NUMBERS;
	const size_t width = width_of(kind);
	tt_status st;

	if (t->desc.dtype != dtype_of(kind) || strlen(name) >= OWN_NAME ||
	    (size_t)t->desc.dim[1] % width)
		return err_set(TT_EFORMAT, "%s: tensor '%.80s' is nothing that a worker can have", path,
		               t->name);
	st = own_room(own, name, kind, (size_t)t->desc.dim[1] / width);
	if (st == TT_OK)
		memcpy(own->part[own->n - 1].all, t->data, tensor_bytes(&t->desc));
	return st;
}

static tt_status say(struct str *note, const struct learner *l, const struct ckpt_tensor *t,
                     const char *path)
{
	const char *of = t->name + strlen(PREFIX);

	str_addf(note, "%s%s was written by %lld workers under distribute.strategy %.*s, and these are "
	         "%d under %s: they all begin with what those had in common, and the result will not "
	         "be that of one unbroken run", note->len ? "; " : "", path,
	         (long long)t->desc.dim[0], (int)strcspn(of, "."), of, l->opts.comm->size,
	         sync_words[l->distribute.strategy]);
	return str_status(note);
}

tt_status learner_take_own(struct learner *l, const struct ckpt *c, const char *path,
                           struct str *note)
{
	const int world = l->opts.comm->size;
	struct own_all own = { .ranks = world };
	const struct ckpt_tensor *foreign = NULL;
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && !foreign && i < ckpt_count(c); i++) {
		const struct ckpt_tensor *t = ckpt_at(c, i);
		const char *name;

		if (strncmp(t->name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		if (t->desc.ndim != 2)
			st = err_set(TT_EFORMAT, "%s: tensor '%.80s' is not one row for each worker", path,
			             t->name);
		else if ((name = part_of(l, t->name)) && t->desc.dim[0] == world)
			st = take(&own, t, name, path);
		else
			foreign = t;
	}
	if (st == TT_OK && foreign)
		st = say(note, l, foreign, path);
	if (st != TT_OK || foreign)
		own_release(&own);
	own_release(&l->own);
	l->own = own;
	return st;
}
