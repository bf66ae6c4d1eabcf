#include "distribute/sync/trace.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "distribute/coll/coll.h"
#include "sys/thread.h"

#define TAG       91
#define PIECE     ((size_t)1 << 20)
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

/* shift: seconds from this machine's clock to that of the file. */
static void add_span(struct str *s, const struct trace *t, const struct span *p, double shift)
{
	str_addf(s, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"name\":\"%s", t->rank, p->lane, p->what);
	if (p->number >= 0)
		str_addf(s, " %lld", (long long)p->number);
	str_addf(s, "\",\"ts\":%.3f,\"dur\":%.3f}", 1e6 * (p->start + shift), 1e6 * (double)p->seconds);
}

static void add_rank(struct str *s, const struct trace *t, double shift)
{
	unsigned n = atomic_load(&t->n);

	add_names(s, t);
	for (unsigned i = 0; i < n && i < SPANS_MAX; i++)
		add_span(s, t, &t->span[i], shift);
}

static tt_status write_file(struct str *s, const char *path)
{
	tt_status st;

	str_add(s, "\n]\n");
	st = str_status(s);
	return st == TT_OK ? file_write_all(path, s->p, s->len) : st;
}

tt_status trace_write(struct trace *const *t, int n, const char *path)
{
	struct str s = {0};
	tt_status st;

	str_add(&s, "[\n");
	for (int i = 0; i < n; i++) {
		str_add(&s, i ? ",\n" : "");
		add_rank(&s, t[i], 0);
	}
	st = write_file(&s, path);
	str_release(&s);
	return st;
}

/* ---- from other processes ---- */

/* Ranks leave a barrier at one moment; those of one machine have one clock. */
static tt_status find_shift(struct comm *c, double *shift)
{
	double mine, *all = mem_calloc((size_t)c->size, sizeof *all);
	tt_status st = all ? comm_barrier(c) : TT_ENOMEM;

	mine = thread_seconds();
	if (st == TT_OK && (st = comm_allgather(c, &mine, sizeof mine, all)) == TT_OK)
		*shift = c->host_of[c->rank] == c->host_of[0] ? 0 : all[0] - mine;
	mem_free(all);
	return st;
}

static tt_status move(struct comm *c, int peer, char *p, size_t n)
{
	tt_status st = TT_OK;

	for (size_t at = 0, k; at < n && st == TT_OK; at += k) {
		k = n - at < PIECE ? n - at : PIECE;
		st = c->rank ? comm_send(c, peer, TAG, p + at, k) : comm_recv(c, peer, TAG, p + at, k);
	}
	return st;
}

/* Rank 0: the others' texts behind its own. */
static tt_status add_others(struct str *s, struct comm *c, const uint64_t *len)
{
	tt_status st = TT_OK;

	for (int r = 1; r < c->size && st == TT_OK; r++) {
		char *p = mem_alloc((size_t)len[r] + 1);

		if (!p)
			return TT_ENOMEM;
		if ((st = move(c, r, p, (size_t)len[r])) == TT_OK) {
			str_add(s, ",\n");
			str_add_bytes(s, p, (size_t)len[r]);
		}
		mem_free(p);
	}
	return st;
}

tt_status trace_gather(const struct trace *t, struct comm *c, const char *path)
{
	uint64_t mine, *len = mem_calloc((size_t)c->size, sizeof *len);
	struct str s = { 0 };
	double shift = 0;
	tt_status st = len ? find_shift(c, &shift) : TT_ENOMEM;

	str_add(&s, c->rank ? "" : "[\n");
	add_rank(&s, t, shift);
	mine = s.len;
	if (st == TT_OK && (st = str_status(&s)) == TT_OK &&
	    (st = comm_allgather(c, &mine, sizeof mine, len)) == TT_OK)
		st = c->rank ? move(c, 0, s.p, s.len) : add_others(&s, c, len);
	if (st == TT_OK && !c->rank)
		st = write_file(&s, path);
	mem_free(len);
	str_release(&s);
	return st;
}
