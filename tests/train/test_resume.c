/* A run that was stopped and resumed cannot be told from one that was not: same bytes. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/ckpt/ckpt.h"

#define STEPS 8                 /* of tiny_conv */

static void same_files(const char *a, const char *b)
{
	char *x, *y;
	size_t n, m;

	assert_ok(file_read_all(a, 0, &x, &n));
	assert_ok(file_read_all(b, 0, &y, &m));
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	mem_free(x);
	mem_free(y);
}

static void train_whole(const char *text, const char *dir)
{
	tt_model *m = tiny_model(text, NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, tt_trainer_progress(t)->steps);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* n steps by hand, then the stop that a signal would ask for. */
static void train_steps(const char *dir, int n)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_trainer *t;
	int more;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	for (int i = 0; i < n; i++)
		assert_ok(tt_trainer_step(t, &more));
	tt_trainer_stop(t);
	assert_status(tt_trainer_run(t), TT_ESTOPPED);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void resume(const char *dir)
{
	tt_model *m = tiny_model(tiny_conv, "train.seed", "1", NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .resume = "auto")));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, STEPS);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void same_seed_gives_the_same_bytes(void **state)
{
	char a[1024], b[1024];

	(void)state;
	strcpy(a, test_path(test_temp_dir(), "run"));
	strcpy(b, test_path(test_temp_dir(), "run"));
	train_whole(tiny_conv, a);
	train_whole(tiny_conv, b);
	same_files(test_path(a, "checkpoints/last.safetensors"),
	           test_path(b, "checkpoints/last.safetensors"));
	same_files(test_path(a, "checkpoints/best.safetensors"),
	           test_path(b, "checkpoints/best.safetensors"));
}

static void stop_at_any_step_and_resume_gives_the_same_bytes(void **state)
{
	char whole[1024], parts[1024];

	(void)state;
	strcpy(whole, test_path(test_temp_dir(), "run"));
	train_whole(tiny_conv, whole);
	for (int n = 0; n < STEPS; n++) {
		strcpy(parts, test_path(test_temp_dir(), "run"));
		train_steps(parts, n);
		resume(parts);
		same_files(test_path(whole, "checkpoints/last.safetensors"),
		           test_path(parts, "checkpoints/last.safetensors"));
		same_files(test_path(whole, "checkpoints/best.safetensors"),
		           test_path(parts, "checkpoints/best.safetensors"));
		same_files(test_path(whole, "curves.svg"), test_path(parts, "curves.svg"));
	}
}

static int count_rows(const char *dir, const char *start)
{
	char *text;
	size_t size;
	int n = 0;

	assert_ok(file_read_all(test_path(dir, "metrics.csv"), 0, &text, &size));
	for (char *at = text; (at = strstr(at, start)); at++)
		n += at == text || at[-1] == '\n';
	mem_free(text);
	return n;
}

static void rows_of_steps_done_twice_stand_there_once(void **state)
{
	const char *dir = test_path(test_temp_dir(), "run");
	char run[1024], last[1024], kept[1024];

	(void)state;
	strcpy(run, dir);
	strcpy(last, test_path(run, "checkpoints/last.safetensors"));
	strcpy(kept, test_path(run, "checkpoints/kept.safetensors"));
	train_steps(run, 3);
	assert_int_equal(link(last, kept), 0);
	resume(run);
	assert_int_equal(rename(kept, last), 0);        /* as if it had died just after step 3 */
	assert_int_equal(count_rows(run, "6,1,train,loss,"), 1);
	resume(run);
	assert_int_equal(count_rows(run, "2,0,train,loss,"), 1);
	assert_int_equal(count_rows(run, "6,1,train,loss,"), 1);
	assert_int_equal(count_rows(run, "8,1,valid,loss,"), 1);
	assert_int_equal(count_rows(run, "step,epoch"), 1);
}

static void a_finished_run_has_nothing_to_resume(void **state)
{
	char run[1024];
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_trainer *t;
	int more = 1;

	(void)state;
	strcpy(run, test_path(test_temp_dir(), "run"));
	train_whole(tiny_conv, run);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = run, .resume = "auto")));
	assert_int_equal(tt_trainer_progress(t)->step, STEPS);
	assert_int_equal(tt_trainer_progress(t)->epoch, 2);
	assert_ok(tt_trainer_step(t, &more));
	assert_int_equal(more, 0);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void auto_without_a_checkpoint_starts_anew(void **state)
{
	char run[1024];

	(void)state;
	strcpy(run, test_path(test_temp_dir(), "run"));
	resume(run);
}

static void refuse(const char *path, const char *text, tt_status want, const char *message)
{
	tt_model *m = tiny_model(text, NULL);
	tt_trainer *t = NULL;

	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.resume = path)), want);
	assert_null(t);
	assert_error(message);
	tt_model_free(&m);
}

