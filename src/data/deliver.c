#include "data/deliver.h"

#include <math.h>

#include "base/mem.h"
#include "data/convert.h"

/* ---- the plan ---------------------------------------------------------------- */

/* Numbers that are to be normalised become f32; whole ones may be names of things, of which f32
 * would mix up the largest. */
static int is_measured(const tt_column *c, const struct data_opts *o)
{
	const int whole = c->type == TT_I32 || c->type == TT_I64;

	return !column_ragged(c) && (!whole || o->mean.n || o->std.n);
}

static enum delivery_kind kind_of(const tt_schema *s, int column, const struct data_opts *o)
{
	if (column == schema_target(s))
		return s->kind == TT_TARGET_CLASS ? DELIVER_CLASS
			: s->kind == TT_TARGET_PLACES ? DELIVER_AS_IT_IS : DELIVER_VALUES;
	if (column == schema_weight(s))
		return DELIVER_WEIGHT;
	return column == schema_input(s, 0) && is_measured(s->column[column], o) ? DELIVER_INPUT
	                                                                         : DELIVER_AS_IT_IS;
}

/* What the column is in a batch. */
static enum tt_type delivered_type(const struct route *r)
{
	return r->how == DELIVER_CLASS ? TT_I32 : r->how == DELIVER_AS_IT_IS ? r->raw.type : TT_F32;
}

static void plan_routes(struct delivery *d, const struct data_opts *o)
{
	const tt_schema *s = &d->reader->schema.view;
	int place = 0;

	d->routes = s->columns;
	for (int i = 0; i < s->columns; i++) {
		struct route *r = &d->route[i];

		*r = (struct route){ .how = kind_of(s, i, o), .raw = *s->column[i],
		                     .bytes = column_bytes(s->column[i]) };
		r->place = r->how == DELIVER_WEIGHT ? -1 : place++;
		r->direct = r->how != DELIVER_INPUT && r->raw.type == delivered_type(r);
		if (r->how == DELIVER_INPUT)
			d->elements = (size_t)column_row(&r->raw);
	}
}

static int changes_pictures(const struct augment_opts *a)
{
	return a->crop > 0 || a->flip || a->cutout > 0;
}

static tt_status check_augment(const struct delivery *d)
{
	const tt_source_info *info = &d->reader->info;

	if (changes_pictures(&d->augment) && (info->ndim != 3 || info->type != TT_SAMPLE_U8))
		return err_set(TT_ESPEC,
		               "data.augment: crop, flip and cutout are for images; this source has "
		               "none");
	return TT_OK;
}

tt_status delivery_init(struct delivery *d, const struct reader *r, const struct delivery_opts *o)
{
	tt_status st;

	*d = (struct delivery){ .reader = r, .seed = o->seed, .samples = o->samples,
	                        .run = r->ranges ? o->samples : 1 };
	if (o->augment)
		d->augment = *o->augment;
	if ((st = check_augment(d)) != TT_OK)
		return st;
	plan_routes(d, o->data);
	return d->elements ? normaliser_init(&d->normaliser, &r->info, o->data) : TT_OK;
}

void delivery_release(struct delivery *d)
{
	normaliser_release(&d->normaliser);
}

/* ---- filling ----------------------------------------------------------------- */

/* What raw samples become: one by one, since each has a view of its own. */
static void make_input(const struct delivery *d, const struct sample_id *id, const void *raw,
                       float *x)
{
	const int augmented = changes_pictures(&d->augment);
	struct view v;

	if (augmented)
		v = augment_view(&d->augment, &d->reader->info, *id);
	augment_apply(&d->normaliser, &d->reader->info, augmented ? &v : NULL, raw, x);
}

/* Samples first ... first + n - 1 of the batch, neighbours in the source. */
struct run {
	const struct delivery *d;
	struct shelf          *s;
	struct batch          *b;
	void *const           *scratch;
	int64_t                epoch;
	int                    first, n;
};

static int64_t index_of(const struct run *r)
{
	return r->b->index[r->first];
}

