#include "data/lease.h"

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
	atomic_init(&p->taken, 0);
}

void lease_pool_seek(struct lease_pool *p, int64_t epoch, int64_t consumed)
{
	const int64_t each = lease_count(&p->plan);

	atomic_store(&p->taken, epoch * each + (consumed < p->plan.count ? consumed / p->plan.size
	                                                                 : each));
}

struct lease lease_pool_take(struct lease_pool *p)
{
	const int64_t n = atomic_fetch_add(&p->taken, 1), each = lease_count(&p->plan);

	return lease_at(&p->plan, n / each, n % each * p->plan.size);
}
