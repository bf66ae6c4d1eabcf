/* Which shared objects become plugs, and which are refused.  Each case is a process of its own,
 * since what is loaded stays. */
#include "sys/plug.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "support/support.h"

#define STUB     TEST_BINARY_DIR "/stub-plugs/device-stub.so"
#define SECOND   TEST_BINARY_DIR "/stub-plugs/device-second.so"
#define STRANGER TEST_BINARY_DIR "/stub-plugs/device-stranger.so"

static char folder[256];

static void put_file(const char *name, const char *from, mode_t mode)
{
	char path[512], *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (from)
		assert_ok(file_read_all(from, 0, &text, &size));
	assert_non_null(f = fopen(path, "wb"));
	assert_int_equal(fwrite(text ? text : "no plug", 1, from ? size : 7, f), from ? size : 7);
	fclose(f);
	mem_free(text);
	chmod(path, mode);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test-plug-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

/* In a child: what `f` asserts holds there. */
static void apart(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);        /* cmocka would go on with the next test, here */
		signal(SIGSEGV, SIG_DFL);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define HOLDS(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s; %s\n", __FILE__, __LINE__, #x, \
                                          tt_last_error()); _exit(1); } } while (0)

/* The report's line of this name. */
static struct plug_report line_of(const char *name)
{
	struct plug_report all[PLUG_MAX];
	const int n = plug_report(all, PLUG_MAX);

	for (int i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i];
	return (struct plug_report){ .name = NULL };
}

static void loads(void)
{
	const struct plug *p, *all[PLUG_MAX];
	int n;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "stub", &p) == TT_OK && p->ops == p);
	n = plug_all(PLUG_DEVICE, all, PLUG_MAX);
	HOLDS(n >= 2 && all[n - 1] == p);                /* the order it asks for: behind ref */
	HOLDS(strcmp(all[n - 2]->name, "ref") == 0);
	HOLDS(strcmp(line_of("stub").version, "1.2.3") == 0 && !line_of("stub").why);
	HOLDS(strstr(line_of("stub").from, "device-stub.so"));
	HOLDS(plug_add_folder(folder) == TT_EINVAL);     /* too late */
	HOLDS(strstr(tt_last_error(), "loaded already"));
}

static void plug_is_loaded_when_its_kind_is_asked_for(void **state)
{
	(void)state;
	put_file("device-stub.so", STUB, 0644);
	apart(loads);
}

/* Each file is an object of its own, though their descriptors have the same number. */
static void loads_both(void)
{
	const struct plug *first, *second;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "second", &second) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "stub", &first) == TT_OK);
	HOLDS(first != second && strcmp(first->name, "stub") == 0);
}

static void all_plugs_of_a_folder_are_loaded(void **state)
{
	(void)state;
	put_file("device-stub.so", STUB, 0644);
	put_file("device-second.so", SECOND, 0644);
	apart(loads_both);
}

static void is_no_plug(void)
{
	const struct plug *p;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "other", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "another plug than its name says"));
	HOLDS(plug_find(PLUG_DEVICE, "text", &p) == TT_ESUPPORT);
	HOLDS(line_of("text").why && strstr(line_of("text").from, "device-text.so"));
	HOLDS(plug_find(PLUG_DEVICE, "open", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "can be written by everybody"));
	HOLDS(plug_find(PLUG_DEVICE, "pipe", &p) == TT_ESUPPORT);        /* and does not wait for it */
	HOLDS(plug_find(PLUG_DEVICE, "link", &p) == TT_ESUPPORT);
	HOLDS(plug_find(PLUG_DEVICE, "unheard", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "there is no device 'unheard'"));
	HOLDS(!line_of("x").name && !line_of("stub").name);
}

static void what_is_no_plug_is_left_out_and_reported(void **state)
{
	char path[512];

	(void)state;
	put_file("device-other.so", STUB, 0644);
	put_file("device-text.so", NULL, 0644);
	put_file("device-open.so", STUB, 0666);
	snprintf(path, sizeof path, "%s/device-pipe.so", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/device-link.so", folder);
	assert_int_equal(symlink(STUB, path), 0);
	put_file("device-.so", STUB, 0644);
	put_file("stub.so", STUB, 0644);
	put_file("device-x.txt", STUB, 0644);
	apart(is_no_plug);
}

static void cut_is_said(void)
{
	const struct plug *p;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "stub", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "device-stub.so: "));
}

