/* rank_env.h -- this process as one of the workers of a group: started by mpirun, srun, torchrun,
 * by tutti itself (launch/launch.h), or by hand with the options that say its place.
 *
 * Reads the launcher's variables: it belongs to a face. */
#ifndef LAUNCH_RANK_ENV_H
#define LAUNCH_RANK_ENV_H

#include <stdio.h>

#include <tutti/group.h>
#include <tutti/model.h>

/* What the command line says: --rendezvous, --secret, --rank, --world, --local, --quiet. */
struct rank_flags { const char *rendezvous, *secret; int64_t rank, world, local; int quiet; };

enum rank_way { RANK_ALONE, RANK_MPI, RANK_TCP };
struct rank_env {
	enum rank_way way;
	int  rank, size;                 /* as the launcher says, before anything is connected      */
	int  first;                      /* this process is the first of its machine                */
	int  here;                       /* so many workers are to be started, from rank on         */
	char rendezvous[320];            /* tcp://host:port; "-": the launcher says it (crew.h)      */
	int  talks;                      /* started by hand: says for whom it waits                 */
	const char *secret;              /* a file; NULL: see launch/secret.h                       */
};

/* Is there a launcher around us?  TT_EINVAL: there is, but it has told us nothing of the others; or
 * options that do not go together. */
tt_status rank_env_look(struct rank_env *out, const struct rank_flags *flags);
/* This process's end of the group, with its guard (launch/supervisor.h): returns in the workers
 * alone.  Workers of one machine that may use the same cores share them.  *line: to the guard. */
tt_status rank_env_group(tt_group **out, int *line, const struct rank_env *env,
                         const tt_spec *s);
/* Nobody leaves before all are done: who is lost after the last step is missed, too. */
tt_status rank_env_meet_at_end(tt_group *g);
/* All is done, and ends will be closed: the others have so long to do the same. */
void      rank_env_parting(int line);
/* Compute threads of this worker, if train.threads asks for `asked`. */
int       rank_env_threads(const tt_group *g, int asked);
/* Which worker is on which host, with how many threads (train.threads asks for `threads`) on which
 * cores.  Collective; rank 0 prints. */
tt_status rank_env_show(tt_group *g, int threads, FILE *f);

/* "n[01-04,07],m3": the first host of a list as Slurm writes it. */
void      rank_env_first_host(const char *list, char out[256]);

#endif
