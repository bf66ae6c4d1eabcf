#include "sys/lock.h"

#include <sched.h>
#include <unistd.h>

void lock_init(struct lock *l)
{
	pthread_mutex_init(&l->mutex, NULL);
	atomic_init(&l->process, (int)getpid());
}

void lock_release(struct lock *l)
{
	pthread_mutex_destroy(&l->mutex);
}

/* The first thread of the child that comes makes it anew, others wait for that. */
static void revive(struct lock *l, int here)
{
	int was = atomic_load(&l->process);

	while (was != here) {
		if (was != -1 && atomic_compare_exchange_strong(&l->process, &was, -1)) {
			pthread_mutex_init(&l->mutex, NULL);
			atomic_store(&l->process, here);
			return;
		}
		sched_yield();
		was = atomic_load(&l->process);
	}
}

void lock_take(struct lock *l)
{
	const int here = (int)getpid();

	if (atomic_load_explicit(&l->process, memory_order_acquire) != here)
		revive(l, here);
	pthread_mutex_lock(&l->mutex);
}

void lock_give(struct lock *l)
{
	pthread_mutex_unlock(&l->mutex);
}
