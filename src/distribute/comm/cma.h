/* cma.h -- ranks of one machine read one another's memory (cross-memory attach): one copy by the
 * kernel, or none where it is a shared block (sys/shm.h).  The rank that is read does nothing for
 * it.  For transports whose ranks are processes. */
#ifndef COMM_CMA_H
#define COMM_CMA_H

#include <sys/types.h>

#include "distribute/comm/comm.h"

struct cma { int size, near; pid_t *pid; };     /* pid[size] of neighbours; 0: elsewhere */

/* Find the neighbours by place's names and hosts. */
tt_status cma_init(struct cma *m, const struct comm *place);
void      cma_release(struct cma *m);
/* A neighbour whose process is no more; -1: none. */
int       cma_find_dead(const struct cma *m);

/* May the ranks of each machine read one another's memory?  Sets near, alike on all.  Collective;
 * gather: all[size] gets everybody's word. */
typedef tt_status cma_gather(void *ctx, uint64_t mine, uint64_t *all);
tt_status cma_try(struct cma *m, const struct comm *place, cma_gather *gather, void *ctx);
/* n bytes of a neighbour's memory; TT_EIO: it is no more, or was no memory. */
tt_status cma_read(const struct cma *m, int rank, void *to, const void *from, size_t n);

/* What an end of the group has mapped of its neighbours, or knows that it cannot. */
struct cma_views;
struct cma_views *cma_views_new(const struct comm *place);      /* NULL: no room */
void        cma_views_free(struct cma_views *v);                /* NULL is fine  */
const void *cma_view(struct cma_views *v, const struct cma *m, int rank, const void *from,
                     size_t n);

#endif
