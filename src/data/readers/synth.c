/* Rendered pictures of known objects: unlimited, and the label is always right.
 *
 * A picture is a scene drawn from (seed, split, index): a textured background, small
 * distracting figures, the object at any place, angle and size, bars that hide parts of
 * it, light from one side, noise.  The object is as often lighter as darker than its
 * background, so that no weighted sum of pixels tells the classes apart. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"
#include "data/readers/registry.h"
#include "data/readers/shapes.h"

#define SIDE_MIN 8
#define SIDE_MAX 1024

struct synth_opts {
	int     size, classes, split, gray;
	int64_t count, seed;
};

static const struct option settings[] = {
	OPT_INT  (struct synth_opts, size, "32", SIDE_MIN, SIDE_MAX, "pixels on each side"),
	OPT_INT64(struct synth_opts, count, "10000", 1, 1e12, "samples"),
	OPT_ENUM (struct synth_opts, split, "train", split_words, "two sets without a common image"),
	OPT_INT64(struct synth_opts, seed, "1", 0, 9e15, "another seed, another set"),
	OPT_INT  (struct synth_opts, classes, "10", 2, SHAPES, "the first so many kinds of objects"),
	OPT_ENUM (struct synth_opts, gray, "no", option_no_yes, "one channel instead of three"),
	OPT_END
};

/* ---- scenes ------------------------------------------------------------------ */

#define WAVES       2
#define DISTRACTORS 2
#define BARS        1

/* Lengths are in half picture sides: the picture is the square from -1 to 1. */
struct wave   { float fx, fy, phase, strength; };              /* stripes                  */
struct figure { const struct shape *shape; float x, y, size, turn, colour[3], shade_x, shade_y; };
struct bar    { float nx, ny, offset, half, colour[3]; };      /* nx*x + ny*y = offset     */

struct scene {
	float         background[3];
	struct wave   wave[WAVES];
	struct figure figure[DISTRACTORS + 1];     /* the object is the last one */
	struct bar    bar[BARS];
	int           figures, bars;
	float         light_x, light_y, noise;
	uint32_t      salt;
};

static float between(struct rng *r, float lo, float hi)
{
	return lo + (hi - lo) * (float)(rng_u32(r) >> 8) * 0x1p-24f;
}

static void tint(struct rng *r, float brightness, float spread, float colour[3])
{
	for (int c = 0; c < 3; c++)
		colour[c] = brightness + between(r, -spread, spread);
}

static void draw_background(struct rng *r, float brightness, struct scene *s)
{
	tint(r, brightness, 0.12f, s->background);
	for (int i = 0; i < WAVES; i++) {
		float angle = between(r, 0, 6.2831853f), pitch = between(r, 0.5f, 3);

		s->wave[i] = (struct wave){ .fx = pitch * cosf(angle), .fy = pitch * sinf(angle),
		                            .phase = between(r, 0, 1),
		                            .strength = between(r, -0.12f, 0.12f) };
	}
}

static void draw_distractors(struct rng *r, struct scene *s)
{
	s->figures = (int)rng_below(r, DISTRACTORS + 1);
	for (int i = 0; i < s->figures; i++) {
		struct figure *f = &s->figure[i];

		f->shape = &shapes[rng_below(r, SHAPES)];
		f->x = between(r, -1, 1);
		f->y = between(r, -1, 1);
		f->size = between(r, 0.06f, 0.14f);
		f->turn = between(r, 0, 6.2831853f);
		f->shade_x = f->shade_y = 0;
		tint(r, between(r, 0.1f, 0.9f), 0.15f, f->colour);
	}
}

/* At least 0.28 lighter or darker than the background, either way equally often. */
static void draw_object(struct rng *r, const struct shape *shape, float background, struct scene *s)
{
	struct figure *f = &s->figure[s->figures++];
	float contrast = between(r, 0.28f, 0.5f), sign = rng_u32(r) & 1 ? 1.0f : -1.0f;
	float room;

	f->shape = shape;
	f->size = between(r, 0.6f, 0.9f);
	room = 1.02f - f->size;
	f->x = between(r, -room, room);
	f->y = between(r, -room, room);
	f->turn = between(r, -0.6f, 0.6f);
	f->shade_x = between(r, -0.12f, 0.12f);
	f->shade_y = between(r, -0.12f, 0.12f);
	tint(r, background + sign * contrast, 0.12f, f->colour);
}

/* Bars cross the object near its middle. */
static void draw_bars(struct rng *r, struct scene *s)
{
	const struct figure *f = &s->figure[s->figures - 1];

	s->bars = (int)rng_below(r, BARS + 1);
	for (int i = 0; i < s->bars; i++) {
		float angle = between(r, 0, 6.2831853f), nx = cosf(angle), ny = sinf(angle);
		float off = between(r, -0.6f, 0.6f) * f->size;

		s->bar[i] = (struct bar){ .nx = nx, .ny = ny, .offset = nx * f->x + ny * f->y + off,
		                          .half = between(r, 0.04f, 0.09f) };
		tint(r, between(r, 0.1f, 0.9f), 0.15f, s->bar[i].colour);
	}
}

