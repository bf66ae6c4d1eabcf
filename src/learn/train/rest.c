/* rest.c -- what is left of an epoch whose batches are leased to whoever asks.
 *
 * Workers' loaders take leases ahead, which the run that goes on in another process must do, and
 * not again what is done:
 *
 *   lease     0    1    2    3    4    5    6    7 ...
 *             done done ahead done ahead done next        place: 2, next: 6, open: 2 4 */
#include "learn/train/rest.h"

#include <stdlib.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "learn/train/trainer_own.h"

#define OPEN_MAX ((int64_t)1 << 24)

static int64_t batches(const struct tt_trainer *t) { return loader_batches(t->loader); }

void rest_release(struct tt_trainer *t)
{
	mem_free(t->rest.open);
	t->rest = (struct lease_rest){ 0 };
}

/* ---- out ---- */

/* The numbers of this worker's in mine[n], -1 where there is none. */
static tt_status list_mine(struct tt_trainer *t, int64_t next, int64_t *mine, int n)
{
	struct lease *ahead = mem_calloc((size_t)n, sizeof *ahead);
	int count;

	if (!ahead)
		return TT_ENOMEM;
	count = loader_ahead(t->loader, ahead, n);
	for (int i = 0; i < n; i++) {
		const int64_t k = i < count && ahead[i].epoch == t->at.epoch
			? ahead[i].lo / t->opts->batch : -1;

		mine[i] = k < next ? k : -1;
	}
	mem_free(ahead);
	return TT_OK;
}

static int ascending(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* all[n], with gaps, becomes what is left.  Where all from some place on is left, that says it. */
static void settle(struct tt_trainer *t, int64_t next, int64_t *all, int64_t n)
{
	const int64_t count = tt_source_describe(t->train_source)->count;
	int64_t open = 0, place;

	qsort(all, (size_t)n, sizeof *all, ascending);
	/* One that was taken while we looked is seen twice. */
	for (int64_t i = 0; i < n; i++)
		if (all[i] >= 0 && (!open || all[i] != all[open - 1]))
			all[open++] = all[i];
	while (open && all[open - 1] == next - 1) {
		open--;
		next--;
	}
	place = (open ? all[0] : next) * t->opts->batch;
	t->at.consumed = place < count ? place : count;
	t->rest = (struct lease_rest){ t->at.epoch, next, open, all };
}

tt_status rest_collect(struct tt_trainer *t)
{
	const int most = t->model->spec->data.prefetch + 1, world = t->comm->size;
	const int64_t *open, steps = learner_steps(t->learner);     /* others soon go on */
	const int64_t kept = lease_pool_open(&t->shared->pool, &open);
	int64_t next = lease_pool_next(&t->shared->pool, t->at.epoch), *mine, *all;
	tt_status st;

	t->comm->doing = "what is left of the epoch";
	if ((st = comm_broadcast(t->comm, 0, &next, sizeof next)) != TT_OK)
		return st;
	mine = mem_calloc((size_t)most, sizeof *mine);
	all = mem_calloc((size_t)most * (size_t)world + (size_t)kept, sizeof *all);
	st = mine && all ? list_mine(t, next, mine, most) : TT_ENOMEM;
	if (st == TT_OK)
		st = comm_allgather(t->comm, mine, (size_t)most * sizeof *mine, all);
	mem_free(mine);
	if (st != TT_OK || trainer_rank(t)) {
		mem_free(all);
		return st;
	}
	for (int64_t i = 0; i < kept; i++)
		all[(int64_t)most * world + i] = open[i];
	rest_release(t);
	t->at.step = steps;
	settle(t, next, all, (int64_t)most * world + kept);
	return TT_OK;
}

tt_status rest_write(const struct tt_trainer *t, struct str *out)
{
	if (!t->rest.n)
		return TT_OK;
	str_addf(out, "%lld", (long long)t->rest.next);
	for (int64_t i = 0; i < t->rest.n; i++)
		str_addf(out, " %lld", (long long)t->rest.open[i]);
	return str_status(out);
}

/* ---- in ---- */

/* The number at *at, or -1. */
static int64_t number(const char **at)
{
	char *end;
	const long long n = strtoll(*at, &end, 10);

	if (end == *at || (*end && *end != ' ') || n < 0)
		return -1;
	*at = end;
	return n;
}

static int64_t count_words(const char *text)
{
	int64_t n = 1;

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

tt_status rest_read(struct tt_trainer *t, const char *text, const char *path)
{
	const int64_t most = count_words(text);
	const char *at = text;
	struct lease_rest r = { .epoch = t->at.epoch, .next = number(&at) };

	if (most > OPEN_MAX || r.next < 0 || r.next > batches(t))
		goto bad;
	if (!(r.open = mem_calloc((size_t)most, sizeof *r.open)))
		return TT_ENOMEM;
	while (*at) {
		const int64_t k = number(&at);

		if (k < 0 || k >= r.next || (r.n && k <= r.open[r.n - 1]))
			goto bad;
		r.open[r.n++] = k;
	}
	rest_release(t);
	t->rest = r;
	return TT_OK;
bad:
	mem_free(r.open);
	return err_set(TT_EFORMAT, "%s: 'tutti.leases' is '%.40s': no batches of an epoch of %lld",
	               path, text, (long long)batches(t));
}

void rest_begin(struct tt_trainer *t)
{
	struct lease_pool *pool = &t->shared->pool;

	if (!t->rest.n) {
		lease_pool_seek(pool, t->at.epoch, t->at.consumed);
		return;
	}
	lease_pool_leave(pool, &t->rest);
	t->rest = (struct lease_rest){ 0 };             /* it is the pool's */
}
