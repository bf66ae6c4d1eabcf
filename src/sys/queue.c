#include "sys/thread.h"

#include <pthread.h>

#include "base/mem.h"

/* A ring: items head .. head+used-1 modulo capacity.  `lock` guards all of it. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t  not_full, not_empty;
	size_t          capacity, head, used;
	int             closed;
	void           *item[];
};

tt_status queue_new(struct queue **out, size_t capacity)
{
	struct queue *q;

	if (capacity == 0 || capacity > (SIZE_MAX / 2 - sizeof *q) / sizeof q->item[0])
		return err_set(TT_EINVAL, "a queue of %zu items cannot be made", capacity);
	if (!(q = mem_calloc(1, sizeof *q + capacity * sizeof q->item[0])))
		return TT_ENOMEM;
	q->capacity = capacity;
	pthread_mutex_init(&q->lock, NULL);     /* on Linux these three cannot fail */
	pthread_cond_init(&q->not_full, NULL);
	pthread_cond_init(&q->not_empty, NULL);
	*out = q;
	return TT_OK;
}

int queue_put(struct queue *q, void *item)
{
	int ok;

	pthread_mutex_lock(&q->lock);
	while (q->used == q->capacity && !q->closed)
		pthread_cond_wait(&q->not_full, &q->lock);
	ok = !q->closed;
	if (ok) {
		q->item[(q->head + q->used++) % q->capacity] = item;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

int queue_get(struct queue *q, void **item)
{
	int ok;

	pthread_mutex_lock(&q->lock);
	while (q->used == 0 && !q->closed)
		pthread_cond_wait(&q->not_empty, &q->lock);
	ok = q->used > 0;
	if (ok) {
		*item = q->item[q->head];
		q->head = (q->head + 1) % q->capacity;
		q->used--;
		pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = 1;
	pthread_cond_broadcast(&q->not_full);
	pthread_cond_broadcast(&q->not_empty);
	pthread_mutex_unlock(&q->lock);
}

void queue_free(struct queue **q)
{
	if (!q || !*q)
		return;
	pthread_cond_destroy(&(*q)->not_empty);
	pthread_cond_destroy(&(*q)->not_full);
	pthread_mutex_destroy(&(*q)->lock);
	mem_free(*q);
	*q = NULL;
}