static void draw_scene(struct rng *r, const struct shape *shape, struct scene *s)
{
	float brightness = between(r, 0.3f, 0.7f);

	draw_background(r, brightness, s);
	draw_distractors(r, s);
	draw_object(r, shape, brightness, s);
	draw_bars(r, s);
	s->light_x = between(r, -0.25f, 0.25f);
	s->light_y = between(r, -0.25f, 0.25f);
	s->noise = between(r, 0, 0.05f);
	s->salt = rng_u32(r);
}

/* ---- one row of pixels ------------------------------------------------------- */

struct row {
	int   n;                              /* pixels                                   */
	float y, pixel;                       /* height of the row; width of a pixel      */
	float rgb[3][SIDE_MAX];
	float u[SIDE_MAX], v[SIDE_MAX], d[SIDE_MAX];
};

/* a[i] = start + step * i */
SIMD static void ramp(float *restrict a, int n, float start, float step)
{
	for (int i = 0; i < n; i++)
		a[i] = start + step * (float)i;
}

/* Add a triangle wave of t[i] >= 0 to one channel. */
SIMD static void add_wave(float *restrict a, const float *restrict t, int n, float strength)
{
	for (int i = 0; i < n; i++) {
		float f = t[i] - (float)(int)t[i];

		a[i] += strength * (4 * fabsf(f - 0.5f) - 1);
	}
}

/* Not fminf and fmaxf: those must look after NaN, and so are calls. */
static inline __attribute__((always_inline)) float clamp(float v, float lo, float hi)
{
	v = v < lo ? lo : v;
	return v > hi ? hi : v;
}

/* From distance to cover: half a pixel on each side of the edge is mixed. */
SIMD static void to_cover(float *restrict d, int n, float per_pixel)
{
	for (int i = 0; i < n; i++)
		d[i] = clamp(0.5f - d[i] * per_pixel, 0, 1);
}

/* Paint one channel over with cover d. */
SIMD static void blend(float *restrict a, const float *restrict d, int n, float colour)
{
	for (int i = 0; i < n; i++)
		a[i] += d[i] * (colour - a[i]);
}

/* The same, the colour running along u and v. */
SIMD static void blend_shaded(float *restrict a, const float *restrict d, int n, float start,
                              float step)
{
	for (int i = 0; i < n; i++)
		a[i] += d[i] * (start + step * (float)i - a[i]);
}

SIMD static void distance_to_line(float *restrict d, int n, float half)
{
	for (int i = 0; i < n; i++)
		d[i] = fabsf(d[i]) - half;
}

/* Light, noise, and the byte.  The noise is a hash of the pixel's number (Wang 2007). */
SIMD static void develop(const float *restrict a, const float *restrict light, int n,
                         float noise, uint32_t salt, uint8_t *restrict out)
{
	for (int i = 0; i < n; i++) {
		uint32_t h = ((uint32_t)i + salt) * 0x9e3779b1u;
		float v;

		h = (h ^ (h >> 15)) * 0x85ebca6bu;
		h = (h ^ (h >> 13)) * 0xc2b2ae35u;
		v = (float)(int32_t)((h >> 16) + (h & 0xffff)) * (1 / 65536.0f) - 1;
		v = (a[i] * light[i] + noise * v) * 255 + 0.5f;
		out[i] = (uint8_t)(int)clamp(v, 0, 255);
	}
}

static void paint_background(struct row *r, const struct scene *s)
{
	float left = -1 + 0.5f * r->pixel;

	for (int c = 0; c < 3; c++)
		ramp(r->rgb[c], r->n, s->background[c], 0);
	for (int i = 0; i < WAVES; i++) {
		const struct wave *w = &s->wave[i];

		/* 8 periods more, so that t is positive everywhere */
		ramp(r->u, r->n, 8 + w->phase + w->fx * left + w->fy * r->y, w->fx * r->pixel);
		for (int c = 0; c < 3; c++)
			add_wave(r->rgb[c], r->u, r->n, w->strength);
	}
}

/* Only the pixels that the figure's circle can touch. */
static void paint_figure(struct row *r, const struct figure *f)
{
	float reach = f->size + r->pixel, dy = r->y - f->y;
	float half = reach * reach - dy * dy;
	float c = cosf(f->turn) / f->size, k = sinf(f->turn) / f->size;
	int lo, hi;

	if (half <= 0)
		return;
	half = sqrtf(half);
	lo = (int)fmaxf(0, floorf((f->x - half + 1) / r->pixel));
	hi = (int)fminf((float)r->n, ceilf((f->x + half + 1) / r->pixel));
	if (lo >= hi)
		return;
	float dx = -1 + ((float)lo + 0.5f) * r->pixel - f->x;
	ramp(r->u, hi - lo, c * dx + k * dy, c * r->pixel);
	ramp(r->v, hi - lo, c * dy - k * dx, -k * r->pixel);
	f->shape->distance(r->u, r->v, hi - lo, r->d);
	to_cover(r->d, hi - lo, f->size / r->pixel);
	for (int i = 0; i < 3; i++)
		blend_shaded(r->rgb[i] + lo, r->d, hi - lo,
		             f->colour[i] + (f->shade_x * dx + f->shade_y * dy) / f->size,
		             f->shade_x * r->pixel / f->size);
}

