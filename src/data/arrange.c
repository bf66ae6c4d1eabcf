#include "data/arrange.h"

#include "base/mem.h"

#define AUTO_WINDOW 50          /* batches                                          */
#define AUTO_PART   4           /* one of so many places is padding: that is much   */

/* ---- without buckets ---- */

/* Whole shards change places, what is in them does not. */
static int64_t sample_of_shards(const struct arrange *d, int64_t epoch, int64_t at)
{
	const struct reader *r = d->reader;

	for (int64_t k = 0; k < r->shards; k++) {
		int64_t s = (int64_t)rng_permute(d->shuffle, (uint64_t)epoch, (uint64_t)r->shards,
		                                 (uint64_t)k);
		int64_t size = r->shard[s + 1] - r->shard[s];

		if (at < size)
			return r->shard[s] + at;
		at -= size;
	}
	return at;                              /* there are none: in order */
}

/* Piece `at / streams` of a stream, each of which is a run of neighbours: the first ones are longer
 * by one where they cannot all be equal, and so have the last, smaller batch to themselves. */
static int64_t sample_of_stream(const struct arrange *d, int64_t at)
{
	const int64_t each = d->reader->count / d->streams, longer = d->reader->count % d->streams;
	const int64_t stream = at % d->streams;

	return stream * each + (stream < longer ? stream : longer) + at / d->streams;
}

static int64_t sample_of_all(const struct arrange *d, int64_t epoch, int64_t at)
{
	if (d->streams)
		return sample_of_stream(d, at);
	if (!d->o.training || !d->o.data->shuffle)
		return at;
	if (d->reader->access == TT_ACCESS_FORWARD)
		return sample_of_shards(d, epoch, at);
	return (int64_t)rng_permute(d->shuffle, (uint64_t)epoch, (uint64_t)d->reader->count,
	                            (uint64_t)at);
}

/* Of the `at`-th sample of this rank's part. */
static int64_t sample_of_part(const struct arrange *d, int64_t epoch, int64_t at)
{
	const uint64_t world = (uint64_t)d->o.world, rank = (uint64_t)d->o.rank;
	const uint64_t count = (uint64_t)d->reader->count, size = (count - rank + world - 1) / world;
	uint64_t p = (uint64_t)at;

	if (!d->o.data->shuffle)
		return (int64_t)(p * world + rank);
	p = rng_permute(d->shuffle, (uint64_t)epoch * world + rank, size, p);
	return (int64_t)rng_permute(d->parts, 0, count, p * world + rank);
}

static int has_part(const struct arrange *d)
{
	return d->o.deal == DEAL_PARTS && !d->streams;
}

static int64_t shuffled(const struct arrange *d, int64_t epoch, int64_t at)
{
	return has_part(d) ? sample_of_part(d, epoch, at) : sample_of_all(d, epoch, at);
}

/* ---- buckets ---- */

/* How many of the epoch's places before batch j are in the line that is sorted: all samples, or
 * those of this rank's part, which are every world-th. */
static int64_t line_before(const struct arrange *d, int64_t j)
{
	const int64_t place = j * d->o.batch < d->reader->count ? j * d->o.batch : d->reader->count;

	return has_part(d) ? (place - d->o.rank + d->o.world - 1) / d->o.world : place;
}

static int64_t batches_of(const struct arrange *d)
{
	return (d->reader->count + d->o.batch - 1) / d->o.batch;
}

/* Stable, from the shortest on: a byte of the lengths in each round, the lowest first. */
static void sort_by_length(const struct arrange *d, struct arrange_room *room)
{
	int32_t longest = 0;

	for (int64_t i = 0; i < room->n; i++)
		if (d->length[room->sample[i]] > longest)
			longest = d->length[room->sample[i]];
	for (int shift = 0; shift < 32 && longest >> shift; shift += 8) {
		int64_t at[257] = { 0 }, *sorted = room->spare;

		for (int64_t i = 0; i < room->n; i++)
			at[(d->length[room->sample[i]] >> shift & 255) + 1]++;
		for (int i = 1; i < 257; i++)
			at[i] += at[i - 1];
		for (int64_t i = 0; i < room->n; i++)
			sorted[at[d->length[room->sample[i]] >> shift & 255]++] = room->sample[i];
		room->spare = room->sample;
		room->sample = sorted;
	}
}

