#include "distribute/comm/tcp/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/comm/tcp/endpoint.h"
#include "distribute/comm/tcp/seal.h"
#include "support/support.h"

#define LARGE (8 << 20)         /* more than a connection buffers                              */

struct pair { struct tcp *end[2]; struct endpoint at[2]; };

static const unsigned char key[TCP_KEY] = "what both know";
static const unsigned char all[2] = { 1, 1 };
static int encrypted;

struct meeting { struct tcp *s; struct tcp_meeting m; tt_status st; };

static void meet(void *p)
{
	struct meeting *one = p;

	one->st = tcp_meet(one->s, &one->m);
}

static void open_pair(struct pair *p)
{
	struct meeting one[2];
	struct thread *t = NULL;

	for (int r = 0; r < 2; r++) {
		const struct tcp_place place = { .rank = r, .size = 2, .scope = ENDPOINT_LOOPBACK };

		assert_ok(tcp_listen(&p->end[r], &place, &p->at[r]));
		one[r] = (struct meeting){ .s = p->end[r],
		                           .m = { .at = p->at, .key = key,
		                                  .sealed = encrypted ? all : NULL,
		                                  .until = thread_seconds() + 10 } };
	}
	assert_ok(thread_start(&t, "meet", meet, &one[0]));
	meet(&one[1]);
	thread_join(&t);
	assert_ok(one[0].st);
	assert_ok(one[1].st);
}

static void close_pair(struct pair *p)
{
	tcp_close(&p->end[0]);
	tcp_close(&p->end[1]);
}

static struct comm_request message(int peer, int tag, void *p, size_t n)
{
	return (struct comm_request){ .peer = peer, .tag = tag, .p = p, .n = n };
}

static void start_send(struct tcp *s, struct comm_request *r)
{
	r->outgoing = 1;
	assert_int_equal(tcp_send(s, r), TT_OK);
}

static tt_status wait_some(struct tcp *s, struct comm_request *r)
{
	return tcp_wait(s, r, thread_seconds() + 10);
}

static void *fill(size_t n, unsigned seed)
{
	unsigned char *x = mem_calloc(n + 1, 1);

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		x[i] = (unsigned char)((i + seed) * 2654435761u >> 24);
	return x;
}

static void messages_arrive_in_order_and_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 61440, 0, 4, 100000, 3, 2, 1, 0, 0, 5, 61440,
	                                7, 8, 9, 10 };
	enum { N = sizeof sizes / sizeof *sizes };
	struct comm_request out[N], in[N];
	struct pair p;

	(void)state;
	open_pair(&p);
	for (int from = 0; from < 2; from++) {
		for (int i = 0; i < N; i++) {
			out[i] = message(!from, i, fill(sizes[i], (unsigned)i), sizes[i]);
			in[i] = message(from, i, mem_calloc(sizes[i] + 1, 1), sizes[i]);
			start_send(p.end[from], &out[i]);
			if (i >= 3)             /* some are there before anybody asks, some after */
				assert_int_equal(tcp_recv(p.end[!from], &in[i - 3]), TT_OK);
		}
		for (int i = N - 3; i < N; i++)
			assert_int_equal(tcp_recv(p.end[!from], &in[i]), TT_OK);
		for (int i = 0; i < N; i++) {
			assert_int_equal(wait_some(p.end[from], &out[i]), TT_OK);
			assert_int_equal(wait_some(p.end[!from], &in[i]), TT_OK);
			assert_memory_equal(in[i].p, out[i].p, sizes[i]);
			mem_free(in[i].p);
			mem_free(out[i].p);
		}
		assert_int_equal(tcp_move(p.end[from]), 0);
	}
	close_pair(&p);
}

