#include "support/support.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define PATHS 4                 /* the last few paths given out */
#define PATH_SIZE 1024
#define TEMP_MAX 64

static char temp[TEMP_MAX][64];
static int temp_count;

static char *next_path(void)
{
	static char paths[PATHS][PATH_SIZE];
	static int at;

	at = (at + 1) % PATHS;
	return paths[at];
}

const char *test_path(const char *dir, const char *name)
{
	char *p = next_path();

	snprintf(p, PATH_SIZE, "%s/%s", dir, name);
	return p;
}

const char *test_source(const char *relative)
{
	return test_path(TEST_SOURCE_DIR, relative);
}

const char *test_data_dir(void)
{
	const char *dir = getenv("TUTTI_DATA");

	if (!dir || !*dir)
		dir = TEST_SOURCE_DIR "/../shared/data";
	return access(dir, R_OK | X_OK) == 0 ? dir : NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_temp(void)
{
	while (temp_count > 0)
		nftw(temp[--temp_count], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_temp_dir(void)
{
	char *dir = temp[temp_count];
	const char *base = getenv("TMPDIR");

	assert_true(temp_count < TEMP_MAX);
	if (!base || strlen(base) > 32)
		base = "/tmp";
	snprintf(dir, sizeof temp[0], "%s/tutti-test-XXXXXX", base);
	assert_non_null(mkdtemp(dir));
	if (temp_count++ == 0)
		atexit(remove_temp);
	return dir;
}

int test_count_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

void test_same_files(const char *a, const char *b, const char *name, const char *what)
{
	char one[1200], *x, *y;
	size_t n, m;

	snprintf(one, sizeof one, "%s", test_path(a, name));
	assert_ok(file_read_all(one, 0, &x, &n));
	assert_ok(file_read_all(test_path(b, name), 0, &y, &m));
	if (n != m || memcmp(x, y, n) != 0)
		fail_msg("%s: %s differs", what, name);
	mem_free(x);
	mem_free(y);
}

void test_assert_status(tt_status got, tt_status want, const char *call, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s gave %d (%s: %s), not %d (%s)\n", call, got, tt_status_text(got),
	            got == TT_OK ? "" : tt_last_error(), want, tt_status_text(want));
	_fail(file, line);
}

void test_assert_contains(const char *whole, const char *part, const char *file, int line)
{
	if (strstr(whole, part))
		return;
	print_error("'%s' does not contain '%s'\n", whole, part);
	_fail(file, line);
}

static int near(double got, double want, double tol)
{
	return fabs(got - want) <= tol * fmax(1, fabs(want)) || got == want;
}

void test_assert_near(double got, double want, double tol, const char *file, int line)
{
	if (near(got, want, tol))
		return;
	print_error("%.9g is not near %.9g (tolerance %g)\n", got, want, tol);
	_fail(file, line);
}

void test_assert_floats_near(struct test_floats f, double tol, const char *file, int line)
{
	double worst = -1;
	size_t at = 0, bad = 0;

	for (size_t i = 0; i < f.n; i++) {
		double off = fabs((double)f.got[i] - f.want[i]) / fmax(1, fabs((double)f.want[i]));

		if (near(f.got[i], f.want[i], tol))
			continue;
		bad++;
		if (isnan(off) || off > worst) {
			worst = isnan(off) ? INFINITY : off;
			at = i;
		}
	}
	if (bad == 0)
		return;
	print_error("%zu of %zu numbers are off; worst at %zu: %.9g is not near %.9g (tolerance %g)\n",
	            bad, f.n, at, (double)f.got[at], (double)f.want[at], tol);
	_fail(file, line);
}
