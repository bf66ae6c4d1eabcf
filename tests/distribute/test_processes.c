/* Processes as ranks, over each transport that has them.  Without an argument this program is the
 * test and starts itself as several ranks; with some it is a rank that plays the part so named. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/shm.h"
#include "base/str.h"
#include "sys/thread.h"
#include "distribute/comm/launched.h"
#include "distribute/coll/coll.h"
#include "distribute/comm/tcp/seal.h"
#include "distribute/comm/tcp/tcp_group.h"
#include "support/ranks.h"
#include "support/support.h"

#define EXIT_AGAIN 75

/* ---- parts ---- */

static float whole(int r, size_t i) { return (float)((r + 1) * (int)(i % 31) - 7); }

static void sum_whole(struct comm *c, size_t n, enum comm_algorithm a, enum comm_wire w)
{
	float *x = mem_alloc_aligned((n + 1) * sizeof *x);
	float *first = mem_alloc_aligned((n + 1) * sizeof *x);
	float *scratch = mem_alloc_aligned((comm_allreduce_scratch(c, n) + 1) * sizeof *x);
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++)
		x[i] = whole(c->rank, i);
	rank_ok(comm_allreduce(c, x, n, &(struct comm_allreduce_opts){ a, w, scratch }));
	for (size_t i = 0; i < n; i++) {
		float want = 0;

		for (int r = 0; r < c->size; r++)
			want += whole(r, i);
		wrong += x[i] != want;
	}
	rank_true(wrong == 0);
	for (size_t i = 0; i < n; i++)
		x[i] = 1.0f / (float)(1 + c->rank + (int)(i % 1000));
	rank_ok(comm_allreduce(c, x, n, &(struct comm_allreduce_opts){ a, w, scratch }));
	memcpy(first, x, n * sizeof *x);
	rank_ok(comm_broadcast(c, 0, first, n * sizeof *x));
	rank_true(memcmp(first, x, n * sizeof *x) == 0);
	mem_free(x);
	mem_free(first);
	mem_free(scratch);
}

static void play_sums(struct comm *c)
{
	const size_t sizes[] = { 0, 1, 3, 4099, 300007 };

	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (int a = 0; a < ALGO_COUNT; a++)
			for (int w = WIRE_F32; w <= WIRE_BF16; w++)
				if ((a != ALGO_LIBRARY || (w == WIRE_F32 && (c->ops->allreduce || c->size == 1))) &&
				    (w != WIRE_BF16 || s < 2))
					sum_whole(c, sizes[s], (enum comm_algorithm)a, (enum comm_wire)w);
}

static void sum_halves(struct comm *c, float *x, size_t n, enum comm_algorithm a)
{
	float *y = mem_alloc_aligned((n + 1) * sizeof *y);
	float *scratch = mem_alloc_aligned((comm_allreduce_scratch(c, n) + 1) * sizeof *x);
	const struct comm_allreduce_opts o = { a, WIRE_F32, scratch };
	struct comm_span own = { 0, 0 };
	size_t wrong = 0;

	for (int round = 1; round <= 3; round++) {
		for (size_t i = 0; i < n; i++)
			x[i] = (float)round * whole(c->rank, i);
		rank_ok(comm_reduce_scatter(c, x, n, &o, &own));
		for (size_t i = own.lo; i < own.hi; i++)
			y[i] = x[i] + 1;
		rank_ok(comm_gather_parts(c, y, n, &o));
		for (size_t i = 0; i < n; i++) {
			float want = 1;

			for (int r = 0; r < c->size; r++)
				want += (float)round * whole(r, i);
			wrong += y[i] != want;
		}
	}
	rank_true(wrong == 0);
	rank_ok(comm_barrier(c));               /* others may read y until here */
	mem_free(y);
	mem_free(scratch);
}

#define MOST 300007

static void sum_sizes(struct comm *c, float *x)
{
	const size_t sizes[] = { 0, 1, 3, 4099, MOST };
	const enum comm_algorithm a[] = { ALGO_AUTO, ALGO_RING, ALGO_HIERARCHICAL };

	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (size_t i = 0; i < sizeof a / sizeof *a; i++) {
			sum_halves(c, x, sizes[s], a[i]);
			sum_whole(c, sizes[s], a[i], WIRE_F32);
		}
}

