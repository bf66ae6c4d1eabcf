#include "distribute/sync/trace.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define SPANS_MAX (1 << 18)      /* 8 MB a rank: some ten thousand steps */

struct span { const char *what; int64_t number; double start; float seconds; int lane; };

struct trace {
	int         rank;
	atomic_uint n;                /* may grow beyond SPANS_MAX: the rest is lost */
	struct span span[SPANS_MAX];
};

static const char *const channel_names[TRACE_LANES] = {
	[TRACE_COMPUTE] = "compute", [TRACE_WIRE] = "wire", [TRACE_WAIT] = "waiting",
};

tt_status trace_new(struct trace **out, int rank)
{
	struct trace *t = mem_calloc(1, sizeof *t);

	if (!t)
		return TT_ENOMEM;
	t->rank = rank;
	*out = t;
	return TT_OK;
}

void trace_free(struct trace **t)
{
	if (!t)
		return;
	mem_free(*t);
	*t = NULL;
}

void trace_span(struct trace *t, enum trace_lane lane, const char *what, int64_t number,
                const double seconds[2])
{
	unsigned at;

	if (!t || (at = atomic_load(&t->n)) >= SPANS_MAX ||
	    (at = atomic_fetch_add(&t->n, 1)) >= SPANS_MAX)
		return;
	t->span[at] = (struct span){ what, number, seconds[0], (float)(seconds[1] - seconds[0]),
	                             (int)lane };
}

/* ---- the file: the "JSON array format" of trace events ---- */

static void add_names(struct str *s, const struct trace *t)
{
	str_addf(s,
	         "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":\"rank %d\"}}",
	         t->rank, t->rank);
	for (int i = 0; i < TRACE_LANES; i++)
		str_addf(s, ",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_name\","
		         "\"args\":{\"name\":\"%s\"}}", t->rank, i, channel_names[i]);
}

static void add_span(struct str *s, const struct trace *t, const struct span *p)
{
	str_addf(s, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"name\":\"%s", t->rank, p->lane, p->what);
	if (p->number >= 0)
		str_addf(s, " %lld", (long long)p->number);
	str_addf(s, "\",\"ts\":%.3f,\"dur\":%.3f}", 1e6 * p->start, 1e6 * (double)p->seconds);
}

static void add_rank(struct str *s, const struct trace *t)
{
	unsigned n = atomic_load(&t->n);

	add_names(s, t);
	for (unsigned i = 0; i < n && i < SPANS_MAX; i++)
		add_span(s, t, &t->span[i]);
}

tt_status trace_write(struct trace *const *t, int n, const char *path)
{
	struct str s = {0};
	tt_status st;

	str_add(&s, "[\n");
	for (int i = 0; i < n; i++) {
		str_add(&s, i ? ",\n" : "");
		add_rank(&s, t[i]);
	}
	str_add(&s, "\n]\n");
	if ((st = str_status(&s)) == TT_OK)
		st = file_write_all(path, s.p, s.len);
	str_release(&s);
	return st;
}
