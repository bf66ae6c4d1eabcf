/* self.c -- a group of one: nobody to talk to. */
#include "distribute/comm/comm.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

struct self {
	struct comm comm;
	const char *names[1];
	int         host_of[1];
	char        name[80];
};

static tt_status nobody(struct comm *c, struct comm_request *r)
{
	(void)c;
	return err_set(TT_EINVAL, "there is no rank %d in a group of one", r->peer);
}

static tt_status nothing(struct comm *c, struct comm_request *r, double deadline)
{
	(void)deadline;
	return nobody(c, r);
}

static void cancel(struct comm *c, struct comm_request *r) { (void)c; (void)r; }

static int blame(struct comm *c, int peer)
{
	(void)c;
	return peer;
}

static tt_status split(struct comm *c, struct comm **out)
{
	(void)c;
	return comm_self(out);
}

static void abandon(struct comm *c, const struct comm_fault *why) { (void)c; (void)why; }

static void finish(struct comm *c)
{
	mem_free(c);
}

static tt_status allreduce(struct comm *c, float *x, size_t n)
{
	(void)c;
	(void)x;
	(void)n;
	return TT_OK;
}

static const struct comm_ops ops = { "self", nobody, nobody, nothing, cancel, blame, split, abandon,
                                     finish, allreduce, NULL, NULL };

tt_status comm_self(struct comm **out)
{
	struct self *s = mem_calloc(1, sizeof *s);
	char host[65] = "localhost";

	if (!s)
		return TT_ENOMEM;
	gethostname(host, sizeof host - 1);
	snprintf(s->name, sizeof s->name, "%s:%d", host, (int)getpid());
	s->names[0] = s->name;
	s->comm = (struct comm){ .ops = &ops, .size = 1, .hosts = 1, .locals = 1, .names = s->names,
	                         .host_of = s->host_of, .one_space = 1 };
	*out = &s->comm;
	return TT_OK;
}
