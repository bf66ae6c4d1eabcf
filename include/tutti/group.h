/* group.h -- ranks that train together: processes on one machine or many.
 *
 *   tt_group *g;
 *   tt_group_tcp(&g, TT_GROUP_OPTS(.rank = 1, .world = 4, .rendezvous = "tcp://node0:4711",
 *                                  .secret = secret, .secret_size = n));
 *   ... tt_trainer_new(&t, model, TT_TRAINER_OPTS(.group = g)) ...
 *   tt_group_close(&g);
 *
 * Nothing is started here and no environment is read (see launch.h): each process says which rank
 * it is.  A group
 * is used by one thread at a time.  A rank that fails, is silent or gone ends the group for all:
 * their calls return TT_EPEER, TT_EIO or TT_ETIMEDOUT, and tt_last_error names it. */
#ifndef TUTTI_GROUP_H
#define TUTTI_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct comm tt_group;

typedef struct tt_group_opts {
	uint32_t    size;           /* of this struct                                                */
	int         rank, world;    /* which of how many, from 0 on                                  */
	const char *rendezvous;     /* "tcp://host:port": rank 0 listens there until all have come;
	                             * borrowed, as all here, for the call                           */
	const void *secret;         /* what all ranks know; who does not is turned away              */
	size_t      secret_size;    /* bytes, 16 or more                                             */
	double      timeout;        /* seconds a rank may be silent (60)                             */
	double      patience;       /* seconds for all ranks to come (timeout)                       */
	int         encrypt;        /* 1: what goes from machine to machine (0)                      */
	const char *host;           /* what this machine is called: ranks of one share its cores and
	                             * read one another's memory (its name)                          */
} tt_group_opts;
#define TT_GROUP_OPTS(...) (&(tt_group_opts){ .size = sizeof(tt_group_opts), __VA_ARGS__ })

/* A group of this process alone. */
TT_API tt_status tt_group_self(tt_group **out);
/* This process's end of a group over TCP; returns when all ranks have come.  *out is the caller's
 * to close.  TT_EINVAL: an option, or ranks that disagree; TT_ETIMEDOUT: not all came, and the text
 * says who; TT_ESUPPORT: this build cannot encrypt. */
TT_API tt_status tt_group_tcp(tt_group **out, const tt_group_opts *o);
/* Waits, within the timeout, until all ranks close; NULL is fine; sets *g = NULL. */
TT_API void      tt_group_close(tt_group **g);

TT_API int       tt_group_rank(const tt_group *g);
TT_API int       tt_group_world(const tt_group *g);
/* Returns when all ranks have called it. */
TT_API tt_status tt_group_barrier(tt_group *g);
/* Rank 0's n bytes at p become those of all ranks, who call it alike. */
TT_API tt_status tt_group_broadcast(tt_group *g, void *p, size_t n);
/* This rank gives up: the others' calls end with TT_EIO and this text. */
TT_API void      tt_group_abandon(tt_group *g, const char *why);

#ifdef __cplusplus
}
#endif
#endif
