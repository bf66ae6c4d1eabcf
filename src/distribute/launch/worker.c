#include "distribute/launch/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sized.h"
#include "distribute/comm/launched.h"
#include "distribute/comm/tcp/tcp_group.h"
#include "distribute/launch/crew.h"
#include "distribute/launch/monitor.h"
#include "distribute/launch/place.h"
#include "distribute/launch/secret.h"
#include "distribute/launch/supervisor.h"

#define KNOCK_SECONDS 2.0
#define START_SECONDS 20.0       /* beyond the timeout, for all workers to come */

/* ---- who is it? ---- */

static tt_status take_place(struct tt_worker *w, const tt_worker_opts *o)
{
	const size_t room = sizeof w->place.rendezvous;

	if (o->rank < 0 || o->world < 1 || o->local < 0 || o->rank + w->here > o->world)
		return err_set(TT_EINVAL, "tt_worker_opts: workers %d to %d of %d", o->rank,
		               o->rank + w->here - 1, o->world);
	if (strlen(o->rendezvous) >= room)
		return err_set(TT_EINVAL, "tt_worker_opts: a rendezvous of %zu characters is too long",
		               strlen(o->rendezvous));
	w->place = (struct environment){ .way = ENVIRONMENT_TCP, .rank = o->rank, .size = o->world,
	                                 .first = 1 };
	memcpy(w->place.rendezvous, o->rendezvous, strlen(o->rendezvous) + 1);
	w->launched = strcmp(o->rendezvous, "-") == 0;
	return TT_OK;
}

static tt_status fill(struct tt_worker *w, const tt_worker_opts *o)
{
	w->line = -1;
	w->here = o->rendezvous && o->local > 0 ? o->local : 1;
	w->waits = o->waits;
	w->ctx = o->ctx;
	if (o->secret && strlen(o->secret) >= sizeof w->secret)
		return err_set(TT_EINVAL, "tt_worker_opts: the secret's path is too long");
	snprintf(w->secret, sizeof w->secret, "%s", o->secret ? o->secret : "");
	return o->rendezvous ? take_place(w, o) : environment_look(&w->place);
}

tt_status tt_worker_find(tt_worker **out, const tt_worker_opts *given)
{
	tt_worker_opts o;
	struct tt_worker *w;
	tt_status st;

	if (!out)
		return err_null("tt_worker_find");
	if ((st = sized_options(&o, sizeof o, given, "tt_worker_opts")) != TT_OK)
		return st;
	if (!(w = mem_calloc(1, sizeof *w)))
		return TT_ENOMEM;
	if ((st = fill(w, &o)) != TT_OK || w->place.way == ENVIRONMENT_ALONE) {
		mem_free(w);
		w = NULL;
	}
	if (st == TT_OK)
		*out = w;
	return st;
}

void tt_worker_leave(tt_worker **w)
{
	if (!w || !*w)
		return;
	if ((*w)->line >= 0)
		supervisor_tell((*w)->line, GUARD_PARTING);
	mem_free(*w);
	*w = NULL;
}

/* ---- its guard ---- */

/* Open MPI's launcher ends all at once for the usual signals: ours sends it others. */
static int is_told_softly(const struct tt_worker *w)
{
	const char *library = w->place.way == ENVIRONMENT_MPI ? environment_mpi() : NULL;

	return library && getenv(MONITOR_LISTENS) && strncmp(library, "Open MPI", 8) == 0;
}

/* One of each host knocks, if a launcher of ours listens. */
static tt_status start_guard(struct tt_worker *w, double timeout)
{
	const int knocks = getenv(MONITOR_LISTENS) && w->place.first;

	return supervisor_start(&(struct supervisor_opts){
		.rank = w->place.rank, .timeout = timeout, .every = knocks ? KNOCK_SECONDS : 0,
		.softly = is_told_softly(w) }, &w->line);
}

/* ---- ways to the others ---- */

/* Open MPI's short cut between two processes of a machine, reading the other's memory, leaves the
 * reader stuck in the library when the other one dies in the middle.  And it listens for workers of
 * other machines, on all interfaces and to everybody, where there are none. */
