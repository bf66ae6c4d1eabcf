/* Threads that share memory: quiet points have one outcome for all, averages are weighted. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/team.h"
#include "sys/thread.h"

#define N 4

struct member {
	struct team *team;
	int          place;
	float        x[3];
	int          outcome[20];
	void        *memory;
	tt_status    status;
	char         text[ERR_MAX];
};

static struct member member[N];

static void run(int n, double timeout, void (*f)(void *))
{
	struct team *team;
	struct thread *thread[N];

	assert_ok(team_new(&team, n, timeout));
	assert_int_equal(team_size(team), n);
	for (int i = 0; i < n; i++) {
		member[i] = (struct member){ .team = team, .place = i };
		assert_ok(thread_start(&thread[i], "member", f, &member[i]));
	}
	for (int i = 0; i < n; i++)
		thread_join(&thread[i]);
	team_free(&team);
}

/* At point k member k % N wants to pause, if k is odd. */
static void come_often(void *ctx)
{
	struct member *m = ctx;

	for (int k = 0; k < 20 && m->status == TT_OK; k++) {
		const int pause = k % 2 && k % N == m->place;
		enum team_wish out = TEAM_END;

		m->status = team_come(m->team, pause ? TEAM_PAUSE : TEAM_END, &out);
		m->outcome[k] = (int)out;
	}
}

static void one_wish_to_pause_is_enough_for_all(void **state)
{
	(void)state;
	run(N, 10, come_often);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < 20; k++)
			assert_int_equal(member[i].outcome[k], k % 2 ? TEAM_PAUSE : TEAM_END);
}

/* Twice, so that the second is not the sum of both. */
static void average_twice(void *ctx)
{
	struct member *m = ctx;

	m->status = team_room(m->team, 3);
	for (int k = 0; k < 2 && m->status == TT_OK; k++) {
		m->x[0] = (float)m->place;
		m->x[1] = 7;
		m->x[2] = m->place == 2 ? 100 : 0;
		m->status = team_average(m->team, m->x, 2, m->place);
	}
}

/* Weights 0, 1, 2, 3: the mean of 0 ... 3 is 14 / 6. */
static void averages_are_weighted(void **state)
{
	(void)state;
	run(N, 10, average_twice);
	for (int i = 0; i < N; i++) {
		assert_ok(member[i].status);
		assert_near(member[i].x[0], 14.0 / 6, 1e-6);
		assert_true(member[i].x[1] == 7);
		assert_true(member[i].x[2] == (i == 2 ? 100 : 0));      /* not asked for */
	}
}

static void average_of_nothing(void *ctx)
{
	struct member *m = ctx;

	m->x[0] = 5;
	m->status = team_room(m->team, 1);
	if (m->status == TT_OK)
		m->status = team_average(m->team, m->x, 1, 0);
}

static void without_weight_nothing_changes(void **state)
{
	(void)state;
	run(3, 10, average_of_nothing);
	for (int i = 0; i < 3; i++)
		assert_true(member[i].x[0] == 5);
}

static void ask_for_memory(void *ctx)
{
	struct member *m = ctx;

	m->status = team_memory(m->team, 1000, &m->memory);
}

static void memory_is_one(void **state)
{
	(void)state;
	run(N, 10, ask_for_memory);
	for (int i = 0; i < N; i++) {
		assert_non_null(member[i].memory);
		assert_ptr_equal(member[i].memory, member[0].memory);
	}
}

/* Two fail: the first word counts, for who waits and for who comes later. */
static void fail_twice(void *ctx)
{
	struct member *m = ctx;
	enum team_wish out;

	if (m->place == 0) {
		team_fail(m->team, "the first word");
		team_fail(m->team, "the second word");
		return;
	}
	if ((m->status = team_come(m->team, TEAM_END, &out)) == TT_EPEER &&
	    team_tick(m->team) == TT_EPEER)
		snprintf(m->text, sizeof m->text, "%s", tt_last_error());
}

static void the_first_failure_is_told(void **state)
{
	(void)state;
	run(3, 10, fail_twice);
	for (int i = 1; i < 3; i++)
		assert_string_equal(member[i].text, "the first word");
}

static void nothing_is_left_behind(void **state)
{
	const int64_t live = mem_live();

	(void)state;
	run(N, 10, average_twice);
	run(N, 10, ask_for_memory);
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_wish_to_pause_is_enough_for_all),
		cmocka_unit_test(averages_are_weighted),
		cmocka_unit_test(without_weight_nothing_changes),
		cmocka_unit_test(memory_is_one),
		cmocka_unit_test(the_first_failure_is_told),
		cmocka_unit_test(nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
