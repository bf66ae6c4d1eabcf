/* Folders and archives of pictures, one folder per class.
 *
 * What fits into memory is decoded once, at opening, by all compute threads; a larger
 * collection is decoded whenever a sample is read. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "data/image/image.h"
#include "data/readers/image_archive.h"
#include "data/readers/memory_source.h"
#include "data/readers/registry.h"

#define RESIDENT_MAX ((size_t)2 << 30)     /* bytes of decoded pictures kept in memory */
#define DECODE_GRAIN 64
#define SIDE_MAX     8192

enum memory_source_choice { RESIDENT_AUTO, RESIDENT_NO };
static const char *const memory_source_words[] = { "auto", "no", NULL };

struct images_opts {
	int split, gray, resident, gray16, orientation;
	const char *size, *background;
};

static const char *const gray16_words[] = {
	[IMAGE_DEEP_CLIP] = "clip", [IMAGE_DEEP_SCALE] = "scale", NULL
};
static const char *const orientation_words[] = {
	[IMAGE_AS_STORED] = "stored", [IMAGE_UPRIGHT] = "exif", NULL
};

static const struct option settings[] = {
	OPT_ENUM(struct images_opts, split, "train", folder_words,
	         "which folder: train/, test/ or val/ (valid/), where there are such; none: each "
	         "folder is a class"),
	OPT_TEXT(struct images_opts, size, NULL,
	         "N or HEIGHTxWIDTH: resize; needed if the images differ in size"),
	OPT_ENUM(struct images_opts, gray, "no", option_no_yes, "one channel instead of three"),
	OPT_TEXT(struct images_opts, background, "none",
	         "colour behind transparent pixels: white, black, RRGGBB; none: they count as opaque"),
	OPT_ENUM(struct images_opts, orientation, "stored", orientation_words,
	         "exif: turn images upright by their EXIF data; stored: as they lie in the file"),
	OPT_ENUM(struct images_opts, gray16, "clip", gray16_words,
	         "gray of 16 bits; clip: all above 255 is white, as in Pillow; scale: by 256"),
	OPT_ENUM(struct images_opts, resident, "auto", memory_source_words,
	         "auto: decode once and keep all in memory if below 2 GiB; no: decode each time"),
	OPT_END
};

struct images {
	struct reader  reader;
	struct image_archive members;
	struct image_want want;      /* of every picture              */
	int            resize;       /* enum: 1 if ?size= was given   */
};

static tt_status parse_size(const char *text, int *h, int *w)
{
	int a = 0, b = 0, end = 0;

	if (sscanf(text, "%5d%n", &a, &end) == 1 && text[end] == '\0')
		b = a;
	else if (sscanf(text, "%5dx%5d%n", &a, &b, &end) != 2 || text[end] != '\0')
		a = 0;
	if (a < 1 || b < 1 || a > SIDE_MAX || b > SIDE_MAX)
		return err_set(TT_ESPEC, "size=%s: write N or HEIGHTxWIDTH, each from 1 to %d", text,
		               SIDE_MAX);
	*h = a;
	*w = b;
	return TT_OK;
}

/* A file says where it is; an archive's member does not know in which. */
static tt_status name_archive(const struct images *s, tt_status st)
{
	return st == TT_OK || s->members.on_disk ? st : err_at(st, "%s", s->members.name);
}

/* Decode member i to the source's shape. */
static tt_status decode(const struct images *s, size_t i, uint8_t *x)
{
	const struct image_want *want = &s->want;
	struct bytes in;
	void *owned;
	int h = 0, w = 0;
	tt_status st = image_archive_read(&s->members, i, &in, &owned);

	if (st == TT_OK && !s->resize && (st = image_probe(&in, want->turn, &h, &w)) == TT_OK &&
	    (h != want->h || w != want->w))
		st = err_set(TT_ESHAPE, "%s is %d x %d pixels, the first image %d x %d; add size=N to "
		             "the source", in.name, h, w, want->h, want->w);
	if (st == TT_OK)
		st = image_decode(&in, want, x);
	mem_free(owned);
	return name_archive(s, st);
}

static size_t picture_bytes(const struct images *s)
{
	return (size_t)s->want.channels * (size_t)s->want.h * (size_t)s->want.w;
}

static tt_status images_read(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	const struct images *s = (const struct images *)r;
	uint8_t *x = cells[0].data;
	int32_t *label = cells[1].data;
	tt_status st = TT_OK;

	for (int64_t i = 0; st == TT_OK && i < n; i++) {
		if (label)
			label[i] = s->members.v[first + i].label;
		if (x)
			st = decode(s, (size_t)(first + i), x + (size_t)i * picture_bytes(s));
	}
	return st;
}

static void images_close(struct reader *r)
{
	struct images *s = (struct images *)r;

	if (!s)
		return;
	image_archive_release(&s->members);
	reader_release(r);
	mem_free(s);
}

static const struct reader_ops memory_source_images = {
	.scheme = "images",
	.close = memory_source_close,
	.read = memory_source_read,
	.peek = memory_source_peek,
};

/* Decoding by many threads: the error of the first damaged picture wins, whichever
 * thread meets it, so that the message does not depend on chance. */
struct decode_all {
	const struct images *from;
	uint8_t             *to;
	size_t               stride;
	pthread_mutex_t      lock;          /* guards what follows */
	tt_status            status;
	int64_t              at;
	char                 text[ERR_MAX];
};