static void choose_settings(void)
{
	setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
	if (environment_number("OMPI_COMM_WORLD_LOCAL_SIZE", 0) ==
	    environment_number("OMPI_COMM_WORLD_SIZE", -1))
		setenv("OMPI_MCA_btl", "self,vader", 0);
}

/* An MPI library that does not know the launcher would have each worker train alone. */
static tt_status check_size(const struct comm *c, const struct environment *place)
{
	if (place->size == c->size || place->size == 1)
		return TT_OK;
	return err_set(TT_EINVAL, "the launcher has started %d workers, but %s, which this tutti is "
	               "built with, sees %d: start it with that library's own mpirun, or say where all "
	               "meet (--rendezvous)", place->size, environment_mpi(), c->size);
}

static tt_status join_mpi(struct tt_worker *w, const struct distribute_opts *o, struct comm **out)
{
	struct comm *c = NULL;
	tt_status st;

	choose_settings();
	if ((st = start_guard(w, o->timeout)) != TT_OK ||
	    (st = comm_open_launched(&c, "mpi", o->timeout, (enum comm_transport)o->transport)) !=
	    TT_OK)
		return st;
	if ((st = check_size(c, &w->place)) == TT_OK && o->encrypt && c->hosts > 1)
		st = err_set(TT_ESUPPORT, "distribute.encrypt: what MPI sends is not encrypted: start "
		             "without MPI (--launcher ssh)");
	if (st != TT_OK)
		comm_close(&c);
	else
		*out = c;
	return st;
}

/* From here on this process is one of those that are started here, the how-manieth says *which. */
static tt_status start_crew(const struct tt_worker *w, double timeout, struct crew *crew,
                            int *which)
{
	tt_status st = w->launched ? crew_listen(crew, w->place.rank)
	                           : secret_find(*w->secret ? w->secret : NULL, &crew->secret);

	if (st == TT_OK && (w->launched || w->here > 1))
		st = crew_start(&(struct crew_opts){
			.rank = w->place.rank, .workers = w->here, .timeout = timeout,
			.by = w->launched ? CREW_LAUNCHED : CREW_ALONE }, which);
	if (st == TT_OK && *which && crew->listener) {
		close(crew->listener);           /* it is the first one's */
		crew->listener = 0;
	}
	return st;
}

static tt_status join_tcp(struct tt_worker *w, const struct distribute_opts *o, struct comm **out)
{
	struct crew crew = { .listener = 0 };
	int which = 0;
	tt_status st;

	if (o->transport == TRANSPORT_LIBRARY)
		return err_set(TT_EINVAL, "distribute.transport: mpi, but these workers are started "
		               "without MPI: leave it out, or start them by mpirun");
	st = start_crew(w, o->timeout, &crew, &which);
	w->place.rank += which;
	w->place.first = w->place.first && which == 0;
	if (st == TT_OK)
		st = start_guard(w, o->timeout);
	if (st == TT_OK)
		st = comm_tcp(out, &(struct tcp_group_opts){
			.rank = w->place.rank, .size = w->place.size, .rendezvous = w->place.rendezvous,
			.at = crew.at.port ? &crew.at : NULL, .listener = crew.listener,
			.secret = crew.secret.bytes, .secret_size = crew.secret.n, .timeout = o->timeout,
			.patience = o->timeout + START_SECONDS, .encrypt = o->encrypt,
			.waits = w->waits, .ctx = w->ctx });
	explicit_bzero(&crew, sizeof crew);
	return st;
}

tt_status worker_join(struct tt_worker *w, const struct distribute_opts *o, tt_group **out)
{
	struct comm *c = NULL;
	tt_status st = w->place.way == ENVIRONMENT_MPI ? join_mpi(w, o, &c) : join_tcp(w, o, &c);

	if (st != TT_OK)
		return st;
	if ((st = place_share_cores(c)) != TT_OK) {
		comm_close(&c);
		return st;
	}
	supervisor_tell(w->line, GUARD_JOINED);
	*out = c;
	return TT_OK;
}
