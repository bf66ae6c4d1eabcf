#include "learn/ckpt/ckpt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "learn/ckpt/layout.h"

struct entry {
	struct ckpt_tensor      t;
	const struct ckpt_type *type;
	uint64_t                from, to;
};

struct ckpt {
	struct arena         arena;
	const char          *name;
	uint8_t             *data;          /* owned: what lies behind the header; NULL if borrowed */
	struct ckpt_meta    *meta;
	int                  metas;
	struct entry        *entry;         /* in the order of their data                           */
	const struct entry **by_name;       /* the same, sorted                                     */
	int                  count;
	struct ckpt        **part;          /* owned: of several files, each                        */
	int                  parts;
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

	if (!n || n->kind != NODE_TEXT || n->text[strspn(n->text, "0123456789")])
		return -1;
	return node_int(n, 0, INT64_MAX, &v) == TT_OK ? v : -1;
}

/* Numbers of this shape, by a checked product; one of no numbers may be empty in any dimension. */
static int count_numbers(const struct tensor_desc *d, size_t size, uint64_t *bytes)
{
	int64_t all = (int64_t)size;
	int     none = 0;

	for (int i = 0; i < d->ndim; i++) {
		if (d->dim[i] < 0)
			return 0;
		none |= d->dim[i] == 0;
		if (d->dim[i] && __builtin_mul_overflow(all, d->dim[i], &all))
			return 0;
	}
	*bytes = none ? 0 : (uint64_t)all;
	return 1;
}

static tt_status read_shape(const struct ckpt *c, const struct node *tensor, struct entry *e)
{
	const struct node *shape = node_get(tensor, "shape");
	struct tensor_desc *d = &e->t.desc;

	if (!shape || shape->kind != NODE_LIST)
		return bad(c, tensor, "has no shape");
	if (node_count(shape) > TENSOR_MAX_DIMS)
		return bad(c, tensor, "has more dimensions than the five that tutti knows");
	d->ndim = 0;
	for (const struct node *n = shape->child; n; n = n->next)
		d->dim[d->ndim++] = whole(n);
	/* As f32, which it may become, it must not be too large either. */
	if (!count_numbers(d, sizeof(double), &e->to) || !count_numbers(d, e->type->size, &e->to))
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
	if ((uint64_t)(to - from) != e->to)
		return bad(c, tensor, "has data_offsets that do not fit its shape");
	e->from = (uint64_t)from;
	e->to = (uint64_t)to;
	return TT_OK;
}

static tt_status read_entry(const struct ckpt *c, const struct node *tensor, struct entry *e)
{
	const struct node *dtype = node_get(tensor, "dtype");
	tt_status st;

	if (tensor->kind != NODE_MAP || !dtype || dtype->kind != NODE_TEXT)
		return bad(c, tensor, "has no dtype");
	if (!(e->type = ckpt_type_find(dtype->text)))
		return err_set(TT_EFORMAT, "%s: tensor '%.80s' is of type %.20s, which tutti cannot read",
		               c->name, tensor->key, dtype->text);
	e->t.name = tensor->key;
	e->t.stored = e->type->word;
	e->t.desc.dtype = e->type->as;
	if ((st = read_shape(c, tensor, e)) != TT_OK)
		return st;
	return read_offsets(c, tensor, e);
}

static tt_status read_meta(struct ckpt *c, const struct node *meta)
{
	if (node_absent(meta))
		return TT_OK;                       /* null: the format allows it */
	if (meta->kind != NODE_MAP)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: its metadata is no map", c->name);
	if (!(c->meta = arena_alloc(&c->arena, (node_count(meta) + 1) * sizeof *c->meta)))
		return TT_ENOMEM;
	for (const struct node *n = meta->child; n; n = n->next) {
		if (n->kind != NODE_TEXT || !n->quoted)
			return err_set(TT_EFORMAT, "%s: no valid checkpoint: its metadata '%.80s' is no text",
			               c->name, n->key);
		c->meta[c->metas++] = (struct ckpt_meta){ n->key, n->text };
	}
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

/* One of no bytes lies before the one that begins where it does. */
static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->from != y->from ? (x->from < y->from ? -1 : 1)
	     : x->to != y->to ? (x->to < y->to ? -1 : 1) : strcmp(x->t.name, y->t.name);
}

/* The format allows neither overlap nor holes nor a rest, so one walk checks them all. */
static tt_status check_places(struct ckpt *c, uint64_t size)
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
	}
	if (at != size)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: %llu bytes after the last tensor",
		               c->name, (unsigned long long)(size - at));
	return TT_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct entry *const *)a)->t.name,
	              (*(const struct entry *const *)b)->t.name);
}

