/* launch.h -- workers as processes: started on hosts, watched, started again; and being one.
 *
 *   program, told to train         tt_launch_new, tt_launch_run
 *     (mpirun or ssh)
 *       a host's first process     tt_worker_find, tt_worker_join: forks, and waits for its workers
 *         guard of a worker        likewise: names a worker that dies, and ends one that hangs
 *           worker                 tt_worker_join returns here: it trains in a group
 *
 * What launchers tell their processes (torchrun, Slurm, mpirun) stands in environment variables:
 * these calls, and no others of the library, read them, and TUTTI_MPIRUN, TUTTI_SSH, TUTTI_SECRET,
 * TUTTI_SECRET_FILE.  Nothing is printed in the caller's process; the forked ones, which never
 * return to the caller, write to stderr what has become of a worker. */
#ifndef TUTTI_LAUNCH_H
#define TUTTI_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/group.h>
#include <tutti/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a worker's process ends, for whoever has started it: what is worth another try? */
enum tt_exit {
	TT_EXIT_GOOD = 0,
	TT_EXIT_FAILED = 1,            /* by itself: it would again                                  */
	TT_EXIT_USAGE = 2,             /* likewise: what it was told makes no sense                  */
	TT_EXIT_AGAIN = 75,            /* others were lost, or memory was lacking                    */
	TT_EXIT_NOTHING = 99,          /* all was done already                                       */
	TT_EXIT_SIGNAL = 128           /* and the signal that has asked it to end                    */
};

/* ---- places ---- */

/* Where a worker computes. */
typedef struct tt_place {
	uint32_t size;                 /* of this struct: TT_SIZED(tt_place)                         */
	int      threads;              /* that compute for it; 0: not known                          */
	char     host[64];             /* "": this process, where it is a thread                     */
	char     cores[128];           /* "0-3,8"; "part 1 of 2": of what the host has               */
} tt_place;

/* Compute threads of this process's worker where train.threads asks for `asked`; 0: as many as its
 * cores. */
TT_API int       tt_group_threads(const tt_group *g, int asked);
/* The place of each worker, out[0 .. world), each with its size set.  Collective. */
TT_API tt_status tt_group_places(tt_group *g, int asked, tt_place *out);

/* ---- being one ---- */

typedef struct tt_worker tt_worker;

typedef struct tt_worker_opts {
	uint32_t    size;              /* of this struct                                             */
	const char *rendezvous;        /* tcp://host:port, where rank 0 listens; "-": a launcher of ours
	                                * says it on stdin (none: the environment says where, if this
	                                * is a worker)                                               */
	int         rank, world;       /* with it: which of how many, from 0 on                      */
	int         local;             /* with it: so many are started here, from rank on (1)        */
	const char *secret;            /* file of what all know (TUTTI_SECRET_FILE, TUTTI_SECRET, or
	                                * ~/.config/tutti/secret, which is made)                     */
	void      (*waits)(void *ctx, int n, const char *ranks);    /* told by rank 0, once, that n have
	                                * not come yet, and which: "1, 3" (nobody is)                */
	void       *ctx;
} tt_worker_opts;
#define TT_WORKER_OPTS(...) (&(tt_worker_opts){ .size = sizeof(tt_worker_opts), __VA_ARGS__ })

/* Is this process one of several?  *out is NULL if nobody says so.  TT_EINVAL, TT_ESUPPORT: it is,
 * but nothing says where the others are, or this build cannot join them so. */
TT_API tt_status tt_worker_find(tt_worker **out, const tt_worker_opts *o);
/* Become it and meet the others, as the spec's `distribute` says: returns in the workers alone,
 * when all have come; they share the cores of their host.  Forks: no thread may have been started
 * before, and of what the process holds only stdout and stderr stay open in the guards.  Once per
 * process. */
TT_API tt_status tt_worker_join(tt_worker *w, const tt_spec *spec, tt_group **out);
/* All is done: from here on others may leave first, and the group is to be closed within the
 * timeout.  NULL is fine; sets *w = NULL. */
TT_API void      tt_worker_leave(tt_worker **w);

/* ---- starting them ---- */

typedef struct tt_launch tt_launch;

/* What is heard of a run: lines that workers and what starts them have written, byte by byte; or
 * one sentence of the launcher's own. */
enum tt_launch_voice { TT_LAUNCH_OTHERS, TT_LAUNCH_OWN };

typedef struct tt_launch_opts {
	uint32_t    size;              /* of this struct                                             */
	const char *const *command;    /* the words of a worker's command line, which must call
	                                * tt_worker_find; NULL at the end.  `--rendezvous - --rank R
	                                * --world N --local L` is added where hosts are reached by ssh:
	                                * they are the fields of tt_worker_opts                      */
	const char *const *again;      /* likewise, to go on after a loss (command)                  */
	const char *const *ask;        /* likewise, for tt_launch_ask (none)                         */
	const char *hosts;             /* "a:8,b:8" (none: one process, whose workers are threads)   */
	const char *launcher;          /* one of tt_launchers (auto)                                 */
	int         workers, threads;  /* without hosts: threads that train, and that compute        */
	int         restarts;          /* times to start again when workers were lost, without hosts
	                                * that fail twice                                            */
	double      timeout;           /* seconds a worker may be silent (60)                        */
	const char *log;               /* a file that grows when workers are up (none)               */
	void      (*hear)(void *ctx, enum tt_launch_voice whose, const char *text, size_t n);
	void       *ctx;               /* (nobody hears)                                             */
} tt_launch_opts;
#define TT_LAUNCH_OPTS(...) (&(tt_launch_opts){ .size = sizeof(tt_launch_opts), __VA_ARGS__ })

/* "auto", "mpirun", "ssh", NULL.  auto: mpirun in a batch job, with an RDMA device, or if
 * TUTTI_MPIRUN names one; else ssh. */
TT_API const char *const *tt_launchers(void);

/* What o points to is copied, but for ctx. */
TT_API tt_status   tt_launch_new(tt_launch **out, const tt_launch_opts *o);
TT_API void        tt_launch_free(tt_launch **l);
/* How many there would be. */
TT_API int         tt_launch_workers(const tt_launch *l);
/* Where one of them would be, as far as is known without asking. */
TT_API tt_status   tt_launch_place(const tt_launch *l, int worker, tt_place *out);
/* Line i of those that would be run, for a shell; NULL: there is none.  It is l's. */
TT_API const char *tt_launch_line(tt_launch *l, int i);
/* Run o->ask on the hosts; nothing is heard but what it writes to stdout.  *code: its exit code. */
TT_API tt_status   tt_launch_ask(tt_launch *l, int *code);
/* Start and wait, as often as restarts allow; *code is that of the last.  SIGINT, SIGTERM, SIGHUP,
 * SIGUSR1 and SIGUSR2 are passed on meanwhile: then workers write a checkpoint.  TT_EPEER: workers
 * were lost, and no restart is left; TT_EINVAL: a host has no address. */
TT_API tt_status   tt_launch_run(tt_launch *l, int *code);

#ifdef __cplusplus
}
#endif
#endif
