/* What the variables of launchers say of a process's place. */
#include "distribute/launch/environment.h"

#include <stdlib.h>
#include <string.h>

#include "distribute/launch/crew.h"
#include "distribute/launch/secret.h"
#include "distribute/launch/worker.h"
#include "support/support.h"

static const char *const all[] = {
	"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "PMI_RANK",
	"PMI_SIZE", "PMIX_RANK", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT",
	"TORCHELASTIC_USE_AGENT_STORE", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID",
	"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_LAUNCH_NODE_IPADDR", "SLURM_JOB_ID",
	"SLURM_STEP_ID",
};

static int forget_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		unsetenv(all[i]);
	return 0;
}

static void say(const char *const pairs[][2])
{
	forget_all(NULL);
	for (int i = 0; pairs[i][0]; i++)
		setenv(pairs[i][0], pairs[i][1], 1);
}

static void without_a_launcher_there_is_one_rank(void **state)
{
	struct environment e;

	(void)state;
	assert_ok(environment_look(&e));
	assert_int_equal(e.way, ENVIRONMENT_ALONE);
	say((const char *const[][2]){ { "RANK", "0" }, { "WORLD_SIZE", "1" },
	                              { "MASTER_ADDR", "a" }, { "MASTER_PORT", "1" }, { NULL, NULL } });
	assert_ok(environment_look(&e));
	assert_int_equal(e.way, ENVIRONMENT_ALONE);
}

/* An sbatch script has a task's number too, but no step of several tasks. */
static void a_batch_script_is_no_task(void **state)
{
	struct environment e;

	(void)state;
	say((const char *const[][2]){ { "SLURM_PROCID", "0" }, { "SLURM_JOB_NODELIST", "n1" },
	                              { "SLURM_JOB_ID", "7" }, { NULL, NULL } });
	assert_ok(environment_look(&e));
	assert_int_equal(e.way, ENVIRONMENT_ALONE);
}

static void torchrun_holds_its_port_itself(void **state)
{
	struct environment e;

	(void)state;
	say((const char *const[][2]){ { "RANK", "3" }, { "WORLD_SIZE", "4" }, { "LOCAL_RANK", "1" },
	                              { "MASTER_ADDR", "node" }, { "MASTER_PORT", "29500" },
	                              { NULL, NULL } });
	assert_ok(environment_look(&e));
	assert_int_equal(e.way, ENVIRONMENT_TCP);
	assert_int_equal(e.rank, 3);
	assert_int_equal(e.size, 4);
	assert_int_equal(e.first, 0);
	assert_string_equal(e.rendezvous, "tcp://node:29500");
	setenv("TORCHELASTIC_USE_AGENT_STORE", "True", 1);
	setenv("MASTER_ADDR", "::1", 1);
	assert_ok(environment_look(&e));
	assert_string_equal(e.rendezvous, "tcp://[::1]:29501");
}

static void tasks_of_a_job_meet_on_its_first_node(void **state)
{
	struct environment e;

	(void)state;
	say((const char *const[][2]){ { "SLURM_PROCID", "2" }, { "SLURM_STEP_NUM_TASKS", "4" },
	                              { "SLURM_LOCALID", "0" }, { "SLURM_STEP_NODELIST", "n[03-04]" },
	                              { "SLURM_JOB_ID", "1" }, { "SLURM_STEP_ID", "5" },
	                              { NULL, NULL } });
	assert_ok(environment_look(&e));
	assert_int_equal(e.way, ENVIRONMENT_TCP);
	assert_int_equal(e.rank, 2);
	assert_int_equal(e.first, 1);
	assert_string_equal(e.rendezvous, "tcp://n03:20036");
	unsetenv("SLURM_STEP_NODELIST");
	assert_status(environment_look(&e), TT_EINVAL);
	assert_error("know nothing of one another");
}

static void lists_of_nodes_have_a_first(void **state)
{
	static const char *const c[][2] = {
		{ "a", "a" }, { "a,b", "a" }, { "n[01-04,07],m3", "n01" }, { "n[7]", "n7" },
		{ "n[3,5]-ib,x", "n3-ib" }, { "r[1-2]n[5-6]", "r1n5" }, { "n[12", "n12" }, { "", "" },
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		environment_first_host(c[i][0], got);
		assert_string_equal(got, c[i][1]);
	}
}

