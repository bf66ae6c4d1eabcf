#include "distribute/comm/launched.h"

#include <stddef.h>

#include "sys/plug.h"

const char *const comm_transport_words[] = {
	[TRANSPORT_AUTO] = "auto", [TRANSPORT_LIBRARY] = "mpi", [TRANSPORT_SOCKETS] = "sockets", NULL
};

tt_status comm_open_launched(struct comm **out, const char *name, double timeout,
                             enum comm_transport transport)
{
	const struct plug *p;
	tt_status st = plug_find(PLUG_TRANSPORT, name, &p);

	return st == TT_OK ? ((const struct comm_launched_ops *)p->ops)->open(out, timeout, transport)
	                   : st;
}
