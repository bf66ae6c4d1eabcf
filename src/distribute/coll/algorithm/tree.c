/* tree.c -- sums up a binary tree to rank 0 and down again: 2 log2 N latencies (FireCaffe's
 * reduction trees, Iandola et al. 2016).  Cut into pieces, so that a rank hands up one while the
 * next comes in. */
#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

struct tree {
	float      *x;
	size_t      n, pieces;
	int         children, is_root;
	struct channel child[2], parent;
};

struct range { float *x; size_t n; };

static struct range piece(const struct tree *t, size_t k)
{
	size_t lo = channel_cut(t->n, k, t->pieces);

	return (struct range){ t->x + lo, channel_cut(t->n, k + 1, t->pieces) - lo };
}

static const size_t ahead = LANE_DEPTH / 2;

static tt_status expect_children(struct tree *t, size_t k)
{
	tt_status st = TT_OK;

	for (int i = 0; k < t->pieces && i < t->children && st == TT_OK; i++)
		st = channel_announce_add(&t->child[i], piece(t, k).n);
	return st;
}

static tt_status climb_piece(struct tree *t, size_t k)
{
	struct range r = piece(t, k);
	tt_status st = TT_OK;

	for (int i = 0; i < t->children && st == TT_OK; i++)
		st = channel_add(&t->child[i], r.x, r.n);
	if (st != TT_OK)
		return st;
	if (!t->is_root)
		return channel_send(&t->parent, r.x, r.n);
	wire_round(t->parent.wire, r.x, r.n);
	return TT_OK;
}

static tt_status climb(struct tree *t)
{
	tt_status st = TT_OK;

	for (size_t k = 0; k < ahead && st == TT_OK; k++)
		st = expect_children(t, k);
	for (size_t k = 0; k < t->pieces && st == TT_OK; k++)
		if ((st = climb_piece(t, k)) == TT_OK)
			st = expect_children(t, k + ahead);
	return st == TT_OK ? channel_drain(&t->parent) : st;
}

static tt_status expect_parent(struct tree *t, size_t k)
{
	struct range r = piece(t, k);

	return t->is_root || k >= t->pieces ? TT_OK : channel_announce_take(&t->parent, r.x, r.n);
}

static tt_status descend_piece(struct tree *t, size_t k)
{
	struct range r = piece(t, k);
	tt_status st = t->is_root ? TT_OK : channel_take(&t->parent, r.x, r.n);

	for (int i = 0; i < t->children && st == TT_OK; i++)
		st = channel_send(&t->child[i], r.x, r.n);
	return st;
}

static tt_status descend(struct tree *t)
{
	tt_status st = TT_OK;

	for (size_t k = 0; k < ahead && st == TT_OK; k++)
		st = expect_parent(t, k);
	for (size_t k = 0; k < t->pieces && st == TT_OK; k++)
		if ((st = descend_piece(t, k)) == TT_OK)
			st = expect_parent(t, k + ahead);
	for (int i = 0; i < t->children && st == TT_OK; i++)
		st = channel_drain(&t->child[i]);
	return st;
}

tt_status comm_tree(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	struct tree t = { .x = x, .n = n, .pieces = channel_pieces(n), .is_root = c->rank == 0 };
	float *scratch = o->scratch;
	tt_status st;

	t.parent = channel_make(c, (c->rank - 1) / 2, o, n, &scratch);
	for (int i = 0; i < 2; i++) {
		t.child[i] = channel_make(c, 2 * c->rank + 1 + i, o, n, &scratch);
		t.children += 2 * c->rank + 1 + i < c->size;
	}
	if ((st = climb(&t)) == TT_OK)
		st = descend(&t);
	channel_drop(&t.parent);
	channel_drop(&t.child[0]);
	channel_drop(&t.child[1]);
	return st;
}
