#include "distribute/comm/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/thread.h"

#define CONNECT_SECONDS 5.0     /* for all addresses together            */
#define NEXT_SECONDS    0.25    /* for each, before another is tried, too (RFC 8305, section 5) */

/* ---- addresses ---- */

static int same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static int read_address(const struct sockaddr *from, struct address *to)
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;

	memset(to, 0, sizeof *to);
	if (from && from->sa_family == AF_INET) {
		to->family = 4;
		memcpy(to->bytes, &four->sin_addr, sizeof four->sin_addr);
	} else if (from && from->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr)) {
		to->family = 6;
		memcpy(to->bytes, &six->sin6_addr, sizeof six->sin6_addr);
	}
	return to->family != 0;
}

/* Loopback comes last: it is of use to ranks of this machine alone. */
void endpoint_find_addresses(struct endpoint *c)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) != 0)
		return;
	for (int loop = 0; loop < 2; loop++)
		for (struct ifaddrs *i = all; i && c->n < CARD_ADDRESSES; i = i->ifa_next)
			if ((i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK) == !loop &&
			    read_address(i->ifa_addr, &c->address[c->n]))
				c->n++;
	freeifaddrs(all);
}

static socklen_t write_address(const struct address *a, uint16_t port,
                               struct sockaddr_storage *to)
{
	struct sockaddr_in6 *six = (void *)to;
	struct sockaddr_in *four = (void *)to;

	memset(to, 0, sizeof *to);
	if (a->family == 6) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		memcpy(&six->sin6_addr, a->bytes, sizeof six->sin6_addr);
		return sizeof *six;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	memcpy(&four->sin_addr, a->bytes, sizeof four->sin_addr);
	return sizeof *four;
}

void endpoint_keep_foreign(struct endpoint *c, const struct endpoint *mine)
{
	int kept = 0;

	if (c->n > CARD_ADDRESSES)
		c->n = CARD_ADDRESSES;
	for (int i = 0; i < c->n; i++) {
		int own = 0;

		for (int j = 0; j < mine->n && !own; j++)
			own = same_address(&c->address[i], &mine->address[j]);
		if (!own)
			c->address[kept++] = c->address[i];
	}
	if (kept)
		c->n = (uint16_t)kept;
}

/* ---- the two ends of a connection ---- */

int endpoint_listen(uint16_t *port)
{
	const struct address any[2] = { { .family = 6 }, { .family = 4 } };
	struct sockaddr_storage at;
	socklen_t len;
	int no = 0;

	for (int i = 0; i < 2; i++) {
		int fd = socket(i ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		len = write_address(&any[i], 0, &at);
		if (i == 0)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
		if (bind(fd, (void *)&at, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
		    getsockname(fd, (void *)&at, &len) == 0) {
			*port = ntohs(i ? ((struct sockaddr_in *)&at)->sin_port
			                : ((struct sockaddr_in6 *)&at)->sin6_port);
			return fd;
		}
		close(fd);
	}
	return -1;
}

/* One address, and then the next, are tried at the same time: a dead one does not answer. */
struct tries {
	const struct endpoint *card;
	struct pollfd      at[CARD_ADDRESSES];
	int                begun, error;        /* of the last that failed */
	double             next;                /* when another begins     */
};

static void give_up(struct tries *t, int i, int error)
{
	close(t->at[i].fd);
	t->at[i].fd = -1;
	t->error = error;
}

static int under_way(const struct tries *t)
{
	int n = 0;

	for (int i = 0; i < t->begun; i++)
		n += t->at[i].fd >= 0;
	return n;
}

static void begin_next(struct tries *t)
{
	struct sockaddr_storage to;
	const int i = t->begun++;
	const socklen_t len = write_address(&t->card->address[i], t->card->port, &to);

	t->next = thread_seconds() + NEXT_SECONDS;
	t->at[i] = (struct pollfd){ .events = POLLOUT };
	t->at[i].fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->at[i].fd < 0)
		t->error = errno;
	else if (connect(t->at[i].fd, (void *)&to, len) != 0 && errno != EINPROGRESS)
		give_up(t, i, errno);
}

/* Wait until `end` at most.  The first connection that stands, taken out of t, or -1. */
static int look(struct tries *t, double end)
{
	const double left = end - thread_seconds();

	if (poll(t->at, (nfds_t)t->begun, left > 0 ? (int)(left * 1000) + 1 : 0) < 0)
		return -1;
	for (int i = 0; i < t->begun; i++) {
		const int fd = t->at[i].fd;
		int error = 0;
		socklen_t len = sizeof error;

		if (fd < 0 || !t->at[i].revents)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
			t->at[i].fd = -1;
			return fd;
		}
		give_up(t, i, error ? error : errno);
	}
	return -1;
}

int endpoint_connect(const struct endpoint *c, int *out)
{
	const double end = thread_seconds() + CONNECT_SECONDS;
	struct tries t = { .card = c, .error = EADDRNOTAVAIL };
	int fd = -1, yes = 1;

	while (fd < 0 && (t.begun < c->n || under_way(&t))) {
		const double now = thread_seconds();

		if (t.begun < c->n && (now >= t.next || !under_way(&t)))
			begin_next(&t);
		else if (now >= end)
			break;
		else
			fd = look(&t, t.begun < c->n ? t.next : end);
	}
	for (int i = 0; i < t.begun; i++)
		if (t.at[i].fd >= 0)
			give_up(&t, i, ETIMEDOUT);
	if (fd < 0)
		return t.error;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	*out = fd;
	return 0;
}