/* Both send more than the kernel takes, and move on while they wait for their own. */
static void large_messages_cross(void **state)
{
	struct comm_request out[2], in[2];
	struct pair p;
	int over = 0;

	(void)state;
	open_pair(&p);
	for (int r = 0; r < 2; r++) {
		out[r] = message(!r, 5, fill(LARGE, (unsigned)r), LARGE);
		in[r] = message(!r, 5, mem_calloc(LARGE, 1), LARGE);
		assert_int_equal(tcp_recv(p.end[r], &in[r]), TT_OK);
		start_send(p.end[r], &out[r]);
	}
	assert_int_equal(tcp_wait(p.end[0], &in[0], thread_seconds() + 0.01), TT_ETIMEDOUT);
	for (int turn = 0; turn < 10000 && over < 2; turn++) {
		over = 0;
		for (int r = 0; r < 2; r++)
			over += tcp_wait(p.end[r], &in[r], thread_seconds() + 1e-3) == TT_OK;
	}
	for (int r = 0; r < 2; r++) {
		assert_int_equal(wait_some(p.end[r], &in[r]), TT_OK);
		assert_int_equal(wait_some(p.end[r], &out[r]), TT_OK);
		assert_memory_equal(in[r].p, out[!r].p, LARGE);
	}
	for (int r = 0; r < 2; r++) {
		mem_free(in[r].p);
		mem_free(out[r].p);
	}
	close_pair(&p);
}

static void another_size_than_expected_is_named(void **state)
{
	char big[64] = "", small[8] = "untouch";
	struct comm_request out = message(1, 3, big, sizeof big);
	struct comm_request in = message(0, 3, small, 4);
	struct pair p;

	(void)state;
	open_pair(&p);
	start_send(p.end[0], &out);
	assert_int_equal(wait_some(p.end[0], &out), TT_OK);
	assert_int_equal(tcp_recv(p.end[1], &in), TT_OK);
	assert_int_equal(wait_some(p.end[1], &in), TT_EINTERNAL);
	assert_contains(tt_last_error(), "rank 0 sends 64 bytes (tag 3) where rank 1 waits for 4");
	assert_string_equal(small + 4, "uch");
	tcp_cancel(p.end[1], &in);
	close_pair(&p);
}

static void who_leaves_is_named(void **state)
{
	char x[4] = "abc", y[4], z[4];
	struct comm_request out = message(1, 3, x, 4), in = message(0, 3, y, 4);
	struct comm_request more = message(0, 3, z, 4), late = message(0, 3, x, 4);
	struct pair p;

	(void)state;
	open_pair(&p);
	start_send(p.end[0], &out);
	assert_int_equal(tcp_recv(p.end[1], &in), TT_OK);
	assert_int_equal(tcp_recv(p.end[1], &more), TT_OK);
	assert_int_equal(wait_some(p.end[0], &out), TT_OK);
	tcp_close(&p.end[0]);
	assert_int_equal(wait_some(p.end[1], &in), TT_OK);          /* what was sent still arrives */
	assert_string_equal(y, "abc");
	assert_int_equal(wait_some(p.end[1], &more), TT_EIO);
	assert_int_equal(tcp_lost(p.end[1]), 0);
	assert_int_equal(tcp_error(p.end[1]), 0);
	tcp_drop(p.end[1], 0);
	assert_int_equal(tcp_fd(p.end[1], 0), -1);
	late.outgoing = 1;
	assert_int_equal(tcp_send(p.end[1], &late), TT_EIO);
	assert_contains(tt_last_error(), "cannot send to rank 0");
	close_pair(&p);
}

static void a_cancelled_message_is_forgotten(void **state)
{
	int x = 7, y = 0, gone = 0;
	struct comm_request out = message(1, 2, &x, sizeof x), in = message(0, 2, &y, sizeof y);
	struct comm_request never[2] = { message(0, 1, &gone, sizeof gone),
	                                 message(0, 3, &gone, sizeof gone) };
	struct pair p;

	(void)state;
	open_pair(&p);
	assert_int_equal(tcp_recv(p.end[1], &never[0]), TT_OK);
	assert_int_equal(tcp_recv(p.end[1], &in), TT_OK);
	assert_int_equal(tcp_recv(p.end[1], &never[1]), TT_OK);
	tcp_cancel(p.end[1], &never[0]);
	tcp_cancel(p.end[1], &never[1]);
	tcp_cancel(p.end[1], &never[1]);
	start_send(p.end[0], &out);
	assert_int_equal(wait_some(p.end[0], &out), TT_OK);
	assert_int_equal(wait_some(p.end[1], &in), TT_OK);
	assert_int_equal(y, 7);
	assert_int_equal(tcp_move(p.end[1]), 0);
	close_pair(&p);
}

