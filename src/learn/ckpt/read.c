#include "learn/ckpt/ckpt.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "learn/ckpt/layout.h"

struct entry { struct ckpt_tensor t; uint64_t from, to; };

struct ckpt {
	struct arena       arena;
	const char        *name;
	const uint8_t     *map;             /* to be unmapped; NULL if parsed from memory */
	size_t             map_size;
	const struct node *meta;            /* MAP of texts, or NULL                      */
	struct entry      *entry;           /* in the order of their data                 */
	int                count;
};

/* Every message names the file and the tensor; all is hostile until checked. */
static tt_status bad(const struct ckpt *c, const struct node *tensor, const char *what)
{
	return err_set(TT_EFORMAT, "%s: no valid checkpoint: tensor '%.80s' %s", c->name,
	               tensor->key, what);
}

/* A whole number >= 0, or -1. */
static int64_t whole(const struct node *n)
{
	int64_t v = -1;

	return n && node_int(n, 0, INT64_MAX, &v) == TT_OK ? v : -1;
}

static tt_status read_shape(const struct ckpt *c, const struct node *tensor, struct tensor_desc *d)
{
	const struct node *shape = node_get(tensor, "shape");

	if (!shape || shape->kind != NODE_LIST)
		return bad(c, tensor, "has no shape");
	if (node_count(shape) > TENSOR_MAX_DIMS)
		return bad(c, tensor, "has more dimensions than tutti knows");
	d->ndim = 0;
	for (const struct node *n = shape->child; n; n = n->next)
		d->dim[d->ndim++] = whole(n);
	if (tensor_check(d) != TT_OK)
		return bad(c, tensor, "has an impossible shape");
	return TT_OK;
}

static tt_status read_offsets(const struct ckpt *c, const struct node *tensor, struct entry *e)
{
	const struct node *list = node_get(tensor, "data_offsets");
	int64_t from, to;

	if (!list || list->kind != NODE_LIST || node_count(list) != 2)
		return bad(c, tensor, "has no data_offsets");
	from = whole(list->child);
	to = whole(list->child->next);
	if (from < 0 || to < from)
		return bad(c, tensor, "has impossible data_offsets");
	if ((uint64_t)(to - from) != tensor_bytes(&e->t.desc))
		return bad(c, tensor, "has data_offsets that do not fit its shape");
	e->from = (uint64_t)from;
	e->to = (uint64_t)to;
	return TT_OK;
}

static tt_status read_entry(const struct ckpt *c, const struct node *tensor, struct entry *e)
{
	const struct node *dtype = node_get(tensor, "dtype");
	int type;
	tt_status st;

	if (tensor->kind != NODE_MAP || !dtype || dtype->kind != NODE_TEXT)
		return bad(c, tensor, "has no dtype");
	if ((type = ckpt_dtype(dtype->text)) < 0)
		return bad(c, tensor, "is of a type other than F32, BF16, I32 and U8");
	e->t.name = tensor->key;
	e->t.desc.dtype = (enum dtype)type;
	if ((st = read_shape(c, tensor, &e->t.desc)) != TT_OK)
		return st;
	return read_offsets(c, tensor, e);
}

static tt_status read_meta(struct ckpt *c, const struct node *meta)
{
	if (meta->kind != NODE_MAP)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: its metadata is no map", c->name);
	for (const struct node *n = meta->child; n; n = n->next)
		if (n->kind != NODE_TEXT)
			return err_set(TT_EFORMAT, "%s: no valid checkpoint: its metadata '%.80s' is no text",
			               c->name, n->key);
	c->meta = meta;
	return TT_OK;
}

