/* The limits of containers, as the two versions of cgroups tell them, below a root of our own. */
#include "sys/quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/support.h"
#include "sys/thread.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/tutti-quota-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char line[128];

	(void)state;
	snprintf(line, sizeof line, "rm -r %s", root);
	return system(line);
}

static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s%s", root, name);
	*strrchr(path, '/') = '\0';
	assert_ok(file_mkdirs(path));
	snprintf(path, sizeof path, "%s%s", root, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
}

#define V2 "25 24 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1(in) "24 20 0:20 / /sys rw - sysfs sysfs rw\n" \
	"40 31 0:37 " in " /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" \
	"41 31 0:38 " in " /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"

static void no_groups_no_limit(void **state)
{
	(void)state;
	assert_near(quota_cores(root), 0, 0);
	put("/proc/self/mountinfo", V2);
	assert_near(quota_cores(root), 0, 0);
	put("/proc/self/cgroup", "0::/\n");
	assert_near(quota_cores(root), 0, 0);
	put("/sys/fs/cgroup/cpu.max", "max 100000\n");
	assert_near(quota_cores(root), 0, 0);
}

static void version_2_in_a_container_and_by_a_unit(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", V2);
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
	assert_near(quota_cores(root), 1.5, 1e-9);
	put("/proc/self/cgroup", "0::/user.slice/job.scope\n");
	put("/sys/fs/cgroup/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/user.slice/cpu.max", "800000 100000\n");
	put("/sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
	assert_near(quota_cores(root), 8, 1e-9);
	put("/sys/fs/cgroup/user.slice/job.scope/cpu.max", "50000 100000\n");
	assert_near(quota_cores(root), 0.5, 1e-9);
}

/* Docker shows the container's own group as the top of the mount, and its path as the host's. */
static void version_1_with_and_without_a_path(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", V1("/docker/4f"));
	put("/proc/self/cgroup", "11:cpuset:/docker/4f\n4:cpu,cpuacct:/docker/4f\n0::/docker/4f\n");
	put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	assert_near(quota_cores(root), 0, 0);
	put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
	assert_near(quota_cores(root), 3, 1e-9);
	put("/proc/self/mountinfo", V1("/"));
	put("/sys/fs/cgroup/cpu,cpuacct/docker/4f/cpu.cfs_quota_us", "20000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/4f/cpu.cfs_period_us", "10000\n");
	assert_near(quota_cores(root), 2, 1e-9);
}

static void nonsense_is_no_limit(void **state)
{
	static const char *const bad[] = { "", "\n", "100000", "0 0", "-5 100000", "x y", "1e999 1" };

	(void)state;
	put("/proc/self/mountinfo", "no line\n - \n" V2 "1 2 3\n");
	put("/proc/self/cgroup", "\n0\n0:\n::\n0::relative\n0::/\n");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put("/sys/fs/cgroup/cpu.max", bad[i]);
		assert_true(!(quota_cores(root) > 0) || quota_cores(root) > 1e6);
	}
}

static void threads_keep_to_it(void **state)
{
	const int limit = quota_threads();

	(void)state;
	assert_true(limit >= 0);
	assert_true(!limit || thread_cores() <= limit);
	assert_true(thread_cores() >= 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(no_groups_no_limit),
		TEST(version_2_in_a_container_and_by_a_unit),
		TEST(version_1_with_and_without_a_path),
		TEST(nonsense_is_no_limit),
		TEST(threads_keep_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