static void out_of_memory_leaves_nothing(void **state)
{
	const struct tcp_place place = { .size = 3 };
	struct endpoint mine;
	struct tcp *s = NULL;
	tt_status st = TT_ENOMEM;

	(void)state;
	for (int n = 0; st == TT_ENOMEM; n++) {
		assert_true(n < 20);
		mem_fail_at((uint64_t)n + 1, 1);
		st = tcp_listen(&s, &place, &mine);
		mem_fail_at(0, 0);
	}
	assert_int_equal(st, TT_OK);
	tcp_close(&s);
}

/* ---- ways to a rank ---- */

/* A listener that nobody accepts from, at 127.0.0.`last`; *port: 0 for any. */
static int listen_at(int last, uint16_t *port, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port),
	                         .sin_addr.s_addr = htonl(0x7f000000 + (uint32_t)last) };
	socklen_t len = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (bind(fd, (void *)&a, len) != 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static struct address local(int last)
{
	return (struct address){ .family = 4, .bytes = { 127, 0, 0, (unsigned char)last } };
}

/* Whoever comes while its queue is full gets no answer. */
static void fill_queue(uint16_t port, int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
	                         .sin_addr.s_addr = htonl(0x7f000002) };

	for (int i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fd[i], (void *)&a, sizeof a);
	}
}

static void an_address_that_does_not_answer_costs_a_moment(void **state)
{
	struct endpoint c = { .n = 3, .address = { local(2), local(2), local(3) } };
	const int dead = listen_at(2, &c.port, 0), alive = listen_at(3, &c.port, 4);
	const double start = thread_seconds();
	struct sockaddr_in to;
	socklen_t len = sizeof to;
	int queue[2], fd = -1;

	(void)state;
	if (alive < 0)
		test_skip("somebody else has this port");
	fill_queue(c.port, queue);
	assert_int_equal(endpoint_connect(&c, start + 20, &fd), 0);
	assert_int_equal(getpeername(fd, (void *)&to, &len), 0);
	assert_int_equal(ntohl(to.sin_addr.s_addr), 0x7f000003);
	assert_in_range((uint64_t)(1000 * (thread_seconds() - start)), 450, 3000);
	close(fd);
	close(queue[0]);
	close(queue[1]);
	close(alive);
	close(dead);
}

static void addresses_that_refuse_cost_nothing(void **state)
{
	struct endpoint c = { .n = 4, .address = { local(4), local(5), local(6), local(7) } };
	const int fd = listen_at(7, &c.port, 1);
	const double start = thread_seconds();
	int to = -1;

	(void)state;
	assert_int_equal(endpoint_connect(&c, start + 20, &to), 0);
	close(to);
	c.n = 3;
	assert_int_equal(endpoint_connect(&c, start + 20, &to), ECONNREFUSED);
	c.n = 0;
	assert_int_equal(endpoint_connect(&c, start + 20, &to), EADDRNOTAVAIL);
	assert_true(thread_seconds() - start < 0.2);
	close(fd);
}

