/* comm.h -- the port through which ranks talk.
 *
 * A communicator is one rank's end of a group.  A transport gives messages between two ranks
 * (thread.c and tcp_group.c here, others in plugs); everything collective is built on those, in
 * coll/coll.h, so that it works on every transport.  A transport may offer its own all-reduce
 * too.
 *
 * Messages between two ranks with one tag arrive in order.  A send may wait for its receiver: who
 * sends to and receives from the same rank uses comm_exchange, or starts one and then the other.
 * A communicator is used by one thread at a time; comm_split gives a second, independent end of
 * the same group for a helper thread.
 *
 * Nobody waits for ever: each wait has a deadline (timeout, from the last message on).  Who does
 * not answer, has died or has said goodbye is named: TT_ETIMEDOUT or TT_EIO with "rank 3 (host b,
 * pid 411): ...".  The first error ends the group: all ranks are told, all calls of all ends
 * repeat it, and fault says which rank it was.  Nothing here allocates after open, save split,
 * agree, measure. */
#ifndef COMM_COMM_H
#define COMM_COMM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct comm;

/* A message under way; in the caller's storage, which stays where it is until comm_wait. */
struct comm_request {
	void       *handle;               /* the transport's                                        */
	void       *p;
	size_t      n;
	int         peer, tag;
	int         outgoing;             /* by start                                               */
	_Atomic int phase;                /* the transport's                                        */
};

#define COMM_FAULT_MAX 512

struct comm_fault {
	tt_status status;                 /* TT_OK: none                                            */
	int       culprit;                /* the rank at whose door it lies; -1: nobody's           */
	char      text[COMM_FAULT_MAX];
};

struct comm_ops {
	const char *name;
	/* Start what r says (peer, tag, p, n). */
	tt_status (*send)(struct comm *c, struct comm_request *r);
	tt_status (*recv)(struct comm *c, struct comm_request *r);
	/* Wait until done or `deadline` (of thread_seconds) is past: TT_ETIMEDOUT leaves it pending.
	 * If another rank gave up: its status and text, with c->fault filled in. */
	tt_status (*wait)(struct comm *c, struct comm_request *r, double deadline);
	/* Forget a pending request: afterwards its buffer is the caller's again. */
	void      (*cancel)(struct comm *c, struct comm_request *r);
	/* `peer` was silent for too long: at which rank does the chain of waiting ranks end?  This
	 * one: it is cut off from most of the others. */
	int       (*blame)(struct comm *c, int peer);
	tt_status (*split)(struct comm *c, struct comm **out);   /* another end, tags of its own */
	/* Tell the others that this rank gives up, and why; best effort, once. */
	void      (*abandon)(struct comm *c, const struct comm_fault *why);
	void      (*close)(struct comm *c);
	/* The library's own all-reduce (f32 sum, in place), or NULL. */
	tt_status (*allreduce)(struct comm *c, float *x, size_t n);
	/* n bytes of the memory of a rank on this host, where c->near says so and ranks are not
	 * threads.  On failure of its own or because another rank gave up: as in wait. */
	tt_status (*peek)(struct comm *c, int rank, void *to, const void *from, size_t n);
	/* Where the same n bytes can be read in place; NULL: nowhere.  May be NULL itself. */
	const void *(*view)(struct comm *c, int rank, const void *from, size_t n);
};

#define COMM_CLASSES 14                   /* sizes of all-reduce: 256 floats, 1024, 4096 ... */

struct comm {
	const struct comm_ops *ops;
	int         rank, size;
	int         host, hosts;          /* which machine this rank is on; how many there are      */
	int         local, locals;        /* place among the ranks of this machine                  */
	int         crowd;                /* ranks that share this one's cores; 0: they are its own */
	double      timeout;              /* seconds a peer may be silent                           */
	const char *const *names;         /* [size] "host:pid" of each rank; borrowed from the group */
	const int  *host_of;              /* [size]; borrowed from the group                        */
	int         one_space;            /* ranks are threads: pointers mean the same to all       */
	int         near;                 /* ranks of one host can read one another's memory        */
	int         met;                  /* all have been heard of: that nobody is now, is news    */
	uint64_t    sent;                 /* bytes this end has sent                                */
	const char *doing;                /* what the rank is at, for messages: "bucket 3 of step 12" */
	struct comm_fault fault;          /* what ended the group                                   */
	double      seconds[COMM_CLASSES];         /* of a sum, by comm_measure; 0: not measured     */
};

void comm_close(struct comm **c);                              /* NULL is fine */

/* Another end of the same group, for another thread.  Collective.  Vectors whose halves are summed
 * over it stay where they are until it is closed: others may have mapped them. */
tt_status comm_split(struct comm *c, struct comm **out);

/* This rank gives up: the others' waits, now and later, end with TT_EIO and this text. */
void comm_abandon(struct comm *c, const char *why);

/* For transports: the error st, whose text is set, is culprit's fault; tell all.  Gives st back. */
tt_status comm_give_up(struct comm *c, tt_status st, int culprit);

/* "rank 3 (host b, pid 411)" in buf. */
#define COMM_WHO_MAX 128
const char *comm_who(const struct comm *c, int rank, char buf[COMM_WHO_MAX]);

/* ---- between two ranks; tags from 0 to COMM_TAG_MAX ---- */

#define COMM_TAG_MAX 1023

/* Blocking, within the deadline. */
tt_status comm_send(struct comm *c, int to, int tag, const void *p, size_t n);
tt_status comm_recv(struct comm *c, int from, int tag, void *p, size_t n);
/* Both at once: what rings and butterflies are made of. */
tt_status comm_exchange(struct comm *c, int to, const void *out, size_t n_out,
                        int from, void *in, size_t n_in);

/* Started and waited for: fill in peer, tag, p and n, zero the rest.  Every started request is
 * waited for or cancelled; one whose wait failed is over. */
tt_status comm_start_send(struct comm *c, struct comm_request *r);
tt_status comm_start_recv(struct comm *c, struct comm_request *r);
tt_status comm_wait(struct comm *c, struct comm_request *r);
void      comm_cancel(struct comm *c, struct comm_request *r);

/* ---- transports that need no library ---- */

/* A group of one: collectives do nothing. */
tt_status comm_self(struct comm **out);
/* N ends of a group inside this process, out[i] for rank i, each used by its own thread.  hosts:
 * pretend that ranks are spread over so many machines (1: no). */
tt_status comm_threads(struct comm **out, int n, int hosts, double timeout);

#endif
