/* lock.h -- a lock that survives fork.
 *
 * In the child of a process whose other threads may have held it at that moment it is free: who
 * held it is not there.  So what it guards must be whole after any single store. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include <stdatomic.h>

struct lock {                              /* {0}: free; nothing to release */
	atomic_int state;                  /* 0 free, 1 held, 2 held and waited for    */
	atomic_int process;                /* of which that is true; -1: being changed */
};

void lock_take(struct lock *l);
void lock_give(struct lock *l);

#endif
