#include "distribute/comm/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/comm/endpoint.h"
#include "support/support.h"

#define KEY   16                /* a card begins with a secret of so many bytes, then the port */
#define LARGE (8 << 20)         /* more than a connection buffers                              */

struct pair { struct tcp *end[2]; uint16_t port[2]; unsigned char key[2][KEY]; };

static void open_pair(struct pair *p)
{
	unsigned char cards[2 * STREAMS_CARD];

	for (int r = 0; r < 2; r++) {
		assert_int_equal(tcp_listen(&p->end[r], r, 2, cards + r * STREAMS_CARD), TT_OK);
		memcpy(p->key[r], cards + r * STREAMS_CARD, KEY);
		memcpy(&p->port[r], cards + r * STREAMS_CARD + KEY, sizeof p->port[r]);
	}
	for (int r = 0; r < 2; r++)
		tcp_meet(p->end[r], cards);
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

static int stranger(const struct pair *p, const void *words, size_t n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(p->port[1]),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (void *)&to, sizeof to), 0);
	assert_int_equal(send(fd, words, n, MSG_NOSIGNAL), n);
	return fd;
}

static void who_does_not_know_the_secret_is_turned_away(void **state)
{
	struct { char magic[8]; int32_t from, to; unsigned char key[KEY]; } hello = { "tutti-1", 0, 1,
	                                                                              "" };
	int fd[20], x = 7, y = 0;
	char c;
	struct comm_request out = message(1, 3, &x, sizeof x), in = message(0, 3, &y, sizeof y);
	struct pair p;

	(void)state;
	open_pair(&p);
	memcpy(hello.key, p.key[1], KEY);
	hello.key[KEY - 1] ^= 1;
	for (int i = 0; i < 20; i++)            /* some lie, some say nothing, some too little */
		fd[i] = stranger(&p, &hello, i % 3 == 0 ? sizeof hello : (size_t)(i % 3) * 8);
	assert_int_equal(tcp_recv(p.end[1], &in), TT_OK);
	assert_int_equal(tcp_wait(p.end[1], &in, thread_seconds() + 0.2), TT_ETIMEDOUT);
	assert_int_equal(recv(fd[0], &c, 1, MSG_DONTWAIT), 0);
	start_send(p.end[0], &out);
	assert_int_equal(wait_some(p.end[0], &out), TT_OK);
	assert_int_equal(wait_some(p.end[1], &in), TT_OK);
	assert_int_equal(y, 7);
	for (int i = 0; i < 20; i++)
		close(fd[i]);
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
	tcp_cancel(p.end[1], &more);
	late.outgoing = 1;
	assert_int_equal(tcp_send(p.end[1], &late), TT_EIO);
	assert_contains(tt_last_error(), "cannot connect to rank 0");
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
	unsigned char card[STREAMS_CARD];
	struct tcp *s = NULL;
	tt_status st = TT_ENOMEM;

	(void)state;
	for (int n = 0; st == TT_ENOMEM; n++) {
		assert_true(n < 20);
		mem_fail_at((uint64_t)n + 1, 1);
		st = tcp_listen(&s, 0, 3, card);
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
	assert_int_equal(endpoint_connect(&c, &fd), 0);
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
	assert_int_equal(endpoint_connect(&c, &to), 0);
	close(to);
	c.n = 3;
	assert_int_equal(endpoint_connect(&c, &to), ECONNREFUSED);
	c.n = 0;
	assert_int_equal(endpoint_connect(&c, &to), EADDRNOTAVAIL);
	assert_true(thread_seconds() - start < 0.2);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_in_order_and_whole),
		cmocka_unit_test(large_messages_cross),
		cmocka_unit_test(who_does_not_know_the_secret_is_turned_away),
		cmocka_unit_test(another_size_than_expected_is_named),
		cmocka_unit_test(who_leaves_is_named),
		cmocka_unit_test(a_cancelled_message_is_forgotten),
		cmocka_unit_test(out_of_memory_leaves_nothing),
		cmocka_unit_test(an_address_that_does_not_answer_costs_a_moment),
		cmocka_unit_test(addresses_that_refuse_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
