/* text.c -- texts for language models.
 *
 *   file a  |the cat s|at.|     tokens  [t h e]  [  c a]  ...     samples of `length` tokens
 *   file b  |on it|             next    [h e  ]  [c a t]  ...     what follows each of them
 *
 * The texts of a folder are one, in the order of their paths.  Both columns lie in the same
 * numbers: the second begins one token later. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/image_place.h"
#include "data/readers/memory_source.h"
#include "data/readers/registry.h"
#include "data/text/wanted.h"

#define TEXT_MAX  ((size_t)1 << 30)     /* bytes of all texts                       */
#define DEPTH_MAX 32                    /* of folders                               */

struct text_opts {
	int                  length, split;
	struct tokens_wanted wanted;
	double               holdout;
};

static const struct option settings[] = {
	OPT_INT(struct text_opts, length, "64", 1, 1 << 20, "tokens of a sample"),
	{ .name = "tokens", .type = OPTION_TEXT, .offset = offsetof(struct text_opts, wanted.tokens),
	  .def = "auto", .help = "what a token is: " TOKENS_WHAT "; auto: what the vocabulary holds, "
	  "else chars" },
	{ .name = "vocab", .type = OPTION_TEXT, .offset = offsetof(struct text_opts, wanted.vocab),
	  .help = "file of tokens, one in each line, \\n and \\\\ for line ends and backslashes; if "
	  "not set the vocabulary that a model knows, else that of the training text" },
	{ .name = "vocab_size", .type = OPTION_INT, .def = "0", .min = 0, .max = VOCABULARY_MAX,
	  .offset = offsetof(struct text_opts, wanted.vocab_size), .help =
	  "of a vocabulary made here: at most so many tokens, the most frequent ones, with <unk> for "
	  "all others; 0: all characters, " TOKENS_WORDS_MOST " words, 8000 byte pairs" },
	OPT_DOUBLE(struct text_opts, holdout, "0", 0, 0.9,
	           "share at the end of each text that forms the test split"),
	OPT_ENUM(struct text_opts, split, "train", split_words, "which part, if holdout is set"),
	OPT_END
};

/* ---- files ---- */

struct text { struct text_piece whole; size_t cut; };      /* the training part ends at cut */

struct texts {
	const struct text_opts *opts;
	struct text            *v;
	size_t                  n, room, bytes;
	size_t                  links, hidden, others;         /* in folders, left out */
	struct arena            arena;                         /* of paths             */
};

static void texts_release(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		mem_free((char *)(uintptr_t)t->v[i].whole.p - t->v[i].whole.from);
	mem_free(t->v);
	arena_release(&t->arena);
}

static tt_status make_room(struct texts *t)
{
	const size_t room = t->room ? 2 * t->room : 16;
	struct text *v = t->n < t->room ? t->v : mem_realloc(t->v, room * sizeof *v);

	if (!v)
		return TT_ENOMEM;
	t->room = t->n < t->room ? t->room : room;
	t->v = v;
	return TT_OK;
}

static tt_status add_file(struct texts *t, const char *path)
{
	char *text = NULL;
	size_t n;
	tt_status st = make_room(t);

	if (st == TT_OK)
		st = file_read_all(path, TEXT_MAX, &text, &n);
	if (st != TT_OK)
		return st;
	t->v[t->n++] = (struct text){ .whole = { text, n, 0, path } };
	if (n > TEXT_MAX - t->bytes)
		return err_set(TT_EFORMAT, "%s: the texts have more than the %zu bytes allowed here", path,
		               TEXT_MAX);
	t->bytes += n;
	return TT_OK;
}

static tt_status add_folder(struct texts *t, const char *path, int depth);