/* Neighbours' vectors are read in place. */
static void see_all(struct comm *c, const float *x)
{
	const float *all[16];

	rank_ok(comm_allgather(c, &x, sizeof x, all));
	for (int r = 0; r < c->size; r++)
		rank_true(r == c->rank || c->ops->view(c, r, all[r] + 5, 12) != NULL);
}

/* Where memory may be read, where it is shared and, after that, as where it may not be read. */
static void play_halves(struct comm *c)
{
	float *x = mem_alloc_aligned(MOST * sizeof *x);
	struct comm *other = NULL;
	struct shm s = { 0 };

	sum_sizes(c, x);
	rank_ok(comm_split(c, &other));
	rank_ok(shm_alloc(&s, MOST * sizeof *x));
	if (c->near)
		see_all(other, s.p);
	sum_sizes(other, s.p);
	comm_close(&other);
	shm_free(&s);
	c->near = 0;
	sum_sizes(c, x);
	mem_free(x);
}

static void helper(void *ctx)
{
	struct comm *c = ctx;

	for (int i = 0; i < 20; i++)
		sum_whole(c, 20011, ALGO_RING, WIRE_F32);
}

/* Two threads at once, each with an end of its own. */
static void play_split(struct comm *c)
{
	struct comm *other = NULL;
	struct thread *t = NULL;
	int all[16];

	rank_ok(comm_measure(c, 5000, &(struct comm_allreduce_opts){ 0 }, 0.2));
	rank_ok(comm_split(c, &other));
	rank_ok(thread_start(&t, "helper", helper, other));
	for (int i = 0; i < 20; i++)
		rank_ok(comm_allgather(c, &c->rank, sizeof c->rank, all));
	for (int r = 0; r < c->size; r++)
		rank_true(all[r] == r);
	thread_join(&t);
	comm_close(&other);
	rank_true(c->hosts == (c->locals == 1 ? c->size : 1));
	rank_true(c->hosts > 1 || (c->locals == c->size && c->local == c->rank));
	rank_ok(comm_agree(c, "the same"));
	rank_true(comm_agree(c, c->rank == 1 ? "one\n" : "other\n") == TT_ESPEC);
	rank_contains(tt_last_error(), "rank 1 (host");
}

/* Round the ring until something breaks; then say what. */
static void go_round(struct comm *c, int culprit)
{
	char out = 0, in = 0;

	c->doing = "bucket 3 of step 12";
	while (comm_exchange(c, (c->rank + 1) % c->size, &out, 1,
	                     (c->rank + c->size - 1) % c->size, &in, 1) == TT_OK)
		;
	printf("rank %d blames %d: %s\n", c->rank, c->fault.culprit, c->fault.text);
	fflush(stdout);
	rank_true(c->fault.culprit == culprit);
}

static void play_sleeper(struct comm *c)
{
	if (c->rank == 1)
		raise(SIGSTOP);
	go_round(c, 1);
}

static void play_dead(struct comm *c)
{
	c->doing = "bucket 3 of step 12";
	/* All are past the launcher's own handshakes; who is slow may miss it here already. */
	if (comm_barrier(c) == TT_OK && c->rank == 1)
		raise(SIGKILL);
	go_round(c, 1);
}

/* Its memory goes with it, while others may be reading. */
static void play_halfway(struct comm *c)
{
	static float x[300007], scratch[1 << 21];
	const size_t n = sizeof x / sizeof *x;
	const struct comm_allreduce_opts o = { .scratch = scratch };
	struct comm_span own;

	rank_true(comm_allreduce_scratch(c, n) <= sizeof scratch / sizeof *scratch);
	rank_ok(comm_barrier(c));
	c->doing = "bucket 3 of step 12";
	for (int i = 0; comm_reduce_scatter(c, x, n, &o, &own) == TT_OK; i++) {
		if (i == 5 && c->rank == 1)
			raise(SIGKILL);
		if (comm_gather_parts(c, x, n, &o) != TT_OK)
			break;
	}
	go_round(c, 1);
}

static void play_nan(struct comm *c)
{
	if (c->rank == 1)
		comm_abandon(c, "the loss is NaN");
	go_round(c, 1);
}

