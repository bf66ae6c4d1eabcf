#include "distribute/comm/tcp/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <math.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
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

static void add_address(struct endpoint *c, const struct sockaddr *from)
{
	struct address a;

	if (c->n < ENDPOINT_ADDRESSES && read_address(from, &a))
		c->address[c->n++] = a;
}

/* Loopback comes last: it is of use to ranks of this machine alone. */
void endpoint_find_addresses(struct endpoint *c, enum endpoint_scope scope)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) != 0)
		return;
	for (int loop = scope == ENDPOINT_LOOPBACK; loop < 2; loop++)
		for (struct ifaddrs *i = all; i; i = i->ifa_next)
			if ((i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK) == !loop)
				add_address(c, i->ifa_addr);
	freeifaddrs(all);
}

/* "tcp://host:port", with brackets around an address that has colons. */
static int split_name(const char *text, char host[256], char port[16])
{
	const char *at = strncmp(text, "tcp://", 6) == 0 ? text + 6 : text;
	const char *colon = strrchr(at, ':');
	size_t n = colon ? (size_t)(colon - at) : 0;
	char *end;

	if (n > 1 && at[0] == '[' && at[n - 1] == ']') {
		at++;
		n -= 2;
	}
	if (!n || n >= 256 || strlen(colon + 1) >= 16 || strtol(colon + 1, &end, 10) < 1 || *end ||
	    strtol(colon + 1, NULL, 10) > 65535)
		return 0;
	snprintf(host, 256, "%.*s", (int)n, at);
	snprintf(port, 16, "%s", colon + 1);
	return 1;
}

tt_status endpoint_resolve(struct endpoint *out, const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	struct endpoint c = { 0 };
	char host[256], port[16];
	int error;

	if (!split_name(text, host, port))
		return err_set(TT_EINVAL, "'%s' is no address: tcp://host:port is wanted, with a port "
		               "from 1 to 65535", text);
	if ((error = getaddrinfo(host, port, &hints, &all)) != 0)
		return err_set(TT_ENOENT, "%s: %s", text, gai_strerror(error));
	for (const struct addrinfo *i = all; i; i = i->ai_next)
		add_address(&c, i->ai_addr);
	freeaddrinfo(all);
	if (!c.n)
		return err_set(TT_ENOENT, "%s: this name has no address that can be used", text);
	c.port = (uint16_t)atoi(port);
	*out = c;
	return TT_OK;
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

	if (c->n > ENDPOINT_ADDRESSES)
		c->n = ENDPOINT_ADDRESSES;
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

/* The address to listen at. */
static socklen_t listen_at(enum endpoint_scope scope, int family, uint16_t port,
                           struct sockaddr_storage *at)
{
	struct address a = { .family = (unsigned char)family };
	const struct in_addr loop = { htonl(INADDR_LOOPBACK) };

	if (scope == ENDPOINT_LOOPBACK && family == 4)
		memcpy(a.bytes, &loop, sizeof loop);
	if (scope == ENDPOINT_LOOPBACK && family == 6)
		memcpy(a.bytes, &in6addr_loopback, sizeof in6addr_loopback);
	return write_address(&a, port, at);
}

static int listen_on(enum endpoint_scope scope, int family, uint16_t *port)
{
	struct sockaddr_storage at;
	socklen_t len = listen_at(scope, family, *port, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), no = 0, yes = 1;
	int error;

	if (fd < 0)
		return -1;
	if (family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	if (*port)                      /* one that was named: the run before may have used it */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, (void *)&at, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, (void *)&at, &len) == 0) {
		*port = ntohs(family == 4 ? ((struct sockaddr_in *)&at)->sin_port
		                          : ((struct sockaddr_in6 *)&at)->sin6_port);
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* A socket for IPv6 takes both families, but for loopback, which is an address of one. */
int endpoint_listen(enum endpoint_scope scope, uint16_t *port)
{
	const int first = scope == ENDPOINT_ANY ? 6 : 4;
	const int fd = listen_on(scope, first, port);

	return fd >= 0 || errno == EADDRINUSE ? fd : listen_on(scope, 10 - first, port);
}

static void send_soon(int fd)
{
	int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int endpoint_accept(int listener, struct address *from)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	const int fd = accept4(listener, (void *)&at, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	read_address((void *)&at, from);
	send_soon(fd);
	return fd;
}

/* One address, and then the next, is tried at the same time: a dead one does not answer. */
struct tries {
	const struct endpoint *card;
	struct pollfd      at[ENDPOINT_ADDRESSES];
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

int endpoint_connect(const struct endpoint *c, double until, int *out)
{
	const double end = fmin(thread_seconds() + CONNECT_SECONDS, until);
	struct tries t = { .card = c, .error = EADDRNOTAVAIL };
	int fd = -1;

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
	send_soon(fd);
	*out = fd;
	return 0;
}
