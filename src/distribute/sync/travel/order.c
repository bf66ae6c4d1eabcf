#include "distribute/sync/travel/order.h"

#include <math.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"

#define FIRST_LIST 4            /* rounds; four times as many for each list that follows */
#define WORTH_MAX  4096         /* buckets: so many little ones are not worth a thought  */
#define SLACK      0.05         /* of backward                                           */

/* ---- the list ---- */

/* Buckets i ... n-1 have left when the last of them has. */
static void find_until(struct order *o)
{
	o->until[o->n] = 0;
	for (int place = 0; place < o->n; place++)
		o->until[o->bucket[place]] = place + 1;
	for (int i = o->n - 1; i >= 0; i--)
		if (o->until[i] < o->until[i + 1])
			o->until[i] = o->until[i + 1];
}

void order_list(struct order *o, const struct order_times *t)
{
	int *stack = o->until, depth = 0, next = o->lead, place = 0;
	double now = 0;

	for (; place < o->lead; place++) {
		o->bucket[place] = place;
		now = fmax(now, t->ready[place]) + t->wire;
	}
	for (; place < o->n; place++) {
		while (next < o->n && t->ready[next] + t->slack <= now)
			stack[depth++] = next++;
		if (!depth) {                   /* the wire is idle: it takes what comes next */
			now = fmax(now, t->ready[next]);
			stack[depth++] = next++;
		}
		o->bucket[place] = stack[--depth];
		now += t->wire;
	}
	find_until(o);
}

/* ---- times: [0, n) sums of seconds until ready; [n] of seconds on the wire ---- */

static void forget_times(struct order *o)
{
	memset(o->times, 0, ((size_t)o->n + 1) * sizeof *o->times);
	o->rounds = o->wires = 0;
}

int order_due(struct order *o)
{
	if (o->next && o->rounds == o->next)
		return 1;
	o->rounds++;
	return 0;
}

void order_ready(struct order *o, int from, int to, double seconds)
{
	for (int i = from; i < to; i++)
		o->times[i] += (float)seconds;
}

void order_wire(struct order *o, double seconds)
{
	o->times[o->n] += (float)seconds;
	o->wires++;
}

static void sums_to_means(struct order *o)
{
	for (int i = 0; i < o->n; i++)
		o->times[i] /= (float)o->rounds;
	o->times[o->n] /= (float)(o->wires ? o->wires : 1);
}

/* Who came first to a sum waited for the others: the shortest time is that of the wire.  Its
 * mean, for the shortest may have ridden on what a token bucket lets through at once. */
static void slowest(struct order *o, const struct comm *c)
{
	const size_t row = (size_t)o->n + 1;

	memcpy(o->times, o->all, row * sizeof *o->times);
	for (int r = 1; r < c->size; r++)
		for (int i = 0; i <= o->n; i++) {
			float x = o->all[(size_t)r * row + (size_t)i];

			o->times[i] = i < o->n ? fmaxf(o->times[i], x) : fminf(o->times[i], x);
		}
}

tt_status order_agree(struct order *o, struct comm *c)
{
	const size_t row = (size_t)o->n + 1;
	tt_status st;

	sums_to_means(o);
	if ((st = comm_allgather(c, o->times, row * sizeof *o->times, o->all)) != TT_OK)
		return st;
	slowest(o, c);
	order_list(o, &(struct order_times){ .ready = o->times, .wire = o->times[o->n],
	                                     .slack = SLACK * o->times[o->n - 1] });
	o->next = o->next < 1 << 20 ? 4 * o->next : 0;
	forget_times(o);
	return TT_OK;
}

/* ---- life ---- */

tt_status order_init(struct order *o, enum order_kind kind, int n, int lead, int ranks)
{
	const size_t row = (size_t)n + 1;

	*o = (struct order){ .n = n, .lead = lead };
	o->bucket = mem_calloc(row, sizeof *o->bucket);
	o->until = mem_calloc(row, sizeof *o->until);
	o->times = mem_calloc(row, sizeof *o->times);
	if (kind == ORDER_LEARNT && n > lead + 1 && n <= WORTH_MAX) {
		o->next = FIRST_LIST;
		o->all = mem_calloc(row * (size_t)ranks, sizeof *o->all);
	}
	if (!o->bucket || !o->until || !o->times || (o->next && !o->all)) {
		order_release(o);
		return TT_ENOMEM;
	}
	for (int i = 0; i < n; i++)
		o->bucket[i] = i;
	find_until(o);
	forget_times(o);
	return TT_OK;
}

void order_release(struct order *o)
{
	mem_free(o->bucket);
	mem_free(o->until);
	mem_free(o->times);
	mem_free(o->all);
	*o = (struct order){ 0 };
}