static const struct { const char *name; void (*play)(struct comm *c); int exit; } parts[] = {
	{ "sums", play_sums, 0 }, { "split", play_split, 0 }, { "sleeper", play_sleeper, EXIT_AGAIN },
	{ "halves", play_halves, 0 }, { "halfway", play_halfway, EXIT_AGAIN },
	{ "dead", play_dead, EXIT_AGAIN }, { "nan", play_nan, EXIT_AGAIN },
};

static enum comm_transport transport_of(const char *word)
{
	int i = 0;

	while (comm_transport_words[i] && strcmp(comm_transport_words[i], word) != 0)
		i++;
	return (enum comm_transport)i;
}

/* The words after the part: "mpi WORD" or "tcp RANK SIZE ADDRESS WORD". */
static tt_status join(char **word, double timeout, struct comm **out)
{
	struct tcp_group_opts o = { .timeout = timeout, .patience = 30,
	                            .secret = "a secret of the tests", .secret_size = 21 };
	char host[16];

	if (strcmp(word[0], "mpi") == 0)
		return comm_open_launched(out, "mpi", timeout, transport_of(word[1]));
	o.rank = atoi(word[1]);
	o.size = atoi(word[2]);
	o.rendezvous = word[3];
	snprintf(host, sizeof host, "host%d", o.rank);
	o.host = strcmp(word[4], "together") == 0 ? NULL : host;
	o.encrypt = strcmp(word[4], "encrypted") == 0;
	return comm_tcp(out, &o);
}

static int be_rank(char **word)
{
	struct comm *c = NULL;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(word[0], parts[i].name) != 0)
			continue;
		signal(SIGTERM, SIG_IGN);
		rank_ok(join(word + 1, parts[i].exit ? 1.5 : 30, &c));
		if (c)
			parts[i].play(c);
		comm_close(&c);
		return ranks_broken() ? 1 : parts[i].exit;
	}
	return 2;
}

/* ---- the test ---- */

static char self[4096];
static int  is_openmpi;

struct outcome { int exit; double seconds; char text[8192]; };

static void run_shell(const char *command, struct outcome *o)
{
	double start = thread_seconds();
	FILE *p = popen(command, "r");
	size_t n;
	int status;

	assert_non_null(p);
	n = fread(o->text, 1, sizeof o->text - 1, p);
	o->text[n] = '\0';
	while (fgetc(p) != EOF)
		;
	status = pclose(p);
	o->exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	o->seconds = thread_seconds() - start;
}

/* That of the library we were built with. */
static const char *mpirun(void)
{
	const char *named = getenv("TUTTI_MPIRUN");

	return named && *named ? named : "mpirun";
}

/* When a rank fails Open MPI's ends the others, by force after some seconds; MPICH's would at once,
 * or waits for them all, the stopped one too: hence the timeout. */
static void under_mpirun(char command[8192], int n, const char *part, const char *word)
{
	snprintf(command, 8192, "%s %s -n %d '%s' %s mpi %s", mpirun(),
	         is_openmpi ? "--allow-run-as-root --oversubscribe --mca odls_base_sigkill_timeout 4"
	                    : "-disable-auto-cleanup",
	         n, self, part, word);
}

/* All at once, none of them first; when one has failed the others have some seconds to end. */
static void by_hand(char command[8192], int n, const char *part, const char *word)
{
	static const char *const order[] = { "", "0", "1 0", "2 0 1", "3 1 0 2", "4 3 0 2 1" };
	uint16_t port = 0;
	const int fd = endpoint_listen(ENDPOINT_LOOPBACK, &port);

	close(fd);
	snprintf(command, 8192, "sh -c 'code=0; for r in %s; do \"%s\" %s tcp $r %d "
	         "tcp://127.0.0.1:%d %s & all=\"$all $!\"; done; for p in $all; do wait $p || { "
	         "code=$?; (sleep 5; kill -9 $all) >/dev/null 2>&1 & }; done; exit $code'", order[n],
	         self, part, n, port, word);
}

static const struct start {
	const char *name, *word;        /* word: distribute.transport, or how ranks are to be     */
	int         needs_mpi;
	void      (*command)(char command[8192], int n, const char *part, const char *word);
} starts[] = {
	{ "tcp", "together", 0, by_hand },
	{ "tcp, a machine each", "apart", 0, by_hand },
	{ "tcp, a machine each, encrypted", "encrypted", 0, by_hand },
	{ "mpirun, auto", "auto", 1, under_mpirun },
	{ "mpirun, mpi", "mpi", 1, under_mpirun },
	/* The ranks of this machine talk over TCP as if each had one of its own. */
	{ "mpirun, sockets", "sockets", 1, under_mpirun },
};
static const struct start *start = starts;

