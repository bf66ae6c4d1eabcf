/* A store of runs: what is written is found again, whoever else writes, and whatever it is made
 * of. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/run.h>

#include "base/file.h"
#include "base/mem.h"
#include "lab/store/store_own.h"
#include "sys/plug.h"
#include "sys/thread.h"

static const char *uri, *server;       /* $TUTTI_TEST_STORE: else a file for each test */

static tt_store *open_store(void)
{
	tt_store *s = NULL;

	assert_ok(tt_store_open(&s, uri, TT_STORE_MAKE));
	return s;
}

static tt_record metric(const char *name, double value, int64_t step)
{
	return (tt_record){ .size = sizeof(tt_record), .kind = TT_RECORD_METRIC, .name = name,
	                    .value = value, .step = step, .time = (double)step };
}

static tt_record text(enum tt_record_kind kind, const char *name, const char *value)
{
	return (tt_record){ .size = sizeof(tt_record), .kind = kind, .name = name, .text = value };
}

/* Three runs: loss 0.5, 0.25, 0.125; lr 0.1, 0.01, 0.001; the last failed and has no accuracy. */
static void fill(tt_store *s)
{
	static const char *const id[] = { "aaaa1", "aaaa2", "bbbb" }, *const lr[] = { "0.1", "0.01",
	                                                                              "1e-3" };

	for (int i = 0; i < 3; i++) {
		const tt_record v[] = {
			metric("valid.loss", 9, 1), metric("valid.loss", 0.5 / (1 << i), 2),
			text(TT_RECORD_PARAM, "train.optimizer.lr", lr[i]),
			text(TT_RECORD_TAG, "data", i ? "clean" : "raw"),
			metric(i < 2 ? "valid.accuracy" : "valid.f1", 0.5 + 0.25 * i, 2),
		};

		assert_ok(tt_store_put(s, TT_STORE_RUN(.id = id[i], .name = i ? "net" : "old net",
			.status = i < 2 ? "finished" : "failed", .begun = 100 + i, .ended = 110 + 2 * i)));
		assert_ok(tt_store_write(s, id[i], v, 5));
	}
}

static tt_status add_id(void *ctx, const tt_store_run *r)
{
	strcat(strcat(ctx, r->id), " ");
	return TT_OK;
}

static const char *found(tt_store *s, const tt_store_query *q)
{
	static char ids[256];

	ids[0] = '\0';
	assert_ok(tt_store_find(s, q, add_id, ids));
	return ids;
}

static void filters_find_the_runs_that_they_say(void **state)
{
	static const struct { const char *filter, *ids; } rows[] = {
		{ "", "bbbb aaaa2 aaaa1 " },
		{ "valid.loss < 0.3", "bbbb aaaa2 " },
		{ "valid.loss <= 0.25 and valid.loss >= 0.25", "aaaa2 " },
		{ "valid.loss = 9", "" },                          /* the last number counts */
		{ "train.optimizer.lr < 0.02", "bbbb aaaa2 " },
		{ "params.train.optimizer.lr = 0.001", "bbbb " },
		{ "metrics.train.optimizer.lr < 1", "" },
		{ "data = raw or status == \"failed\"", "bbbb aaaa1 " },
		{ "data = 'clean' and not (status = failed)", "aaaa2 " },
		{ "not valid.accuracy > 0.6", "bbbb aaaa1 " },
		{ "valid.accuracy != 0.5", "aaaa2 " },             /* who has none passes nothing */
		{ "name like 'old%'", "aaaa1 " },
		{ "`data` like 'cl%' and tags.data != 'x'", "bbbb aaaa2 " },
		{ "seconds >= 11", "bbbb aaaa2 " },
		{ "status = finished or status = failed and data = none", "aaaa2 aaaa1 " },
		{ "kind = train", "" },
		{ "name = '; DROP TABLE runs; --'", "" },
	};
	tt_store *s = open_store();

	(void)state;
	fill(s);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("%s\n", rows[i].filter);
		assert_string_equal(found(s, TT_STORE_QUERY(.filter = rows[i].filter)), rows[i].ids);
	}
	assert_string_equal(found(s, TT_STORE_QUERY(.sort = "valid.loss")), "bbbb aaaa2 aaaa1 ");
	assert_string_equal(found(s, TT_STORE_QUERY(.sort = "valid.accuracy desc")), "aaaa2 aaaa1 "
	                    "bbbb ");
	assert_string_equal(found(s, TT_STORE_QUERY(.sort = "name", .limit = 2)), "bbbb aaaa2 ");
	tt_store_close(&s);
}

