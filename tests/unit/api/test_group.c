/* Groups through the public header: a trainer over one, and what is refused. */
#include <tutti/group.h>
#include <tutti/train.h>

#include <string.h>
#include <unistd.h>

#include "distribute/comm/tcp/endpoint.h"
#include "support/support.h"
#include "support/tiny.h"
#include "sys/thread.h"

static const char secret[] = "a secret of the tests";

struct one { tt_group_opts opts; float first; int word; tt_status st; char text[ERR_MAX]; };

static void train(void *ctx)
{
	struct one *o = ctx;
	tt_group *g = NULL;
	tt_trainer *t = NULL;
	tt_model *m;

	if ((o->st = tt_group_tcp(&g, &o->opts)) != TT_OK) {
		snprintf(o->text, sizeof o->text, "%s", tt_last_error());
		return;
	}
	m = tiny_model(tiny_mlp, NULL);
	if ((o->st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.group = g))) == TT_OK)
		o->st = tt_trainer_run(t);
	if (o->st == TT_OK)
		o->st = tt_group_barrier(g);
	o->word = 7 + o->opts.rank;
	if (o->st == TT_OK)
		o->st = tt_group_broadcast(g, &o->word, sizeof o->word);
	if (o->st == TT_OK)
		o->first = (float)tt_trainer_progress(t)->loss;
	snprintf(o->text, sizeof o->text, "%s", tt_last_error());
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_group_close(&g);
}

static void ranks_of_a_group_train_together(void **state)
{
	uint16_t port = 0;
	char address[64];
	struct one o[2];
	struct thread *t[2];

	(void)state;
	close(endpoint_listen(ENDPOINT_LOOPBACK, &port));
	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", port);
	for (int r = 0; r < 2; r++) {
		o[r] = (struct one){ .opts = { .size = sizeof o[r].opts, .rank = r, .world = 2,
		                               .rendezvous = address, .secret = secret,
		                               .secret_size = sizeof secret - 1, .timeout = 20 } };
		assert_ok(thread_start(&t[r], "rank", train, &o[r]));
	}
	for (int r = 0; r < 2; r++)
		thread_join(&t[r]);
	for (int r = 0; r < 2; r++)
		if (o[r].st != TT_OK)
			fail_msg("rank %d: %s", r, o[r].text);
	assert_int_equal(o[0].word, 7);
	assert_int_equal(o[1].word, 7);
	assert_true(o[0].first > 0);
	assert_true(o[0].first == o[1].first);
}

static void a_group_of_one_needs_nobody(void **state)
{
	tt_group *g = NULL;

	(void)state;
	assert_ok(tt_group_self(&g));
	assert_int_equal(tt_group_rank(g), 0);
	assert_int_equal(tt_group_world(g), 1);
	assert_ok(tt_group_barrier(g));
	tt_group_abandon(g, "nobody hears it");
	tt_group_close(&g);
	assert_null(g);
	tt_group_close(&g);
}

static void what_is_missing_is_named(void **state)
{
	tt_group *g = NULL;

	(void)state;
	assert_status(tt_group_self(NULL), TT_EINVAL);
	assert_status(tt_group_tcp(&g, NULL), TT_EINVAL);
	assert_error("tt_group_tcp");
	assert_status(tt_group_tcp(&g, TT_GROUP_OPTS(.world = 2)), TT_EINVAL);
	assert_error("rendezvous");
	assert_status(tt_group_tcp(&g, TT_GROUP_OPTS(.rendezvous = "a:1", .world = 2)), TT_EINVAL);
	assert_error("secret");
	assert_status(tt_group_tcp(&g, TT_GROUP_OPTS(.rendezvous = "a:1", .world = 2, .rank = 2,
	                                             .secret = secret, .secret_size = 16)), TT_EINVAL);
	assert_error("rank 2 of a group of 2");
	assert_status(tt_group_tcp(&g, TT_GROUP_OPTS(.rendezvous = "a", .world = 2, .secret = secret,
	                                             .secret_size = 16)), TT_EINVAL);
	assert_error("tcp://host:port is wanted");
	assert_null(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_of_a_group_train_together),
		cmocka_unit_test(a_group_of_one_needs_nobody),
		cmocka_unit_test(what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
