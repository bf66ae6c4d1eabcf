#include "support/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "learn/observe/run_lock.h"
#include "sys/thread.h"

#define RACERS 6
#define RACES 12

static const struct run_lock_how ways[] = {
	{ .way = RUN_LOCK_FLOCK, .beat = 0.05, .patience = 0.5 },
	{ .way = RUN_LOCK_NUMBERS, .beat = 0.05, .patience = 0.5 },
};
#define WAYS (sizeof ways / sizeof *ways)

static void pause_for(double seconds)
{
	usleep((useconds_t)(1e6 * seconds));
}

/* What racing processes tell the test. */
struct race { atomic_int go, inside, most, won, lost, other; };

static void racer(const char *dir, const struct run_lock_how *how, struct race *r)
{
	struct run_lock *l = NULL;
	tt_status st;
	int now, most;

	while (!atomic_load(&r->go))
		;
	st = run_lock_take(&l, dir, how);
	atomic_fetch_add(st == TT_OK ? &r->won : st == TT_EBUSY ? &r->lost : &r->other, 1);
	if (st != TT_OK)
		_exit(0);
	now = atomic_fetch_add(&r->inside, 1) + 1;
	for (most = atomic_load(&r->most); now > most;)
		if (atomic_compare_exchange_weak(&r->most, &most, now))
			break;
	pause_for(0.02);
	atomic_fetch_sub(&r->inside, 1);
	if (getpid() % 3 == 0)
		_exit(0);                       /* killed, so to say */
	run_lock_give(&l);
	_exit(0);
}

static void of_many_that_start_at_once_one_has_it_at_a_time(void **state)
{
	struct race *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                      0);
	const char *dir = test_temp_dir();

	(void)state;
	for (int i = 0; i < RACES * (int)WAYS; i++) {
		memset(r, 0, sizeof *r);
		for (int k = 0; k < RACERS; k++)
			if (!fork())
				racer(dir, &ways[i % (int)WAYS], r);
		atomic_store(&r->go, 1);
		for (int k = 0; k < RACERS; k++)
			wait(NULL);
		assert_int_equal(atomic_load(&r->most), 1);
		assert_int_equal(atomic_load(&r->other), 0);
		assert_int_equal(atomic_load(&r->won) + atomic_load(&r->lost), RACERS);
	}
	munmap(r, sizeof *r);
}

static void who_comes_second_hears_who_has_it(void **state)
{
	struct run_lock *first, *second = NULL;
	char host[64] = "", pid[32];

	(void)state;
	gethostname(host, sizeof host - 1);
	snprintf(pid, sizeof pid, "process %ld on host ", (long)getpid());
	for (size_t i = 0; i < WAYS; i++) {
		const char *dir = test_temp_dir();

		assert_ok(run_lock_take(&first, dir, &ways[i]));
		assert_status(run_lock_take(&second, dir, &ways[i]), TT_EBUSY);
		assert_error(pid);
		assert_error(host);
		assert_error("or name another folder");
		assert_ok(run_lock_check(first));
		run_lock_give(&first);
		assert_ok(run_lock_take(&second, dir, &ways[i]));
		run_lock_give(&second);
	}
}

/* A requeued job begins when the one before was killed, perhaps a moment ago. */
static void a_holder_that_was_killed_leaves_it_to_the_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		const char *dir = test_temp_dir();
		struct run_lock *l;
		int ready[2];
		char c;
		pid_t child;

		assert_int_equal(pipe(ready), 0);
		if (!(child = fork())) {
			c = run_lock_take(&l, dir, &ways[i]) == TT_OK;
			_exit(write(ready[1], &c, 1) == 1 && pause());
		}
		assert_int_equal(read(ready[0], &c, 1), 1);
		assert_int_equal(c, 1);
		assert_status(run_lock_take(&l, dir, &ways[i]), TT_EBUSY);
		kill(child, SIGKILL);
		if (i)
			waitpid(child, NULL, 0);
		assert_ok(run_lock_take(&l, dir, &ways[i]));
		waitpid(child, NULL, 0);
		run_lock_give(&l);
		close(ready[0]);
		close(ready[1]);
	}
}

