#include "distribute/sync/own.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "distribute/sync/strategy.h"

#define TAG 2
#define NUMBER_MAX 0x1p53

size_t own_bytes(enum own_kind kind, size_t count)
{
	return count * (kind == OWN_FLOATS ? sizeof(float) : sizeof(double));
}

/* ---- lists ---- */

void own_add(struct own_list *l, struct own_part p)
{
	if (p.count && p.data)
		l->part[l->n++] = p;
}

void own_add_slots(struct own_list *l, const struct sync *s, int live)
{
	static const char *const name[] = { "optim.0", "optim.1", "optim.2", "optim.3" };
	const struct sync_host *h = &s->host;

	for (int i = 0; i < h->slots && i < (int)(sizeof name / sizeof *name); i++)
		own_add(l, (struct own_part){ name[i], OWN_FLOATS, h->param_count, h->slot(h->ctx, i),
		                              live });
}

static struct own_list list_of(struct sync *s)
{
	const struct sync_host *h = &s->host;
	struct own_list l = { 0 };

	if (s->strategy->own)
		s->strategy->own(s, &l);
	own_add(&l, (struct own_part){ "sums", OWN_FLOATS, h->sums, h->grads + h->param_count,
	                               s->pending });
	for (int i = 0; s->ended && i < l.n; i++)
		l.part[i].live = 0;
	return l;
}

/* ---- of all ranks ---- */

void own_release(struct own_all *a)
{
	for (int i = 0; i < a->n; i++)
		mem_free(a->part[i].all);
	*a = (struct own_all){ 0 };
}

tt_status own_room(struct own_all *a, const char *name, enum own_kind kind, size_t count)
{
	struct own_of_all *p = &a->part[a->n];

	if (a->n == OWN_PARTS)
		return err_set(TT_EINVAL, "more than %d parts of what workers have of their own",
		               OWN_PARTS);
	*p = (struct own_of_all){ .kind = kind, .count = count };
	snprintf(p->name, sizeof p->name, "%s", name);
	if (!(p->all = mem_alloc_aligned((size_t)a->ranks * own_bytes(kind, count))))
		return TT_ENOMEM;
	a->n++;
	return TT_OK;
}

static char *piece(const struct own_of_all *p, int rank)
{
	return (char *)p->all + (size_t)rank * own_bytes(p->kind, p->count);
}

/* ---- to rank 0 ---- */

static tt_status collect(struct comm *c, const struct own_part *mine, struct own_all *out)
{
	const size_t bytes = own_bytes(mine->kind, mine->count);
	const struct own_of_all *p = &out->part[out->n];
	tt_status st;

	if (c->rank)
		return comm_send(c, 0, TAG, mine->data, bytes);
	if ((st = own_room(out, mine->name, mine->kind, mine->count)) != TT_OK)
		return st;
	memcpy(p->all, mine->data, bytes);
	for (int r = 1; st == TT_OK && r < c->size; r++)
		st = comm_recv(c, r, TAG, piece(p, r), bytes);
	return st;
}

tt_status sync_gather_own(struct sync *s, struct own_all *out)
{
	struct comm *c = s->host.comm;
	struct own_all all = { .ranks = c ? c->size : 1 };
	struct own_list l = list_of(s);
	tt_status st = TT_OK;

	*out = (struct own_all){ 0 };
	if (all.ranks == 1)
		return TT_OK;
	c->doing = "what each worker has of its own, for a checkpoint";
	for (int i = 0; i < l.n && st == TT_OK; i++)
		if (l.part[i].live)
			st = collect(c, &l.part[i], &all);
	if (st == TT_OK)
		*out = all;
	else
		own_release(&all);
	return st;
}

/* ---- back ---- */

static const struct own_of_all *find(const struct own_all *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (strcmp(a->part[i].name, name) == 0)
			return &a->part[i];
	return NULL;
}

static tt_status check_part(const struct own_of_all *p, const struct own_part *mine, int ranks)
{
	if (p->count != mine->count || p->kind != mine->kind)
		return err_set(TT_ESHAPE, "a checkpoint holds %zu numbers of each worker's '%s', of which "
		               "there are %zu: resume with the model and the train.optimizer it was "
		               "written with", p->count, p->name, mine->count);
	for (size_t i = 0; p->kind == OWN_NUMBERS && i < p->count * (size_t)ranks; i++) {
		const double v = ((const double *)p->all)[i];

		if (!(v >= 0 && v <= NUMBER_MAX))
			return err_set(TT_EFORMAT, "a checkpoint says %g of a worker's '%s', which is a "
			               "count: it is damaged", v, p->name);
	}
	return TT_OK;
}

/* Which parts there are, as bits: rank 0's word. */
static tt_status choose(struct sync *s, const struct own_list *l, const struct own_all *a,
                        uint32_t *out)
{
	struct comm *c = s->host.comm;
	const struct own_of_all *p;
	uint32_t there = 0;
	tt_status st;

	for (int i = 0; !c->rank && i < l->n; i++) {
		if (!(p = find(a, l->part[i].name)))
			continue;
		if ((st = check_part(p, &l->part[i], a->ranks)) != TT_OK)
			return st;
		there |= 1u << i;
	}
	if ((st = comm_broadcast(c, 0, &there, sizeof there)) == TT_OK)
		*out = there;
	return st;
}

static tt_status deal(struct comm *c, const struct own_part *mine, const struct own_all *a)
{
	const size_t bytes = own_bytes(mine->kind, mine->count);
	const struct own_of_all *p;
	tt_status st = TT_OK;

	if (c->rank)
		return comm_recv(c, 0, TAG, mine->data, bytes);
	p = find(a, mine->name);
	memcpy(mine->data, piece(p, 0), bytes);
	for (int r = 1; st == TT_OK && r < c->size; r++)
		st = comm_send(c, r, TAG, piece(p, r), bytes);
	return st;
}

tt_status sync_deal_own(struct sync *s, const struct own_all *a)
{
	struct comm *c = s->host.comm;
	struct own_list l = list_of(s);
	uint32_t there;
	tt_status st;

	if (!c || c->size == 1)
		return TT_OK;
	c->doing = "the start";
	if ((st = choose(s, &l, a, &there)) != TT_OK)
		return st;
	for (int i = 0; i < l.n && st == TT_OK; i++)
		if (there & 1u << i)
			st = deal(c, &l.part[i], a);
	s->pending = there >> (l.n - 1) & 1;            /* the sums are the last */
	return st;
}
