/* sync.c -- what is the same for every strategy. */
#include "distribute/sync/sync.h"

#include "base/mem.h"

tt_status sync_open(struct sync **out, const struct sync_host *h)
{
	struct sync *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	s->host = *h;
	s->strategy = h->strategy;
	if ((st = s->strategy->open(s)) == TT_OK)
		*out = s;
	else
		sync_close(&s);
	return st;
}

void sync_close(struct sync **s)
{
	if (!s || !*s)
		return;
	(*s)->strategy->close(*s);
	mem_free(*s);
	*s = NULL;
}

/* ---- a step ---- */

tt_status sync_begin(struct sync *s, const struct sync_step *at)
{
	s->at = *at;
	s->exchanged = 0;
	s->stop = 0;
	s->ended = 0;
	return s->strategy->begin(s);
}

tt_status sync_wait_params(struct sync *s, size_t lo, size_t hi)
{
	return s->strategy->wait_params ? s->strategy->wait_params(s, lo, hi) : TT_OK;
}

tt_status sync_flush(struct sync *s)
{
	return s->strategy->flush ? s->strategy->flush(s) : TT_OK;
}

tt_status sync_grad_ready(struct sync *s, size_t lo, size_t hi)
{
	return s->strategy->grad_ready(s, lo, hi);
}

tt_status sync_finish(struct sync *s)
{
	tt_status st = s->strategy->finish(s);

	s->pending = !s->exchanged;
	return st;
}

tt_status sync_all_gather(struct sync *s, const float *mine, size_t n, float *all)
{
	return s->strategy->all_gather(s, mine, n, all);
}

/* ---- between steps ---- */

static tt_status at_point(struct sync *s, tt_status (*f)(struct sync *))
{
	tt_status st = sync_flush(s);

	s->exchanged = 0;
	if (st == TT_OK)
		st = f(s);
	s->pending = s->pending && !s->exchanged;
	return st;
}

tt_status sync_epoch_end(struct sync *s)
{
	return at_point(s, s->strategy->epoch_end);
}

tt_status sync_end(struct sync *s)
{
	tt_status st = at_point(s, s->strategy->end);

	s->ended = st == TT_OK && !s->stop;
	return st;
}

tt_status sync_consolidate(struct sync *s)
{
	tt_status st;

	if (s->met)
		return TT_OK;
	s->exchanged = 0;
	if ((st = sync_flush(s)) == TT_OK && s->strategy->consolidate)
		st = s->strategy->consolidate(s);
	s->met = st == TT_OK;
	return st;
}

void sync_resume(struct sync *s)
{
	if (s->met && s->strategy->resume)
		s->strategy->resume(s);
	s->met = 0;
}

/* ---- for strategies ---- */

void sync_average_in(struct sync *s, const float *x)
{
	if (s->host.averaged)
		s->host.average_in(s->host.ctx, x, 0, s->host.param_count, 1);
}

tt_status sync_apply_range(struct sync *s, size_t lo, size_t hi)
{
	if (s->host.by_range && s->at.samples)
		s->host.apply(s->host.ctx, lo, hi);
	return TT_OK;
}

void sync_apply_whole(struct sync *s)
{
	if (!s->host.by_range && s->at.samples)
		s->host.apply(s->host.ctx, 0, s->host.param_count);
}
