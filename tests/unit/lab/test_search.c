/* Searches: what trials say, the journal, and what is left after a crash at any moment. */
#include "support/support.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/model.h>
#include <tutti/search.h>

#include "base/file.h"
#include "base/mem.h"
#include "lab/pool/command.h"
#include "lab/pool/launcher.h"
#include "lab/pool/lines.h"

/* ---- lines ---- */

#define REPORTS 8
struct heard { struct lines_report r[REPORTS]; int n; };

static void note(void *ctx, const struct lines_report *r)
{
	struct heard *h = ctx;

	assert_in_range(h->n, 0, REPORTS - 1);
	h->r[h->n++] = *r;
}

/* What is heard, whether the text comes at once or byte by byte. */
static void listen(const char *text, size_t size, struct heard *out)
{
	static const char *const names[] = { "acc", "loss" };
	struct lines whole = { .name = names, .n = 2 }, bytes = { .name = names, .n = 2 };
	struct heard other = {0};

	*out = (struct heard){0};
	lines_take(&whole, text, size, note, out);
	lines_finish(&whole, note, out);
	for (size_t i = 0; i < size; i++)
		lines_take(&bytes, text + i, 1, note, &other);
	lines_finish(&bytes, note, &other);
	assert_int_equal(other.n, out->n);
	lines_release(&whole);
	lines_release(&bytes);
}

static void test_metrics_are_found_in_what_a_trial_prints(void **state)
{
	static const struct { const char *text; int64_t step; double acc, loss; } rows[] = {
		{ "step=3 acc=0.5, loss=1\n", 3, 0.5, 1 },
		{ "acc=0.5 loss=1", 1, 0.5, 1 },                        /* no end of line, no step */
		{ "epoch 1: acc=0.5; loss=1e-3;\r\n", 1, 0.5, 1e-3 },
		{ "{\"epoch\": 7, \"acc\": 0.5, \"loss\": 1, \"more\": [1, {\"acc\": 2}]}\n", 7, 0.5, 1 },
		{ "step=2 acc=0.5\nstep=2 loss=1\n", 2, 0.5, 1 },        /* one after the other */
		{ "step=1 acc=0.1\nstep=2 acc=0.5 loss=1\n", 2, 0.5, 1 },
		{ "noise\n\xff\x01{]\n{\"acc\": \nacc=none loss=\nacc=0.5 loss=1\n", 1, 0.5, 1 },
		{ "step=0 acc=0.5 loss=1\n", 1, 0.5, 1 },                /* who counts from zero */
		{ "acc=0.5 loss=nan\n", 1, 0.5, NAN },
	};
	struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		listen(rows[i].text, strlen(rows[i].text), &h);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.r[0].step, rows[i].step);
		assert_true(h.r[0].value[0] == rows[i].acc);
		assert_true(h.r[0].value[1] == rows[i].loss || isnan(rows[i].loss));
	}
}

static void test_a_line_too_long_or_with_zeros_costs_no_other(void **state)
{
	const size_t n = 200000;
	char *text = mem_alloc(n + 64);
	struct heard h;

	(void)state;
	memset(text, 'x', n);
	memcpy(text, "acc=1 loss=2", 12);
	strcpy(text + n, "\nacc=3 loss=4\n");
	listen(text, n + strlen(text + n), &h);
	assert_int_equal(h.n, 1);
	assert_true(h.r[0].value[0] == 3);
	listen("acc=0\0.5 loss=1\n", 16, &h);
	assert_int_equal(h.n, 1);
	mem_free(text);
}

/* ---- a search in this process ---- */

static const char *const metric[] = { "y" };
static const enum tt_direction up[] = { TT_MAXIMIZE };

static tt_study *study_of(const char *scheduler, int64_t trials)
{
	tt_space *space = NULL;
	tt_study *s = NULL;

	assert_ok(tt_space_new(&space));
	assert_ok(tt_space_add(space, "x", "0..1"));
	assert_ok(tt_space_add(space, "kind", "a,b"));
	assert_ok(tt_study_new(&s, space, TT_STUDY_OPTS(
		.scheduler = scheduler, .scheduler_options = !strcmp(scheduler, "asha") ? "{max: 9}" : NULL,
		.objectives = metric, .directions = up, .n_objectives = 1, .trials = trials, .seed = 7)));
	tt_space_free(&space);
	return s;
}