/* A link would give the same text twice. */
static tt_status add_entry(struct texts *t, const char *folder, const struct dirent *e, int depth)
{
	const char *path = arena_printf(&t->arena, "%s/%s", folder, e->d_name);
	struct stat s;

	if (!path)
		return TT_ENOMEM;
	if (place_is_hidden(e->d_name)) {
		t->hidden += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
		return TT_OK;
	}
	if (lstat(path, &s) != 0)
		return err_set(TT_EIO, "%s: %s", path, strerror(errno));
	if (S_ISDIR(s.st_mode) && depth < DEPTH_MAX)
		return add_folder(t, path, depth + 1);
	if (S_ISREG(s.st_mode))
		return add_file(t, path);
	t->links += S_ISLNK(s.st_mode);
	t->others += !S_ISLNK(s.st_mode);
	return TT_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static tt_status add_folder(struct texts *t, const char *path, int depth)
{
	struct dirent **e;
	const int n = scandir(path, &e, NULL, by_name);
	tt_status st = TT_OK;

	if (n < 0)
		return err_set(errno == ENOENT ? TT_ENOENT : TT_EIO, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (st == TT_OK)
			st = add_entry(t, path, e[i], depth);
		free(e[i]);
	}
	free(e);
	return st;
}

static tt_status read_texts(struct texts *t, const char *path)
{
	const char *own = arena_strdup(&t->arena, path);
	tt_status st;

	if (!own)
		return TT_ENOMEM;
	st = file_is_dir(own) ? add_folder(t, own, 0) : add_file(t, own);
	if (st == TT_OK && !t->bytes)
		return err_set(TT_EFORMAT, "%s: no text there", path);
	return st;
}

/* ---- parts ---- */

/* A mark of the byte order is none of the text. */
static void drop_mark(struct text_piece *t, enum token_kind k)
{
	if (k == TOKENS_BYTES || t->from || t->n < 3 || memcmp(t->p, "\xef\xbb\xbf", 3) != 0)
		return;
	t->p += 3;
	t->n -= 3;
	t->from = 3;
}

static void cut_texts(struct texts *t, enum token_kind k)
{
	for (size_t i = 0; i < t->n; i++) {
		struct text_piece *w = &t->v[i].whole;

		drop_mark(w, k);
		t->v[i].cut = token_cut(k, w->p, w->n, (size_t)((1 - t->opts->holdout) * (double)w->n));
	}
}

static struct text_piece part_of(const struct text *t, enum split split)
{
	struct text_piece p = t->whole;

	if (split == SPLIT_TEST) {
		p.p += t->cut;
		p.from += t->cut;
		p.n -= t->cut;
	} else {
		p.n = t->cut;
	}
	return p;
}

/* ---- the vocabulary ---- */

static tt_status build(struct texts *t, enum token_kind k, struct vocabulary *v)
{
	struct text_piece *train = mem_alloc((t->n + 1) * sizeof *train);
	tt_status st;

	if (!train)
		return TT_ENOMEM;
	cut_texts(t, k);
	for (size_t i = 0; i < t->n; i++)
		train[i] = part_of(&t->v[i], SPLIT_TRAIN);
	st = vocabulary_build(v, k, train, t->n, tokens_wanted_most(&t->opts->wanted, k));
	mem_free(train);
	return st;
}

/* A model's own, else a file's, else that of the text. */
static tt_status find_vocabulary(struct texts *t, const struct known_columns *known,
                                 struct vocabulary *v)
{
	const struct tokens_wanted *w = &t->opts->wanted;
	const int knows = known && known->class_names;
	int given, kind;
	tt_status st = tokens_wanted_kind(w, &kind);

	if (st == TT_OK)
		st = tokens_wanted_given(w, knows ? &(struct vocabulary_known){
			known->class_names, known->classes, known->recipe } : NULL, v, &given);
	if (st != TT_OK)
		return st;
	if (!given)
		return build(t, kind == TOKENS_AUTO ? TOKENS_CHARS : (enum token_kind)kind, v);
	cut_texts(t, v->kind);
	return TT_OK;
}

static tt_status encode(const struct texts *t, const struct vocabulary *v, const char *path,
                        struct encoding *e)
{
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i < t->n; i++) {
		const struct text_piece part = part_of(&t->v[i], t->opts->split);

		st = vocabulary_encode(v, &part, e);
	}
	if (st == TT_OK && e->n < 2)
		return err_set(TT_EINVAL, "%s: %zu tokens are left for split=%s: a sample needs two%s",
		               path, e->n, split_words[t->opts->split], t->opts->holdout > 0 ||
		               t->opts->split == SPLIT_TRAIN ? "" : "; set holdout=");
	return st;
}

/* ---- the source ---- */