/* The window of batch j. */
static void enter_window(const struct arrange *d, struct arrange_room *room, int64_t epoch,
                         int64_t j)
{
	const int64_t w = j / d->window, first = line_before(d, w * d->window);

	if (room->epoch == epoch && room->window == w)
		return;
	room->epoch = epoch;
	room->window = w;
	room->n = line_before(d, (w + 1) * d->window) - first;
	for (int64_t i = 0; i < room->n; i++)
		room->sample[i] = shuffled(d, epoch, first + i);
	sort_by_length(d, room);
}

/* Where the samples of batch j begin among the sorted ones of its window: behind those of all
 * batches that are shorter, by a rank that is drawn. */
static int64_t begin_of(const struct arrange *d, int64_t epoch, int64_t j)
{
	const int64_t w = j / d->window, first = w * d->window, all = batches_of(d);
	const int64_t n = all - first < d->window ? all - first : d->window;
	const uint64_t of = (uint64_t)(epoch * ((all + d->window - 1) / d->window) + w);
	const uint64_t mine = rng_permute(d->batches, of, (uint64_t)n, (uint64_t)(j - first));
	int64_t begin = 0;

	for (int64_t k = 0; k < n; k++)
		if (rng_permute(d->batches, of, (uint64_t)n, (uint64_t)k) < mine)
			begin += line_before(d, first + k + 1) - line_before(d, first + k);
	return begin;
}

/* ---- choosing ---- */

/* Of a lease, the part that lies in the batch of its first place; what is left of it. */
static int choose_sorted(const struct arrange *d, struct arrange_room *room, struct lease *rest,
                         int64_t first, int64_t *index)
{
	const int64_t world = d->o.world, j = rest->lo / d->o.batch, end = (j + 1) * d->o.batch;
	const int64_t begin = begin_of(d, rest->epoch, j) - line_before(d, j);
	int n = 0;

	enter_window(d, room, rest->epoch, j);
	for (; rest->lo < rest->hi && rest->lo < end; rest->lo++) {
		const int64_t at = rest->lo, turn = has_part(d) ? at : at - first;

		if (turn % world == d->o.rank)
			index[n++] = room->sample[begin + (has_part(d) ? at / world : at)];
	}
	return n;
}

static int choose_plain(const struct arrange *d, const struct lease *p, int64_t *index)
{
	const int64_t world = d->o.world;
	const int64_t first = has_part(d) ? (d->o.rank - p->lo % world + world) % world : d->o.rank;
	int n = 0;

	for (int64_t at = p->lo + first; at < p->hi; at += world)
		index[n++] = shuffled(d, p->epoch, has_part(d) ? at / world : at);
	return n;
}

int arrange_choose(const struct arrange *d, struct arrange_room *room, const struct lease *p,
                 int64_t *index)
{
	struct lease rest = *p;
	int n = 0;

	if (!d->length)
		return choose_plain(d, p, index);
	/* A run that goes on with another batch may stand in the middle of one. */
	while (rest.lo < rest.hi)
		n += choose_sorted(d, room, &rest, p->lo, index + n);
	return n;
}

/* ---- lengths ---- */

static int has_lengths(const struct reader *r)
{
	for (int i = 0; i < r->schema.view.columns; i++)
		if (column_ragged(r->schema.view.column[i]))
			return 1;
	return 0;
}

/* A sequence for which there is no room is not copied, only measured. */
static tt_status measure_one(const struct reader *r, int64_t index, int32_t *out)
{
	static char nothing;
	struct cells cells[BATCH_COLUMNS] = {{0}};
	const tt_schema *s = &r->schema.view;
	int64_t rows, longest = 0;
	tt_status st;

	for (int i = 0; i < s->columns; i++)
		if (column_ragged(s->column[i]))
			cells[i] = (struct cells){ .data = &nothing, .rows = &rows };
	if ((st = r->ops->read(r, index, 1, cells)) != TT_OK)
		return st;
	for (int i = 0; i < s->columns; i++) {
		const int64_t n = cells[i].data ? (int64_t)(cells[i].used / column_bytes(s->column[i])) : 0;

		longest = n > longest ? n : longest;
	}
	*out = longest < INT32_MAX ? (int32_t)longest : INT32_MAX;
	return TT_OK;
}

static tt_status measure(struct arrange *d)
{
	tt_status st = TT_OK;

	if (!(d->length = mem_calloc((size_t)d->reader->count, sizeof *d->length)))
		return TT_ENOMEM;
	for (int64_t i = 0; st == TT_OK && i < d->reader->count; i++)
		st = measure_one(d->reader, i, &d->length[i]);
	return st;
}

