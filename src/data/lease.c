#include "data/lease.h"

#include "base/mem.h"

int64_t lease_count(const struct lease_plan *p)
{
	return (p->count + p->size - 1) / p->size;
}

static struct lease cut(const struct lease_plan *p, int64_t epoch, int64_t lo)
{
	const int64_t left = p->count - lo;

	return (struct lease){ epoch, lo, lo + (left < p->size ? left : p->size) };
}

struct lease lease_at(const struct lease_plan *p, int64_t epoch, int64_t consumed)
{
	const int64_t over = consumed >= p->count;

	return cut(p, p->epochs == EPOCHS_IN_TURN ? epoch + over : 0, over ? 0 : consumed);
}

struct lease lease_after(const struct lease_plan *p, const struct lease *l)
{
	return lease_at(p, l->epoch, l->hi);
}

/* ---- whoever asks ---- */

void lease_pool_init(struct lease_pool *p, const struct lease_plan *plan)
{
	p->plan = *plan;
	p->rest = (struct lease_rest){ 0 };
	atomic_init(&p->taken, 0);
	atomic_init(&p->given, 0);
}

void lease_pool_seek(struct lease_pool *p, int64_t epoch, int64_t consumed)
{
	const int64_t each = lease_count(&p->plan);

	lease_pool_release(p);
	atomic_store(&p->taken, epoch * each + (consumed < p->plan.count ? consumed / p->plan.size
	                                                                 : each));
}

void lease_pool_leave(struct lease_pool *p, const struct lease_rest *r)
{
	lease_pool_release(p);
	p->rest = *r;
	atomic_store(&p->given, 0);
	atomic_store(&p->taken, r->epoch * lease_count(&p->plan) + r->next);
}

struct lease lease_pool_take(struct lease_pool *p)
{
	const int64_t each = lease_count(&p->plan);
	const int64_t k = p->rest.n ? atomic_fetch_add(&p->given, 1) : 0;
	int64_t n;

	if (k < p->rest.n)
		return lease_at(&p->plan, p->rest.epoch, p->rest.open[k] * p->plan.size);
	n = atomic_fetch_add(&p->taken, 1);
	return lease_at(&p->plan, n / each, n % each * p->plan.size);
}

int64_t lease_pool_open(struct lease_pool *p, const int64_t **out)
{
	const int64_t given = atomic_load(&p->given);

	*out = NULL;
	if (given >= p->rest.n)
		return 0;
	*out = p->rest.open + given;
	return p->rest.n - given;
}

void lease_pool_release(struct lease_pool *p)
{
	mem_free(p->rest.open);
	p->rest = (struct lease_rest){ 0 };
}

int64_t lease_pool_next(struct lease_pool *p, int64_t epoch)
{
	const int64_t each = lease_count(&p->plan), n = atomic_load(&p->taken) - epoch * each;

	return n < 0 ? 0 : n < each ? n : each;
}
