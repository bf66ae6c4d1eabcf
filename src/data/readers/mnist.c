/* MNIST and its kin (Fashion-MNIST, KMNIST, EMNIST): IDX files, gzipped or not. */
#include "data/readers/mnist.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/memory_source.h"
#include "data/readers/registry.h"

#define IDX_U8       0x08
#define IDX_MAX      ((size_t)1 << 30)   /* bytes; EMNIST, the largest kin, has 0.55e9     */
#define GZIP_RATIO   1032                /* deflate cannot shrink bytes by more than this  */
#define GZIP_START   ((size_t)1 << 16)

struct mnist_opts { int split, classes; };

static const struct option settings[] = {
	OPT_ENUM(struct mnist_opts, split, "train", split_words, "which files: train or test"),
	OPT_INT (struct mnist_opts, classes, "10", 2, 256, "number of classes"),
	OPT_END
};

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

tt_status idx_parse(const struct bytes *in, struct idx *out)
{
	struct idx x = {0};
	size_t head;

	if (in->n < 4 || in->p[0] != 0 || in->p[1] != 0)
		return err_set(TT_EFORMAT, "%s: not an IDX file", in->name);
	if (in->p[2] != IDX_U8)
		return err_set(TT_EFORMAT, "%s: IDX type 0x%02x; only bytes (0x08) can be read",
		               in->name, in->p[2]);
	x.ndim = in->p[3];
	head = 4 + 4 * (size_t)x.ndim;
	if (x.ndim < 1 || x.ndim > IDX_DIMS || in->n < head)
		return err_set(TT_EFORMAT, "%s: an IDX header of %d dimensions in %zu bytes", in->name,
		               x.ndim, in->n);
	x.size = 1;
	for (int i = 0; i < x.ndim; i++) {
		x.dim[i] = big_endian(in->p + 4 + 4 * i);
		if (__builtin_mul_overflow(x.size, (size_t)x.dim[i], &x.size))
			return err_set(TT_EFORMAT, "%s: IDX sizes overflow", in->name);
	}
	if (x.size != in->n - head)
		return err_set(TT_EFORMAT, "%s: the IDX header promises %zu bytes of data, there are %zu",
		               in->name, x.size, in->n - head);
	x.data = in->p + head;
	*out = x;
	return TT_OK;
}

/* The last four bytes tell the size: a hint only, it may lie.  One byte more lets
 * inflate see the end of the stream without asking for room again. */
static size_t gzip_hint(const struct bytes *in, size_t max)
{
	size_t most = in->n < max / GZIP_RATIO ? in->n * GZIP_RATIO : max;
	size_t hint;

	if (in->n < 18)
		return GZIP_START < max ? GZIP_START : max;
	const uint8_t *t = in->p + in->n - 4;
	hint = (size_t)t[0] | (size_t)t[1] << 8 | (size_t)t[2] << 16 | (size_t)t[3] << 24;
	return hint < most ? hint + 1 : most;
}

static tt_status gzip_grow(const struct bytes *in, size_t max, uint8_t **p, size_t *cap)
{
	size_t more = *cap < max / 2 ? *cap * 2 : max;
	uint8_t *q;

	if (*cap >= max)
		return err_set(TT_EFORMAT, "%s: unpacks to more than %zu bytes", in->name, max);
	if (!(q = mem_realloc(*p, more)))
		return TT_ENOMEM;
	*p = q;
	*cap = more;
	return TT_OK;
}

/* Inflate until the end of the stream; the buffer grows if it must. */
static tt_status gzip_run(z_stream *z, const struct bytes *in, size_t max, uint8_t **p, size_t *cap)
{
	size_t done = 0, left = in->n;
	tt_status st;
	int code = Z_OK;

	while (code != Z_STREAM_END) {
		if (done == *cap && (st = gzip_grow(in, max, p, cap)) != TT_OK)
			return st;
		if (z->avail_in == 0) {
			z->avail_in = left < INT_MAX ? (uInt)left : INT_MAX;
			left -= z->avail_in;
		}
		size_t room = *cap - done;
		z->next_out = *p + done;
		z->avail_out = room < INT_MAX ? (uInt)room : INT_MAX;
		size_t before = z->avail_out;
		code = inflate(z, Z_NO_FLUSH);
		done += before - z->avail_out;
		if (code == Z_BUF_ERROR && z->avail_out > 0)
			return err_set(TT_EFORMAT, "%s: the gzip data end too early", in->name);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
			return err_set(TT_EFORMAT, "%s: damaged gzip data at byte %zu: %s", in->name,
			               in->n - left - z->avail_in, z->msg ? z->msg : "zlib error");
	}
	*cap = done;
	return TT_OK;
}

tt_status gzip_inflate(const struct bytes *in, size_t max, uint8_t **out, size_t *size)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in->p };
	size_t cap = gzip_hint(in, max);
	uint8_t *p = mem_alloc(cap);
	tt_status st;

	if (!p)
		return TT_ENOMEM;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		mem_free(p);
		return err_set(TT_ENOMEM, "%s: zlib cannot start", in->name);
	}
	st = gzip_run(&z, in, max, &p, &cap);
	inflateEnd(&z);
	if (st != TT_OK) {
		mem_free(p);
		return st;
	}
	*out = p;
	*size = cap;
	return TT_OK;
}

