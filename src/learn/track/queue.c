#include "learn/track/queue.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

tt_status track_queue_init(struct track_queue *q, int room)
{
	*q = (struct track_queue){ .room = room };
	q->point = mem_calloc((size_t)room, sizeof *q->point);
	return q->point ? TT_OK : TT_ENOMEM;
}

/* The place of a name, a new one if need be; -1: there is no room for more of them. */
static int place_of(struct track_queue *q, const char *key)
{
	for (int i = 0; i < q->names; i++)
		if (strcmp(q->name[i], key) == 0)
			return i;
	if (q->names == TRACK_NAMES || strlen(key) >= sizeof q->name[0])
		return -1;
	snprintf(q->name[q->names], sizeof q->name[0], "%s", key);
	return q->names++;
}

void track_queue_add(struct track_queue *q, const struct track_metric *m)
{
	const int name = place_of(q, m->key);

	if (name < 0) {
		q->lost++;
		return;
	}
	if (q->n == q->room) {
		q->first = (q->first + 1) % q->room;
		q->n--;
		q->lost++;
	}
	q->point[(q->first + q->n++) % q->room] = (struct track_point){
		.value = m->value, .step = m->step, .ms = m->ms, .name = name };
}

int track_queue_take(struct track_queue *q, struct track_metric *out, int max)
{
	int n = 0;

	for (; n < max && q->n; n++, q->n--) {
		const struct track_point *p = &q->point[q->first];

		out[n] = (struct track_metric){ q->name[p->name], p->value, p->step, p->ms };
		q->first = (q->first + 1) % q->room;
	}
	return n;
}

void track_queue_release(struct track_queue *q)
{
	mem_free(q->point);
	q->point = NULL;
}