/* Where the reader puts each column. */
static void aim(const struct run *r, struct cells *cells)
{
	const struct delivery *d = r->d;

	for (int i = 0; i < d->routes; i++) {
		const struct route *route = &d->route[i];
		struct shelf *s = r->s;

		cells[i] = (struct cells){ .data = r->scratch[i] };
		if (column_ragged(&route->raw)) {
			const size_t used = (size_t)s->offsets[i][r->first] * route->bytes;

			cells[i] = (struct cells){ .data = (char *)s->data[i] + used,
			                           .room = s->room[i] - used,
			                           .rows = s->offsets[i] + r->first + 1 };
		} else if (route->direct) {
			cells[i].data = (char *)s->data[i] + (size_t)r->first * route->bytes;
		} else if (route->how == DELIVER_INPUT && r->n == 1 &&
		           reader_peek(d->reader, i, index_of(r))) {
			cells[i].data = NULL;
		}
	}
}

/* Ragged samples may need more room than there was: make it, and say so.  Room only ever grows, so
 * that this ends after the first batches. */
static tt_status make_room(const struct run *r, const struct cells *cells, int *again)
{
	*again = 0;
	for (int i = 0; i < r->d->routes; i++) {
		size_t used, want;
		void *wider;

		if (!column_ragged(&r->d->route[i].raw) || cells[i].used <= cells[i].room)
			continue;
		used = r->s->room[i] - cells[i].room;
		want = 2 * (used + cells[i].used);
		if (!(wider = mem_realloc(r->s->data[i], want)))
			return TT_ENOMEM;
		r->s->data[i] = wider;
		r->s->room[i] = want;
		*again = 1;
	}
	return TT_OK;
}

static tt_status check_weights(const struct run *r, const float *weight)
{
	for (int k = 0; k < r->n; k++)
		if (!(weight[k] >= 0) || isinf(weight[k]))
			return err_set(TT_EFORMAT, "sample %lld weighs %g: weights are finite and not negative",
			               (long long)r->b->index[r->first + k], (double)weight[k]);
	return TT_OK;
}

static tt_status finish_column(const struct run *r, int i)
{
	const struct delivery *d = r->d;
	const struct route *route = &d->route[i];
	const size_t n = (size_t)r->n, first = (size_t)r->first;
	const size_t each = (size_t)column_row(&route->raw);
	const char *raw = route->direct ? (char *)r->s->data[i] + first * route->bytes : r->scratch[i];

	if (column_ragged(&route->raw))                   /* rows of each become offsets */
		for (int k = r->first; k < r->first + r->n; k++)
			r->s->offsets[i][k + 1] += r->s->offsets[i][k];
	else if (route->how == DELIVER_CLASS)
		return convert_labels(&(struct labels){ route->raw.type, raw, index_of(r),
		                                        d->reader->schema.view.classes, TT_EFORMAT }, n,
		                      (int32_t *)r->s->data[i] + first);
	else if (route->how == DELIVER_VALUES)
		convert_to_f32(route->raw.type, raw, n * each, (float *)r->s->data[i] + first * each);
	else if (route->how == DELIVER_WEIGHT)
		return check_weights(r, (const float *)(const void *)raw);
	return TT_OK;
}

static void finish_input(const struct run *r, int i)
{
	const struct delivery *d = r->d;
	const struct route *route = &d->route[i];
	const int convert = route->raw.type != TT_U8 && route->raw.type != TT_F32;

	for (int k = 0; k < r->n; k++) {
		const struct sample_id id = { d->seed, r->epoch, r->b->index[r->first + k] };
		float *x = (float *)r->s->data[i] + (size_t)(r->first + k) * d->elements;
		const void *raw = r->n == 1 ? reader_peek(d->reader, i, id.index) : NULL;

		if (!raw)
			raw = (char *)r->scratch[i] + (size_t)k * route->bytes;
		if (convert)
			convert_to_f32(route->raw.type, raw, d->elements, x);
		make_input(d, &id, convert ? x : raw, x);
	}
}