static tt_status read_header(struct ckpt *c, const struct node *root)
{
	tt_status st;

	if (root->kind != NODE_MAP)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: its header is no map", c->name);
	c->entry = arena_alloc(&c->arena, (node_count(root) + 1) * sizeof *c->entry);
	if (!c->entry)
		return TT_ENOMEM;
	for (const struct node *n = root->child; n; n = n->next) {
		st = strcmp(n->key, CKPT_META) == 0 ? read_meta(c, n)
		                                    : read_entry(c, n, &c->entry[c->count++]);
		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* The format allows neither overlap nor holes nor a rest, so one walk checks them all. */
static tt_status place_data(struct ckpt *c, const uint8_t *data, uint64_t size)
{
	uint64_t at = 0;

	qsort(c->entry, (size_t)c->count, sizeof *c->entry, by_place);
	for (int i = 0; i < c->count; at = c->entry[i++].to) {
		struct entry *e = &c->entry[i];

		if (e->from != at || e->to > size)
			return err_set(TT_EFORMAT, "%s: no valid checkpoint: tensor '%.80s' lies at %llu ... "
			               "%llu, but %llu ... %llu is free (is the file cut short?)", c->name,
			               e->t.name, (unsigned long long)e->from, (unsigned long long)e->to,
			               (unsigned long long)at, (unsigned long long)size);
		e->t.data = data + at;
	}
	if (at != size)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: %llu bytes after the last tensor",
		               c->name, (unsigned long long)(size - at));
	return TT_OK;
}

/* Other writers need not align; readers of float must. */
static tt_status align_data(struct ckpt *c)
{
	for (int i = 0; i < c->count; i++) {
		struct ckpt_tensor *t = &c->entry[i].t;
		size_t bytes = tensor_bytes(&t->desc);
		void *copy;

		if ((uintptr_t)t->data % dtype_size(t->desc.dtype) == 0)
			continue;
		if (!(copy = arena_alloc(&c->arena, bytes)))
			return TT_ENOMEM;
		t->data = memcpy(copy, t->data, bytes);
	}
	return TT_OK;
}

static tt_status parse(struct ckpt *c, const uint8_t *p, size_t size)
{
	struct node *root;
	uint64_t head = 0;
	tt_status st;

	if (size <= CKPT_PREFIX)
		return err_set(TT_EFORMAT, "%s: no checkpoint: only %zu bytes long", c->name, size);
	for (int i = 0; i < CKPT_PREFIX; i++)
		head |= (uint64_t)p[i] << 8 * i;
	if (head < 2 || head > CKPT_HEADER_MAX || p[CKPT_PREFIX] != '{')
		return err_set(TT_EFORMAT, "%s: no checkpoint (safetensors): it does not begin with "
		               "the size of its header", c->name);
	if (head > size - CKPT_PREFIX)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: its header has %llu bytes, the file "
		               "%zu (is it cut short?)", c->name, (unsigned long long)head, size);
	if ((st = node_parse_json(&c->arena, c->name, (const char *)p + CKPT_PREFIX, head,
	                          &root)) != TT_OK ||
	    (st = read_header(c, root)) != TT_OK ||
	    (st = place_data(c, p + CKPT_PREFIX + head, size - CKPT_PREFIX - head)) != TT_OK)
		return st;
	return align_data(c);
}

tt_status ckpt_parse(struct ckpt **out, const char *name, const uint8_t *p, size_t size)
{
	struct ckpt *c = mem_calloc(1, sizeof *c);
	tt_status st = TT_ENOMEM;

	if (!c)
		return st;
	if (!(c->name = arena_strdup(&c->arena, name)) || (st = parse(c, p, size)) != TT_OK)
		goto out;
	*out = c;
	c = NULL;
out:
	ckpt_close(&c);
	return st;
}

tt_status ckpt_open(struct ckpt **out, const char *path)
{
	const uint8_t *map;
	struct ckpt *c;
	size_t size;
	tt_status st;

	if ((st = file_map(path, &map, &size)) != TT_OK)
		return st;
	if ((st = ckpt_parse(&c, path, map, size)) != TT_OK) {
		file_unmap(map, size);
		return st;
	}
	c->map = map;
	c->map_size = size;
	*out = c;
	return TT_OK;
}

void ckpt_close(struct ckpt **c)
{
	if (!c || !*c)
		return;
	if ((*c)->map)
		file_unmap((*c)->map, (*c)->map_size);
	arena_release(&(*c)->arena);
	mem_free(*c);
	*c = NULL;
}

int ckpt_count(const struct ckpt *c)
{
	return c->count;
}

const struct ckpt_tensor *ckpt_at(const struct ckpt *c, int i)
{
	return &c->entry[i].t;
}

const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name)
{
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->entry[i].t.name, name) == 0)
			return &c->entry[i].t;
	return NULL;
}

int ckpt_meta_count(const struct ckpt *c)
{
	return c->meta ? (int)node_count(c->meta) : 0;
}

struct ckpt_meta ckpt_meta_at(const struct ckpt *c, int i)
{
	const struct node *n = c->meta->child;

	while (i--)
		n = n->next;
	return (struct ckpt_meta){ n->key, n->text };
}

const char *ckpt_meta(const struct ckpt *c, const char *key)
{
	const struct node *n = node_get(c->meta, key);

	return n ? n->text : NULL;
}