static void start_ranks(int n, const char *part, int seconds, struct outcome *o)
{
	char command[8192], whole[8400];

	start->command(command, n, part, start->word);
	snprintf(whole, sizeof whole, "timeout -k 2 %d %s 2>&1", seconds, command);
	run_shell(whole, o);
}

static int has_mpirun(void)
{
	struct outcome o;
	struct comm *none = NULL;
	char command[4096];

	snprintf(command, sizeof command, "%s --version 2>&1", mpirun());
	run_shell(command, &o);
	is_openmpi = strstr(o.text, "Open MPI") || strstr(o.text, "OpenRTE");   /* its mpiexec */
	return o.exit == 0 && comm_open_launched(&none, "mpi", 0, TRANSPORT_AUTO) != TT_ESUPPORT;
}

static void good(int n, const char *part)
{
	struct outcome o;

	start_ranks(n, part, 60, &o);
	if (o.exit != 0)
		fail_msg("%d ranks, %s: exit %d\n%s", n, part, o.exit, o.text);
}

static void sums_are_exact_and_the_same_everywhere(void **state)
{
	(void)state;
	for (int n = 1; n <= 4; n++)
		good(n, "sums");
}

static void halves_make_the_sum_with_and_without_shared_memory(void **state)
{
	(void)state;
	for (int n = 1; n <= 5; n += 1 + (n > 2))
		good(n, "halves");
}

static void ends_of_two_threads_keep_apart(void **state)
{
	(void)state;
	good(2, "split");
	good(3, "split");
}

/* All others blame rank 1, within its timeout (1.5 s), the roll call and a launcher's pace. */
static void all_blame_rank_1(const char *part, const char *why)
{
	const int n = 4;
	struct outcome o;

	start_ranks(n, part, 30, &o);
	for (int r = 0; r < n; r++) {
		char want[64];

		snprintf(want, sizeof want, "rank %d blames 1: rank 1 (host", r);
		if (r != 1 && !strstr(o.text, want))
			fail_msg("%s: no \"%s\" in\n%s", part, want, o.text);
	}
	assert_contains(o.text, why);
	assert_true(o.exit != 0);
	assert_true(o.seconds < 40);
}

static void a_stopped_rank_is_named(void **state)
{
	(void)state;
	all_blame_rank_1("sleeper", "said nothing for 1.5 s");
}

static void a_killed_rank_is_named(void **state)
{
	(void)state;
	if (start->needs_mpi && !is_openmpi)
		test_skip("this mpirun ends all at once when one was killed: nobody is left to name it");
	all_blame_rank_1("dead", "bucket 3 of step 12");
}

static void a_rank_that_is_killed_between_halves_is_named(void **state)
{
	(void)state;
	if (start->needs_mpi && !is_openmpi)
		test_skip("this mpirun ends all at once when one was killed: nobody is left to name it");
	all_blame_rank_1("halfway", "bucket 3 of step 12");
}

static void a_rank_that_gives_up_is_named(void **state)
{
	(void)state;
	all_blame_rank_1("nan", "gave up: the loss is NaN");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_exact_and_the_same_everywhere),
		cmocka_unit_test(halves_make_the_sum_with_and_without_shared_memory),
		cmocka_unit_test(ends_of_two_threads_keep_apart),
		cmocka_unit_test(a_rank_that_gives_up_is_named),
		cmocka_unit_test(a_stopped_rank_is_named),
		cmocka_unit_test(a_killed_rank_is_named),
		cmocka_unit_test(a_rank_that_is_killed_between_halves_is_named),
	};
	int failed = 0;

	if (argc > 2)
		return be_rank(argv + 1);
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 77;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		start = &starts[i];
		if (start->needs_mpi && !has_mpirun())
			fprintf(stderr, "skipped: %s: no mpirun here, or built without MPI\n", start->name);
		else
			failed += cmocka_run_group_tests_name(start->name, tests, NULL, NULL);
	}
	return failed;
}
