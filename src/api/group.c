#include <tutti/group.h>

#include "base/sized.h"
#include "distribute/coll/coll.h"
#include "distribute/comm/tcp/tcp_group.h"

#define TIMEOUT 60.0

tt_status tt_group_self(tt_group **out)
{
	return out ? comm_self(out) : err_null("tt_group_self");
}

tt_status tt_group_tcp(tt_group **out, const tt_group_opts *given)
{
	tt_group_opts o;
	tt_status st;

	if (!out || !given)
		return err_null("tt_group_tcp");
	st = sized_take(&o, sizeof o, given, offsetof(tt_group_opts, timeout), "tt_group_opts");
	if (st != TT_OK)
		return st;
	if (!o.rendezvous)
		return err_set(TT_EINVAL, "tt_group_opts: rendezvous is NULL: tcp://host:port is wanted");
	return comm_tcp(out, &(struct tcp_group_opts){
		.rank = o.rank, .size = o.world, .rendezvous = o.rendezvous, .secret = o.secret,
		.secret_size = o.secret_size, .timeout = o.timeout != 0 ? o.timeout : TIMEOUT,
		.patience = o.patience, .encrypt = o.encrypt, .host = o.host });
}

void tt_group_close(tt_group **g) { comm_close(g); }
int  tt_group_rank(const tt_group *g) { return g ? g->rank : -1; }
int  tt_group_world(const tt_group *g) { return g ? g->size : 0; }

tt_status tt_group_barrier(tt_group *g)
{
	if (!g)
		return err_null("tt_group_barrier");
	g->doing = "a barrier";
	return comm_barrier(g);
}

tt_status tt_group_broadcast(tt_group *g, void *p, size_t n)
{
	if (!g || !p)
		return err_null("tt_group_broadcast");
	g->doing = "a broadcast";
	return comm_broadcast(g, 0, p, n);
}

void tt_group_abandon(tt_group *g, const char *why)
{
	if (g)
		comm_abandon(g, why ? why : "it does not say why");
}
