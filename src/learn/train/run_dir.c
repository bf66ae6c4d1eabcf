/* run_dir.c -- the run folder:
 *
 *   spec.yaml  environment.json  log.txt  metrics.csv  curves.svg  events.out.tfevents...
 *   checkpoints/last.safetensors  best.safetensors  step-00001234.safetensors ... */
#include "learn/train/trainer.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define CHECKPOINTS "checkpoints"

tt_status run_dir_paths(struct tt_trainer *t, const char *dir)
{
	size_t n = strlen(dir);
	tt_status st;

	if (!n)
		return err_set(TT_EINVAL, "run_dir is empty: name a folder, or none (NULL)");
	while (n > 1 && dir[n - 1] == '/')
		n--;
	str_add_bytes(&t->dir, dir, n);
	if ((st = str_status(&t->dir)) != TT_OK)
		return st;
	str_addf(&t->last, "%s/" CHECKPOINTS "/last.safetensors", t->dir.p);
	str_addf(&t->best, "%s/" CHECKPOINTS "/best.safetensors", t->dir.p);
	return (st = str_status(&t->last)) != TT_OK ? st : str_status(&t->best);
}

static tt_status write_text(const struct tt_trainer *t, const char *name, const char *text)
{
	struct str path = {0};
	tt_status st;

	str_addf(&path, "%s/%s", t->dir.p, name);
	if ((st = str_status(&path)) == TT_OK)
		st = file_write_all(path.p, text, strlen(text));
	str_release(&path);
	return st;
}

static tt_status write_spec(const struct tt_trainer *t)
{
	char *text;
	tt_status st = tt_spec_text(t->model->spec, &text);

	if (st != TT_OK)
		return st;
	st = write_text(t, "spec.yaml", text);
	tt_free(text);
	return st;
}

/* A run that was killed while it wrote leaves a file that nobody will finish. */
static void sweep(const struct tt_trainer *t, const char *checkpoints)
{
	static const char *const own[] = { "spec.yaml", "environment.json", "curves.svg", NULL };
	static const char *const saved[] = { ".safetensors", NULL };

	file_sweep(t->dir.p, own);
	file_sweep(checkpoints, saved);
}

tt_status run_dir_make(struct tt_trainer *t, const char *environment)
{
	struct str checkpoints = {0};
	tt_status st;

	str_addf(&checkpoints, "%s/" CHECKPOINTS, t->dir.p);
	if ((st = str_status(&checkpoints)) == TT_OK)
		st = file_mkdirs(checkpoints.p);
	if (st == TT_OK)
		sweep(t, checkpoints.p);
	str_release(&checkpoints);
	if (st == TT_OK)
		st = write_spec(t);
	if (st == TT_OK && environment)
		st = write_text(t, "environment.json", environment);
	return st;
}

tt_status trainer_observers(struct tt_trainer *t)
{
	static tt_status (*const make[])(struct observer **, const struct observer_opts *) = {
		observer_log, observer_metrics_csv, observer_tensorboard,
	};
	const struct observer_opts o = {
		.dir = t->dir.p, .model = trainer_whole(t), .resumed = t->resumed,
		.info = tt_source_describe(t->train_source),
	};
	tt_status st;

	for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
		if (make[i] == observer_tensorboard && t->opts->tensorboard.every_steps <= 0)
			continue;
		if ((st = make[i](&t->observer[t->n_observers], &o)) != TT_OK)
			return st;
		t->n_observers++;
	}
	return TT_OK;
}
