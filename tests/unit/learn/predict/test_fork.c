/* A process forks, whatever it has done so far: the child computes, or is told why it cannot. */
#include "support/support.h"
#include "support/tiny.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES 16
#define CHILD_SECONDS 40             /* a child that hangs is killed */

static float x[SAMPLES * 64], want[SAMPLES * 3];

/* In the child a failed assertion must not run the parent's other tests. */
#define must(good) do { if (!(good)) fail_child(#good, __LINE__); } while (0)
static void fail_child(const char *what, int line)
{
	fprintf(stderr, "in the child, line %d: %s (%s)\n", line, what, tt_last_error());
	fflush(stderr);
	_exit(1);
}

static tt_status session_of(tt_session **out, int threads)
{
	tt_spec *spec = NULL;
	tt_model *m = NULL;
	tt_status st;

	if ((st = tt_spec_parse(&spec, "tiny.yaml", tiny_conv)) == TT_OK &&
	    (st = tt_model_new(&m, spec)) == TT_OK)
		st = tt_session_new(out, m, TT_SESSION_OPTS(.batch = SAMPLES, .threads = threads));
	tt_model_free(&m);
	tt_spec_free(&spec);
	return st;
}

static int is_right(const float *y)
{
	for (int i = 0; i < SAMPLES * 3; i++)
		if (!(y[i] - want[i] < 1e-5f && want[i] - y[i] < 1e-5f))
			return 0;
	return 1;
}

static void predict_and_train(int threads)
{
	char text[8];
	float y[SAMPLES * 3];
	tt_session *s = NULL;
	tt_spec *spec = NULL;
	tt_model *m = NULL;
	tt_trainer *t = NULL;
	int more;

	snprintf(text, sizeof text, "%d", threads);
	must(session_of(&s, threads) == TT_OK);
	must(tt_session_run(s, x, SAMPLES, y) == TT_OK && is_right(y));
	must(tt_spec_parse(&spec, "tiny.yaml", tiny_conv) == TT_OK);
	must(tt_spec_set(spec, "train.threads", text) == TT_OK);
	must(tt_model_new(&m, spec) == TT_OK && tt_trainer_new(&t, m, NULL) == TT_OK);
	must(tt_trainer_step(t, &more) == TT_OK && more);
	must(tt_trainer_run(t) == TT_OK);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&spec);
	tt_session_free(&s);
}

/* Run f in a child; it must come to its end, with no signal left blocked. */
static void in_child(void (*f)(void *ctx), void *ctx)
{
	sigset_t mask;
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		alarm(CHILD_SECONDS);
		f(ctx);
		pthread_sigmask(SIG_SETMASK, NULL, &mask);
		must(sigisemptyset(&mask));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status %#x", (unsigned)status);
}

static void alone(void *ctx) { (void)ctx; predict_and_train(1); }
static void by_two(void *ctx) { (void)ctx; predict_and_train(2); }
static void by_all(void *ctx) { (void)ctx; predict_and_train(0); }

static void use(void *ctx)
{
	float y[SAMPLES * 3];

	must(tt_session_run(ctx, x, SAMPLES, y) == TT_OK && is_right(y));
}

/* Whatever comes first, before this thread has computed with several. */
static void before_anything_all_works(void **state)
{
	tt_session *s;
	tt_model *m;

	(void)state;
	in_child(by_two, NULL);
	m = tiny_model(tiny_conv, NULL);
	in_child(alone, NULL);
	in_child(by_two, NULL);
	assert_ok(session_of(&s, 1));
	in_child(by_two, NULL);
	in_child(use, s);
	assert_ok(tt_session_run(s, x, SAMPLES, want));
	in_child(use, s);
	in_child(by_two, NULL);
	tt_session_free(&s);
	assert_ok(session_of(&s, 2));            /* has not run yet */
	in_child(use, s);
	tt_session_free(&s);
	tt_model_free(&m);
}

static void *use_in_thread(void *s)
{
	use(s);
	return NULL;
}

static void use_lost(void *s)
{
	float y[SAMPLES * 3];
	pthread_t t;

	must(tt_session_run(s, x, SAMPLES, y) == TT_ESUPPORT);
	must(strstr(tt_last_error(), "from which this one was forked"));
	must(pthread_create(&t, NULL, use_in_thread, s) == 0);     /* it has a pool of its own */
	pthread_join(t, NULL);
	tt_session_free((tt_session **)&s);
}

static void after_two_threads_a_word_or_one_thread(void **state)
{
	float y[SAMPLES * 3];
	tt_session *s;

	(void)state;
	assert_ok(session_of(&s, 2));
	assert_ok(tt_session_run(s, x, SAMPLES, y));
	in_child(use_lost, s);
	in_child(alone, NULL);
	in_child(by_all, NULL);                  /* all there are: one */
	assert_ok(tt_session_run(s, x, SAMPLES, y));
	tt_session_free(&s);
	in_child(alone, NULL);
}

/* A trainer's threads stay behind, too: it is made anew. */
static void use_trainer(void *t)
{
	int more;

	must(tt_trainer_step(t, &more) == TT_ESUPPORT);
	must(strstr(tt_last_error(), "process"));
	must(tt_trainer_run(t) == TT_ESUPPORT);
	predict_and_train(1);
}

static void a_trainer_stays_where_it_was_made(void **state)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_trainer *t;
	int more;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_step(t, &more));
	in_child(use_trainer, t);
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* Another thread is in the middle of a request as this one forks. */
static void *keep_asking(void *s)
{
	float y[SAMPLES * 3];

	for (int i = 0; i < 3000; i++)
		tt_session_run(s, x, 1 + i % SAMPLES, y);
	return NULL;
}

static void another_threads_request_is_no_hindrance(void **state)
{
	tt_session *s;
	pthread_t t;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	test_skip("the sanitizer's heap does not survive a fork amid another thread's request");
#endif
	assert_ok(session_of(&s, 1));
	assert_ok(tt_session_warm(s, (const int64_t[]){ SAMPLES }, 1));
	assert_int_equal(pthread_create(&t, NULL, keep_asking, s), 0);
	for (int i = 0; i < 20; i++)
		in_child(use, s);
	pthread_join(t, NULL);
	tt_session_free(&s);
}

static int fill(void **state)
{
	tt_session *s;

	(void)state;
	for (int i = 0; i < SAMPLES * 64; i++)
		x[i] = (float)(i * 7919 % 1000) / 500 - 1;
	assert_ok(session_of(&s, 1));
	assert_ok(tt_session_run(s, x, SAMPLES, want));
	tt_session_free(&s);
	return 0;
}

int main(void)
{
#ifndef _OPENMP
	/* Where loops are not ours to count (thread.h), oneDNN's pool is not either. */
	fprintf(stderr, "skipped: loops of this build are inline, oneDNN's are not\n");
	return 77;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_anything_all_works),
		cmocka_unit_test(another_threads_request_is_no_hindrance),
		cmocka_unit_test(a_trainer_stays_where_it_was_made),
		cmocka_unit_test(after_two_threads_a_word_or_one_thread),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