static tt_status describe(const struct vocabulary *v, struct schema *s)
{
	tt_status st = schema_add(s, TT_COLUMN(.name = "tokens", .type = TT_I32, .ndim = 1,
	                                       .shape = { -1 }));

	if (st == TT_OK)
		st = schema_add(s, TT_COLUMN(.name = "next", .type = TT_I32, .ndim = 1, .shape = { -1 }));
	if (st == TT_OK)
		st = schema_set_recipe(s, v->recipe);
	return st != TT_OK ? st : schema_set_target(s, &(struct schema_target){
		"next", TT_TARGET_PLACES, v->n, v->name });
}

static void add_left(struct str *s, size_t n, const char *one, const char *many)
{
	if (n)
		str_addf(s, "%s%zu %s", s->len ? "; " : "", n, n == 1 ? one : many);
}

static tt_status note_left_out(struct memory_source *m, const struct texts *t,
                               const struct encoding *e)
{
	struct str s = {0};
	tt_status st;

	add_left(&s, t->links, "link", "links");
	add_left(&s, t->hidden, "hidden file", "hidden files");
	add_left(&s, t->others, "that is no file", "that are no files");
	add_left(&s, e->unknown, "token that the vocabulary does not have (" TOKEN_UNKNOWN ")",
	         "tokens that the vocabulary does not have (" TOKEN_UNKNOWN "), the first");
	if (e->unknown)
		str_addf(&s, ": %s", e->first.p);
	st = str_status(&s);
	if (st == TT_OK && s.len && !(m->reader.left_out = arena_strdup(&m->arena, s.p)))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

/* Both columns in the same numbers, which go over to the source. */
static tt_status lay_out(struct memory_source *m, struct encoding *e, int length)
{
	const int64_t places = (int64_t)e->n - 1;
	int64_t *offsets = mem_alloc(((size_t)m->reader.count + 1) * sizeof *offsets);

	if (!offsets)
		return TT_ENOMEM;
	for (int64_t i = 0; i <= m->reader.count; i++)
		offsets[i] = i * length < places ? i * length : places;
	m->data[0] = m->owned[0] = e->id;
	m->data[1] = e->id + 1;
	m->offsets[0] = m->offsets[1] = m->owned[1] = offsets;
	m->reader.ranges = m->reader.follows = 1;
	e->id = NULL;
	return TT_OK;
}

static tt_status make_source(const struct texts *t, const struct vocabulary *v, struct encoding *e,
                             struct reader **out)
{
	const int length = t->opts->length;
	struct memory_source *m;
	struct schema schema = {0};
	tt_status st = describe(v, &schema);

	if (st != TT_OK) {
		schema_release(&schema);
		return st;
	}
	st = memory_source_new(&m, &text_reader, &schema, ((int64_t)e->n - 2 + length) / length);
	if (st != TT_OK)
		return st;
	if ((st = lay_out(m, e, length)) == TT_OK && (st = note_left_out(m, t, e)) == TT_OK)
		*out = &m->reader;
	else
		memory_source_close(&m->reader);
	return st;
}

static tt_status text_open_for(struct reader **out, const char *path, const struct node *args,
                               const struct known_columns *known)
{
	struct text_opts o;
	struct texts t = { .opts = &o };
	struct vocabulary v = {0};
	struct encoding e = {0};
	struct arena a = {0};
	tt_status st = reader_settings(settings, &a, args, &o);

	if (st == TT_OK && (st = read_texts(&t, path)) == TT_OK &&
	    (st = find_vocabulary(&t, known, &v)) == TT_OK && (st = encode(&t, &v, path, &e)) == TT_OK)
		st = make_source(&t, &v, &e, out);
	encoding_release(&e);
	vocabulary_release(&v);
	texts_release(&t);
	arena_release(&a);
	return st;
}

static tt_status text_open(struct reader **out, const char *path, const struct node *args)
{
	return text_open_for(out, path, args, NULL);
}

/* Samples are ragged, and so lie nowhere by themselves: there is no peek. */
const struct reader_ops text_reader = {
	.scheme = "text", .settings = settings,
	.help = "text:FILE|DIR -- texts cut into sequences of tokens, to predict the next of each",
	.open = text_open, .open_for = text_open_for, .close = memory_source_close,
	.read = memory_source_read,
};
