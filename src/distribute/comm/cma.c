/* cma.c -- Containers, seccomp or another user may forbid it, and whether they do is only known by
 * trying: every rank reads a word of each neighbour, and all agree.  Where Linux lets a process be
 * read by its parents alone (Yama), a second try allows it to all processes of this user. */
#include "distribute/comm/cma.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "sys/shm.h"

#define WORD  UINT64_C(0x7475747469)     /* of rank 0; the others' follow */
#define VIEWS 4                          /* of a neighbour                */

/* Processes that can be seen now would be missed later; in another container they cannot. */
tt_status cma_init(struct cma *m, const struct comm *place)
{
	*m = (struct cma){ .size = place->size };
	if (!(m->pid = mem_calloc((size_t)m->size, sizeof *m->pid)))
		return TT_ENOMEM;
	for (int r = 0; r < m->size; r++) {
		const char *colon = strrchr(place->names[r], ':');
		pid_t pid = colon ? (pid_t)strtol(colon + 1, NULL, 10) : 0;

		if (r != place->rank && place->host_of[r] == place->host && pid > 0 && kill(pid, 0) == 0)
			m->pid[r] = pid;
	}
	return TT_OK;
}

void cma_release(struct cma *m)
{
	mem_free(m->pid);
	m->pid = NULL;
}

int cma_find_dead(const struct cma *m)
{
	for (int r = 0; r < m->size; r++)
		if (m->pid[r] && kill(m->pid[r], 0) != 0 && errno == ESRCH)
			return r;
	return -1;
}

tt_status cma_read(const struct cma *m, int rank, void *to, const void *from, size_t n)
{
	char *at = to;

	for (size_t done = 0; done < n;) {
		struct iovec here = { at + done, n - done };
		struct iovec there = { (char *)from + done, n - done };
		ssize_t got = process_vm_readv(m->pid[rank], &here, 1, &there, 1, 0);

		if (got <= 0)
			return err_set(TT_EIO, "its memory cannot be read: %s",
			               got ? strerror(errno) : "it ends");
		done += (size_t)got;
	}
	return TT_OK;
}

/* ---- trying ---- */

static int can_read_all(const struct cma *m, const struct comm *place, const uint64_t *address)
{
	for (int r = 0; r < m->size; r++) {
		uint64_t word = 0;

		if (r == place->rank || place->host_of[r] != place->host)
			continue;
		if (!m->pid[r] ||
		    cma_read(m, r, &word, (const void *)(uintptr_t)address[r], sizeof word) != TT_OK ||
		    word != WORD + (uint64_t)r)
			return 0;
	}
	return 1;
}

/* Nobody's word is gone before all have read it. */
static tt_status try_once(struct cma *m, const struct comm *place, cma_gather *gather, void *ctx)
{
	const uint64_t word = WORD + (uint64_t)place->rank;
	uint64_t *all = mem_calloc((size_t)m->size, sizeof *all);
	tt_status st = all ? gather(ctx, (uint64_t)(uintptr_t)&word, all) : TT_ENOMEM;

	if (st == TT_OK)
		st = gather(ctx, (uint64_t)can_read_all(m, place, all), all);
	m->near = st == TT_OK;
	for (int r = 0; st == TT_OK && r < m->size; r++)
		m->near = m->near && all[r] == 1;
	mem_free(all);
	return st;
}

tt_status cma_try(struct cma *m, const struct comm *place, cma_gather *gather, void *ctx)
{
	tt_status st;

	if (place->hosts == place->size)
		return TT_OK;
	st = try_once(m, place, gather, ctx);
	if (st != TT_OK || m->near)
		return st;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return try_once(m, place, gather, ctx);
}

/* ---- views ---- */

/* Addresses mean the same as long as nobody frees what he has others read: while whoever has split
 * the group uses this end. */
struct view { int rank; struct shm_view at; };
struct cma_views { int n, most; struct view view[]; };

struct cma_views *cma_views_new(const struct comm *place)
{
	const int most = VIEWS * place->locals;
	struct cma_views *v = mem_calloc(1, sizeof *v + (size_t)most * sizeof *v->view);

	if (v)
		v->most = most;
	return v;
}

void cma_views_free(struct cma_views *v)
{
	for (int i = 0; v && i < v->n; i++)
		shm_unmap(&v->view[i].at);
	mem_free(v);
}

const void *cma_view(struct cma_views *v, const struct cma *m, int rank, const void *from,
                     size_t n)
{
	const char *lo = from;
	struct view *at;

	if (!v)
		return NULL;
	at = v->view;
	while (at < v->view + v->n && (at->rank != rank || lo < at->at.lo || lo >= at->at.hi))
		at++;
	if (at == v->view + v->most)
		return NULL;
	if (at == v->view + v->n) {
		at->rank = rank;
		shm_map(m->pid[rank], from, &at->at);
		v->n++;
	}
	return at->at.here && n <= (size_t)(at->at.hi - lo) ? at->at.here + (lo - at->at.lo) : NULL;
}