/* An IDX file and the memory it lies in. */
struct idx_file { uint8_t *memory; struct idx idx; };

static tt_status load_idx(struct idx_file *out, const char *path)
{
	char *raw = NULL;
	uint8_t *flat = NULL;
	struct bytes in = { .name = path };
	tt_status st = file_read_all(path, IDX_MAX, &raw, &in.n);

	if (st != TT_OK)
		return st;
	in.p = (uint8_t *)raw;
	if (in.n > 2 && in.p[0] == 0x1f && in.p[1] == 0x8b) {
		st = gzip_inflate(&in, IDX_MAX, &flat, &in.n);
		mem_free(raw);
		if (st != TT_OK)
			return st;
		in.p = flat;
	}
	out->memory = (uint8_t *)(uintptr_t)in.p;
	if ((st = idx_parse(&in, &out->idx)) != TT_OK) {
		mem_free(out->memory);
		out->memory = NULL;
	}
	return st;
}

/* The names under which these files travel. */
static tt_status find_idx(struct idx_file *out, const char *dir, const char *part, int ndim)
{
	static const char *const pattern[] = {
		"%s/%s-idx%d-ubyte", "%s/%s-idx%d-ubyte.gz", "%s/%s.idx%d-ubyte", "%s/%s.idx%d-ubyte.gz"
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++) {
		int n = snprintf(path, sizeof path, pattern[i], dir, part, ndim);
		if (n > 0 && (size_t)n < sizeof path && file_exists(path)) {
			tt_status st = load_idx(out, path);
			if (st == TT_OK && out->idx.ndim != ndim)
				st = err_set(TT_EFORMAT, "%s: %d dimensions where %d belong", path,
				             out->idx.ndim, ndim);
			return st;
		}
	}
	return err_set(TT_ENOENT, "%s: there is no %s-idx%d-ubyte, with or without .gz", dir, part,
	               ndim);
}

static tt_status fill_labels(struct memory_source *r, const struct idx *labels, const char *dir)
{
	const int classes = r->reader.schema.view.classes;
	int32_t *label = mem_alloc((size_t)r->reader.count * sizeof *label);

	if (!label)
		return TT_ENOMEM;
	r->data[1] = r->owned[1] = label;
	for (int64_t i = 0; i < r->reader.count; i++) {
		if (labels->data[i] >= classes)
			return err_set(TT_EFORMAT, "%s: label %d of sample %lld is outside of %d classes; "
			               "set ?classes=", dir, labels->data[i], (long long)i, classes);
		label[i] = labels->data[i];
	}
	return TT_OK;
}

static tt_status check_pair(const struct idx *x, const struct idx *y, const char *dir)
{
	if (x->dim[0] != y->dim[0])
		return err_set(TT_EFORMAT, "%s: %u images but %u labels", dir, x->dim[0], y->dim[0]);
	if (x->size == 0)
		return err_set(TT_EFORMAT, "%s: the file of images is empty", dir);
	return TT_OK;
}

static tt_status build(struct reader **out, const char *dir, const struct mnist_opts *o,
                       struct idx_file *x, const struct idx_file *y)
{
	const int64_t shape[3] = { 1, x->idx.dim[1], x->idx.dim[2] };
	struct memory_source *r = NULL;
	struct schema schema = {0};
	tt_status st = check_pair(&x->idx, &y->idx, dir);

	if (st == TT_OK)
		st = schema_pictures(&schema, shape, o->classes, NULL);
	if (st != TT_OK || (st = memory_source_new(&r, &mnist_reader, &schema, x->idx.dim[0])) != TT_OK)
		goto out;
	if ((st = fill_labels(r, &y->idx, dir)) != TT_OK) {
		memory_source_close(&r->reader);
		goto out;
	}
	r->data[0] = x->idx.data;
	r->owned[0] = x->memory;
	x->memory = NULL;
	*out = &r->reader;
out:
	schema_release(&schema);
	return st;
}

static tt_status mnist_open(struct reader **out, const char *path, const struct node *args)
{
	static const char *const images[] = { "train-images", "t10k-images" };
	static const char *const labels[] = { "train-labels", "t10k-labels" };
	struct mnist_opts o;
	struct arena a = {0};
	struct idx_file x = {0}, y = {0};
	tt_status st = reader_settings(settings, &a, args, &o);

	if (st == TT_OK)
		st = find_idx(&y, path, labels[o.split], 1);
	if (st == TT_OK)
		st = find_idx(&x, path, images[o.split], 3);
	if (st == TT_OK)
		st = build(out, path, &o, &x, &y);
	mem_free(x.memory);
	mem_free(y.memory);
	arena_release(&a);
	return st;
}

const struct reader_ops mnist_reader = {
	.scheme = "mnist",
	.settings = settings,
	.help = "mnist:DIR -- a folder of IDX files (MNIST and its kin), gzipped or not",
	.open = mnist_open,
	.close = memory_source_close,
	.read = memory_source_read,
	.peek = memory_source_peek,
};
