#include "learn/predict/engine.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "compute/exec/tuning_cache.h"
#include "sys/plug.h"
#include "sys/policy.h"
#include "sys/thread.h"

/* The processor's name as the kernel tells it, or nothing. */
static void add_processor(struct str *s)
{
	static const char key[] = "model name\t: ";
	char *text, *at, *end;
	size_t size;

	if (file_read_all("/proc/cpuinfo", 0, &text, &size) != TT_OK)
		return;
	if ((at = strstr(text, key)) && (end = strchr(at, '\n'))) {
		at += strlen(key);
		str_add_bytes(s, at, (size_t)(end - at));
	}
	mem_free(text);
}

/* What the fastest kernel depends on: processor, libraries, threads. */
static tt_status describe_machine(struct str *s, int threads)
{
	const struct plug *plug[DEVICE_LIST_MAX];
	const int n = plug_all(PLUG_DEVICE, plug, DEVICE_LIST_MAX);

	add_processor(s);
	for (int i = 0; i < n; i++)
		str_addf(s, "; %s %s", plug[i]->name, plug[i]->version());
	str_addf(s, "; %d threads", threads);
	return str_status(s);
}

static tt_status open_cache(struct engine *e, const char *path)
{
	struct str machine = {0};
	tt_status st = describe_machine(&machine, e->threads);

	if (st == TT_OK)
		st = kernel_cache_open(&e->cache, path, machine.p);
	str_release(&machine);
	return st;
}

tt_status engine_open(struct engine **out, const struct engine_opts *o)
{
	struct engine *e = mem_calloc(1, sizeof *e);
	tt_status st;

	if (!e)
		return TT_ENOMEM;
	e->precision = o->precision;
	e->threads = policy_threads(o->threads);
	engine_enter(e);
	if ((st = device_list_open_known(&e->devices)) != TT_OK)
		goto fail;
	if (o->tune && (st = open_cache(e, o->cache)) != TT_OK)
		goto fail;
	*out = e;
	return TT_OK;
fail:
	engine_close(&e);
	return st;
}

void engine_close(struct engine **e)
{
	if (!e || !*e)
		return;
	kernel_cache_close(&(*e)->cache);
	device_list_close(&(*e)->devices);
	mem_free(*e);
	*e = NULL;
}

void engine_enter(const struct engine *e)
{
	thread_set_count(e->threads);
}