static double value_of(const tt_study *s, int64_t trial)
{
	tt_value v = TT_SIZED(tt_value);

	assert_ok(tt_study_value(s, trial, 0, &v));
	return v.number;
}

/* Nine steps, each a little better than the one before. */
static tt_status climb(void *ctx, tt_search *s, const tt_attempt *a, double *values)
{
	const int64_t trial = a->suggestion->trial;
	enum tt_verdict v = TT_GO_ON;
	tt_status st = TT_OK;

	if (ctx)
		usleep(*(const useconds_t *)ctx);
	for (int64_t step = 1; st == TT_OK && step <= 9 && v == TT_GO_ON; step++) {
		values[0] = value_of(a->study, trial) + 0.01 * (double)step;
		st = tt_search_report(s, trial, step, values, &v);
	}
	return st;
}

static tt_search_opts calls(const char *dir, int resume)
{
	return (tt_search_opts){ .size = sizeof(tt_search_opts), .dir = dir, .resume = resume,
	                         .about = "a test", .objectives = metric, .n_objectives = 1,
	                         .objective = climb };
}

static char *text_of(const char *dir, size_t *size)
{
	char *read = NULL;

	assert_ok(file_read_all(test_path(dir, "journal.jsonl"), 0, &read, size));
	return read;
}

