/* Every allocation and every write of a short training made to fail, one after the other: an error
 * comes back, nothing leaks, and the checkpoint that was there last still loads. */
#include "support/support.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tutti/session.h"
#include "tutti/train.h"

static char dir[1024], run[1100], last[1200], best[1200], spec[4096];

static const char rows[] =
	"a,b,label\n" "1,0,yes\n" "0,1,no\n" "1,1,yes\n" "0,0,no\n" "0.5,0,yes\n" "0,0.5,no\n";

static const char layout[] =
	"name: fault\n"
	"data: {train: 'csv:%s', valid: 'csv:%s', prefetch: 0}\n"
	"model:\n"
	"  input: [2]\n"
	"  layers:\n"
	"    - dense: {name: fc1, out: 20, activation: relu}\n"
	"    - dense: {name: fc2, out: 20, activation: relu}\n"
	"    - dense: {name: fc3, out: 2}\n"
	"train:\n"
	"  epochs: 2\n"
	"  batch: 4\n"
	"  threads: 1\n"
	"  tune_kernels: no\n"
	"  optimizer: {kind: adam, lr: 0.01}\n"
	"  checkpoint: {keep: 1}\n"
	"  tensorboard: {every_steps: 1}\n"
	"distribute: {factors: yes}\n";

static int prepare(void **state)
{
	char csv[1100];

	(void)state;
	snprintf(dir, sizeof dir, "%s", test_temp_dir());
	snprintf(run, sizeof run, "%s/run", dir);
	snprintf(last, sizeof last, "%s/checkpoints/last.safetensors", run);
	snprintf(best, sizeof best, "%s/checkpoints/best.safetensors", run);
	snprintf(csv, sizeof csv, "%s/rows.csv", dir);
	snprintf(spec, sizeof spec, layout, csv, csv);
	return file_write_all(csv, rows, strlen(rows)) == TT_OK ? 0 : -1;
}

/* From the spec's text to a trained model, and all of it freed. */
static tt_status train_by(int workers, const char *strategy)
{
	tt_spec *s = NULL;
	tt_model *m = NULL;
	tt_trainer *t = NULL;
	tt_status st;

	if ((st = tt_spec_parse(&s, "fault.yaml", spec)) == TT_OK &&
	    (st = tt_spec_set(s, "distribute.strategy", strategy)) == TT_OK &&
	    (st = tt_model_new(&m, s)) == TT_OK &&
	    (st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = run, .environment = "{}",
	                                                .workers = workers))) == TT_OK)
		st = tt_trainer_run(t);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&s);
	return st;
}

static tt_status train_once(void) { return train_by(1, "allreduce"); }

/* The gradient of the second layer travels as factors. */
static tt_status train_by_two(void) { return train_by(2, "allreduce"); }

/* Two that wait for one another between epochs only. */
static tt_status train_by_threads(void) { return train_by(2, "hogwild"); }

/* Load and predict, the other half of a model's life. */
static tt_status predict_once(void)
{
	static const float x[3 * 2] = { 1, 0, 0, 1, 1, 1 };
	float y[3 * 2];
	tt_model *m = NULL;
	tt_session *p = NULL;
	tt_source *s = NULL;
	tt_metrics metrics = TT_SIZED(tt_metrics);
	char uri[1200];
	tt_status st;

	snprintf(uri, sizeof uri, "csv:%s/rows.csv", dir);
	if ((st = tt_model_load(&m, last)) == TT_OK &&
	    (st = tt_session_new(&p, m, TT_SESSION_OPTS(.threads = 1))) == TT_OK &&
	    (st = tt_session_run(p, x, 3, y)) == TT_OK && (st = tt_source_open(&s, uri)) == TT_OK)
		st = tt_session_evaluate(p, s, &metrics);
	tt_free(metrics.confusion);
	tt_source_close(&s);
	tt_session_free(&p);
	tt_model_free(&m);
	return st;
}

static void check_checkpoint(const char *path, uint64_t n)
{
	tt_model *m = NULL;

	if (file_exists(path) && tt_model_load(&m, path) != TT_OK)
		fail_msg("after failure %llu: %s", (unsigned long long)n, tt_last_error());
	tt_model_free(&m);
}

