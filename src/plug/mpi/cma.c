/* cma.c -- ranks of one machine read one another's memory: one copy by the kernel, and the rank
 * that is read does nothing for it.
 *
 * Containers, seccomp or another user may forbid it, and whether they do is only known by trying:
 * every rank reads a word of each neighbour, and all agree.  Where Linux lets a process be read by
 * its parents alone (Yama), a second try allows it to all processes of this user. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "plug/mpi/world.h"

#define WORD UINT64_C(0x7475747469)     /* of rank 0; the others' follow */

tt_status cma_read(const struct world *f, int rank, void *to, const void *from, size_t n)
{
	char *at = to;

	for (size_t done = 0; done < n;) {
		struct iovec here = { at + done, n - done };
		struct iovec there = { (char *)from + done, n - done };
		ssize_t got = process_vm_readv(f->neighbour[rank], &here, 1, &there, 1, 0);

		if (got <= 0)
			return err_set(TT_EIO, "its memory cannot be read: %s",
			               got ? strerror(errno) : "it ends");
		done += (size_t)got;
	}
	return TT_OK;
}

static int can_read_all(const struct world *f, const uint64_t *address)
{
	for (int r = 0; r < f->size; r++) {
		uint64_t word = 0;

		if (r == f->rank || f->host_of[r] != f->host)
			continue;
		if (!f->neighbour[r] ||
		    cma_read(f, r, &word, (const void *)(uintptr_t)address[r], sizeof word) != TT_OK ||
		    word != WORD + (uint64_t)r)
			return 0;
	}
	return 1;
}

/* Nobody's word is gone before all have read it. */
static tt_status try_once(struct world *f)
{
	const uint64_t word = WORD + (uint64_t)f->rank, mine = (uint64_t)(uintptr_t)&word;
	uint64_t address[f->size];
	int good, rc = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, address, sizeof mine, MPI_BYTE,
	                             f->control);

	if (rc != MPI_SUCCESS)
		return world_error("MPI_Allgather of addresses", rc);
	good = can_read_all(f, address);
	rc = MPI_Allreduce(&good, &f->near, 1, MPI_INT, MPI_MIN, f->control);
	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Allreduce of who can be read", rc);
}

tt_status cma_try(struct world *f)
{
	tt_status st = f->hosts < f->size ? try_once(f) : TT_OK;

	if (st != TT_OK || f->near || f->hosts == f->size)
		return st;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return try_once(f);
}
