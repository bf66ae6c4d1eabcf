/* rendezvous.h -- where ranks that know nothing of one another but one address find together.
 *
 * Rank 0 listens there; each other rank connects to it, until it answers.  What each tells of
 * itself is handed round, and nothing else: then they are connected without it. */
#ifndef TCP_RENDEZVOUS_H
#define TCP_RENDEZVOUS_H

#include "distribute/comm/tcp/tcp.h"

struct rendezvous_opts {
	int    rank, size;
	const char *address;            /* "tcp://host:port"                                  */
	const struct endpoint *at;      /* instead of it: where rank 0 listens                */
	int    listener;                /* instead of it, for rank 0: listens already, and is taken */
	const unsigned char *key;       /* [TCP_KEY]                                          */
	int    encrypt;
	double until;                   /* of thread_seconds                                  */
	void (*waits)(void *ctx, int n, const char *ranks);     /* as of tcp_meeting          */
	void  *ctx;
};
/* All have come.  TT_ETIMEDOUT, TT_EINVAL: as tcp_meet. */
tt_status rendezvous_open(struct tcp **out, const struct rendezvous_opts *o);
/* all[size][n]: everybody's bytes, in rank order.  Collective, and over at `until`. */
tt_status rendezvous_gather(struct tcp *s, const struct rendezvous_opts *o, const void *mine,
                            size_t n, void *all);

#endif
