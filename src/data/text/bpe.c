#include "data/text/bpe.h"

#include <string.h>

#include "base/mem.h"

#define SHORT 40                /* tokens among which the least rank is looked for one by one */
#define NO_RANK UINT32_MAX

/* ---- merges ---- */

static size_t slot_of(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(h ^ h >> 32) & (b->slots - 1);

	while (b->slot[at].id >= 0 && (b->slot[at].left != left || b->slot[at].right != right))
		at = (at + 1) & (b->slots - 1);
	return at;
}

static tt_status grow(struct bpe *b)
{
	const size_t slots = b->slots ? 2 * b->slots : 1024;
	struct bpe wider = { mem_alloc(slots * sizeof *wider.slot), slots, b->n };

	if (!wider.slot)
		return TT_ENOMEM;
	for (size_t i = 0; i < slots; i++)
		wider.slot[i].id = -1;
	for (size_t i = 0; i < b->slots; i++)
		if (b->slot[i].id >= 0)
			wider.slot[slot_of(&wider, b->slot[i].left, b->slot[i].right)] = b->slot[i];
	mem_free(b->slot);
	*b = wider;
	return TT_OK;
}

tt_status bpe_add(struct bpe *b, uint32_t left, uint32_t right, int32_t id)
{
	const tt_status st = 2 * b->n >= b->slots ? grow(b) : TT_OK;
	struct bpe_merge *m;

	if (st != TT_OK)
		return st;
	m = &b->slot[slot_of(b, left, right)];
	*m = (struct bpe_merge){ left, right, (uint32_t)b->n++, id };
	return TT_OK;
}

void bpe_release(struct bpe *b)
{
	mem_free(b->slot);
	*b = (struct bpe){0};
}

static const struct bpe_merge *find(const struct bpe *b, int32_t left, int32_t right)
{
	const struct bpe_merge *m = &b->slot[slot_of(b, (uint32_t)left, (uint32_t)right)];

	return m->id >= 0 ? m : NULL;
}

static uint32_t rank_of(const struct bpe *b, const int32_t *id)
{
	const struct bpe_merge *m = find(b, id[0], id[1]);

	return m ? m->rank : NO_RANK;
}

/* ---- short pieces ---- */

static size_t merge_short(const struct bpe *b, int32_t *id, size_t n)
{
	uint32_t rank[SHORT];

	for (size_t i = 0; i + 1 < n; i++)
		rank[i] = rank_of(b, id + i);
	while (n > 1) {
		size_t at = 0;

		for (size_t i = 1; i + 1 < n; i++)
			if (rank[i] < rank[at])
				at = i;
		if (rank[at] == NO_RANK)
			break;
		id[at] = find(b, id[at], id[at + 1])->id;
		n--;
		memmove(id + at + 1, id + at + 2, (n - at - 1) * sizeof *id);
		memmove(rank + at, rank + at + 1, (n - at - 1) * sizeof *rank);
		if (at + 1 < n)
			rank[at] = rank_of(b, id + at);
		if (at > 0)
			rank[at - 1] = rank_of(b, id + at - 1);
	}
	return n;
}

/* ---- long ones ---- */

#define NOWHERE UINT32_MAX

struct bpe_link { uint32_t before, behind; };
struct bpe_heap_item { uint32_t rank, at; };

void bpe_work_release(struct bpe_work *w)
{
	mem_free(w->link);
	mem_free(w->heap);
	*w = (struct bpe_work){0};
}

/* Each merge takes a token away and gives at most two pairs. */
static tt_status make_room(struct bpe_work *w, size_t n)
{
	if (w->room >= n)
		return TT_OK;
	if (n > UINT32_MAX / 4)
		return err_set(TT_ESUPPORT, "a piece of %zu bytes is too long for a tokenizer", n);
	bpe_work_release(w);
	w->link = mem_alloc(n * sizeof *w->link);
	w->heap = mem_alloc(3 * n * sizeof *w->heap);
	if (!w->link || !w->heap)
		return TT_ENOMEM;
	w->room = n;
	return TT_OK;
}

static int is_less(struct bpe_heap_item a, struct bpe_heap_item b)
{
	return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void push(struct bpe_work *w, uint32_t rank, uint32_t place)
{
	const struct bpe_heap_item item = { rank, place };
	size_t at = w->items++;

	if (rank == NO_RANK) {
		w->items--;
		return;
	}
	for (; at > 0 && is_less(item, w->heap[(at - 1) / 2]); at = (at - 1) / 2)
		w->heap[at] = w->heap[(at - 1) / 2];
	w->heap[at] = item;
}

static struct bpe_heap_item pop(struct bpe_work *w)
{
	const struct bpe_heap_item top = w->heap[0], last = w->heap[--w->items];
	size_t at = 0, next;

	while ((next = 2 * at + 1) < w->items) {
		if (next + 1 < w->items && is_less(w->heap[next + 1], w->heap[next]))
			next++;
		if (!is_less(w->heap[next], last))
			break;
		w->heap[at] = w->heap[next];
		at = next;
	}
	w->heap[at] = last;
	return top;
}

static void push_pair(const struct bpe *b, struct bpe_work *w, const int32_t *id, uint32_t at)
{
	const uint32_t behind = at == NOWHERE ? NOWHERE : w->link[at].behind;
	const struct bpe_merge *m = behind == NOWHERE ? NULL : find(b, id[at], id[behind]);

	push(w, m ? m->rank : NO_RANK, at);
}

/* The pair that begins at `at`, if it is still of that rank. */
static void merge_at(const struct bpe *b, struct bpe_work *w, int32_t *id, struct bpe_heap_item is)
{
	struct bpe_link *l = &w->link[is.at];
	const uint32_t gone = l->behind;
	const struct bpe_merge *m = id[is.at] < 0 || gone == NOWHERE ? NULL
	                          : find(b, id[is.at], id[gone]);

	if (!m || m->rank != is.rank)
		return;
	id[is.at] = m->id;
	id[gone] = -1;
	l->behind = w->link[gone].behind;
	if (l->behind != NOWHERE)
		w->link[l->behind].before = is.at;
	push_pair(b, w, id, l->before);
	push_pair(b, w, id, is.at);
}

static size_t close_gaps(int32_t *id, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (id[i] >= 0)
			id[left++] = id[i];
	return left;
}

static tt_status merge_long(const struct bpe *b, struct bpe_work *w, int32_t *id, size_t *n)
{
	const tt_status st = make_room(w, *n);

	if (st != TT_OK)
		return st;
	w->items = 0;
	for (size_t i = 0; i < *n; i++)
		w->link[i] = (struct bpe_link){ i ? (uint32_t)i - 1 : NOWHERE,
		                                i + 1 < *n ? (uint32_t)i + 1 : NOWHERE };
	for (size_t i = 0; i + 1 < *n; i++)
		push_pair(b, w, id, (uint32_t)i);
	while (w->items)
		merge_at(b, w, id, pop(w));
	*n = close_gaps(id, *n);
	return TT_OK;
}

tt_status bpe_apply(const struct bpe *b, struct bpe_work *w, int32_t *id, size_t *n)
{
	if (!b->n)
		return TT_OK;
	if (*n > SHORT)
		return merge_long(b, w, id, n);
	*n = merge_short(b, id, *n);
	return TT_OK;
}
