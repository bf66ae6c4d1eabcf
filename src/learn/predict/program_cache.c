#include "learn/predict/program_cache.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "compute/exec/tuning_cache.h"
#include "sys/plug.h"


/* ---- the engine ---- */

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

/* ---- programs ---- */

struct program_cache {
	struct program_cache_opts opts;
	struct slot { int64_t batch; struct program *program; } *slot;
	int                  n, cap;
};

tt_status program_cache_new(struct program_cache **out, const struct program_cache_opts *o)
{
	struct program_cache *p = mem_calloc(1, sizeof *p);

	if (!p)
		return TT_ENOMEM;
	p->opts = *o;
	*out = p;
	return TT_OK;
}

void program_cache_free(struct program_cache **p)
{
	if (!p || !*p)
		return;
	for (int i = 0; i < (*p)->n; i++)
		program_free(&(*p)->slot[i].program);
	mem_free((*p)->slot);
	mem_free(*p);
	*p = NULL;
}

static tt_status compile(struct program_cache *p, int64_t batch, struct program **out)
{
	const struct engine *e = p->opts.engine;
	const struct tt_model *m = p->opts.model;
	const struct program_opts opts = {
		.devices = e->devices.dev, .precision = e->precision, .cache = e->cache,
		.purpose = p->opts.purpose == NN_TRAIN ? PROGRAM_TRAIN : PROGRAM_INFER,
		.stop = e->stop, .stop_ctx = e->stop_ctx,
	};
	struct ir_graph *g = NULL;
	struct program *made = NULL;
	tt_status st;

	st = p->opts.group ? nn_graph_among(m, batch, p->opts.group, &g)
	                   : nn_graph(m, batch, p->opts.purpose, &g);
	if (st != TT_OK || (st = program_new(&made, g, &opts)) != TT_OK)
		return st;
	program_bind(made, m->params, p->opts.grads, m->buffers);
	/* A cache that cannot be kept costs time at the next start, never a result: closing the
	 * engine tries again, and nobody needs to stop for it. */
	if (e->cache)
		(void)kernel_cache_save(e->cache);
	*out = made;
	return TT_OK;
}

static tt_status make_room(struct program_cache *p)
{
	int cap = p->cap ? 2 * p->cap : 4;
	struct slot *slot;

	if (p->n < p->cap)
		return TT_OK;
	if (!(slot = mem_realloc(p->slot, (size_t)cap * sizeof *slot)))
		return TT_ENOMEM;
	p->slot = slot;
	p->cap = cap;
	return TT_OK;
}

tt_status program_cache_get(struct program_cache *p, int64_t batch, struct program **out)
{
	struct program *made;
	tt_status st;

	for (int i = 0; i < p->n; i++)
		if (p->slot[i].batch == batch) {
			*out = p->slot[i].program;
			return TT_OK;
		}
	if ((st = make_room(p)) != TT_OK || (st = compile(p, batch, &made)) != TT_OK)
		return st;
	p->slot[p->n++] = (struct slot){ batch, made };
	*out = made;
	return TT_OK;
}

void program_cache_refresh(struct program_cache *p)
{
	for (int i = 0; i < p->n; i++)
		program_refresh(p->slot[i].program);
}