/* The record of a holder on another machine, whose flock this one does not see. */
static void write_far(const char *path, long count)
{
	char text[600];
	int n = snprintf(text, sizeof text, "pid 4711\nhost elsewhere\nsince 2026-01-01T00:00:00\n"
	                 "beat %ld\nborn 1\nwhere other/pid\ntoken elsewhere.4711\n", count);
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	assert_true(fd >= 0 && write(fd, text, (size_t)n) == n);
	close(fd);
}

static const char *file_of(const char *dir, size_t way)
{
	return test_path(dir, ways[way].way == RUN_LOCK_FLOCK ? "lock" : "lock.3");
}

struct far { char path[1024]; atomic_int quit; };

static void beat_far(void *ctx)
{
	struct far *f = ctx;

	for (long i = 2; !atomic_load(&f->quit); i++) {
		pause_for(0.05);
		write_far(f->path, i);
	}
}

static void a_holder_elsewhere_has_it_while_its_beat_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		const char *dir = test_temp_dir();
		struct far far = { 0 };
		struct run_lock *l;
		struct thread *t;

		strcpy(far.path, file_of(dir, i));
		write_far(far.path, 1);
		assert_ok(thread_start(&t, "far", beat_far, &far));
		assert_status(run_lock_take(&l, dir, &ways[i]), TT_EBUSY);
		assert_error("process 4711 on host elsewhere");
		atomic_store(&far.quit, 1);
		thread_join(&t);
		assert_ok(run_lock_take(&l, dir, &ways[i]));    /* it died, and so did its beat */
		run_lock_give(&l);
	}
}

static int stop(void *ctx) { return ++*(int *)ctx > 3; }

static void waiting_for_it_can_be_stopped(void **state)
{
	const char *dir = test_temp_dir();
	struct run_lock_how how = ways[0];
	struct run_lock *l;
	int asked = 0;

	(void)state;
	how.patience = 60;
	how.stop = stop;
	how.ctx = &asked;
	write_far(file_of(dir, 0), 1);
	assert_status(run_lock_take(&l, dir, &how), TT_ESTOPPED);
}

static void who_has_lost_it_is_told_before_it_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		const char *dir = test_temp_dir();
		struct run_lock *l;

		assert_ok(run_lock_take(&l, dir, &ways[i]));
		unlink(test_path(dir, ways[i].way == RUN_LOCK_FLOCK ? "lock" : "lock.1"));
		write_far(file_of(dir, i), 1);
		assert_status(run_lock_check(l), TT_EBUSY);
		run_lock_give(&l);
		assert_true(file_exists(file_of(dir, i)));      /* it is another's */
	}
}

static void a_record_that_is_no_record_stops_nobody(void **state)
{
	static const char *const text[] = { "", "pid x", "pid 99999999999999999999 host",
	                                    "\xff\xff\n" };

	(void)state;
	for (size_t i = 0; i < WAYS; i++)
		for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
			const char *dir = test_temp_dir();
			struct run_lock *l;

			assert_ok(file_write_all(file_of(dir, i), text[k], strlen(text[k])));
			assert_ok(run_lock_take(&l, dir, &ways[i]));
			run_lock_give(&l);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_many_that_start_at_once_one_has_it_at_a_time),
		cmocka_unit_test(who_comes_second_hears_who_has_it),
		cmocka_unit_test(a_holder_that_was_killed_leaves_it_to_the_next),
		cmocka_unit_test(a_holder_elsewhere_has_it_while_its_beat_goes_on),
		cmocka_unit_test(waiting_for_it_can_be_stopped),
		cmocka_unit_test(who_has_lost_it_is_told_before_it_writes),
		cmocka_unit_test(a_record_that_is_no_record_stops_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