/* Nobody who listens in reads it, and whoever changes it is noticed: here the key is another. */
static void encrypted_bytes_cannot_be_read_or_changed(void **state)
{
	unsigned char way[2][32] = { "there", "back" }, other[2][32] = { "back", "there" };
	char plain[100] = "the weights", got[4096] = "", back[100];
	struct iovec out = { plain, sizeof plain }, in = { back, sizeof back };
	struct seal *a = NULL, *b = NULL;
	int fd[2], copy[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, copy), 0);
	assert_ok(seal_new(&a, way));
	assert_int_equal(seal_send(a, fd[0], &out, 1), sizeof plain);
	n = recv(fd[1], got, sizeof got, 0);
	assert_true(n > (ssize_t)sizeof plain);
	assert_null(memmem(got, (size_t)n, "weights", 7));
	for (int changed = -1; changed < n; changed++) {
		assert_ok(seal_new(&b, other));
		if (changed >= 4)               /* a length that is wrong may want more */
			got[changed] ^= 1;
		assert_int_equal(send(copy[0], got, (size_t)n, 0), n);
		errno = 0;
		if (changed >= 4) {
			assert_int_equal(seal_recv(b, copy[1], &in, 1), -1);
			assert_int_equal(errno, EBADMSG);
			got[changed] ^= 1;
		} else {
			assert_int_equal(seal_recv(b, copy[1], &in, 1), sizeof plain);
			assert_memory_equal(back, plain, sizeof plain);
		}
		/* the same again is no news */
		if (changed < 4) {
			assert_int_equal(send(copy[0], got, (size_t)n, 0), n);
			assert_int_equal(seal_recv(b, copy[1], &in, 1), -1);
		}
		seal_free(&b);
	}
	seal_free(&a);
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		close(copy[i]);
	}
}

static void lengths_are_bounded(void **state)
{
	unsigned char way[2][32] = { "there", "back" };
	const unsigned char head[2][4] = { { 0, 0, 0, 0 }, { 1, 0x80, 0, 0 } };
	char back[8];
	struct iovec in = { back, sizeof back };
	struct seal *s = NULL;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	for (int i = 0; i < 2; i++) {
		assert_ok(seal_new(&s, way));
		assert_int_equal(send(fd[0], head[i], 4, 0), 4);
		assert_int_equal(seal_recv(s, fd[1], &in, 1), -1);
		assert_int_equal(errno, EBADMSG);
		seal_free(&s);
	}
	close(fd[0]);
	close(fd[1]);
}

/* ---- names ---- */

static void addresses_have_names(void **state)
{
	static const char *const bad[] = { "", "host", "tcp://", "tcp://:7", "a:0", "a:65536", "a:7x",
	                                   "tcp://[::1]", "a:" };
	struct endpoint at;

	(void)state;
	assert_ok(endpoint_resolve(&at, "tcp://127.0.0.9:4711"));
	assert_int_equal(at.port, 4711);
	assert_int_equal(at.n, 1);
	assert_int_equal(at.address[0].bytes[3], 9);
	assert_ok(endpoint_resolve(&at, "[::1]:80"));
	assert_int_equal(at.address[0].family, 6);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_status(endpoint_resolve(&at, bad[i]), TT_EINVAL);
	assert_error("no address: tcp://host:port is wanted");
}

static void a_loopback_listener_is_on_no_other_address(void **state)
{
	struct endpoint at = { .port = 0 };
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	const int fd = endpoint_listen(ENDPOINT_LOOPBACK, &at.port);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	assert_int_equal(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
	endpoint_find_addresses(&at, ENDPOINT_LOOPBACK);
	assert_true(at.n >= 1 && at.n <= 2);
	close(fd);
}

static int encrypt(void **state)
{
	(void)state;
	encrypted = 1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_in_order_and_whole),
		cmocka_unit_test(large_messages_cross),
		cmocka_unit_test(another_size_than_expected_is_named),
		cmocka_unit_test(who_leaves_is_named),
		cmocka_unit_test(a_cancelled_message_is_forgotten),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(out_of_memory_leaves_nothing),
		cmocka_unit_test(encrypted_bytes_cannot_be_read_or_changed),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(an_address_that_does_not_answer_costs_a_moment),
		cmocka_unit_test(addresses_that_refuse_cost_nothing),
		cmocka_unit_test(addresses_have_names),
		cmocka_unit_test(a_loopback_listener_is_on_no_other_address),
	};

	return cmocka_run_group_tests_name("plain", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("encrypted", tests, encrypt, NULL) +
	       cmocka_run_group_tests(once, NULL, NULL);
}
