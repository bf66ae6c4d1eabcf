/* ear.h -- what is heard of a run on hosts, and what follows from it: who is to blame, and when is
 * patience with the launcher over?
 *
 *   the first guard of each host knocks, every few seconds         host by host: is it there?
 *   guards and workers say who was lost                            rank by rank
 *   the launcher complains of a host                               if nobody else says anything
 *
 * All comes through the launcher's stderr and goes on to ours, but for the knocks. */
#ifndef KIT_EAR_H
#define KIT_EAR_H

#include "kit/launch.h"

/* What was heard of a run. */
struct mpirun_news {
	int *accused;                    /* [hosts]: times that a host was named as the cause */
	int  complaints;                 /* lines by workers that give up                     */
	int  failures;                   /* of these: nobody was lost, something is wrong     */
};

/* Set for what we start: guards knock, then.  Open MPI hands on to other hosts what begins so, and
 * MPICH everything. */
#define EAR_LISTENS "OMPI_TUTTI_LISTENS"

struct ear {
	const struct launch *launch;
	struct mpirun_news  *news;
	struct ear_host     *host;       /* [hosts]                                             */
	double               now, clock; /* seconds that we were awake; the clock when last asked */
	double               end;        /* when patience is over; 0: it is not tried           */
	long                 began;      /* by the clock on the wall: files tell their age by it */
	int                  knocked;    /* somebody has                                        */
	char                 line[1024]; /* that is being heard; so much of it was passed on    */
	size_t               n, shown;
	char                 said[1024]; /* by a worker, last                                   */
};

tt_status ear_init(struct ear *e, const struct launch *l, struct mpirun_news *news);
void      ear_release(struct ear *e);

/* Time has passed.  While we are stopped all is, so that time does not count. */
void      ear_tick(struct ear *e);
/* Read what is there; 0 at the end.  What may be a knock is held back until its line is whole, or
 * nothing more comes. */
int       ear_hear(struct ear *e, int fd);
void      ear_flush(struct ear *e);

/* There are workers. */
int       ear_is_up(const struct ear *e);
/* Silence that nobody's words explain. */
enum ear_silence { EAR_WELL, EAR_START, EAR_SILENCE };
/* EAR_START: nobody has come up in time.  EAR_SILENCE: a host has not, or says nothing any more. */
enum ear_silence ear_missed(const struct ear *e);
/* The launcher has started something on this host for us: it is there. */
void      ear_answered(struct ear *e, int host);
/* Name the hosts that are not there.  It counts as a complaint. */
void      ear_name_silent(struct ear *e, enum ear_silence s);
/* The launcher has ended with this code by itself. */
void      ear_conclude(struct ear *e, int code);

#endif
