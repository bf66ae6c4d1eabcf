/* How ranks come to be connected, and what strangers who talk to the same port can do: nothing. */
#include "distribute/comm/tcp/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "distribute/comm/tcp/greet.h"
#include "distribute/comm/tcp/rendezvous.h"
#include "distribute/comm/tcp/seal.h"
#include "support/support.h"
#include "sys/thread.h"

static const unsigned char key[TCP_KEY] = "the group's", other_key[TCP_KEY] = "somebody's";
static const unsigned char all[4] = { 1, 1, 1, 1 };

/* ---- the greeting, with somebody in the middle ---- */

struct talk {
	struct greet_place place[2];            /* who connects, who is connected to */
	struct greeting    g[2];
	int                wire[2];             /* the middle's ends                 */
};

static void open_talk(struct talk *t)
{
	int a[2], b[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
	*t = (struct talk){ .place = { { 2, 4, 7, key, NULL }, { 0, 4, 7, key, NULL } },
	                    .wire = { a[1], b[1] } };
	t->g[0].fd = a[0];
	greet_accept(&t->g[1], b[0]);
}

static void close_talk(struct talk *t)
{
	greet_close(&t->g[0]);
	greet_close(&t->g[1]);
	close(t->wire[0]);
	close(t->wire[1]);
}

/* What one says, seen by the middle. */
static size_t hear(const struct talk *t, int from, unsigned char said[256])
{
	ssize_t n = recv(t->wire[from], said, 256, 0);

	return n > 0 ? (size_t)n : 0;
}

static enum greet_state tell(struct talk *t, int to, const unsigned char *words, size_t n)
{
	if (n)
		assert_int_equal(send(t->wire[to], words, n, MSG_NOSIGNAL), n);
	return greet_move(&t->g[to], &t->place[to]);
}

struct record { unsigned char said[3][256]; size_t n[3]; };     /* hello, answer, proof */

static enum greet_state talk_to_the_end(struct talk *t, struct record *r)
{
	enum greet_state st;

	greet_connect(&t->g[0], &t->place[0], t->g[0].fd, 0);
	r->n[0] = hear(t, 0, r->said[0]);
	tell(t, 1, r->said[0], r->n[0]);
	r->n[1] = hear(t, 1, r->said[1]);
	tell(t, 0, r->said[1], r->n[1]);
	r->n[2] = hear(t, 0, r->said[2]);
	st = tell(t, 1, r->said[2], r->n[2]);
	return st;
}

static void who_knows_the_key_is_welcome(void **state)
{
	unsigned char verdict[256];
	struct record r;
	struct talk t;

	(void)state;
	open_talk(&t);
	assert_int_equal(talk_to_the_end(&t, &r), GREET_PROVEN);
	assert_int_equal(t.g[1].peer, 2);
	assert_int_equal(greet_judge(&t.g[1], GREET_WELCOME), GREET_DONE);
	assert_int_equal(hear(&t, 1, verdict), 1);
	assert_int_equal(tell(&t, 0, verdict, 1), GREET_DONE);
	close_talk(&t);
}

static void another_key_proves_nothing_to_either(void **state)
{
	struct record r;
	struct talk t;

	(void)state;
	for (int who = 0; who < 2; who++) {
		open_talk(&t);
		t.place[who].key = other_key;
		assert_int_not_equal(talk_to_the_end(&t, &r), GREET_PROVEN);
		assert_int_equal(t.g[0].state, GREET_FAILED);
		assert_int_equal(t.g[0].stranger, 1);
		assert_int_equal(r.n[2], 0);            /* and its own proof is not shown */
		close_talk(&t);
	}
}

/* Nonces are fresh: what was true once is no proof now. */
static void a_recording_proves_nothing(void **state)
{
	unsigned char answer[256];
	struct record r;
	struct talk t;

	(void)state;
	open_talk(&t);
	assert_int_equal(talk_to_the_end(&t, &r), GREET_PROVEN);
	close_talk(&t);
	open_talk(&t);
	assert_int_equal(tell(&t, 1, r.said[0], r.n[0]), GREET_AWAITING);
	assert_int_equal(hear(&t, 1, answer), r.n[1]);
	assert_memory_not_equal(answer, r.said[1], r.n[1]);
	assert_int_equal(tell(&t, 1, r.said[2], r.n[2]), GREET_FAILED);
	assert_int_equal(t.g[1].stranger, 1);
	close_talk(&t);
	open_talk(&t);                                  /* nor is our own proof, sent back */
	tell(&t, 1, r.said[0], r.n[0]);
	hear(&t, 1, answer);
	assert_int_equal(tell(&t, 1, answer + 64, 32), GREET_FAILED);
	close_talk(&t);
}

/* Whatever byte the middle changes, somebody notices. */
static void every_byte_is_vouched_for(void **state)
{
	struct record r, clean;
	struct talk t;

	(void)state;
	open_talk(&t);
	talk_to_the_end(&t, &clean);
	close_talk(&t);
	for (int part = 0; part < 3; part++)
		for (size_t i = 0; i < clean.n[part]; i++) {
			open_talk(&t);
			greet_connect(&t.g[0], &t.place[0], t.g[0].fd, 0);
			r.n[0] = hear(&t, 0, r.said[0]);
			r.said[0][i] ^= part == 0;
			tell(&t, 1, r.said[0], r.n[0]);
			r.n[1] = hear(&t, 1, r.said[1]);
			if (r.n[1])
				r.said[1][i] ^= part == 1;
			tell(&t, 0, r.said[1], r.n[1]);
			r.n[2] = hear(&t, 0, r.said[2]);
			if (r.n[2])
				r.said[2][i] ^= part == 2;
			assert_int_not_equal(tell(&t, 1, r.said[2], r.n[2]), GREET_PROVEN);
			close_talk(&t);
		}
}

/* They know the key, and are told what is wrong. */
static void members_that_differ_are_refused(void **state)
{
	unsigned char verdict[256];
	struct record r;
	struct talk t;

	(void)state;
	open_talk(&t);
	t.place[0].size = 5;
	assert_int_equal(talk_to_the_end(&t, &r), GREET_REFUSED);
	tell(&t, 0, verdict, hear(&t, 1, verdict));
	assert_int_equal(t.g[0].verdict, GREET_OTHER_SIZE);
	close_talk(&t);
	open_talk(&t);
	t.place[1].sealed = all;
	assert_int_equal(talk_to_the_end(&t, &r), GREET_REFUSED);
	tell(&t, 0, verdict, hear(&t, 1, verdict));
	assert_int_equal(t.g[0].verdict, GREET_OTHER_SEAL);
	close_talk(&t);
	open_talk(&t);
	t.place[0].purpose = 8;
	assert_int_equal(talk_to_the_end(&t, &r), GREET_FAILED);
	close_talk(&t);
}

static void keys_of_a_connection_are_fresh_and_the_same_at_both_ends(void **state)
{
	unsigned char before[32] = { 0 };
	struct record r;
	struct talk t;

	(void)state;
	for (int i = 0; i < 3; i++) {
		open_talk(&t);
		t.place[0].sealed = t.place[1].sealed = all;
		assert_int_equal(talk_to_the_end(&t, &r), GREET_PROVEN);
		assert_memory_equal(t.g[0].key[0], t.g[1].key[1], 32);
		assert_memory_equal(t.g[0].key[1], t.g[1].key[0], 32);
		assert_memory_not_equal(t.g[0].key[0], t.g[0].key[1], 32);
		assert_memory_not_equal(t.g[0].key[0], before, 32);
		memcpy(before, t.g[0].key[0], 32);
		close_talk(&t);
	}
}

/* Of any length, some with the right beginning. */
static void noise_proves_nothing(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, rng_key(7, RNG_TEST), 0, 0);
	for (int i = 0; i < 3000; i++) {
		unsigned char words[256];
		size_t n = 1 + rng_u32(&r) % sizeof words;
		struct talk t;

		for (size_t k = 0; k < sizeof words; k++)
			words[k] = (unsigned char)rng_u32(&r);
		if (i % 2) {
			struct greet_hello h = { .magic = "tutti-2", .from = (int)(rng_u32(&r) % 9) - 2,
			                         .size = 4, .purpose = 7 };

			memcpy(words, &h, sizeof h);
			n = n < sizeof h ? n : n + (256 - n) / 2;
		}
		open_talk(&t);
		for (size_t at = 0; at < n && t.g[1].state < GREET_PROVEN; at += 61)
			tell(&t, 1, words + at, n - at < 61 ? n - at : 61);
		assert_int_not_equal(t.g[1].state, GREET_PROVEN);
		close_talk(&t);
	}
}

