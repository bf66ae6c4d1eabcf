#include "learn/train/sources.h"

#include <stdio.h>

#include "sys/policy.h"

static void open_source(void *ctx)
{
	struct opening *o = ctx;

	o->status = tt_source_open(&o->source, o->uri);
	if (o->status != TT_OK)
		snprintf(o->text, sizeof o->text, "%s", tt_last_error());
}

tt_status opening_start(struct opening *o, const char *key, const char *uri)
{
	*o = (struct opening){ .key = key, .uri = uri };
	if (!uri || !*uri)
		return TT_OK;
	if (policy_may_start())
		return thread_start(&o->thread, "tutti-open", open_source, o);
	open_source(o);
	return TT_OK;
}

tt_status opening_wait(struct opening *o, tt_source **out)
{
	thread_join(&o->thread);
	if (o->status != TT_OK)
		return err_set(o->status, "%s: %s", o->key, o->text);
	*out = o->source;
	o->source = NULL;
	return TT_OK;
}

void opening_cancel(struct opening *o)
{
	thread_join(&o->thread);
	tt_source_close(&o->source);
}
