#include "distribute/comm/roll.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "sys/thread.h"

#define NOT_HEARD    (-2)
#define TELL_SECONDS 1.0        /* for a notice to get out; who does not take it is dead */
#define ROLL_MIN     0.2        /* seconds for answers to a roll call */
#define ROLL_MAX     2.0
#define WORD_SECONDS 1.0        /* for the notice of a rank that has closed its connection */

enum { SAID_ALIVE, SAID_FAULT, SAID_LEAVING };

tt_status roll_init(struct roll *r, const struct comm *place, const struct roll_ops *ops,
                    void *ctx)
{
	*r = (struct roll){ .ops = ops, .ctx = ctx, .rank = place->rank, .size = place->size,
	                    .hosts = place->hosts, .host_of = place->host_of };
	pthread_mutex_init(&r->lock, NULL);
	r->awaits = mem_calloc((size_t)r->size, sizeof *r->awaits);
	r->gone = mem_calloc((size_t)r->size, sizeof *r->gone);
	for (int i = 0; r->awaits && i < r->size; i++)
		r->awaits[i] = NOT_HEARD;
	if (r->awaits && r->gone)
		return TT_OK;
	roll_release(r);
	return TT_ENOMEM;
}

void roll_release(struct roll *r)
{
	if (!r->ops)
		return;
	pthread_mutex_destroy(&r->lock);
	mem_free(r->awaits);
	mem_free(r->gone);
	*r = (struct roll){ 0 };
}

/* ---- the lock is held ---- */

static void answer(struct roll *r, int awaits)
{
	if (r->called)
		return;
	r->called = 1;
	r->awaits[r->rank] = awaits;
	r->said[SAID_ALIVE] = (struct notice){ .kind = NOTICE_ALIVE, .from = r->rank,
	                                       .awaits = awaits };
	r->ops->tell(r->ctx, &r->said[SAID_ALIVE]);
}

static void set_fault(struct roll *r, const struct comm_fault *why)
{
	if (atomic_load(&r->broken))
		return;
	r->fault = *why;
	r->fault.text[sizeof r->fault.text - 1] = '\0';
	atomic_store(&r->broken, 1);
}

static void understand(struct roll *r, const struct notice *n, int awaits)
{
	if (n->from < 0 || n->from >= r->size)
		return;
	r->awaits[n->from] = n->awaits;
	if (n->kind == NOTICE_FAULT && n->fault.status != TT_OK)
		set_fault(r, &n->fault);
	else if (n->kind == NOTICE_LEAVING)
		r->gone[n->from] = 1;
	else if (n->kind == NOTICE_ALIVE)
		answer(r, awaits);
}