static void bad_filters_are_refused_with_the_place(void **state)
{
	static const struct { const char *filter, *says; tt_status st; } rows[] = {
		{ "valid.loss", "one of = !=", TT_EINVAL }, { "valid.loss <", "at 'its end'", TT_EINVAL },
		{ "< 3", "a name is wanted at '< 3', the 1th", TT_EINVAL },
		{ "(valid.loss < 1", "')'", TT_EINVAL }, { "valid.loss < 1 data = x", "and or or",
		                                           TT_EINVAL },
		{ "data = 'x", "the other quote", TT_EINVAL }, { "begun > yesterday", "a number",
		                                                 TT_EINVAL },
		{ "valid.los < 1", "did you mean valid.loss?", TT_ENOENT },
		{ "zzzzzzzz < 1", "no run has", TT_ENOENT },
	};
	char deep[200], ids[64] = "";
	tt_store *s = open_store();

	(void)state;
	fill(s);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("%s\n", rows[i].filter);
		assert_status(tt_store_find(s, TT_STORE_QUERY(.filter = rows[i].filter), add_id, ids),
		              rows[i].st);
		assert_error(rows[i].says);
	}
	memset(deep, '(', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_status(tt_store_find(s, TT_STORE_QUERY(.filter = deep), add_id, ids), TT_EINVAL);
	assert_error("parentheses");
	assert_status(tt_store_find(s, TT_STORE_QUERY(.sort = "a b"), add_id, ids), TT_EINVAL);
	tt_store_close(&s);
}

static tt_status count_record(void *ctx, const tt_record *r)
{
	double *sum = ctx;

	sum[0]++;
	sum[1] += r->value;
	return TT_OK;
}

static tt_status look_at_columns(void *ctx, const tt_store_run *r)
{
	(void)ctx;
	assert_int_equal(r->values, 4);
	assert_string_equal(r->value[0], "0.5");
	assert_string_equal(r->value[1], "0.1");
	assert_string_equal(r->value[2], "old net");
	assert_string_equal(r->value[3], "");
	return TT_OK;
}

static void numbers_have_a_history_and_can_be_taken_back(void **state)
{
	static const char *const column[] = { "valid.loss", "train.optimizer.lr", "name", "no such" };
	const tt_record again = metric("valid.loss", 9, 1);
	double sum[2] = { 0 };
	tt_store *s = open_store();

	(void)state;
	fill(s);
	fill(s);                                     /* nothing is there twice */
	assert_ok(tt_store_history(s, "aaaa1", "valid.loss", count_record, sum));
	assert_true(sum[0] == 2 && sum[1] == 9.5);
	assert_ok(tt_store_find(s, TT_STORE_QUERY(.filter = "id = aaaa1", .columns = 4,
	                                          .column = column),
	                        look_at_columns, NULL));
	assert_ok(tt_store_rewind(s, "aaaa1", 1));
	assert_string_equal(found(s, TT_STORE_QUERY(.filter = "valid.loss = 9")), "aaaa1 ");
	assert_ok(tt_store_write(s, "aaaa2", &again, 1));        /* an older one is not the last */
	assert_string_equal(found(s, TT_STORE_QUERY(.filter = "valid.loss = 9")), "aaaa1 ");
	assert_ok(tt_store_delete(s, "aaaa1"));
	assert_status(tt_store_history(s, "aaaa1", "valid.loss", count_record, sum), TT_ENOENT);
	tt_store_close(&s);
}

static void a_batch_is_written_whole_or_not_at_all(void **state)
{
	tt_record v[2];
	double sum[2] = { 0 };
	char id[65];
	tt_store *s = open_store();

	(void)state;
	fill(s);
	v[0] = metric("new", 1, 1);
	v[1] = metric(NULL, 1, 1);
	assert_status(tt_store_write(s, "bbbb", v, 2), TT_EINVAL);
	v[1] = metric("new", 1, 2);
	assert_status(tt_store_write(s, "nobody", v, 2), TT_ENOENT);
	assert_ok(tt_store_history(s, "bbbb", "new", count_record, sum));
	assert_true(sum[0] == 0);
	assert_status(tt_store_put(s, TT_STORE_RUN(.id = "a b")), TT_EINVAL);
	assert_status(tt_store_put(s, TT_STORE_RUN(.id = "a", .status = "odd")), TT_EINVAL);
	assert_ok(tt_store_resolve(s, "aaaa2", id));
	assert_string_equal(id, "aaaa2");
	assert_status(tt_store_resolve(s, "aaaa", id), TT_EINVAL);
	assert_status(tt_store_resolve(s, "cccc", id), TT_ENOENT);
	tt_store_close(&s);
}