static tt_status sort_names(struct ckpt *c)
{
	c->by_name = arena_alloc(&c->arena, ((size_t)c->count + 1) * sizeof(*c->by_name));
	if (!c->by_name)
		return TT_ENOMEM;
	for (int i = 0; i < c->count; i++)
		c->by_name[i] = &c->entry[i];
	qsort((void *)c->by_name, (size_t)c->count, sizeof(*c->by_name), by_name);
	return TT_OK;
}

/* Header and data as they lie in the file; where the data lie is not yet known. */
static tt_status parse_header(struct ckpt *c, const char *text, uint64_t head, uint64_t size)
{
	struct node *root;
	tt_status st;

	if ((st = node_parse_json(&c->arena, c->name, text, head, &root)) != TT_OK ||
	    (st = read_header(c, root)) != TT_OK || (st = check_places(c, size)) != TT_OK)
		return st;
	return sort_names(c);
}

/* Other writers need not align; readers of float must. */
static tt_status align(struct ckpt *c, const struct entry *e, const void **data)
{
	const size_t bytes = (size_t)(e->to - e->from);
	void *copy;

	if ((uintptr_t)*data % e->type->size == 0)
		return TT_OK;
	if (!(copy = arena_alloc(&c->arena, bytes)))
		return TT_ENOMEM;
	*data = memcpy(copy, *data, bytes);
	return TT_OK;
}

static tt_status convert(struct ckpt *c, struct entry *e)
{
	const struct ckpt_type *type = e->type;
	const size_t n = (size_t)(e->to - e->from) / type->size;
	const int wide = type->fits && !type->fits(e->t.data, n);
	void *to;

	if (!type->convert)
		return TT_OK;
	if (wide)
		e->t.desc.dtype = DTYPE_F32;
	if (!(to = arena_alloc(&c->arena, n * dtype_size(e->t.desc.dtype))))
		return TT_ENOMEM;
	(wide ? type->wide : type->convert)(e->t.data, n, to);
	e->t.data = to;
	return TT_OK;
}

static tt_status place_data(struct ckpt *c, const uint8_t *data)
{
	tt_status st = TT_OK;

	for (int i = 0; i < c->count && st == TT_OK; i++) {
		struct entry *e = &c->entry[i];

		e->t.data = data + e->from;
		if ((st = align(c, e, &e->t.data)) == TT_OK)
			st = convert(c, e);
	}
	return st;
}

static int ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* What people try first, and what to do with it.  A pickle is a program: nobody should run it who
 * only wants numbers. */
static tt_status check_others(const struct ckpt *c, const uint8_t *p)
{
	static const uint8_t zip[] = { 'P', 'K', 3, 4 }, hdf5[] = { 0x89, 'H', 'D', 'F' };

	if (memcmp(p, hdf5, sizeof hdf5) == 0 ||
	    (memcmp(p, zip, sizeof zip) == 0 && ends_with(c->name, ".keras")))
		return err_set(TT_EFORMAT, "%s: a Keras or HDF5 file, no checkpoint: `tutti import %s -o "
		               "DIR` makes one of it", c->name, c->name);
	if (memcmp(p, zip, sizeof zip) == 0 || (p[0] == 0x80 && p[1] >= 2 && p[1] <= 5))
		return err_set(TT_EFORMAT, "%s: a PyTorch pickle, no safetensors; convert it where you "
		               "trust it: python3 -c 'import torch; from safetensors.torch import "
		               "save_file as s; s(torch.load(\"%s\", \"cpu\"), \"%s.safetensors\")'",
		               c->name, c->name, c->name);
	return TT_OK;
}

static tt_status check_prefix(const struct ckpt *c, const uint8_t *p, uint64_t size, uint64_t *head)
{
	uint64_t n = 0;
	tt_status st;

	if (size <= CKPT_PREFIX)
		return err_set(TT_EFORMAT, "%s: no checkpoint: only %llu bytes long", c->name,
		               (unsigned long long)size);
	if ((st = check_others(c, p)) != TT_OK)
		return st;
	for (int i = 0; i < CKPT_PREFIX; i++)
		n |= (uint64_t)p[i] << 8 * i;
	if (n < 2 || n > CKPT_HEADER_MAX || p[CKPT_PREFIX] != '{')
		return err_set(TT_EFORMAT, "%s: no checkpoint (safetensors): it does not begin with "
		               "the size of its header", c->name);
	if (n > size - CKPT_PREFIX)
		return err_set(TT_EFORMAT, "%s: no valid checkpoint: its header has %llu bytes, the file "
		               "%llu (is it cut short?)", c->name, (unsigned long long)n,
		               (unsigned long long)size);
	*head = n;
	return TT_OK;
}

