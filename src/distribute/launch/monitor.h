/* monitor.h -- what is heard of a run on hosts, and what follows from it: who is to blame, and when
 * is patience with the launcher over?
 *
 *   the first guard of each host knocks, every few seconds         host by host: is it there?
 *   guards and workers say who was lost                            rank by rank
 *   the launcher complains of a host                               if nobody else says anything
 *
 * All comes through the launcher's stderr, or that of each host's crew, and is passed on, but for
 * the knocks. */
#ifndef LAUNCH_MONITOR_H
#define LAUNCH_MONITOR_H

#include "distribute/launch/launch.h"

/* What was heard of a run. */
struct launch_news {
	int *accused;                    /* [hosts]: times that a host was named as the cause */
	int  complaints;                 /* lines by workers that give up                     */
	int  failures;                   /* of these: nobody was lost, something is wrong     */
	char unknown[256];               /* a host that has no address, at the first start; or "" */
};

/* Set for what we start: guards knock, then.  Open MPI hands on to other hosts what begins so, and
 * MPICH everything. */
#define MONITOR_LISTENS "OMPI_TUTTI_LISTENS"

/* A line that is being heard, of which so much was passed on. */
struct monitor_stream { char line[1024]; size_t n, shown; };
enum monitor_voice { MONITOR_ALOUD, MONITOR_QUIET };    /* what is heard is passed on, or is not */

struct launch_monitor {
	const tt_launch     *launch;
	struct launch_news  *news;
	struct launch_monitor_host *host; /* [hosts]                                             */
	double               now, clock; /* seconds that we were awake; the clock when last asked */
	double               end;        /* when patience is over; 0: it is not tried           */
	long                 began;      /* by the clock on the wall: files tell their age by it */
	int                  knocked;    /* somebody has                                        */
	enum monitor_voice   voice;
	struct monitor_stream *stream;   /* [streams]                                           */
	int                  streams;
	char                 said[1024]; /* by a worker, last                                   */
	char                 place[512]; /* where rank 0 listens, as its crew has said; or ""   */
};

tt_status launch_monitor_init(struct launch_monitor *e, const tt_launch *l,
                              struct launch_news *news, enum monitor_voice voice);
void      launch_monitor_release(struct launch_monitor *e);

/* Time has passed.  While we are stopped all is, so that time does not count. */
void      launch_monitor_tick(struct launch_monitor *e);
/* Read what is there of a stream: a host's, or 0 for all; 0 at the end.  What may be a knock is
 * held back until its line is whole, or nothing more comes. */
int       launch_monitor_hear(struct launch_monitor *e, int stream, int fd);
void      launch_monitor_flush(struct launch_monitor *e);

/* There are workers. */
int       launch_monitor_is_up(const struct launch_monitor *e);
/* Silence that nobody's words explain. */
enum monitor_silence { MONITOR_WELL, MONITOR_START, MONITOR_SILENCE };
/* MONITOR_START: nobody has come up in time.  MONITOR_SILENCE: a host has not, or says nothing any
 * more. */
enum monitor_silence launch_monitor_missed(const struct launch_monitor *e);
/* The launcher has started something on this host for us: it is there. */
void      launch_monitor_answered(struct launch_monitor *e, int host);
/* Name the hosts that are not there.  It counts as a complaint. */
void      launch_monitor_name_silent(struct launch_monitor *e, enum monitor_silence s);
/* The launcher has ended with this code by itself. */
void      launch_monitor_conclude(struct launch_monitor *e, int code);

#endif