/* The part of all places that fills up, in batches as the first epoch has them. */
static double padding_of(const struct arrange *d, struct arrange_room *room)
{
	const int64_t count = d->reader->count, size = d->o.batch;
	double full = 0, filled = 0;

	for (int64_t lo = 0; lo < count; lo += size) {
		const int64_t n = count - lo < size ? count - lo : size;
		const int64_t begin = room ? begin_of(d, 0, lo / size) : 0;
		int32_t longest = 0;

		if (room)
			enter_window(d, room, 0, lo / size);
		for (int64_t i = 0; i < n; i++) {
			const int64_t k = room ? room->sample[begin + i] : sample_of_all(d, 0, lo + i);
			const int32_t l = d->length[k];

			filled += l;
			longest = l > longest ? l : longest;
		}
		full += (double)longest * (double)n;
	}
	return full > 0 ? 1 - filled / full : 0;
}

/* ---- life ---- */

static tt_status check(const struct arrange *d)
{
	if (!d->o.data->shuffle)
		return err_set(TT_ESPEC, "data.buckets changes the order of samples, and data.shuffle: no "
		               "keeps it: leave one of them out");
	if (d->reader->access == TT_ACCESS_FORWARD)
		return err_set(TT_ESUPPORT, "data.buckets needs a source that can give any sample; this "
		               "one only goes forward");
	if (!has_lengths(d->reader))
		return err_set(TT_ESPEC, "data.buckets puts samples of like length into a batch, and those "
		               "of this source are all of one length: leave it out");
	return TT_OK;
}

/* What the buckets spare, of the whole set: a part has much the same. */
static tt_status find_padding(struct arrange *d)
{
	struct arrange whole = *d;
	struct arrange_room room;
	tt_status st;

	whole.o.deal = DEAL_BATCHES;
	d->padding.shuffled = padding_of(&whole, NULL);
	if ((st = arrange_room_init(&whole, &room)) == TT_OK)
		d->padding.sorted = padding_of(&whole, &room);
	d->padding.batches = (int)d->window;
	arrange_room_release(&room);
	return st;
}

static tt_status choose_buckets(struct arrange *d)
{
	const int wanted = d->o.data->buckets, automatic = wanted == BUCKETS_AUTO;
	const int known = d->reader->measured && has_lengths(d->reader) && d->o.data->shuffle &&
	                  d->reader->access != TT_ACCESS_FORWARD;
	tt_status st;

	if (!d->o.training || wanted == BUCKETS_NO || (automatic && !known))
		return TT_OK;
	if ((!automatic && (st = check(d)) != TT_OK) || (st = measure(d)) != TT_OK ||
	    (st = find_padding(d)) != TT_OK)
		return st;
	if (automatic && d->padding.shuffled * AUTO_PART < 1) {
		d->padding = (struct loader_padding){ 0 };
		mem_free(d->length);
		d->length = NULL;
	}
	return TT_OK;
}

tt_status arrange_init(struct arrange *d, const struct reader *r, const struct loader_opts *o)
{
	const int64_t wanted = o->data->buckets > 0 ? o->data->buckets : AUTO_WINDOW;

	*d = (struct arrange){ .reader = r, .o = *o, .streams = o->data->carry ? o->batch : 0 };
	d->window = wanted < batches_of(d) ? wanted : batches_of(d);
	d->shuffle = rng_key(o->seed, RNG_SHUFFLE);
	d->parts = rng_key(o->seed, RNG_PARTS);
	d->batches = rng_key(o->seed, RNG_BUCKETS);
	return choose_buckets(d);
}

void arrange_release(struct arrange *d)
{
	mem_free(d->length);
	d->length = NULL;
}

tt_status arrange_room_init(const struct arrange *d, struct arrange_room *room)
{
	const int64_t all = d->reader->count, window = d->window * d->o.batch;
	const size_t n = (size_t)(window < all ? window : all);

	*room = (struct arrange_room){ .epoch = -1 };
	if (!d->length)
		return TT_OK;
	room->sample = mem_calloc(n, sizeof *room->sample);
	room->spare = mem_calloc(n, sizeof *room->spare);
	return room->sample && room->spare ? TT_OK : TT_ENOMEM;
}

void arrange_room_release(struct arrange_room *room)
{
	mem_free(room->sample);
	mem_free(room->spare);
	*room = (struct arrange_room){ 0 };
}