static void paint_bar(struct row *r, const struct bar *b)
{
	ramp(r->d, r->n, b->nx * (-1 + 0.5f * r->pixel) + b->ny * r->y - b->offset, b->nx * r->pixel);
	distance_to_line(r->d, r->n, b->half);
	to_cover(r->d, r->n, 1 / r->pixel);
	for (int c = 0; c < 3; c++)
		blend(r->rgb[c], r->d, r->n, b->colour[c]);
}

static void mix_to_gray(struct row *r)
{
	for (int i = 0; i < r->n; i++)
		r->rgb[0][i] = 0.299f * r->rgb[0][i] + 0.587f * r->rgb[1][i] + 0.114f * r->rgb[2][i];
}

/* x [channels][n][n] */
static void render(const struct scene *s, int n, int channels, uint8_t *x)
{
	struct row r = { .n = n, .pixel = 2.0f / (float)n };

	for (int y = 0; y < n; y++) {
		r.y = 1 - ((float)y + 0.5f) * r.pixel;
		paint_background(&r, s);
		for (int i = 0; i < s->figures; i++)
			paint_figure(&r, &s->figure[i]);
		for (int i = 0; i < s->bars; i++)
			paint_bar(&r, &s->bar[i]);
		if (channels == 1)
			mix_to_gray(&r);
		ramp(r.u, n, 1 - s->light_x + s->light_y * r.y, s->light_x * r.pixel);
		for (int c = 0; c < channels; c++)
			develop(r.rgb[c], r.u, n, s->noise,
			        s->salt + (uint32_t)((c * n + y) * n),
			        x + ((size_t)c * (size_t)n + (size_t)y) * (size_t)n);
	}
}

/* ---- the reader -------------------------------------------------------------- */

struct synth {
	struct reader     reader;
	struct synth_opts o;
	struct rng_key    key;
	int               channels;
};

static void synth_close(struct reader *r)
{
	reader_release(r);
	mem_free(r);
}

/* Classes take turns, so that every set is balanced. */
static int class_of(const struct synth *s, int64_t index)
{
	return (int)(index % s->o.classes);
}

static void draw(const struct synth *s, int64_t index, uint8_t *x)
{
	struct scene scene;
	struct rng r;

	rng_init(&r, s->key, (uint64_t)index, (uint32_t)s->o.split);
	draw_scene(&r, &shapes[class_of(s, index)], &scene);
	render(&scene, s->o.size, s->channels, x);
}

static tt_status synth_read(const struct reader *reader, int64_t first, int64_t n,
                            struct cells *cells)
{
	const struct synth *s = (const struct synth *)reader;
	const size_t each = (size_t)(s->channels * s->o.size * s->o.size);
	uint8_t *x = cells[0].data;
	int32_t *label = cells[1].data;

	for (int64_t i = 0; i < n; i++) {
		if (label)
			label[i] = class_of(s, first + i);
		if (x)
			draw(s, first + i, x + (size_t)i * each);
	}
	return TT_OK;
}

static tt_status synth_open(struct reader **out, const char *path, const struct node *args)
{
	const char *names[SHAPES];
	struct arena a = {0};
	struct synth *s = mem_calloc(1, sizeof *s);
	tt_status st = s ? reader_settings(settings, &a, args, &s->o) : TT_ENOMEM;

	if (st == TT_OK && strcmp(path, "objects") != 0)
		st = err_set(TT_ENOENT, "synth:%s: there is only synth:objects", path);
	arena_release(&a);
	for (int i = 0; i < SHAPES; i++)
		names[i] = shapes[i].name;
	if (st == TT_OK) {
		s->channels = s->o.gray ? 1 : 3;
		st = schema_pictures(&s->reader.schema,
		                     (const int64_t[]){ s->channels, s->o.size, s->o.size }, s->o.classes,
		                     names);
	}
	if (st != TT_OK) {
		if (s)
			synth_close(&s->reader);
		return st;
	}
	s->key = rng_key((uint64_t)s->o.seed, RNG_SYNTH);
	s->reader.ops = &synth_reader;
	s->reader.count = s->o.count;
	*out = &s->reader;
	return TT_OK;
}

const struct reader_ops synth_reader = {
	.scheme = "synth", .settings = settings,
	.help = "synth:objects -- rendered images of ten kinds of objects, as many as you like",
	.open = synth_open, .close = synth_close, .read = synth_read,
};
