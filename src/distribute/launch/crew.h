/* crew.h -- the workers of one machine that a launcher without MPI has started there.
 *
 *   launcher ---(ssh)--- crew          words come by its standard input
 *                          guard       (launch/supervisor.h)
 *                            worker
 *                          guard ...
 *
 * The crew's own process passes on what it is told and waits for all.  When its input ends the
 * launcher is gone: then all are asked to end. */
#ifndef LAUNCH_CREW_H
#define LAUNCH_CREW_H

#include "distribute/comm/tcp/endpoint.h"
#include "distribute/launch/secret.h"

/* What the launcher says, a line each, and what the first worker's crew answers to it. */
#define CREW_SECRET     "secret "
#define CREW_RENDEZVOUS "rendezvous "
#define CREW_STOP       "stop "
#define CREW_ANSWER     "tutti train: rendezvous "

/* What a crew has been told. */
struct crew {
	struct secret   secret;
	struct endpoint at;              /* where rank 0 listens                   */
	int             listener;        /* for rank 0: it does already; else 0    */
};
/* Hear the secret, and the place; or, for rank 0, say it. */
tt_status crew_listen(struct crew *c, int rank);
/* Start so many workers.  Returns in each of them, *which says as which from 0 on; the crew's own
 * process waits for them, hears the launcher if there is one, and never returns. */
enum crew_launcher { CREW_ALONE, CREW_LAUNCHED };
struct crew_opts { int rank, workers; enum crew_launcher by; double timeout; };
tt_status crew_start(const struct crew_opts *o, int *which);

/* An endpoint as text, and back; 0: it is none. */
#define CREW_PLACE (2 * sizeof(struct endpoint) + 1)
void crew_write_place(const struct endpoint *at, char text[CREW_PLACE]);
int  crew_read_place(const char *text, struct endpoint *out);

#endif