/* ---- meeting, while others talk to the port ---- */

struct one { struct rendezvous_opts opts; struct tcp *s; tt_status st; char text[ERR_MAX]; };

static void come(void *p)
{
	struct one *o = p;

	o->st = rendezvous_open(&o->s, &o->opts);
	snprintf(o->text, sizeof o->text, "%s", tt_last_error());
}

static struct thread *start_for(struct one *o, int rank, int size, struct endpoint *at, double wait)
{
	struct thread *t = NULL;

	*o = (struct one){ .opts = { .rank = rank, .size = size, .key = key, .at = at,
	                             .until = thread_seconds() + wait } };
	if (rank == 0) {
		*at = (struct endpoint){ .n = 1, .address = { { .family = 4,
		                                                .bytes = { 127, 0, 0, 1 } } } };
		o->opts.listener = endpoint_listen(ENDPOINT_LOOPBACK, &at->port);
		assert_true(o->opts.listener > 0);
	}
	assert_ok(thread_start(&t, "meet", come, o));
	return t;
}

static struct thread *start(struct one *o, int rank, int size, struct endpoint *at)
{
	return start_for(o, rank, size, at, 20);
}

static int stranger(uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
	                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const void *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void nap(double seconds)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)(1e9 * seconds) }, NULL);
}