static void what_is_no_store_of_ours_is_refused(void **state)
{
	const char *junk = test_path(test_temp_dir(), "junk.db");
	char bytes[4096];
	tt_store *s = open_store();

	(void)state;
	assert_ok(store_do(s, "UPDATE tutti_store SET version = ?1", db_int(99)));
	tt_store_close(&s);
	assert_status(tt_store_open(&s, uri, TT_STORE_MAKE), TT_ESUPPORT);
	assert_error("version 99");
	memset(bytes, 'x', sizeof bytes);
	assert_ok(file_write_all(junk, bytes, sizeof bytes));
	assert_status(tt_store_open(&s, junk, TT_STORE_MAKE), TT_EFORMAT);
	assert_error("import");
	assert_status(tt_store_open(&s, "/no/such/place.db", TT_STORE_THERE), TT_ENOENT);
	assert_status(tt_store_open(&s, "/no/such/place.db", TT_STORE_MAKE), TT_EIO);
	assert_status(tt_store_open(&s, "mysql://me:secret@host/x", TT_STORE_MAKE), TT_ESUPPORT);
	assert_status(tt_store_open(&s, "/", TT_STORE_MAKE), TT_EINVAL);
	assert_null(s);
}

#define WRITERS 2
#define BATCHES 20

static void write_some(int w)
{
	char id[8] = { 'w', 'r', 'i', 't', (char)('0' + w) };
	tt_store *s = open_store();

	assert_ok(tt_store_put(s, TT_STORE_RUN(.id = id)));
	for (int i = 0; i < BATCHES; i++) {
		const tt_record v[] = { metric("a", i, i), metric("b", i, i) };

		assert_ok(tt_store_write(s, id, v, 2));
	}
	tt_store_close(&s);
}

static void processes_write_at_once_and_nothing_is_lost(void **state)
{
	double sum[2] = { 0 };
	tt_store *s;

	(void)state;
	for (int w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			write_some(w);
			_exit(0);
		}
	for (int w = 0; w < WRITERS; w++) {
		int status = 1;

		wait(&status);
		assert_int_equal(status, 0);
	}
	s = open_store();
	assert_ok(tt_store_history(s, "writ0", "a", count_record, sum));
	assert_ok(tt_store_history(s, "writ1", "b", count_record, sum));
	assert_true(sum[0] == 2 * BATCHES && sum[1] == BATCHES * (BATCHES - 1));
	tt_store_close(&s);
}

/* Bounds far above what a quiet machine takes (CONTRIBUTING: times prove nothing): a statement per
 * row without a transaction, or a filter without an index, is beyond them. */
static void a_thousand_numbers_are_one_wait_for_the_disk(void **state)
{
	static tt_record v[1000];
	tt_store *s = open_store();
	double t, best = 1;

	(void)state;
	assert_ok(tt_store_put(s, TT_STORE_RUN(.id = "fast")));
	for (int k = 0; k < 5; k++) {
		for (int i = 0; i < 1000; i++)
			v[i] = metric(i % 2 ? "valid.loss" : "train.loss", i, 1000 * k + i / 2);
		t = thread_seconds();
		assert_ok(tt_store_write(s, "fast", v, 1000));
		best = fmin(best, thread_seconds() - t);
	}
	print_message("1,000 metrics in %.1f ms\n", 1e3 * best);
	assert_true(server || best < 0.25);
	tt_store_close(&s);
}

static void a_filter_over_ten_thousand_runs_asks_an_index(void **state)
{
	tt_store *s = open_store();
	double t, best = 1;
	char id[16], ids[256] = "";

	(void)state;
	if (server) {                    /* a statement is a message there: it would take seconds */
		tt_store_close(&s);
		skip();
	}
	assert_ok(store_begin(s));
	for (int i = 0; i < 10000; i++) {
		const tt_record v[] = { metric("valid.accuracy", i / 1e4, 1), metric("valid.loss",
		                                                                     1 - i / 1e4, 1),
		                        text(TT_RECORD_PARAM, "train.optimizer.lr", i % 2 ? "0.1" :
		                             "0.001") };

		snprintf(id, sizeof id, "run%05d", i);
		assert_ok(store_put_row(s, TT_STORE_RUN(.id = id, .name = "net", .begun = i + 1)));
		assert_ok(store_write_rows(s, i + 1, v, 3));
	}
	assert_ok(store_end(s, TT_OK));
	for (int k = 0; k < 5; k++) {
		ids[0] = '\0';
		t = thread_seconds();
		assert_ok(tt_store_find(s, TT_STORE_QUERY(.filter = "valid.accuracy > 0.999 and "
			"train.optimizer.lr < 0.01", .sort = "valid.loss"), add_id, ids));
		best = fmin(best, thread_seconds() - t);
	}
	assert_string_equal(ids, "run09998 run09996 run09994 run09992 ");
	print_message("a filter over 10,000 runs in %.2f ms\n", 1e3 * best);
	assert_true(best < 0.25);
	tt_store_close(&s);
}

