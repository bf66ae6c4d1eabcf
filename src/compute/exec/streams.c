/* streams.c -- see streams.h. */
#include "compute/exec/streams.h"

#include "base/mem.h"
#include "compute/exec/device.h"

#define HOST (-1)
#define NONE (-1)

/* A device's stream. */
struct lane {
	struct device *device;
	struct stream *stream;
	int            events;
	int            done;            /* the last of its steps known to be over in this run */
};

struct at {
	int lane;                       /* that runs the step, or HOST                     */
	int event;                      /* that happens behind it, or NONE                 */
};

struct streams {
	const struct plan *plan;
	struct lane        lane[PLAN_MEMS];
	int                n_lanes;
	struct at         *at;          /* by step                                         */
	int               *after;       /* [steps][lanes]: what it must wait for, or NONE  */
	int               *last;        /* [steps][lanes]: a lane's last up to this step   */
};

/* ---- who must wait for whom ---- */

/* Memory that steps write in a run: parameters, inputs and constants they only read. */
static int is_written(const struct plan_buf *b)
{
	return b->home == HOME_SLAB || b->home == HOME_GRAD || b->home == HOME_BUFFER;
}

static int overlap(const struct plan_buf *a, const struct plan_buf *b)
{
	return a->mem == b->mem && a->home == b->home && is_written(a) &&
	       a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static int conflict(const struct plan *p, const struct plan_step *a, const struct plan_step *b)
{
	for (int i = 0; i < a->n_args; i++)
		for (int k = 0; a->arg[i] >= 0 && k < b->n_args; k++)
			if (b->arg[k] >= 0 && overlap(&p->buf[a->arg[i]], &p->buf[b->arg[k]]))
				return 1;
	return 0;
}

static void need_event(struct streams *s, int step)
{
	if (step != NONE && s->at[step].event == NONE)
		s->at[step].event = 0;          /* numbered when all are known */
}

/* The last step of each other lane that touches what this one does. */
static void find_conflicts(struct streams *s, int step)
{
	const struct plan_step *x = &s->plan->step[step];
	int *after = s->after + step * s->n_lanes;

	for (int l = 0; l < s->n_lanes; l++)
		after[l] = NONE;
	for (int k = step - 1; k >= 0 && !x->once; k--) {
		const int lane = s->at[k].lane;

		if (lane == HOST || lane == s->at[step].lane || after[lane] != NONE ||
		    s->plan->step[k].once || !conflict(s->plan, x, &s->plan->step[k]))
			continue;
		after[lane] = k;
		need_event(s, k);
	}
}

static void find_last(struct streams *s)
{
	for (int step = 0; step < s->plan->n_steps; step++) {
		int *last = s->last + step * s->n_lanes;

		for (int l = 0; l < s->n_lanes; l++)
			last[l] = step ? last[l - s->n_lanes] : NONE;
		if (s->at[step].lane != HOST && !s->plan->step[step].once)
			last[s->at[step].lane] = step;
	}
}

/* ---- open and close ---- */

static int lane_of(struct streams *s, struct device *d)
{
	int l = 0;

	if (!d->ops->stream)
		return HOST;
	while (l < s->n_lanes && s->lane[l].device != d)
		l++;
	if (l == s->n_lanes)
		s->lane[s->n_lanes++] = (struct lane){ .device = d, .done = NONE };
	return l;
}

static tt_status plan_lanes(struct streams *s, const int *reach, int n)
{
	const size_t steps = (size_t)s->plan->n_steps;

	if (!(s->at = mem_calloc(steps + 1, sizeof *s->at)))
		return TT_ENOMEM;
	for (size_t i = 0; i < steps; i++)
		s->at[i] = (struct at){ lane_of(s, s->plan->step[i].device), NONE };
	if (!s->n_lanes)
		return TT_OK;
	s->after = mem_calloc(steps * (size_t)s->n_lanes + 1, sizeof *s->after);
	s->last = mem_calloc(steps * (size_t)s->n_lanes + 1, sizeof *s->last);
	if (!s->after || !s->last)
		return TT_ENOMEM;
	find_last(s);
	for (int i = 0; i < s->plan->n_steps; i++)
		find_conflicts(s, i);
	for (int i = 0; i < n; i++)
		for (int l = 0; l < s->n_lanes; l++)
			need_event(s, s->last[reach[i] * s->n_lanes + l]);
	return TT_OK;
}

static tt_status open_lanes(struct streams *s)
{
	tt_status st = TT_OK;

	for (int i = 0; i < s->plan->n_steps; i++)
		if (s->at[i].event != NONE)
			s->at[i].event = s->lane[s->at[i].lane].events++;
	for (int l = 0; l < s->n_lanes && st == TT_OK; l++) {
		struct lane *x = &s->lane[l];

		st = x->device->ops->stream->open(x->device, x->events, &x->stream);
	}
	return st;
}

tt_status streams_open(struct streams **out, const struct plan *p, const int *reach, int n)
{
	struct streams *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	s->plan = p;
	st = plan_lanes(s, reach, n);
	if (st == TT_OK)
		st = open_lanes(s);
	if (st != TT_OK || !s->n_lanes)
		streams_close(&s);
	if (st == TT_OK)
		*out = s;
	return st;
}

void streams_close(struct streams **sp)
{
	struct streams *s = *sp;

	if (!s)
		return;
	for (int l = 0; l < s->n_lanes; l++)
		if (s->lane[l].stream)
			s->lane[l].stream->ops->close(s->lane[l].stream);
	mem_free(s->at);
	mem_free(s->after);
	mem_free(s->last);
	mem_free(s);
	*sp = NULL;
}

/* ---- a run ---- */

int streams_on_host(const struct streams *s, int step) { return s->at[step].lane == HOST; }

/* steps[lanes]: until these are over. */
static tt_status wait_for(struct streams *s, const int *steps)
{
	for (int l = 0; l < s->n_lanes; l++) {
		struct lane *x = &s->lane[l];
		tt_status st;

		if (steps[l] <= x->done)
			continue;
		if ((st = x->stream->ops->wait(x->stream, s->at[steps[l]].event)) != TT_OK)
			return st;
		x->done = steps[l];
	}
	return TT_OK;
}

tt_status streams_step(struct streams *s, int step, struct kernel *k, const struct run_context *rc)
{
	const struct at *at = &s->at[step];
	struct stream *to;
	tt_status st = wait_for(s, s->after + step * s->n_lanes);

	if (st != TT_OK)
		return st;
	if (at->lane == HOST)
		return k->ops->run(k, rc);
	to = s->lane[at->lane].stream;
	st = to->ops->launch(to, k, rc);
	return st == TT_OK && at->event != NONE ? to->ops->record(to, at->event) : st;
}

tt_status streams_reach(struct streams *s, int step)
{
	return wait_for(s, s->last + step * s->n_lanes);
}

tt_status streams_finish(struct streams *s)
{
	tt_status first = TT_OK;

	for (int l = 0; l < s->n_lanes; l++) {
		struct stream *x = s->lane[l].stream;
		tt_status st = x->ops->wait(x, STREAM_END);

		s->lane[l].done = NONE;
		if (first == TT_OK)
			first = st;
	}
	return first;
}