static void check_leftovers(const char *pattern, uint64_t n)
{
	glob_t found = {0};

	if (glob(pattern, 0, NULL, &found) == 0)
		fail_msg("failure %llu leaves %s behind", (unsigned long long)n, found.gl_pathv[0]);
	globfree(&found);
}

static void check_after(tt_status st, int64_t live, uint64_t n)
{
	if (st == TT_OK)
		fail_msg("failure %llu went unnoticed", (unsigned long long)n);
	if (!*tt_last_error())
		fail_msg("failure %llu has no text", (unsigned long long)n);
	if (mem_live() != live)
		fail_msg("failure %llu leaks %lld blocks: %s", (unsigned long long)n,
		         (long long)(mem_live() - live), tt_last_error());
	check_checkpoint(last, n);
	check_checkpoint(best, n);
	check_leftovers(test_path(run, "*.tmp.*"), n);
	check_leftovers(test_path(run, "checkpoints/*.tmp.*"), n);
}

/* Of several workers one may hear of it from another; and how many allocations there are is up to
 * their threads: the last ones may not come. */
struct failing { tt_status (*work)(void); uint64_t times; int workers; };

/* times: 1 for one that fails, more for memory that is gone for good. */
static void fail_allocations(struct failing f)
{
	int64_t live;
	uint64_t n, all;
	tt_status st;

	assert_ok(f.work());                    /* also fills what is kept once per process */
	n = mem_count();
	assert_ok(f.work());
	all = mem_count() - n;
	live = mem_live();
	printf("%llu allocations\n", (unsigned long long)all);
	for (uint64_t i = 1; i <= all; i++) {
		mem_fail_at(i, f.times);
		n = mem_count();
		st = f.work();
		mem_fail_at(0, 0);
		if (st == TT_OK && f.workers > 1 && mem_count() - n < i)
			continue;
		check_after(st, live, i);
		if (st != TT_ENOMEM && (f.workers == 1 || st != TT_EPEER))
			fail_msg("failure %llu is called '%s': %s", (unsigned long long)i, tt_status_text(st),
			         tt_last_error());
		assert_error("memory");
	}
}

static void training_survives_every_failed_allocation(void **state)
{
	(void)state;
	fail_allocations((struct failing){ train_once, 1, 1 });
}

static void training_survives_memory_that_is_gone_for_good(void **state)
{
	(void)state;
	fail_allocations((struct failing){ train_once, UINT64_MAX / 2, 1 });
}

static void workers_survive_every_failed_allocation(void **state)
{
	(void)state;
	fail_allocations((struct failing){ train_by_two, 1, 2 });
}

static void threads_on_one_vector_survive_every_failed_allocation(void **state)
{
	(void)state;
	fail_allocations((struct failing){ train_by_threads, 1, 2 });
}

static void prediction_survives_every_failed_allocation(void **state)
{
	(void)state;
	assert_ok(train_once());
	fail_allocations((struct failing){ predict_once, 1, 1 });
}

static void training_survives_every_failed_write(void **state)
{
	int64_t live;
	uint64_t n, all;
	tt_status st;

	(void)state;
	assert_ok(train_once());
	n = file_write_count();
	assert_ok(train_once());
	all = file_write_count() - n;
	printf("%llu writes\n", (unsigned long long)all);
	assert_true(all > 50);
	live = mem_live();
	for (uint64_t i = 1; i <= all; i++) {
		file_fail_at(i);
		st = train_once();
		file_fail_at(0);
		check_after(st, live, i);
		if (st != TT_EIO)
			fail_msg("failure %llu is called '%s': %s", (unsigned long long)i, tt_status_text(st),
			         tt_last_error());
		assert_error("No space left on device");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(training_survives_every_failed_write),
		cmocka_unit_test(training_survives_every_failed_allocation),
		cmocka_unit_test(training_survives_memory_that_is_gone_for_good),
		cmocka_unit_test(workers_survive_every_failed_allocation),
		cmocka_unit_test(threads_on_one_vector_survive_every_failed_allocation),
		cmocka_unit_test(prediction_survives_every_failed_allocation),
	};

	/* Some thousand checkpoints, each synced: memory does as well as a disk. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, prepare, NULL);
}
