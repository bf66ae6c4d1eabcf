#include "sys/affinity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/thread.h"

#define LOOK_SECONDS 1.0
#define CROWDED      0.25       /* of the time */

struct place { int socket, core, cpu; };

void affinity_mine(struct affinity *out)
{
	CPU_ZERO(&out->set);
	if (sched_getaffinity(0, sizeof out->set, &out->set) != 0)
		CPU_SET(0, &out->set);
}

int affinity_count(const struct affinity *c)
{
	return CPU_COUNT(&c->set);
}

int affinity_equal(const struct affinity *a, const struct affinity *b)
{
	return CPU_EQUAL(&a->set, &b->set);
}

/* ---- neighbours ---- */

/* A number of /sys/devices/system/cpu/cpuN/topology; `otherwise` where the kernel does not say. */
static int topology(int cpu, const char *what, int otherwise)
{
	char path[96];
	int n = otherwise;
	FILE *f;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	if (!(f = fopen(path, "re")))
		return otherwise;
	if (fscanf(f, "%d", &n) != 1)
		n = otherwise;
	fclose(f);
	return n;
}

static int before(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->socket != q->socket)
		return p->socket < q->socket ? -1 : 1;
	if (p->core != q->core)
		return p->core < q->core ? -1 : 1;
	return (p->cpu > q->cpu) - (p->cpu < q->cpu);
}

/* The set's cores, neighbours side by side. */
static int list(const struct affinity *c, struct place out[CPU_SETSIZE])
{
	int n = 0;

	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &c->set))
			out[n++] = (struct place){ topology(i, "physical_package_id", 0),
			                           topology(i, "core_id", i), i };
	qsort(out, (size_t)n, sizeof *out, before);
	return n;
}

void affinity_part(const struct affinity *of, int part, int parts, struct affinity *out)
{
	struct place place[CPU_SETSIZE];
	const int n = affinity_count(of), size = parts > 0 ? n / parts : 0;
	int more, lo, hi;

	if (size < 1 || part < 0 || part >= parts) {
		*out = *of;
		return;
	}
	more = n % parts;
	lo = size * part + (part < more ? part : more);
	hi = lo + size + (part < more);
	list(of, place);
	CPU_ZERO(&out->set);
	for (int i = lo; i < hi; i++)
		CPU_SET(place[i].cpu, &out->set);
}

/* ---- staying there ---- */

static void stay(void *ctx, int64_t lo, int64_t hi)
{
	const struct affinity *c = ctx;

	(void)lo;
	(void)hi;
	sched_setaffinity(0, sizeof c->set, &c->set);
}

void affinity_pin(const struct affinity *c)
{
	struct affinity copy = *c;

	stay(&copy, 0, 0);
	thread_for(thread_count(), 0, stay, &copy);
}

void affinity_stay(struct affinity_stay *s, const struct affinity *own)
{
	if (s->stays || s->crowded)
		return;
	affinity_mine(&s->wide);
	if (affinity_equal(own, &s->wide))
		return;
	if (s->looked <= 0) {
		if (!thread_waited(&s->waited))
			return;
		s->looked = thread_seconds();
	}
	affinity_pin(own);
	s->stays = 1;
}

void affinity_look(struct affinity_stay *s)
{
	const double now = s->stays ? thread_seconds() : 0, was = s->waited;

	if (!s->stays || now - s->looked < LOOK_SECONDS || !thread_waited(&s->waited))
		return;
	s->crowded = s->waited - was > CROWDED * (now - s->looked);
	s->looked = now;
	if (s->crowded)
		affinity_leave(s);
}

void affinity_leave(struct affinity_stay *s)
{
	if (s->stays)
		affinity_pin(&s->wide);
	s->stays = 0;
}

/* ---- words ---- */

const char *affinity_text(const struct affinity *c, char buf[CORES_TEXT])
{
	size_t n = 0;
	int last;

	buf[0] = '\0';
	for (int i = 0; i < CPU_SETSIZE && n < CORES_TEXT - 16; i = last + 1) {
		last = i;
		if (!CPU_ISSET(i, &c->set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &c->set))
			last++;
		n += (size_t)snprintf(buf + n, CORES_TEXT - n, n ? ",%d" : "%d", i);
		if (last > i)
			n += (size_t)snprintf(buf + n, CORES_TEXT - n, "-%d", last);
	}
	if (n >= CORES_TEXT - 16)
		snprintf(buf + n, CORES_TEXT - n, "...");
	return buf;
}
