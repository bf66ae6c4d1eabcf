/* Parts of one source: shares as they are asked for, of each class, of whole groups; every sample
 * in one part, every sample validated by one fold. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include <tutti/data.h>

#include "base/file.h"
#include "data/cut.h"
#include "data/readers/registry.h"

#define N 200

static uint8_t part[N];
static int32_t class[N];
static uint32_t group[N];

static const struct cut_samples plain = { .n = N };
static const struct cut_samples classes = { .n = N, .class = class, .classes = 3 };
static const struct cut_samples groups = { .n = N, .group = group, .groups = 17 };

static int make_samples(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++) {
		class[i] = i % 20 == 0 ? 2 : i % 4 == 0;        /* 10, 40 and 150 of them */
		group[i] = (uint32_t)(i * i % 17);
	}
	return 0;
}

static int count(enum tt_part p, int32_t of)
{
	int n = 0;

	for (int i = 0; i < N; i++)
		n += part[i] == p && (of < 0 || class[i] == of);
	return n;
}

static void parts_have_their_shares(void **state)
{
	struct split_opts o = { .valid = 0.2, .test = 0.1, .seed = 1 };
	uint8_t first[N];

	(void)state;
	assert_ok(cut_samples(&o, &plain, part));
	assert_int_equal(count(TT_PART_VALID, -1), 40);
	assert_int_equal(count(TT_PART_TEST, -1), 20);
	memcpy(first, part, N);
	assert_ok(cut_samples(&o, &plain, part));
	assert_memory_equal(part, first, N);
	o.seed = 2;
	assert_ok(cut_samples(&o, &plain, part));
	assert_memory_not_equal(part, first, N);
	o.stratify = 1;
	assert_ok(cut_samples(&o, &classes, part));
	assert_int_equal(count(TT_PART_VALID, 2), 2);
	assert_int_equal(count(TT_PART_TEST, 2), 1);
	assert_int_equal(count(TT_PART_VALID, 1), 8);
	assert_int_equal(count(TT_PART_TEST, 0), 15);
}

static void each_sample_is_validated_once(void **state)
{
	static const struct cut_samples *const all[] = { &plain, &classes, &groups };

	(void)state;
	for (int k = 0; k < 3; k++) {
		int valid[N] = {0}, test = 0;

		for (int fold = 0; fold < 5; fold++) {
			const struct split_opts o = { .test = 0.1, .folds = 5, .fold = fold,
			                              .stratify = k == 1 };

			assert_ok(cut_samples(&o, all[k], part));
			for (int i = 0; i < N; i++)
				valid[i] += part[i] == TT_PART_VALID;
			test = count(TT_PART_TEST, -1);
			if (k < 2)
				assert_int_equal(count(TT_PART_VALID, -1), 36);
			if (k == 1)
				assert_in_range(count(TT_PART_VALID, 2), 1, 2);
		}
		for (int i = 0; i < N; i++)
			assert_int_equal(valid[i], part[i] != TT_PART_TEST);
		assert_true(test >= 20);
	}
}

static void a_group_is_in_one_part(void **state)
{
	const struct split_opts o = { .valid = 0.3, .test = 0.2, .seed = 3 };
	int of[17];

	(void)state;
	memset(of, -1, sizeof of);
	assert_ok(cut_samples(&o, &groups, part));
	for (int i = 0; i < N; i++) {
		assert_true(of[group[i]] < 0 || of[group[i]] == part[i]);
		of[group[i]] = part[i];
	}
	assert_true(count(TT_PART_VALID, -1) > 20 && count(TT_PART_TEST, -1) > 20);
}

static void what_does_not_go_is_refused(void **state)
{
	static const struct {
		struct split_opts o;
		const struct cut_samples *s;
		const char *why;
	} row[] = {
		{ { .folds = 1 }, &plain, "fold 0 of 1" },
		{ { .folds = 3, .fold = 3 }, &plain, "fold 3 of 3" },
		{ { .folds = 3, .valid = 0.1 }, &plain, "valid or folds" },
		{ { .valid = 0.6, .test = 0.6 }, &plain, "leave nothing to train on" },
		{ { .valid = 0.2, .stratify = 1 }, &plain, "stratify is for classes" },
		{ { .valid = 0.001 }, &plain, "200 are left to train, 0 to validate" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_status(cut_samples(&row[i].o, row[i].s, part), TT_ESPEC);
		assert_error(row[i].why);
	}
}

/* A table cuts itself, other sources are cut from outside: parts do not meet. */
static void sources_are_cut(void **state)
{
	const struct split_opts o = { .valid = 0.25, .test = 0.25, .stratify = 1 };
	const char *path = test_path(test_temp_dir(), "t.csv");
	char uri[2][700] = { "", "synth:objects?size=8&count=80" };
	struct str s = {0};

	(void)state;
	for (int i = 0; i < 80; i++)
		str_addf(&s, "%d,%s\n", i, i % 4 ? "odd" : "even");
	assert_ok(file_write_all(path, s.p, s.len));
	str_release(&s);
	snprintf(uri[0], sizeof uri[0], "csv:%s", path);
	for (int k = 0; k < 2; k++) {
		uint64_t sum = 0, hash;
		int64_t total = 0;
		tt_source *source;

		for (int p = 0; p < 4; p++) {
			const struct known_columns known = {
				.cut = { p < 3 ? &o : NULL, (enum tt_part)(p % 3) }
			};

			assert_ok(source_open_for(&source, uri[k], &known));
			for (int64_t i = 0; i < tt_source_describe(source)->count; i++) {
				hash = 0;
				assert_ok(source_hash(source, i, &hash));
				sum += p < 3 ? hash : -hash;
			}
			total += p < 3 ? tt_source_describe(source)->count : 0;
			tt_source_close(&source);
		}
		assert_int_equal(total, 80);
		assert_true(sum == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_have_their_shares),
		cmocka_unit_test(each_sample_is_validated_once),
		cmocka_unit_test(a_group_is_in_one_part),
		cmocka_unit_test(what_does_not_go_is_refused),
		cmocka_unit_test(sources_are_cut),
	};

	return cmocka_run_group_tests(tests, make_samples, NULL);
}