static tt_status parse(struct ckpt *c, const uint8_t *p, size_t size)
{
	uint64_t head;
	tt_status st;

	if ((st = check_prefix(c, p, size, &head)) != TT_OK ||
	    (st = parse_header(c, (const char *)p + CKPT_PREFIX, head,
	                       size - CKPT_PREFIX - head)) != TT_OK)
		return st;
	return place_data(c, p + CKPT_PREFIX + head);
}

static tt_status new_ckpt(struct ckpt **out, const char *name)
{
	struct ckpt *c = mem_calloc(1, sizeof *c);

	if (c && !(c->name = arena_strdup(&c->arena, name)))
		ckpt_close(&c);
	if (!c)
		return TT_ENOMEM;
	*out = c;
	return TT_OK;
}

tt_status ckpt_parse(struct ckpt **out, const char *name, const uint8_t *p, size_t size)
{
	struct ckpt *c;
	tt_status st = new_ckpt(&c, name);

	if (st != TT_OK)
		return st;
	if ((st = parse(c, p, size)) == TT_OK) {
		*out = c;
		return TT_OK;
	}
	ckpt_close(&c);
	return st;
}

/* The header is checked against the size of the file before the data cost anything. */
static tt_status read_file(struct ckpt *c, int fd, uint64_t size)
{
	uint8_t first[CKPT_PREFIX + 1] = {0};
	const size_t n = size < sizeof first ? (size_t)size : sizeof first;
	uint64_t head, rest;
	char *text;
	tt_status st;

	if ((st = file_read_at(fd, c->name, (struct file_part){ first, 0, n })) != TT_OK ||
	    (st = check_prefix(c, first, size, &head)) != TT_OK)
		return st;
	rest = size - CKPT_PREFIX - head;
	if (!(text = mem_alloc(head)))
		return TT_ENOMEM;
	st = file_read_at(fd, c->name, (struct file_part){ text, CKPT_PREFIX, head });
	if (st == TT_OK)
		st = parse_header(c, text, head, rest);
	mem_free(text);
	if (st == TT_OK && !(c->data = mem_alloc_aligned(rest)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = file_read_at(fd, c->name, (struct file_part){ c->data, CKPT_PREFIX + head, rest });
	return st == TT_OK ? place_data(c, c->data) : st;
}

tt_status ckpt_open_file(struct ckpt **out, const char *path)
{
	struct ckpt *c = NULL;
	uint64_t size;
	tt_status st;
	int fd;

	if ((st = file_open(path, &fd, &size)) != TT_OK)
		return st;
	if ((st = new_ckpt(&c, path)) == TT_OK && (st = read_file(c, fd, size)) == TT_OK)
		*out = c;
	else
		ckpt_close(&c);
	close(fd);
	return st;
}

/* ---- made of others ---- */

tt_status ckpt_new_of(struct ckpt **out, const char *name, struct ckpt **parts, int n)
{
	struct ckpt *c;
	size_t most = 0;
	tt_status st = new_ckpt(&c, name);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < n; i++)
		most += (size_t)parts[i]->count;
	c->part = arena_alloc(&c->arena, ((size_t)n + 1) * sizeof(*c->part));
	c->entry = arena_alloc(&c->arena, (most + 1) * sizeof *c->entry);
	if (!c->part || !c->entry) {
		ckpt_close(&c);
		return TT_ENOMEM;
	}
	for (; c->parts < n; c->parts++) {
		c->part[c->parts] = parts[c->parts];
		parts[c->parts] = NULL;
	}
	*out = c;
	return TT_OK;
}

/* Names in an index are not repeated, so that there is room. */
tt_status ckpt_take(struct ckpt *c, int part, const char *name)
{
	const struct ckpt_tensor *t = ckpt_find(c->part[part], name);

	if (!t)
		return TT_ENOENT;
	c->entry[c->count++].t = *t;
	return TT_OK;
}

tt_status ckpt_sort(struct ckpt *c)
{
	return sort_names(c);
}

void ckpt_close(struct ckpt **c)
{
	if (!c || !*c)
		return;
	for (int i = 0; i < (*c)->parts; i++)
		ckpt_close(&(*c)->part[i]);
	mem_free((*c)->data);
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
	const struct entry key = { .t.name = name }, *wanted = &key;
	const struct entry *const *found =
		bsearch(&wanted, (const void *)c->by_name, (size_t)c->count, sizeof wanted, by_name);

	return found ? &(*found)->t : NULL;
}

int ckpt_meta_count(const struct ckpt *c)
{
	return c->metas;
}

struct ckpt_meta ckpt_meta_at(const struct ckpt *c, int i)
{
	return c->meta[i];
}

const char *ckpt_meta(const struct ckpt *c, const char *key)
{
	for (int i = 0; i < c->metas; i++)
		if (strcmp(c->meta[i].key, key) == 0)
			return c->meta[i].value;
	return NULL;
}