static tt_status fill_run(const struct run *r)
{
	struct cells cells[BATCH_COLUMNS];
	int again = 1;
	tt_status st = TT_OK;

	while (again) {
		aim(r, cells);
		if ((st = r->d->reader->ops->read(r->d->reader, index_of(r), r->n, cells)) != TT_OK ||
		    (st = make_room(r, cells, &again)) != TT_OK)
			return st;
	}
	for (int i = 0; st == TT_OK && i < r->d->routes; i++)
		if (r->d->route[i].how == DELIVER_INPUT)
			finish_input(r, i);
		else
			st = finish_column(r, i);
	return st;
}

/* How many samples from `first` on lie one after the other in the source. */
static int run_length(const struct delivery *d, const struct batch *b, int first)
{
	int n = 1;

	while (n < d->run && first + n < b->data.n && b->index[first + n] == b->index[first] + n)
		n++;
	return n;
}

/* Columns are shown when they are full: ragged ones may have moved. */
static void show_columns(const struct delivery *d, struct shelf *s, struct batch *b)
{
	b->n = (int)b->data.n;
	b->data.size = sizeof b->data;
	b->data.column = s->pointer;
	b->data.columns = 0;
	for (int i = 0; i < d->routes; i++) {
		const struct route *r = &d->route[i];

		if (r->place < 0) {
			b->data.weight = s->data[i];
			continue;
		}
		b->data.columns++;
		s->column[r->place].data = s->data[i];
		if (r->how == DELIVER_INPUT)
			b->x = s->data[i];
		else if (r->how == DELIVER_CLASS)
			b->label = s->data[i];
		else if (r->how == DELIVER_VALUES)
			b->values = s->data[i];
	}
}

tt_status delivery_fill(const struct delivery *d, struct shelf *s, int64_t epoch,
                        const struct scratch *scratch, struct batch *b)
{
	struct run r = { .d = d, .s = s, .b = b, .epoch = epoch, .scratch = scratch->raw };
	tt_status st = TT_OK;

	for (; st == TT_OK && r.first < b->data.n; r.first += r.n) {
		r.n = run_length(d, b, r.first);
		st = fill_run(&r);
	}
	show_columns(d, s, b);
	return st;
}

/* ---- memory ------------------------------------------------------------------ */

static tt_status alloc_column(const struct delivery *d, struct shelf *s, int i)
{
	const struct route *r = &d->route[i];
	size_t n = (size_t)d->samples, bytes = tt_type_size(delivered_type(r));

	if (__builtin_mul_overflow(n * bytes, (size_t)column_row(&r->raw), &bytes))
		return err_set(TT_ENOMEM, "a batch of %d samples of %lld numbers is too large", d->samples,
		               (long long)column_row(&r->raw));
	if (!column_ragged(&r->raw))
		return (s->data[i] = mem_alloc_aligned(bytes)) ? TT_OK : TT_ENOMEM;
	s->room[i] = bytes;
	s->data[i] = mem_alloc(bytes);
	s->offsets[i] = mem_calloc(n + 1, sizeof *s->offsets[i]);
	return s->data[i] && s->offsets[i] ? TT_OK : TT_ENOMEM;
}

tt_status shelf_init(const struct delivery *d, struct shelf *s)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < d->routes; i++) {
		const struct route *r = &d->route[i];

		st = alloc_column(d, s, i);
		if (r->place < 0)
			continue;
		s->column[r->place] = r->raw;
		s->column[r->place].type = delivered_type(r);
		s->column[r->place].offsets = s->offsets[i];
		s->pointer[r->place] = &s->column[r->place];
	}
	return st;
}

void shelf_release(struct shelf *s)
{
	for (int i = 0; i < BATCH_COLUMNS; i++) {
		mem_free(s->data[i]);
		mem_free(s->offsets[i]);
	}
}

tt_status scratch_init(const struct delivery *d, struct scratch *s)
{
	for (int i = 0; i < d->routes; i++) {
		const struct route *r = &d->route[i];

		if (!r->direct && !column_ragged(&r->raw) &&
		    !(s->raw[i] = mem_alloc_aligned((size_t)d->run * r->bytes)))
			return TT_ENOMEM;
	}
	return TT_OK;
}

void scratch_release(struct scratch *s)
{
	for (int i = 0; i < BATCH_COLUMNS; i++)
		mem_free(s->raw[i]);
}
