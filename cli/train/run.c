#include "train/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/paths.h"
#include "kit/stop.h"
#include "print/doing.h"
#include "print/machine.h"
#include "print/origins.h"
#include "train/changed.h"
#include "train/track.h"

#define LARGE_NET ((size_t)1 << 28)         /* parameters: a gigabyte of them */

/* Decide what to resume: *dir and *resume are NULL where nothing was asked for. */
static tt_status choose_resume(struct run *r, struct arena *a)
{
	const char *from = r->args->resume;

	r->dir = r->args->run;
	if (!from)
		return TT_OK;
	r->resume = "auto";
	if (*from && !file_is_dir(from))
		r->resume = from;
	else if (*from && !r->dir)
		r->dir = from;
	else if (*from)
		return paths_last(a, from, &r->resume);
	else if (!r->dir)
		return paths_newest_run(a, r->args->runs, r->facts.name, &r->dir);
	return TT_OK;
}

/* A run that is there already is never written over. */
static tt_status choose_folder(struct run *r, struct arena *a)
{
	tt_status st = choose_resume(r, a);

	if (st != TT_OK)
		return st;
	if (!r->dir) {
		r->made_runs = !file_exists(r->args->runs);
		st = paths_new_run(a, r->args->runs, r->facts.name, &r->dir);
		r->made_dir = r->made_new = st == TT_OK;
		return st;
	}
	if (!r->resume) {
		const char *last;

		if ((st = paths_last(a, r->dir, &last)) != TT_OK)
			return st;
		if (file_exists(last))
			return err_set(TT_EINVAL, "%s: this folder holds a run already; go on with it by "
			               "--resume, or name another folder", r->dir);
	}
	r->made_dir = !file_exists(r->dir);
	return TT_OK;
}
int run_is_first(const struct run *r)
{
	return !r->group || tt_group_rank(r->group) == 0;
}

tt_status run_join(struct run *r)
{
	tt_status st;

	if (stop_asked(NULL))
		return err_set(TT_ESTOPPED, "stopped");
	if (!r->worker)
		return TT_OK;
	if ((st = tt_worker_join(r->worker, r->file.spec, &r->group)) == TT_OK)
		launch_joined(&r->args->launch, r->group);
	return st;
}

tt_status run_choose_place(struct run *r)
{
	tt_status st;

	if (!run_is_first(r)) {
		r->dir = ".";
		return TT_OK;
	}
	if ((st = choose_folder(r, r->arena)) == TT_OK)
		stop_leaves(r->made_dir ? r->dir : NULL, r->made_runs ? r->args->runs : NULL);
	return st;
}

static tt_status read_facts(struct arena *a, const tt_spec *s, struct facts *out)
{
	tt_status st;

	if ((st = specfile_text(a, s, "name", &out->name)) != TT_OK ||
	    (st = specfile_text(a, s, "distribute.strategy", &out->strategy)) != TT_OK ||
	    (st = specfile_int(s, "train.epochs", &out->epochs)) != TT_OK ||
	    (st = specfile_int(s, "train.batch", &out->batch)) != TT_OK ||
	    (st = specfile_int(s, "train.micro_batch", &out->micro_batch)) != TT_OK ||
	    (st = specfile_int(s, "train.threads", &out->threads)) != TT_OK ||
	    (st = specfile_int(s, "distribute.workers", &out->workers)) != TT_OK)
		return st;
	return specfile_double(s, "distribute.timeout", &out->timeout);
}

tt_status run_load_spec(struct run *r)
{
	tt_status st;

	if ((st = specfile_load(&r->file, r->spec, &r->args->set)) != TT_OK ||
	    (st = tt_spec_resolve(r->file.spec)) != TT_OK)
		return st;
	return read_facts(r->arena, r->file.spec, &r->facts);
}

/* Numbers in a sample of a shape such as "[3, 32, 32]". */
static int64_t count_input(const char *shape)
{
	int64_t n = 1;
	char   *end;

	for (const char *p = shape + strspn(shape, "[ "); *p && *p != ']';
	     p = end + strspn(end, ", ")) {
		const long long dim = strtoll(p, &end, 10);

		if (end == p || dim < 1 || __builtin_mul_overflow(n, dim, &n))
			return 0;
	}
	return n;
}

