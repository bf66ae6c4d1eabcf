/* lock.c -- see lock.h.  Waiting is by futex, as in U. Drepper, "Futexes are tricky" (2011), mutex
 * 2: nobody asks the kernel where nobody waits. */
#include "sys/lock.h"

#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/process.h"

static void futex(atomic_int *word, int what, int value)
{
	syscall(SYS_futex, word, what | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* The first thread of this process that comes frees it, others wait for that. */
static void renew(struct lock *l, int here)
{
	int was = atomic_load(&l->process);

	while (was != here) {
		if (was != -1 && atomic_compare_exchange_strong(&l->process, &was, -1)) {
			atomic_store(&l->state, 0);
			atomic_store(&l->process, here);
			return;
		}
		sched_yield();
		was = atomic_load(&l->process);
	}
}

void lock_take(struct lock *l)
{
	const int here = process_id();
	int state = 0;

	if (atomic_load(&l->process) != here)
		renew(l, here);
	if (atomic_compare_exchange_strong(&l->state, &state, 1))
		return;
	if (state != 2)
		state = atomic_exchange(&l->state, 2);
	while (state != 0) {
		futex(&l->state, FUTEX_WAIT, 2);
		state = atomic_exchange(&l->state, 2);
	}
}

void lock_give(struct lock *l)
{
	if (atomic_exchange(&l->state, 0) == 2)
		futex(&l->state, FUTEX_WAKE, 1);
}