/* Without a sync: there are many. */
static void write_text(const char *dir, const char *text, size_t size)
{
	FILE *f = fopen(test_path(dir, "journal.jsonl"), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Both studies know the same of each trial. */
static void assert_same(const tt_study *a, const tt_study *b)
{
	assert_int_equal(tt_study_count(a), tt_study_count(b));
	for (int64_t i = 0; i < tt_study_count(a); i++) {
		tt_trial x = TT_SIZED(tt_trial), y = TT_SIZED(tt_trial);

		assert_ok(tt_study_trial(a, i, &x));
		assert_ok(tt_study_trial(b, i, &y));
		assert_int_equal(x.state, y.state);
		assert_int_equal(x.step, y.step);
		assert_true(x.results[0] == y.results[0]);
		assert_true(value_of(a, i) == value_of(b, i));
	}
}

static tt_study *run_whole(const char *dir, const char *scheduler, int resume)
{
	const tt_search_opts o = calls(dir, resume);
	tt_study *study = study_of(scheduler, 12);
	tt_search *s = NULL;

	assert_ok(tt_search_new(&s, study, &o));
	assert_ok(tt_search_run(s));
	tt_search_free(&s);
	return study;
}

/* A crash after any byte: the journal ends there, and what goes on comes to the same end. */
static void test_a_search_cut_at_any_line_comes_to_the_same_end(void **state)
{
	static const char *const schedulers[] = { "none", "asha" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		const char *dir = test_temp_dir();
		tt_study *whole = run_whole(dir, schedulers[k], 0);
		size_t size;
		char *text = text_of(dir, &size);

		for (size_t cut = 0; cut <= size; cut += 149) {
			tt_study *again;

			write_text(dir, text, cut);
			again = run_whole(dir, schedulers[k], 1);
			assert_same(whole, again);
			tt_study_free(&again);
		}
		mem_free(text);
		tt_study_free(&whole);
	}
}

/* Of each trial one end stands in the journal, however often its search was killed. */
static void assert_ends_once(const char *dir, int trials)
{
	size_t size;
	char *text = text_of(dir, &size), want[64];

	for (int i = 0; i < trials; i++) {
		int n = 0;

		snprintf(want, sizeof want, "{\"event\": \"end\", \"trial\": %d,", i);
		for (char *p = text; (p = strstr(p, want)); p++)
			n++;
		assert_int_equal(n, 1);
	}
	mem_free(text);
}

static void test_a_search_killed_at_random_loses_nothing(void **state)
{
	static useconds_t nap = 200;
	const char *dir = test_temp_dir();
	tt_study *left, *whole = run_whole(test_temp_dir(), "none", 0);

	(void)state;
	for (int i = 0; i < 50; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			tt_search_opts o = calls(dir, file_exists(test_path(dir, "journal.jsonl")));
			tt_study *study = study_of("none", 12);
			tt_search *s = NULL;

			o.ctx = &nap;
			if (tt_search_new(&s, study, &o) != TT_OK)
				_exit(1);
			tt_search_run(s);
			_exit(0);
		}
		usleep((useconds_t)(rand() % 3000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	left = run_whole(dir, "none", file_exists(test_path(dir, "journal.jsonl")));
	assert_same(whole, left);
	assert_ends_once(dir, 12);
	tt_study_free(&whole);
	tt_study_free(&left);
}

static void test_what_cannot_be_gone_on_with_is_refused(void **state)
{
	const char *dir = test_temp_dir();
	tt_study *study = run_whole(dir, "none", 0), *new = study_of("none", 12);
	tt_search_opts o = calls(dir, 0);
	tt_search *s = NULL, *second = NULL;
	size_t size, at;
	char *text;

	(void)state;
	assert_status(tt_search_new(&s, new, &o), TT_EINVAL);
	assert_error("holds a search already");
	o.resume = 1;
	o.about = "another";
	assert_status(tt_search_new(&s, new, &o), TT_EINVAL);
	assert_error("other settings");
	o = calls(dir, 1);
	tt_study_free(&new);
	new = study_of("none", 12);
	assert_ok(tt_search_new(&s, new, &o));
	assert_status(tt_search_new(&second, study, &o), TT_EINVAL);      /* no new study */
	tt_study_free(&study);
	study = study_of("none", 12);
	assert_status(tt_search_new(&second, study, &o), TT_EBUSY);
	assert_error("process ");
	tt_search_free(&s);
	text = text_of(dir, &size);
	at = strcspn(text, "\n") + 1;
	memset(text + at, '?', 7);
	assert_ok(file_write_all(test_path(dir, "journal.jsonl"), text, size));
	assert_status(tt_search_new(&second, study, &o), TT_EFORMAT);
	assert_error("journal.jsonl:2");
	mem_free(text);
	o = calls(test_temp_dir(), 1);
	assert_status(tt_search_new(&second, study, &o), TT_ENOENT);
	tt_study_free(&new);
	tt_study_free(&study);
}

/* ---- a full disk ---- */

static int patient(void *ctx)
{
	return *(int *)ctx;
}

static void hear_note(void *ctx, const tt_search_news *n)
{
	if (n->event == TT_SEARCH_NOTE)
		*(int *)ctx = *(int *)ctx;      /* it was told */
}

static tt_status plain(void *ctx, tt_search *s, const tt_attempt *a, double *values)
{
	(void)ctx, (void)s;
	values[0] = value_of(a->study, a->suggestion->trial);
	return TT_OK;
}

static void test_a_full_disk_is_waited_for(void **state)
{
	const char *dir = test_temp_dir();
	int stop = 0;
	tt_search_opts o = calls(dir, 0);
	tt_study *study = study_of("none", 12), *again;
	tt_search *s = NULL;

	(void)state;
	o.objective = plain;
	o.stop = patient;
	o.hear = hear_note;
	o.ctx = &stop;
	assert_ok(tt_search_new(&s, study, &o));
	file_fail_at(5);
	assert_ok(tt_search_run(s));
	file_fail_at(0);
	tt_search_free(&s);
	o.resume = 1;
	again = study_of("none", 12);
	assert_ok(tt_search_new(&s, again, &o));
	assert_same(study, again);
	tt_search_free(&s);
	tt_study_free(&study);
	tt_study_free(&again);
}

/* ---- processes ---- */

struct script { const char *text; const char *mark; };

static tt_status by_shell(void *ctx, const tt_attempt *a, tt_command *out)
{
	const struct script *script = ctx;

	tt_command_add(out, "/bin/sh");
	tt_command_add(out, "-c");
	tt_command_add(out, script->text);
	tt_command_add(out, "trial");
	tt_command_add(out, a->dir);
	return TT_OK;
}

/* Why a trial was lost, for who wonders. */
static void show_lost(void *ctx, const tt_search_news *n)
{
	(void)ctx;
	if (n->event == TT_SEARCH_LOST)
		print_message("trial %d: %s\n", (int)n->trial, n->text);
}

static tt_study *run_script(const char *launcher, struct script *script, tt_search_opts more)
{
	tt_study *study = study_of("none", 3);
	tt_search *s = NULL;

	more.size = sizeof more;
	more.dir = test_temp_dir();
	more.launcher = launcher;
	more.objectives = metric;
	more.n_objectives = 1;
	more.command = by_shell;
	more.hear = show_lost;
	more.ctx = script;
	more.slots = 2;
	assert_ok(tt_search_new(&s, study, &more));
	assert_ok(tt_search_run(s));
	tt_search_free(&s);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);       /* nobody is left */
	return study;
}

static void assert_all(const tt_study *s, enum tt_trial_state state)
{
	for (int64_t i = 0; i < tt_study_count(s); i++) {
		tt_trial t = TT_SIZED(tt_trial);

		assert_ok(tt_study_trial(s, i, &t));
		assert_int_equal(t.state, state);
	}
}

static void test_trials_are_run_by_every_launcher(void **state)
{
	struct script script = { "echo step=1 y=0.5; echo step=2 y=0.75" };
	const char *const words[] = { "local", "env A=1 nice -n 1" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		tt_study *s = run_script(words[i], &script, (tt_search_opts){0});
		tt_trial t = TT_SIZED(tt_trial);

		assert_int_equal(tt_study_count(s), 3);
		assert_all(s, TT_TRIAL_COMPLETED);
		assert_ok(tt_study_trial(s, 2, &t));
		assert_int_equal(t.step, 2);
		assert_true(t.results[0] == 0.75);
		tt_study_free(&s);
	}
	for (const struct launcher *l = launchers; l->name; l++) {
		tt_command c = {0};

		assert_string_equal(tt_search_launchers()[l - launchers], l->name);
		assert_ok(launcher_before(l->name, 4, &c));
		tt_command_add(&c, "true");
		assert_ok(command_status(&c));
		assert_string_equal(c.v[c.n - 1], "true");
		command_release(&c);
	}
}

/* The first two attempts die in the ways that there are. */
static void test_a_trial_that_crashes_runs_again(void **state)
{
	struct script twice = { "n=$(cat $1/n 2>/dev/null || echo 0); echo $((n+1)) >$1/n\n"
		"case $n in 0) kill -9 $$;; 1) echo y=0.1; exit 7;; esac\necho y=0.$n" };
	struct script always = { "echo y=0.9; exit 3" }, silent = { "echo z=1" }, slow = { "sleep 60" };
	tt_study *s = run_script("local", &twice, (tt_search_opts){0});
	tt_trial t = TT_SIZED(tt_trial);

	(void)state;
	assert_all(s, TT_TRIAL_COMPLETED);
	tt_study_free(&s);
	s = run_script("local", &always, (tt_search_opts){ .tries = 2 });
	assert_all(s, TT_TRIAL_FAILED);
	tt_study_free(&s);
	s = run_script("local", &silent, (tt_search_opts){0});
	assert_all(s, TT_TRIAL_FAILED);
	tt_study_free(&s);
	s = run_script("local", &slow, (tt_search_opts){ .timeout = 0.05, .tries = 1 });
	assert_all(s, TT_TRIAL_FAILED);
	assert_ok(tt_study_trial(s, 0, &t));
	assert_null(t.results);
	tt_study_free(&s);
}

static void test_a_command_that_is_none_ends_the_search(void **state)
{
	struct script script = { "exit 127" };
	tt_study *study = study_of("none", 3);
	tt_search *s = NULL;

	(void)state;
	assert_ok(tt_search_new(&s, study, TT_SEARCH_OPTS(
		.dir = test_temp_dir(), .launcher = "no-such-program", .objectives = metric,
		.n_objectives = 1, .command = by_shell, .ctx = &script)));
	assert_status(tt_search_run(s), TT_EINVAL);
	assert_error("no-such-program");
	tt_search_free(&s);
	tt_study_free(&study);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_are_found_in_what_a_trial_prints),
		cmocka_unit_test(test_a_line_too_long_or_with_zeros_costs_no_other),
		cmocka_unit_test(test_a_search_cut_at_any_line_comes_to_the_same_end),
		cmocka_unit_test(test_a_search_killed_at_random_loses_nothing),
		cmocka_unit_test(test_what_cannot_be_gone_on_with_is_refused),
		cmocka_unit_test(test_a_full_disk_is_waited_for),
		cmocka_unit_test(test_trials_are_run_by_every_launcher),
		cmocka_unit_test(test_a_trial_that_crashes_runs_again),
		cmocka_unit_test(test_a_command_that_is_none_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
