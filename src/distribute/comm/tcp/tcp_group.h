/* tcp_group.h -- ranks that are processes, on one machine or many, without any library.
 *
 * All are told one address, at which rank 0 listens until all have come (rendezvous.h), and share a
 * secret, without which nobody is listened to.  Messages go over TCP; ranks of one machine read one
 * another's memory where that is allowed (cma.h).  A rank whose process ends is missed at once, one
 * that is stopped or cut off after the timeout (roll.h). */
#ifndef TCP_TCP_GROUP_H
#define TCP_TCP_GROUP_H

#include "distribute/comm/comm.h"
#include "distribute/comm/tcp/endpoint.h"

#define TCP_SECRET_MIN 16       /* bytes: who listens in can try all that are much shorter */

struct tcp_group_opts {
	int         rank, size;
	const char *rendezvous;         /* "tcp://host:port"                                       */
	const struct endpoint *at;      /* instead of it: where rank 0 listens                     */
	int         listener;           /* instead of it, for rank 0: listens already, and is taken */
	const void *secret;
	size_t      secret_size;
	double      timeout;            /* seconds a rank may be silent                            */
	double      patience;           /* seconds for all to come; 0: timeout                     */
	int         encrypt;            /* what goes from machine to machine                       */
	void      (*waits)(void *ctx, int n, const char *ranks);    /* NULL; or told once that we wait
	                                 * for n ranks at the rendezvous, and for which: "1, 3"    */
	void       *ctx;
	const char *host;               /* what this machine is called; NULL: it is found out      */
};
/* This process's end of the group.  Collective.  TT_EINVAL: an option, or two ranks' disagree;
 * TT_ETIMEDOUT: not all came, and the text says who; TT_ESUPPORT: this build cannot encrypt. */
tt_status comm_tcp(struct comm **out, const struct tcp_group_opts *o);

#endif
