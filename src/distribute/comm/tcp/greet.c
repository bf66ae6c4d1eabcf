#include "distribute/comm/tcp/greet.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "distribute/comm/tcp/seal.h"
#include "sys/thread.h"

static const char magic[8] = "tutti-2";

_Static_assert(sizeof(struct greet_hello) == 92, "hello has no gaps");
_Static_assert(sizeof(struct greet_answer) == 96, "answer has no gaps");

int greet_random(void *p, unsigned n)
{
	return getrandom(p, n, 0) == (ssize_t)n;
}

void greet_close(struct greeting *g)
{
	if (g->fd >= 0)
		close(g->fd);
	explicit_bzero(g, sizeof *g);
	g->fd = -1;
	g->state = GREET_FAILED;
}

static enum greet_state fail(struct greeting *g)
{
	return g->state = GREET_FAILED;
}

/* A fresh connection has room for so little. */
static int say(const struct greeting *g, const void *p, size_t n)
{
	return send(g->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

/* 1: all n bytes are here; 0: not yet; -1: they will never be. */
static int hear(struct greeting *g, void *p, size_t n)
{
	const ssize_t got = recv(g->fd, (char *)p + g->got, n - g->got, MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	g->got += (uint32_t)got;
	if (g->got < n)
		return 0;
	g->got = 0;
	return 1;
}

/* "connector" proves itself by one code, "acceptor" by another: neither can be sent back. */
static void prove(const struct greeting *g, const struct greet_place *p, const char *who,
                  unsigned char out[32])
{
	crypto_auth_hmacsha256_state m;

	crypto_auth_hmacsha256_init(&m, p->key, GREET_KEY);
	crypto_auth_hmacsha256_update(&m, (const unsigned char *)who, strlen(who) + 1);
	crypto_auth_hmacsha256_update(&m, (const unsigned char *)&g->hello, sizeof g->hello);
	crypto_auth_hmacsha256_update(&m, (const unsigned char *)&g->answer,
	                              sizeof g->answer - sizeof g->answer.proof);
	crypto_auth_hmacsha256_final(&m, out);
}

/* A key for each direction, from the secret that the shares make and all that was said. */
static int make_keys(struct greeting *g, const struct greet_place *p, const unsigned char *share,
                     int mine)
{
	static const char *const way[2] = { "to acceptor", "to connector" };
	unsigned char both[32];

	if (!g->hello.sealed)
		return 1;
	if (!seal_agree(both, g->secret, share))
		return 0;
	for (int i = 0; i < 2; i++) {
		crypto_auth_hmacsha256_state m;

		crypto_auth_hmacsha256_init(&m, p->key, GREET_KEY);
		crypto_auth_hmacsha256_update(&m, (const unsigned char *)way[i], strlen(way[i]) + 1);
		crypto_auth_hmacsha256_update(&m, (const unsigned char *)&g->hello, sizeof g->hello);
		crypto_auth_hmacsha256_update(&m, (const unsigned char *)&g->answer,
	                              sizeof g->answer - sizeof g->answer.proof);
		crypto_auth_hmacsha256_update(&m, both, sizeof both);
		crypto_auth_hmacsha256_final(&m, g->key[i != mine]);
	}
	explicit_bzero(both, sizeof both);
	return 1;
}

static int is_sealed(const struct greet_place *p, int peer)
{
	return p->sealed && p->sealed[peer];
}

void greet_connect(struct greeting *g, const struct greet_place *p, int fd, int peer)
{
	struct greet_hello *h = &g->hello;

	*g = (struct greeting){ .fd = fd, .peer = peer, .began = thread_seconds(),
	                        .state = GREET_ANSWERED };
	memcpy(h->magic, magic, sizeof magic);
	h->from = p->rank;
	h->to = peer;
	h->size = p->size;
	h->purpose = p->purpose;
	h->sealed = is_sealed(p, peer);
	if (!greet_random(h->nonce, sizeof h->nonce) ||
	    (h->sealed && !seal_share(h->share, g->secret)) || !say(g, h, sizeof *h))
		fail(g);
}

void greet_accept(struct greeting *g, int fd)
{
	*g = (struct greeting){ .fd = fd, .peer = -1, .began = thread_seconds(),
	                        .state = GREET_ASKED };
}

static enum greet_state hear_hello(struct greeting *g, const struct greet_place *p)
{
	const struct greet_hello *h = &g->hello;
	struct greet_answer *a = &g->answer;
	const int n = hear(g, &g->hello, sizeof g->hello);

	if (n == 0)
		return g->state;
	if (n < 0 || memcmp(h->magic, magic, sizeof magic) != 0 || h->to != p->rank || h->from < 0 ||
	    h->purpose != p->purpose || (h->sealed != 0 && h->sealed != 1))
		return fail(g);
	if (!greet_random(a->nonce, sizeof a->nonce) ||
	    (h->sealed && !seal_share(a->share, g->secret)))
		return fail(g);
	prove(g, p, "acceptor", a->proof);
	if (!say(g, a, sizeof *a))
		return fail(g);
	return g->state = GREET_AWAITING;
}

static enum greet_state hear_answer(struct greeting *g, const struct greet_place *p)
{
	unsigned char want[32], mine[32];
	const int n = hear(g, &g->answer, sizeof g->answer);

	if (n <= 0)
		return n < 0 ? fail(g) : g->state;
	prove(g, p, "acceptor", want);
	g->stranger = sodium_memcmp(want, g->answer.proof, sizeof want) != 0;
	if (g->stranger || !make_keys(g, p, g->answer.share, 0))
		return fail(g);
	prove(g, p, "connector", mine);
	if (!say(g, mine, sizeof mine))
		return fail(g);
	return g->state = GREET_AWAITING;
}

/* What was asked for is looked at when we know by whom. */
static enum greet_state hear_proof(struct greeting *g, const struct greet_place *p)
{
	unsigned char want[32];
	const int n = hear(g, g->proof, sizeof g->proof);

	g->stranger = n < 0;                    /* our own proof has not pleased it */
	if (n <= 0)
		return n < 0 ? fail(g) : g->state;
	prove(g, p, "connector", want);
	g->stranger = sodium_memcmp(want, g->proof, sizeof want) != 0;
	if (g->stranger || !make_keys(g, p, g->hello.share, 1))
		return fail(g);
	if (g->hello.size != p->size || g->hello.from >= p->size)
		return greet_judge(g, GREET_OTHER_SIZE);
	g->peer = g->hello.from;
	if (g->hello.sealed != is_sealed(p, g->peer))
		return greet_judge(g, GREET_OTHER_SEAL);
	return g->state = GREET_PROVEN;
}

static enum greet_state hear_verdict(struct greeting *g)
{
	unsigned char v = 0;
	const int n = hear(g, &v, sizeof v);

	if (n <= 0)
		return n < 0 ? fail(g) : g->state;
	g->verdict = v;
	return g->state = v == GREET_WELCOME ? GREET_DONE : GREET_REFUSED;
}

enum greet_state greet_move(struct greeting *g, const struct greet_place *p)
{
	const int connector = g->peer >= 0;

	if (g->state == GREET_ASKED)
		return hear_hello(g, p);
	if (g->state == GREET_ANSWERED)
		return hear_answer(g, p);
	if (g->state == GREET_AWAITING)
		return connector ? hear_verdict(g) : hear_proof(g, p);
	return g->state;
}

enum greet_state greet_judge(struct greeting *g, enum greet_verdict verdict)
{
	const unsigned char v = (unsigned char)verdict;

	g->verdict = v;
	if (!say(g, &v, sizeof v))
		return fail(g);
	return g->state = verdict == GREET_WELCOME ? GREET_DONE : GREET_REFUSED;
}