static void refuse_optimizer(const char *path, const char *optimizer, const char *message)
{
	tt_model *m = tiny_model(tiny_conv, "train.optimizer", optimizer, NULL);
	tt_trainer *t = NULL;

	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.resume = path)), TT_ESPEC);
	assert_null(t);
	assert_error(message);
	tt_model_free(&m);
}

static void another_format_is_refused(void **state)
{
	static const char format[] = "\"tutti.format\":\"1\"";
	char run[1024], last[1024], other[1024];
	char *bytes, *at;
	size_t n;

	(void)state;
	strcpy(run, test_path(test_temp_dir(), "run"));
	strcpy(last, test_path(run, "checkpoints/last.safetensors"));
	strcpy(other, test_path(run, "other.safetensors"));
	train_steps(run, 1);
	assert_ok(file_read_all(last, 1 << 24, &bytes, &n));
	assert_non_null(at = memmem(bytes, n, format, sizeof format - 1));
	at[sizeof format - 3] = '9';
	assert_ok(file_write_all(other, bytes, n));
	mem_free(bytes);
	refuse(other, tiny_conv, TT_EFORMAT, "of format 9; this tutti reads format 1");
}

/* Of what a checkpoint holds beside the model: it would go wrong later, and a rate be blamed. */
static void state_that_is_none_is_refused_by_name(void **state)
{
	static const char batch[] = "\"tutti.batch\":\"", slot[] = "\"tutti.optim.exp_avg\":";
	char run[1024], last[1024], other[1024];
	char *bytes, *at;
	const float nan = NAN;
	uint64_t head;
	size_t n;

	(void)state;
	strcpy(run, test_path(test_temp_dir(), "run"));
	strcpy(last, test_path(run, "checkpoints/last.safetensors"));
	strcpy(other, test_path(run, "other.safetensors"));
	train_steps(run, 1);
	assert_ok(file_read_all(last, 1 << 24, &bytes, &n));
	memcpy(&head, bytes, sizeof head);
	assert_non_null(at = memmem(bytes, n, slot, sizeof slot - 1));
	assert_non_null(at = strstr(at, "\"data_offsets\":["));
	memcpy(bytes + 8 + head + strtoull(at + 16, NULL, 10) + 4, &nan, sizeof nan);
	assert_ok(file_write_all(other, bytes, n));
	refuse(other, tiny_conv, TT_ENAN, "1 of the ");
	refuse(other, tiny_conv, TT_ENAN, "numbers of 'tutti.optim.exp_avg' are not finite");
	mem_free(bytes);
	assert_ok(file_read_all(last, 1 << 24, &bytes, &n));
	assert_non_null(at = memmem(bytes, n, batch, sizeof batch - 1));
	for (at += sizeof batch - 1; *at != '"'; at++)
		*at = '0';
	assert_ok(file_write_all(other, bytes, n));
	refuse(other, tiny_conv, TT_EFORMAT, "'tutti.batch' is '0");
	mem_free(bytes);
}

static void what_cannot_be_resumed_is_refused_with_the_reason(void **state)
{
	char run[1024], last[1024], plain[1024];
	tt_model *m = tiny_model(tiny_conv, NULL);

	(void)state;
	strcpy(run, test_path(test_temp_dir(), "run"));
	strcpy(last, test_path(run, "checkpoints/last.safetensors"));
	strcpy(plain, test_path(run, "plain.safetensors"));
	train_steps(run, 1);
	assert_ok(tt_model_save(m, plain));
	tt_model_free(&m);
	refuse(plain, tiny_conv, TT_EFORMAT, "not the state of a training");
	refuse(last, tiny_mlp, TT_ESPEC, "train.optimizer.kind adam, this spec's is sgd");
	refuse_optimizer(last, "{kind: sgd}", "train.optimizer.kind adam, this spec's is sgd");
	refuse_optimizer(last, "{kind: lamb}", "train.optimizer.kind adam, this spec's is lamb");
	refuse(test_path(run, "none.safetensors"), tiny_conv, TT_ENOENT, "none.safetensors");
	refuse("auto", tiny_conv, TT_EINVAL, "run_dir");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_gives_the_same_bytes),
		cmocka_unit_test(stop_at_any_step_and_resume_gives_the_same_bytes),
		cmocka_unit_test(rows_of_steps_done_twice_stand_there_once),
		cmocka_unit_test(a_finished_run_has_nothing_to_resume),
		cmocka_unit_test(auto_without_a_checkpoint_starts_anew),
		cmocka_unit_test(another_format_is_refused),
		cmocka_unit_test(state_that_is_none_is_refused_by_name),
		cmocka_unit_test(what_cannot_be_resumed_is_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