static tt_status note_version(void *ctx, const tt_model_version *v)
{
	char *to = ctx;

	sprintf(to + strlen(to), "%s/%d(%s)%s ", v->model, (int)v->version, v->aliases, v->path);
	return TT_OK;
}

static const char *named(tt_store *s, const char *word)
{
	static char seen[512];

	seen[0] = '\0';
	assert_ok(tt_store_version(s, word, note_version, seen));
	return seen;
}

static void models_have_versions_and_words_that_point_to_them(void **state)
{
	int64_t version = 0;
	char seen[512] = "";
	tt_store *s = open_store();

	(void)state;
	assert_ok(tt_store_register(s, TT_MODEL_VERSION(.model = "net", .path = "/a"), &version));
	assert_ok(tt_store_register(s, TT_MODEL_VERSION(.model = "net", .path = "/b"), &version));
	assert_int_equal(version, 2);
	assert_ok(tt_store_register(s, TT_MODEL_VERSION(.model = "other", .path = "/c"), &version));
	assert_int_equal(version, 1);
	assert_ok(tt_store_alias(s, "net", "prod", 1));
	assert_string_equal(named(s, "models:net@prod"), "net/1(prod)/a ");
	assert_string_equal(named(s, "models:/net"), "net/2()/b ");
	assert_ok(tt_store_alias(s, "net", "prod", 2));
	assert_string_equal(named(s, "net@prod"), "net/2(prod)/b ");
	assert_string_equal(named(s, "net/1"), "net/1()/a ");
	assert_ok(tt_store_rollback(s, "net", "prod", &version));
	assert_int_equal(version, 1);
	assert_string_equal(named(s, "net@prod"), "net/1(prod)/a ");
	assert_status(tt_store_rollback(s, "net", "prod", &version), TT_ENOENT);
	assert_status(tt_store_alias(s, "net", "prod", 9), TT_ENOENT);
	assert_status(tt_store_alias(s, "net", "a@b", 1), TT_EINVAL);
	assert_status(tt_store_register(s, TT_MODEL_VERSION(.model = "a b", .path = "/a"), &version),
	              TT_EINVAL);
	assert_ok(tt_store_unregister(s, "net", 1));
	assert_status(tt_store_version(s, "net@prod", note_version, seen), TT_ENOENT);
	assert_ok(tt_store_versions(s, NULL, note_version, seen));
	assert_string_equal(seen, "net/2()/b other/1()/c ");
	tt_store_close(&s);
}

static int set_up(void **state)
{
	static int n;
	static char path[1024];
	tt_store *s = NULL;

	(void)state;
	if (!server) {
		snprintf(path, sizeof path, "%s/store%d.db", test_temp_dir(), n++);
		uri = path;
		return 0;
	}
	snprintf(path, sizeof path, "CREATE SCHEMA t%d", n);
	    /* each test has tables of its own */
	uri = server;
	assert_ok(tt_store_open(&s, uri, TT_STORE_MAKE));
	assert_ok(store_run(s, &(struct db_query){ .sql = path }));
	tt_store_close(&s);
	snprintf(path, sizeof path, "%s&options=-csearch_path%%3Dt%d", server, n++);
	uri = path;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(filters_find_the_runs_that_they_say, set_up),
		cmocka_unit_test_setup(bad_filters_are_refused_with_the_place, set_up),
		cmocka_unit_test_setup(numbers_have_a_history_and_can_be_taken_back, set_up),
		cmocka_unit_test_setup(a_batch_is_written_whole_or_not_at_all, set_up),
		cmocka_unit_test_setup(what_is_no_store_of_ours_is_refused, set_up),
		cmocka_unit_test_setup(processes_write_at_once_and_nothing_is_lost, set_up),
		cmocka_unit_test_setup(models_have_versions_and_words_that_point_to_them, set_up),
		cmocka_unit_test_setup(a_thousand_numbers_are_one_wait_for_the_disk, set_up),
		cmocka_unit_test_setup(a_filter_over_ten_thousand_runs_asks_an_index, set_up),
	};
	const struct plug *p;

	server = getenv("TUTTI_TEST_STORE");

	if (plug_find(PLUG_STORE, "sqlite", &p) != TT_OK) {
		print_message("skipped: %s\n", tt_last_error());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