/* The loader maps all that the header promises, and would die where the file has ended. */
static void a_plug_that_was_cut_short_is_refused(void **state)
{
	char path[512];
	struct stat s;

	(void)state;
	snprintf(path, sizeof path, "%s/device-stub.so", folder);
	for (int eighth = 0; eighth < 5; eighth++) {
		put_file("device-stub.so", STUB, 0644);
		assert_int_equal(stat(path, &s), 0);
		assert_int_equal(truncate(path, s.st_size * eighth / 8), 0);
		apart(cut_is_said);
	}
}

static void folder_is_refused(void)
{
	HOLDS(plug_add_folder(folder) == TT_EINVAL);
	HOLDS(strstr(tt_last_error(), "its code would run with your rights"));
	HOLDS(!line_of("stub").name);
	HOLDS(plug_add_folder("/nowhere/at/all") == TT_ENOENT);
}

static void folder_is_taken(void)
{
	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(line_of("stub").name);
}

static void folder_of_others_is_refused(void **state)
{
	(void)state;
	put_file("device-stub.so", STUB, 0644);
	chmod(folder, 0777);
	apart(folder_is_refused);
	if (geteuid() == 0) {
		chmod(folder, 0755);
		assert_int_equal(chown(folder, 12345, 12345), 0);
		apart(folder_is_refused);
	}
}

/* Who may write the folder above may put another one there. */
static void folder_within_one_of_others_is_refused(void **state)
{
	char above[sizeof folder];

	(void)state;
	snprintf(above, sizeof above, "%s", folder);
	snprintf(folder, sizeof folder, "%.200s/inner", above);
	assert_int_equal(mkdir(folder, 0755), 0);
	put_file("device-stub.so", STUB, 0644);
	chmod(above, 0777);
	apart(folder_is_refused);
	chmod(above, 0777 | S_ISVTX);                   /* as /tmp is */
	apart(folder_is_taken);
	chmod(above, 0755);
	apart(folder_is_taken);
}

/* Another version's plug: one byte of the text that it was built with. */
static void other_version(void)
{
	const struct plug *p;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "stub", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "built for another version of tutti"));
}

static void plug_of_another_version_is_refused(void **state)
{
	char path[512], *text, *at;
	size_t size;
	FILE *f;

	(void)state;
	assert_ok(file_read_all(STUB, 0, &text, &size));
	at = memmem(text, size, TT_VERSION, sizeof TT_VERSION);
	assert_non_null(at);
	*at = '9';
	snprintf(path, sizeof path, "%s/device-stub.so", folder);
	assert_non_null(f = fopen(path, "wb"));
	assert_int_equal(fwrite(text, 1, size, f), size);
	fclose(f);
	mem_free(text);
	apart(other_version);
}

/* Its calls would go to another copy of the library, with another allocator and host_mem. */
static void other_copy(void)
{
	const struct plug *p;

	HOLDS(plug_add_folder(folder) == TT_OK);
	HOLDS(plug_find(PLUG_DEVICE, "stranger", &p) == TT_ESUPPORT);
	HOLDS(strstr(tt_last_error(), "this program has tutti linked in"));
}

static void plug_of_another_copy_of_tutti_is_refused(void **state)
{
	(void)state;
	put_file("device-stranger.so", STRANGER, 0644);
	apart(other_copy);
}

/* A plug that cmake/libraries.cmake names is in the archive, and so in the program. */
static void all_that_are_built_are_linked_in(void **state)
{
	char names[] = TEST_PLUGS, *rest = NULL;

	(void)state;
	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		const struct plug_report r = line_of(name);

		assert_non_null(r.name);
		assert_string_equal(r.from, "linked in");
		assert_non_null(r.version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plug_is_loaded_when_its_kind_is_asked_for, make_folder,
		                                drop_folder),
		cmocka_unit_test_setup_teardown(all_plugs_of_a_folder_are_loaded, make_folder,
		                                drop_folder),
		cmocka_unit_test_setup_teardown(what_is_no_plug_is_left_out_and_reported, make_folder,
		                                drop_folder),
		cmocka_unit_test_setup_teardown(a_plug_that_was_cut_short_is_refused, make_folder,
		                                drop_folder),
		cmocka_unit_test_setup_teardown(folder_of_others_is_refused, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(folder_within_one_of_others_is_refused,
		                                make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(plug_of_another_version_is_refused, make_folder,
		                                drop_folder),
		cmocka_unit_test_setup_teardown(plug_of_another_copy_of_tutti_is_refused, make_folder,
		                                drop_folder),
		cmocka_unit_test(all_that_are_built_are_linked_in),
	};

	if (access(STUB, R_OK) != 0) {
		printf("skipped: no %s\n", STUB);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