static void options_come_before_variables(void **state)
{
	tt_worker *w = NULL;

	(void)state;
	say((const char *const[][2]){ { "RANK", "3" }, { "WORLD_SIZE", "4" }, { "MASTER_ADDR", "a" },
	                              { "MASTER_PORT", "9" }, { NULL, NULL } });
	assert_ok(tt_worker_find(&w, TT_WORKER_OPTS(.rendezvous = "tcp://b:7", .secret = "file",
	                                            .rank = 1, .world = 6, .local = 2)));
	assert_string_equal(w->place.rendezvous, "tcp://b:7");
	assert_int_equal(w->place.rank, 1);
	assert_int_equal(w->place.size, 6);
	assert_int_equal(w->here, 2);
	tt_worker_leave(&w);
	assert_null(w);
	assert_ok(tt_worker_find(&w, NULL));
	assert_int_equal(w->place.rank, 3);
	tt_worker_leave(&w);
	assert_status(tt_worker_find(&w, TT_WORKER_OPTS(.rendezvous = "tcp://b:7", .rank = 5,
	                                                .world = 6, .local = 2)), TT_EINVAL);
	assert_status(tt_worker_find(&w, TT_WORKER_OPTS(.rendezvous = "tcp://b:7", .rank = -1,
	                                                .world = 6)), TT_EINVAL);
}

static void nobody_else_is_one_of_several(void **state)
{
	tt_worker *w = (void *)state;

	assert_ok(tt_worker_find(&w, NULL));
	assert_null(w);
}

/* What the launcher hands from one crew to the others. */
static void a_place_survives_as_text(void **state)
{
	struct endpoint at = { .port = 4711, .n = 1, .address = { { .family = 4,
	                       .bytes = { 10, 0, 0, 7 } } } }, back;
	char text[CREW_PLACE];

	(void)state;
	crew_write_place(&at, text);
	assert_int_equal(strlen(text), CREW_PLACE - 1);
	assert_true(crew_read_place(text, &back));
	assert_memory_equal(&at, &back, sizeof at);
	text[20] = '\0';
	assert_false(crew_read_place(text, &back));
	at.n = ENDPOINT_ADDRESSES + 1;
	crew_write_place(&at, text);
	assert_false(crew_read_place(text, &back));
}

/* Of many that start at once one makes the file, and all have the same secret. */
static void a_users_own_secret_is_made_once(void **state)
{
	struct secret a, b;

	(void)state;
	setenv("XDG_CONFIG_HOME", test_temp_dir(), 1);
	unsetenv("TUTTI_SECRET");
	unsetenv("TUTTI_SECRET_FILE");
	assert_ok(secret_find(NULL, &a));
	assert_ok(secret_find(NULL, &b));
	assert_int_equal(a.n, 64);
	assert_memory_equal(&a, &b, sizeof a);
	setenv("TUTTI_SECRET", "too short", 1);
	assert_status(secret_find(NULL, &a), TT_EINVAL);
	setenv("TUTTI_SECRET", "long enough to be one", 1);
	assert_ok(secret_find(NULL, &a));
	assert_int_equal(a.n, 21);
	unsetenv("TUTTI_SECRET");
	assert_status(secret_find("/dev/null", &a), TT_EINVAL);
	assert_status(secret_find("/no/such/file", &a), TT_ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_launcher_there_is_one_rank, forget_all),
		cmocka_unit_test_setup(a_batch_script_is_no_task, forget_all),
		cmocka_unit_test_setup(torchrun_holds_its_port_itself, forget_all),
		cmocka_unit_test_setup(tasks_of_a_job_meet_on_its_first_node, forget_all),
		cmocka_unit_test_setup(lists_of_nodes_have_a_first, forget_all),
		cmocka_unit_test_setup(options_come_before_variables, forget_all),
		cmocka_unit_test_setup(nobody_else_is_one_of_several, forget_all),
		cmocka_unit_test(a_place_survives_as_text),
		cmocka_unit_test(a_users_own_secret_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
