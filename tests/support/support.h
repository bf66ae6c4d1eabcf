/* support.h -- what many tests need.  Includes cmocka and its standard headers. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"

/* The folder with the real data sets: $TUTTI_DATA, else shared/data beside the
 * source tree.  NULL if absent: then test_skip. */
const char *test_data_dir(void);

/* A path of the source tree, such as "tests/golden/adam.json".  Valid until the
 * fourth call after this one; so is every path below. */
const char *test_source(const char *relative);

/* A new empty folder, removed with all it holds when the test program ends. */
const char *test_temp_dir(void);
const char *test_path(const char *dir, const char *name);        /* "dir/name" */

/* How many names a folder holds; -1 if there is none. */
int test_count_files(const char *dir);
/* Both folders hold the same bytes under a name; if not, the message says what differs. */
void test_same_files(const char *a, const char *b, const char *name, const char *what);

/* Say why and skip the running test. */
#define test_skip(why) do { fprintf(stderr, "skipped: %s\n", why); skip(); } while (0)

/* The status is st; if not, the message shows the error's text. */
#define assert_status(call, st) test_assert_status((call), (st), #call, __FILE__, __LINE__)
#define assert_ok(call)         assert_status(call, TT_OK)
void test_assert_status(tt_status got, tt_status want, const char *call, const char *file,
                        int line);

/* tt_last_error() contains the text. */
#define assert_error(text) test_assert_contains(tt_last_error(), text, __FILE__, __LINE__)
#define assert_contains(whole, part) test_assert_contains(whole, part, __FILE__, __LINE__)
void test_assert_contains(const char *whole, const char *part, const char *file, int line);

/* |got - want| <= tol * max(1, |want|); NaN is never near. */
#define assert_near(got, want, tol) test_assert_near(got, want, tol, __FILE__, __LINE__)
void test_assert_near(double got, double want, double tol, const char *file, int line);

/* The same for n floats; the message shows the worst one and its place. */
#define assert_floats_near(got, want, n, tol) \
	test_assert_floats_near((struct test_floats){ got, want, n }, tol, __FILE__, __LINE__)
struct test_floats { const float *got, *want; size_t n; };
void test_assert_floats_near(struct test_floats f, double tol, const char *file, int line);

#endif