static void note_error(struct decode_all *d, tt_status st, int64_t at)
{
	pthread_mutex_lock(&d->lock);
	if (d->status == TT_OK || at < d->at) {
		d->status = st;
		d->at = at;
		snprintf(d->text, sizeof d->text, "%s", tt_last_error());
	}
	pthread_mutex_unlock(&d->lock);
}

static void decode_range(void *ctx, int64_t lo, int64_t hi)
{
	struct decode_all *d = ctx;

	for (int64_t i = lo; i < hi; i++) {
		tt_status st = decode(d->from, (size_t)i, d->to + (size_t)i * d->stride);

		if (st != TT_OK) {
			note_error(d, st, i);
			return;
		}
	}
}

/* Put the decoded pictures in place of the encoded ones. */
static tt_status make_resident(struct images *s, struct reader **out)
{
	struct memory_source *r = NULL;
	struct decode_all d = { .from = s, .lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t n = s->reader.count;
	int32_t *label;
	tt_status st = memory_source_new(&r, &memory_source_images, &s->reader.schema, n);

	if (st != TT_OK)
		return st;
	d.stride = picture_bytes(s);
	r->data[0] = r->owned[0] = d.to = mem_calloc((size_t)n, d.stride);
	r->data[1] = r->owned[1] = label = mem_calloc((size_t)n, sizeof *label);
	if (!d.to || !label) {
		st = TT_ENOMEM;
		goto out;
	}
	for (int64_t i = 0; i < n; i++)
		label[i] = s->members.v[i].label;
	thread_for(n, DECODE_GRAIN, decode_range, &d);
	st = d.status == TT_OK ? TT_OK : err_set(d.status, "%s", d.text);
out:
	if (st != TT_OK) {
		memory_source_close(&r->reader);
		return st;
	}
	r->reader.left_out = s->reader.left_out;
	images_close(&s->reader);
	*out = &r->reader;
	return TT_OK;
}

/* Shape from ?size=, or else from the first picture's header. */
static tt_status find_shape(struct images *s, const struct images_opts *o)
{
	struct image_want *want = &s->want;
	struct bytes in;
	void *owned;
	tt_status st;

	if ((s->resize = o->size && o->size[0]))
		return parse_size(o->size, &want->h, &want->w);
	if ((st = image_archive_read(&s->members, 0, &in, &owned)) == TT_OK)
		st = image_probe(&in, want->turn, &want->h, &want->w);
	mem_free(owned);
	if (st == TT_OK && (want->h > SIDE_MAX || want->w > SIDE_MAX))
		return err_set(TT_ESHAPE, "%s: %d x %d pixels are too many to train on; add size=N to the "
		               "source", s->members.v[0].path, want->h, want->w);
	return name_archive(s, st);
}

/* Into the schema's memory, which goes where the reader goes. */
static tt_status note_left_out(struct images *s)
{
	struct str text = {0};
	tt_status st;

	image_archive_tell(&s->members, &text);
	if ((st = str_status(&text)) == TT_OK && text.len &&
	    !(s->reader.left_out = arena_strdup(&s->reader.schema.arena, text.p)))
		st = TT_ENOMEM;
	str_release(&text);
	return st;
}

static tt_status images_setup(struct images *s, const char *path, const struct images_opts *o)
{
	const enum split split = o->split == SPLIT_VALID ? SPLIT_VAL : (enum split)o->split;
	tt_status st;

	s->want = (struct image_want){ .channels = o->gray ? 1 : 3, .deep = (enum image_deep)o->gray16,
	                               .turn = (enum image_turn)o->orientation };
	if ((st = image_colour(o->background, &s->want.background)) != TT_OK ||
	    (st = image_archive_open(&s->members, path, split)) != TT_OK)
		return st;
	s->reader.count = (int64_t)s->members.n;
	if ((st = find_shape(s, o)) != TT_OK)
		return st;
	st = schema_pictures(&s->reader.schema, (int64_t[]){ s->want.channels, s->want.h, s->want.w },
	                     s->members.classes, s->members.class_names);
	return st == TT_OK ? note_left_out(s) : err_at(st, "%s", path);
}

static tt_status images_open(struct reader **out, const char *path, const struct node *args)
{
	struct images_opts o;
	struct arena a = {0};
	struct images *s = mem_calloc(1, sizeof *s);
	tt_status st = s ? reader_settings(settings, &a, args, &o) : TT_ENOMEM;

	if (st != TT_OK)
		goto out;
	s->reader.ops = &images_reader;
	if ((st = images_setup(s, path, &o)) != TT_OK)
		goto out;
	if (o.resident == RESIDENT_AUTO && s->members.n < RESIDENT_MAX / picture_bytes(s))
		st = make_resident(s, out);
	else
		*out = &s->reader;
	if (st == TT_OK)
		s = NULL;                     /* it lives on, or gave way to its resident */
out:
	if (s)
		images_close(&s->reader);
	arena_release(&a);
	return st;
}

const struct reader_ops images_reader = {
	.scheme = "images", .settings = settings,
	.help = "images:DIR or images:FILE.{zip,tar,tar.gz,tar.xz,tar.bz2,tar.zst} -- images ("
	        IMAGE_FORMATS "), a folder per class",
	.open = images_open, .close = images_close, .read = images_read,
};