/* Ten lines describe a net of a hundred gigabytes.  Before so many numbers are drawn the data are
 * asked whether they would fit; of other nets the trainer asks when it has them: as soon. */
static tt_status check_large(const struct run *r, struct arena *a)
{
	const tt_source_info *info;
	tt_source  *source = NULL;
	const char *uri, *input;
	int64_t     has = 1, want;
	tt_status   st;

	if (tt_spec_parameters(r->file.spec) < LARGE_NET)
		return TT_OK;
	if ((st = specfile_text(a, r->file.spec, "data.train", &uri)) != TT_OK ||
	    (st = specfile_text(a, r->file.spec, "model.input", &input)) != TT_OK ||
	    (st = tt_source_open(&source, uri)) != TT_OK)
		return specfile_hint(&r->file, st);
	info = tt_source_describe(source);
	for (int i = 0; i < info->ndim; i++)
		has *= info->shape[i];
	if ((want = count_input(input)) != has)
		st = err_set(TT_ESHAPE, "data.train: a sample of %s has %lld numbers, model.input %s wants "
		             "%lld", uri, (long long)has, input, (long long)want);
	tt_source_close(&source);
	return st;
}

/* Whose numbers a new run begins with is said before they are looked at closely: where they are
 * refused, the table says which and why. */
static tt_status find_origins(struct run *r)
{
	const char *from, *last;
	tt_status st;

	if (!run_is_first(r))
		return TT_OK;
	if ((st = specfile_text(r->arena, r->file.spec, "train.init.from", &from)) != TT_OK || !*from)
		return st;
	if (r->resume && ((st = paths_last(r->arena, r->dir, &last)) != TT_OK || file_exists(last)))
		return st;
	if ((st = tt_origins_new(&r->origins, r->model)) == TT_OK && !r->args->common.quiet)
		origins_print(r->origins, stderr);
	return st;
}

tt_status run_prepare(struct run *r)
{
	enum progress_talk talk;
	tt_status st;

	if ((st = paths_spare(r->args->trace, r->spec)) != TT_OK ||
	    (st = run_load_spec(r)) != TT_OK || (st = run_join(r)) != TT_OK ||
	    (st = check_large(r, r->arena)) != TT_OK ||
	    (st = tt_model_new(&r->model, r->file.spec)) != TT_OK ||
	    (st = machine_environment(r->arena, r->line, &r->environment)) != TT_OK ||
	    (st = paths_kernel_cache(r->arena, r->args->kernel_cache, &r->kernel_cache)) != TT_OK ||
	    (st = run_choose_place(r)) != TT_OK || (st = find_origins(r)) != TT_OK ||
	    (run_is_first(r) && (st = track_open(r)) != TT_OK))
		return st;
	talk = r->args->common.quiet || !run_is_first(r) ? PROGRESS_QUIET : PROGRESS_TALK;
	progress_init(&r->progress, talk);
	doing_show(talk);
	if (r->resume && !r->args->common.quiet && run_is_first(r))
		changed_tell(r->dir, r->file.spec);
	st = tt_trainer_new(&r->trainer, r->model, TT_TRAINER_OPTS(
		.run_dir = r->dir, .resume = r->resume, .kernel_cache = r->kernel_cache,
		.environment = r->environment.p, .trace = r->args->trace, .group = r->group,
		.stop = stop_asked));
	if (st != TT_OK)
		return specfile_hint(&r->file, st);
	if ((st = track_observe(r)) != TT_OK)
		return st;
	if (r->args->report && run_is_first(r) &&
	    (st = tt_trainer_observe(r->trainer, TT_OBSERVER(.ctx = &r->epochs, .event = epochs_event,
	                                                     .close = epochs_close))) != TT_OK)
		return st;
	return tt_trainer_observe(r->trainer, TT_OBSERVER(.ctx = &r->progress,
	                                                  .event = progress_event));
}
void run_release(struct run *r)
{
	tt_recorder_close(&r->recorder, TT_EINTERNAL);
	tt_trainer_free(&r->trainer);
	track_close(r);
	tt_group_close(&r->group);           /* who has left already is no news now */
	tt_origins_free(&r->origins);
	tt_model_free(&r->model);
	specfile_release(&r->file);
	str_release(&r->environment);
}