static void listen_once(struct roll *r, int awaits)
{
	struct notice n;

	while (r->ops->hear(r->ctx, &n))
		understand(r, &n, awaits);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Whether fewer than half of the hosts were heard: then the cut is on our side. */
static int is_cut_off(const struct roll *r)
{
	int heard = 0;

	for (int h = 0; h < r->hosts; h++)
		for (int i = 0; i < r->size; i++)
			if (r->host_of[i] == h && r->awaits[i] != NOT_HEARD) {
				heard++;
				break;
			}
	return 2 * heard < r->hosts;
}

/* From rank to rank along "waits for": to one that did not answer, or waits for nobody. */
static int follow(const struct roll *r, int peer)
{
	int at = peer;

	if (is_cut_off(r))
		return r->rank;
	for (int steps = 0; steps < r->size; steps++) {
		if (r->awaits[at] < 0 || r->awaits[at] >= r->size)
			break;
		at = r->awaits[at];
	}
	if (r->awaits[at] == NOT_HEARD)
		return at;
	for (int i = 0; i < r->size; i++)
		if (r->awaits[i] == NOT_HEARD)
			return i;
	return r->awaits[at] < 0 ? at : peer;
}

/* ---- from outside ---- */

void roll_listen(struct roll *r, int awaits)
{
	if (pthread_mutex_trylock(&r->lock) != 0)
		return;                         /* another end looks just now */
	listen_once(r, awaits);
	pthread_mutex_unlock(&r->lock);
}

int roll_listen_until(struct roll *r, int awaits, double until)
{
	while (!atomic_load(&r->broken) && thread_seconds() < until) {
		roll_listen(r, awaits);
		nap();
	}
	return atomic_load(&r->broken);
}

void roll_tell_fault(struct roll *r, const struct comm_fault *why)
{
	const double end = thread_seconds() + TELL_SECONDS;

	pthread_mutex_lock(&r->lock);
	set_fault(r, why);
	if (!r->told) {
		r->told = 1;
		r->said[SAID_FAULT] = (struct notice){ .kind = NOTICE_FAULT, .from = r->rank,
		                                       .awaits = -1, .fault = r->fault };
		r->ops->tell(r->ctx, &r->said[SAID_FAULT]);
		while (!r->ops->told(r->ctx, &r->said[SAID_FAULT]) && thread_seconds() < end)
			nap();
	}
	pthread_mutex_unlock(&r->lock);
}

tt_status roll_fault(struct roll *r, struct comm *c)
{
	pthread_mutex_lock(&r->lock);
	c->fault = r->fault;
	pthread_mutex_unlock(&r->lock);
	return err_set(c->fault.status, "%s", c->fault.text);
}

int roll_call(struct roll *r, int peer, double timeout)
{
	const double end = thread_seconds() + fmin(fmax(timeout / 4, ROLL_MIN), ROLL_MAX);
	int culprit;

	pthread_mutex_lock(&r->lock);
	answer(r, peer);
	while (thread_seconds() < end && !atomic_load(&r->broken)) {
		listen_once(r, peer);
		nap();
	}
	culprit = follow(r, peer);
	pthread_mutex_unlock(&r->lock);
	return culprit;
}

static int all_have_left(const struct roll *r)
{
	int n = 0;

	for (int i = 0; i < r->size; i++)
		n += r->gone[i] || i == r->rank;
	return n == r->size;
}

tt_status roll_leave(struct roll *r, double timeout)
{
	const double end = thread_seconds() + timeout;
	int done = 0;

	pthread_mutex_lock(&r->lock);
	if (!r->left++) {
		r->said[SAID_LEAVING] = (struct notice){ .kind = NOTICE_LEAVING, .from = r->rank,
		                                         .awaits = -1 };
		r->ops->tell(r->ctx, &r->said[SAID_LEAVING]);
	}
	while (!done && !atomic_load(&r->broken) && thread_seconds() < end &&
	       r->ops->find_dead(r->ctx) < 0) {
		listen_once(r, -1);
		done = all_have_left(r) && r->ops->told(r->ctx, &r->said[SAID_LEAVING]);
		if (!done)
			nap();
	}
	pthread_mutex_unlock(&r->lock);
	return done ? TT_OK : TT_ETIMEDOUT;
}

/* ---- somebody is missed ---- */

tt_status roll_died(struct comm *c, int dead)
{
	char who[COMM_WHO_MAX];

	return comm_give_up(c, err_set(TT_EIO, "%s has died while rank %d waited for %s",
	                    comm_who(c, dead, who), c->rank, c->doing ? c->doing : "a message"), dead);
}

tt_status roll_lost(struct roll *r, struct comm *c, int peer)
{
	const double now = thread_seconds();
	char who[COMM_WHO_MAX], text[ERR_MAX];
	int culprit, dead;

	snprintf(text, sizeof text, "%s", tt_last_error());
	if (roll_listen_until(r, peer, now + WORD_SECONDS))
		return roll_fault(r, c);
	if ((dead = r->ops->find_dead(r->ctx)) >= 0)
		return roll_died(c, dead);
	culprit = roll_call(r, peer, c->timeout);
	if (atomic_load(&r->broken))
		return roll_fault(r, c);
	if (culprit == peer)
		return comm_give_up(c, err_set(TT_EIO, "%s has died or left while rank %d waited for %s: "
		                    "%s", comm_who(c, peer, who), c->rank,
		                    c->doing ? c->doing : "a message", text), peer);
	return roll_listen_until(r, peer, now + c->timeout) ? roll_fault(r, c) : TT_ETIMEDOUT;
}