static const struct { const char *what; size_t n; int honest; } words[] = {
	{ "nothing", 0, 0 }, { "GET / HTTP/1.1\r\n\r\n", 18, 0 }, { "tutti-2", 8, 0 }, { "\xff", 1, 0 },
	{ "a hello", sizeof(struct greet_hello), 1 },
};

static void say_something(int fd, int which)
{
	const struct greet_hello h = { .magic = "tutti-2", .from = 1, .size = 3 };

	if (fd >= 0 && words[which].n)
		(void)send(fd, words[which].honest ? (const void *)&h : words[which].what, words[which].n,
		           MSG_NOSIGNAL);
}

/* Some say nothing, some noise, some begin well and stop. */
static void strangers_hold_nobody_up(void **state)
{
	enum { CROWD = 300, KINDS = sizeof words / sizeof *words };
	struct endpoint at;
	struct one r[3];
	struct thread *t[3];
	int fd[CROWD];
	double begin;

	(void)state;
	t[0] = start(&r[0], 0, 3, &at);
	for (int i = 0; i < CROWD; i++) {
		fd[i] = stranger(at.port);
		say_something(fd[i], i % KINDS);
	}
	nap(0.3);
	begin = thread_seconds();
	t[1] = start(&r[1], 1, 3, &at);
	t[2] = start(&r[2], 2, 3, &at);
	for (int i = 0; i < 3; i++) {
		thread_join(&t[i]);
		if (r[i].st != TT_OK)
			fail_msg("rank %d: %s", i, r[i].text);
		tcp_close(&r[i].s);
	}
	assert_true(thread_seconds() - begin < 5);
	for (int i = 0; i < CROWD; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

struct flood { uint16_t port; _Atomic int over, n; };

static void call_again_and_again(void *p)
{
	struct flood *f = p;
	int fd[200];

	memset(fd, -1, sizeof fd);
	for (int i = 0; !atomic_load(&f->over); i = (i + 1) % 200) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = stranger(f->port);
		say_something(fd[i], atomic_fetch_add(&f->n, 1) % 5);
	}
	for (int i = 0; i < 200; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* As fast as one thread can, all the time, until all have met. */
static void a_flood_of_calls_stops_nobody(void **state)
{
	struct endpoint at;
	struct one r[3];
	struct thread *t[3], *caller = NULL;
	struct flood f = { .over = 0 };

	(void)state;
	t[0] = start(&r[0], 0, 3, &at);
	f.port = at.port;
	assert_ok(thread_start(&caller, "flood", call_again_and_again, &f));
	nap(0.5);
	t[1] = start(&r[1], 1, 3, &at);
	t[2] = start(&r[2], 2, 3, &at);
	for (int i = 0; i < 3; i++)
		thread_join(&t[i]);
	atomic_store(&f.over, 1);
	thread_join(&caller);
	for (int i = 0; i < 3; i++) {
		if (r[i].st != TT_OK)
			fail_msg("rank %d, after %d calls: %s", i, (int)f.n, r[i].text);
		tcp_close(&r[i].s);
	}
	assert_true(f.n > 100);
}

static void nobody_listens_when_all_have_met(void **state)
{
	struct endpoint at;
	struct one r[2];
	struct thread *t[2];
	int fd;

	(void)state;
	t[0] = start(&r[0], 0, 2, &at);
	t[1] = start(&r[1], 1, 2, &at);
	thread_join(&t[0]);
	thread_join(&t[1]);
	assert_ok(r[0].st);
	fd = stranger(at.port);
	nap(0.05);
	assert_true(fd < 0 || send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	if (fd >= 0)
		close(fd);
	tcp_close(&r[0].s);
	tcp_close(&r[1].s);
}

static void two_of_one_rank_are_one_too_many(void **state)
{
	struct endpoint at;
	struct one r[3];
	struct thread *t[3];
	int refused = 0;

	(void)state;
	t[0] = start(&r[0], 0, 3, &at);
	t[1] = start(&r[1], 1, 3, &at);
	t[2] = start(&r[2], 1, 3, &at);
	for (int i = 1; i < 3; i++) {
		thread_join(&t[i]);
		if (r[i].st == TT_EINVAL) {
			refused++;
			assert_contains(r[i].text, "there is another of this rank already");
		}
	}
	assert_int_equal(refused, 1);
	for (int i = 1; i < 3; i++)
		tcp_close(&r[i].s);
	t[1] = start(&r[1], 2, 3, &at);                 /* and no harm is done */
	thread_join(&t[1]);
	thread_join(&t[0]);
	assert_ok(r[0].st);
	for (int i = 0; i < 3; i++)
		tcp_close(&r[i].s);
}

static void who_does_not_come_is_named(void **state)
{
	struct endpoint at;
	struct one r[2];
	struct thread *t[2];

	(void)state;
	t[0] = start_for(&r[0], 0, 4, &at, 0.5);
	t[1] = start(&r[1], 1, 4, &at);
	thread_join(&t[0]);
	thread_join(&t[1]);
	assert_status(r[0].st, TT_ETIMEDOUT);
	assert_contains(r[0].text, "workers 2, 3 of 4 did not connect to worker 0 within 0.5 s");
	tcp_close(&r[0].s);
	tcp_close(&r[1].s);
}

static int at_once(void *ctx)
{
	(void)ctx;
	return 1;
}

static void waiting_can_be_stopped(void **state)
{
	const struct tcp_place place = { .size = 2, .scope = ENDPOINT_LOOPBACK };
	struct endpoint at[2];
	struct tcp *s = NULL;

	(void)state;
	assert_ok(tcp_listen(&s, &place, &at[0]));
	assert_status(tcp_meet(s, &(struct tcp_meeting){ .at = at, .key = key, .stop = at_once,
	                                                 .until = thread_seconds() + 30 }),
	              TT_ESTOPPED);
	tcp_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_knows_the_key_is_welcome),
		cmocka_unit_test(another_key_proves_nothing_to_either),
		cmocka_unit_test(a_recording_proves_nothing),
		cmocka_unit_test(every_byte_is_vouched_for),
		cmocka_unit_test(members_that_differ_are_refused),
		cmocka_unit_test(keys_of_a_connection_are_fresh_and_the_same_at_both_ends),
		cmocka_unit_test(noise_proves_nothing),
		cmocka_unit_test(strangers_hold_nobody_up),
		cmocka_unit_test(a_flood_of_calls_stops_nobody),
		cmocka_unit_test(nobody_listens_when_all_have_met),
		cmocka_unit_test(two_of_one_rank_are_one_too_many),
		cmocka_unit_test(who_does_not_come_is_named),
		cmocka_unit_test(waiting_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
