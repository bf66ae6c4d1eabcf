/* shards.c -- a large model in several safetensors files, and the index that says what lies where,
 * model.safetensors.index.json:
 *
 *   {"weight_map": {"conv1.weight": "model-00001-of-00002.safetensors"}}
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "learn/ckpt/layout.h"

#define INDEX_END ".index.json"
#define INDEX_MAX (100 << 20)
#define FILES_MAX 4096

static int is_index(const char *path)
{
	const size_t n = strlen(path), end = strlen(INDEX_END);

	return n >= end && strcmp(path + n - end, INDEX_END) == 0;
}

struct index {
	const char        *path;
	struct arena       arena;
	const struct node *map;            /* weight_map                           */
	const char       **file;           /* its files, each once                 */
	struct ckpt      **part;           /* the same, opened                     */
	int                n;
};

/* The shard's place among those that are known, or -1. */
static int find_file(const struct index *x, const char *name)
{
	for (int i = x->n - 1; i >= 0; i--)
		if (strcmp(x->file[i], name) == 0)
			return i;
	return -1;
}

/* Shards lie beside their index: a name that leads elsewhere is nobody's. */
static tt_status check_name(const struct index *x, const struct node *n)
{
	if (n->kind == NODE_TEXT && *n->text && !strchr(n->text, '/') && n->text[0] != '.' &&
	    !is_index(n->text))
		return TT_OK;
	return err_set(TT_EFORMAT, "%s: '%.80s' lies in '%.80s', which is no file beside it", x->path,
	               n->key, n->kind == NODE_TEXT ? n->text : "");
}

static tt_status list_files(struct index *x)
{
	tt_status st;

	for (const struct node *n = x->map->child; n; n = n->next) {
		if ((st = check_name(x, n)) != TT_OK)
			return st;
		if (find_file(x, n->text) >= 0)
			continue;
		if (x->n == FILES_MAX)
			return err_set(TT_EFORMAT, "%s: more than %d files", x->path, FILES_MAX);
		x->file[x->n++] = n->text;
	}
	return TT_OK;
}

static tt_status read_index(struct index *x)
{
	struct node *root;
	size_t size;
	char *text;
	tt_status st = file_read_all(x->path, INDEX_MAX, &text, &size);

	if (st != TT_OK)
		return st;
	st = node_parse_json(&x->arena, x->path, text, size, &root);
	mem_free(text);
	if (st != TT_OK)
		return st;
	x->map = root->kind == NODE_MAP ? node_get(root, "weight_map") : NULL;
	if (!x->map || x->map->kind != NODE_MAP)
		return err_set(TT_EFORMAT, "%s: no index of safetensors: it has no map 'weight_map'",
		               x->path);
	x->file = arena_alloc(&x->arena, FILES_MAX * sizeof *x->file);
	x->part = arena_alloc(&x->arena, FILES_MAX * sizeof(*x->part));
	if (!x->file || !x->part)
		return TT_ENOMEM;
	memset((void *)x->part, 0, FILES_MAX * sizeof(*x->part));
	return list_files(x);
}

static tt_status open_parts(struct index *x)
{
	const char *slash = strrchr(x->path, '/');
	const int folder = slash ? (int)(slash - x->path) + 1 : 0;
	tt_status st = TT_OK;

	for (int i = 0; i < x->n && st == TT_OK; i++) {
		const char *path = arena_printf(&x->arena, "%.*s%s", folder, x->path, x->file[i]);

		st = path ? ckpt_open_file(&x->part[i], path) : TT_ENOMEM;
	}
	return st;
}

static tt_status gather(struct index *x, struct ckpt *into)
{
	tt_status st = TT_OK;

	for (const struct node *n = x->map->child; n && st == TT_OK; n = n->next) {
		const int i = find_file(x, n->text);

		st = ckpt_take(into, i, n->key);
		if (st == TT_ENOENT)
			st = err_set(TT_EFORMAT, "%s: '%.80s' should lie in %s, which has no such tensor",
			             x->path, n->key, x->file[i]);
	}
	return st;
}

static tt_status open_index(struct ckpt **out, const char *path)
{
	struct index x = { .path = path };
	struct ckpt *c = NULL;
	tt_status st;

	if ((st = read_index(&x)) == TT_OK && (st = open_parts(&x)) == TT_OK &&
	    (st = ckpt_new_of(&c, path, x.part, x.n)) == TT_OK && (st = gather(&x, c)) == TT_OK &&
	    (st = ckpt_sort(c)) == TT_OK)
		*out = c;
	else
		ckpt_close(&c);
	for (int i = 0; i < x.n; i++)
		ckpt_close(&x.part[i]);         /* those that c has not taken over */
	arena_release(&x.arena);
	return st;
}

tt_status ckpt_open(struct ckpt **out, const char *path)
{
	return is_index(path) ? open_index(out, path) : ckpt_open_file(out, path);
}
