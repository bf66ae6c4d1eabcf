#include "data/readers/cifar10.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/memory_source.h"
#include "data/readers/registry.h"

#define CLASSES 10
#define FILES   5

static const char *const class_names[CLASSES] = {
	"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
};

/* Per split: the files, in the order in which their samples are numbered. */
static const char *const file_names[][FILES + 1] = {
	[SPLIT_TRAIN] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
	                  "data_batch_4.bin", "data_batch_5.bin", NULL },
	[SPLIT_TEST]  = { "test_batch.bin", NULL },
};

struct cifar10_opts { int split; };

static const struct option settings[] = {
	OPT_ENUM(struct cifar10_opts, split, "train", split_words, "which files: train or test"),
	OPT_END
};

tt_status cifar10_count(const struct bytes *in, size_t *out)
{
	if (in->n == 0 || in->n % CIFAR10_RECORD != 0)
		return err_set(TT_EFORMAT, "%s: %zu bytes are no whole number of CIFAR-10 records of %d",
		               in->name, in->n, CIFAR10_RECORD);
	*out = in->n / CIFAR10_RECORD;
	return TT_OK;
}

tt_status cifar10_parse(const struct bytes *in, uint8_t *x, int32_t *label)
{
	size_t n;
	tt_status st = cifar10_count(in, &n);

	if (st != TT_OK)
		return st;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *record = in->p + i * CIFAR10_RECORD;

		if (record[0] >= CLASSES)
			return err_set(TT_EFORMAT, "%s: label %d of record %zu is outside of 0..9",
			               in->name, record[0], i);
		label[i] = record[0];
		memcpy(x + i * CIFAR10_PIXELS, record + 1, CIFAR10_PIXELS);
	}
	return TT_OK;
}

#define FILE_BYTES_MAX ((size_t)4 << 30)        /* of one batch; the real ones have 31e6 */

struct batch_file { char path[PATH_MAX], *text; struct bytes in; size_t count; };

static void release_all(struct batch_file *f)
{
	for (int i = 0; i < FILES; i++)
		mem_free(f[i].text);
}

/* The batches may lie in DIR or in the folder that the official archive unpacks to. */
static tt_status read_one(struct batch_file *f, const char *dir, const char *name)
{
	static const char *const below[] = { "", "/cifar-10-batches-bin" };
	tt_status st;

	for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
		int n = snprintf(f->path, sizeof f->path, "%s%s/%s", dir, below[i], name);
		if (n < 0 || (size_t)n >= sizeof f->path || !file_exists(f->path))
			continue;
		if ((st = file_read_all(f->path, FILE_BYTES_MAX, &f->text, &f->in.n)) != TT_OK)
			return st;
		f->in.p = (const uint8_t *)f->text;
		f->in.name = f->path;
		return cifar10_count(&f->in, &f->count);
	}
	return err_set(TT_ENOENT, "%s: there is no %s; get CIFAR-10's binary version", dir, name);
}

static tt_status build(struct reader **out, const struct batch_file *f, size_t count)
{
	static const int64_t shape[3] = { 3, CIFAR10_SIDE, CIFAR10_SIDE };
	struct memory_source *r = NULL;
	struct schema schema = {0};
	uint8_t *x;
	int32_t *label;
	size_t done = 0;
	tt_status st = schema_pictures(&schema, shape, CLASSES, class_names);

	if (st != TT_OK) {
		schema_release(&schema);
		return st;
	}
	if ((st = memory_source_new(&r, &cifar10_reader, &schema, (int64_t)count)) != TT_OK)
		return st;
	r->data[0] = r->owned[0] = x = mem_calloc(count, CIFAR10_PIXELS);
	r->data[1] = r->owned[1] = label = mem_calloc(count, sizeof *label);
	st = x && label ? TT_OK : TT_ENOMEM;
	for (int i = 0; st == TT_OK && i < FILES && f[i].in.p; i++) {
		st = cifar10_parse(&f[i].in, x + done * CIFAR10_PIXELS, label + done);
		done += f[i].count;
	}
	if (st != TT_OK) {
		memory_source_close(&r->reader);
		return st;
	}
	*out = &r->reader;
	return TT_OK;
}

static tt_status cifar10_open(struct reader **out, const char *path, const struct node *args)
{
	struct cifar10_opts o;
	struct arena a = {0};
	struct batch_file *f = mem_calloc(FILES, sizeof *f);
	size_t count = 0;
	tt_status st = f ? reader_settings(settings, &a, args, &o) : TT_ENOMEM;

	for (int i = 0; st == TT_OK && file_names[o.split][i]; i++) {
		st = read_one(&f[i], path, file_names[o.split][i]);
		count += f[i].count;
	}
	if (st == TT_OK)
		st = build(out, f, count);
	if (f)
		release_all(f);
	mem_free(f);
	arena_release(&a);
	return st;
}

const struct reader_ops cifar10_reader = {
	.scheme = "cifar10",
	.settings = settings,
	.help = "cifar10:DIR -- CIFAR-10 as its official binary batches",
	.open = cifar10_open,
	.close = memory_source_close,
	.read = memory_source_read,
	.peek = memory_source_peek,
};
