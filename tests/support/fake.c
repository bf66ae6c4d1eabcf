#include "support/fake.h"

#include <string.h>

#include "base/mem.h"
#include "data/reader.h"
#include "support/support.h"

struct fake { struct reader reader; int64_t broken; };

uint8_t fake_pixel(int64_t k, int64_t i)
{
	return (uint8_t)(7 * k + i);
}

static tt_status read_cells(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	uint8_t *x = cells[0].data;
	int32_t *label = cells[1].data;

	for (int64_t k = first; k < first + n; k++) {
		if (k == ((const struct fake *)r)->broken)
			return err_set(TT_EFORMAT, "sample %d is broken", (int)k);
		for (int i = 0; x && i < FAKE_PIXELS; i++)
			*x++ = fake_pixel(k, i);
		if (label)
			*label++ = (int32_t)(k % 10);
	}
	return TT_OK;
}

static void close_it(struct reader *r)
{
	reader_release(r);
	mem_free(r);
}

static const struct reader_ops ops = {
	.scheme = "fake", .close = close_it, .read = read_cells
};

tt_source *fake_source(int64_t count, int64_t broken)
{
	struct fake *f = mem_calloc(1, sizeof *f);
	tt_source *s;

	assert_non_null(f);
	f->reader.ops = &ops;
	f->reader.count = count;
	assert_ok(schema_pictures(&f->reader.schema, (const int64_t[]){ 2, FAKE_SIDE, FAKE_SIDE },
	                          10, NULL));
	f->broken = broken;
	assert_ok(source_wrap(&s, &f->reader));
	return s;
}

int fake_read_epoch(struct loader *l, int64_t epoch, int64_t from, int64_t *out)
{
	struct batch *b;
	int n = 0;

	assert_ok(loader_seek(l, epoch, from));
	for (;;) {
		assert_ok(loader_next(l, &b));
		if (!b)
			return n;
		memcpy(out + n, b->index, (size_t)b->n * sizeof *out);
		n += b->n;
	}
}

void assert_share(const int64_t *mine, int n, const struct share *s)
{
	int k = 0;

	for (int p = 0; p < s->count; p++)
		if (p % s->batch % s->world == s->rank)
			assert_int_equal(mine[k++], s->all[p]);
	assert_int_equal(n, k);
}

const struct data_opts fake_opts = { .shuffle = 1, .threads = 1 };

struct loader *fake_loader(tt_source *s, const struct data_opts *d, int batch, int rank, int world)
{
	struct loader *l;

	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = d, .training = 1, .batch = batch,
	                     .rank = rank, .world = world, .seed = 5 }));
	return l;
}
