/* lock.h -- a mutex that survives fork.
 *
 * In the child of a process whose other threads may have held it at that moment it is free: who
 * held it is gone.  So what it guards must be whole after any single store. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include <pthread.h>
#include <stdatomic.h>

struct lock {
	pthread_mutex_t mutex;
	atomic_int      process;           /* in which it was made free; -1: is being made so */
};

void lock_init(struct lock *l);
void lock_release(struct lock *l);
void lock_take(struct lock *l);
void lock_give(struct lock *l);

#endif
