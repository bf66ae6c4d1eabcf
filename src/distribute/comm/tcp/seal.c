#include "distribute/comm/tcp/seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#define TAG    crypto_aead_chacha20poly1305_ietf_ABYTES
#define NONCE  crypto_aead_chacha20poly1305_ietf_NPUBBYTES
#define HEAD   4                /* bytes of a length */
#define SEALED (HEAD + SEAL_RECORD + TAG)

_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == 32, "keys fit");

/* One direction: a record, encrypted, of which `done` of `size` bytes have moved. */
struct way {
	unsigned char key[32], nonce[NONCE], record[SEALED];
	size_t        done, size;
};

struct seal {
	struct way    out, in;
	size_t        covers;             /* bytes that the record under way stands for */
	unsigned char plain[SEAL_RECORD]; /* what has come: [at, end)                   */
	size_t        at, end;
};

int seal_share(unsigned char share[32], unsigned char secret[32])
{
	if (sodium_init() < 0)
		return 0;
	randombytes_buf(secret, 32);
	return crypto_scalarmult_curve25519_base(share, secret) == 0;
}

int seal_agree(unsigned char both[32], const unsigned char secret[32],
               const unsigned char share[32])
{
	return crypto_scalarmult_curve25519(both, secret, share) == 0;
}

tt_status seal_new(struct seal **out, unsigned char key[2][32])
{
	struct seal *s = mem_calloc(1, sizeof *s);

	if (!s)
		return TT_ENOMEM;
	memcpy(s->out.key, key[0], sizeof s->out.key);
	memcpy(s->in.key, key[1], sizeof s->in.key);
	s->in.size = HEAD;
	*out = s;
	return TT_OK;
}

void seal_free(struct seal **s)
{
	if (!s || !*s)
		return;
	explicit_bzero(*s, sizeof **s);
	mem_free(*s);
	*s = NULL;
}

size_t seal_held(const struct seal *s) { return s->end - s->at; }

/* ---- sending ---- */

static size_t collect(unsigned char *to, const struct iovec *v, size_t n)
{
	size_t have = 0;

	for (size_t i = 0; i < n && have < SEAL_RECORD; i++) {
		size_t part = v[i].iov_len < SEAL_RECORD - have ? v[i].iov_len : SEAL_RECORD - have;

		if (part)
			memcpy(to + have, v[i].iov_base, part);
		have += part;
	}
	return have;
}

static void write_length(unsigned char *head, size_t n)
{
	for (int i = 0; i < HEAD; i++)
		head[i] = (unsigned char)(n >> (8 * i));
}

static size_t read_length(const unsigned char *head)
{
	size_t n = 0;

	for (int i = 0; i < HEAD; i++)
		n |= (size_t)head[i] << (8 * i);
	return n;
}

/* The plain bytes lie where the encrypted ones will. */
static void seal_record(struct seal *s, const struct iovec *v, size_t n)
{
	struct way *w = &s->out;
	unsigned char *body = w->record + HEAD;
	unsigned long long len = 0;

	s->covers = collect(body, v, n);
	write_length(w->record, s->covers);
	crypto_aead_chacha20poly1305_ietf_encrypt(body, &len, body, s->covers, w->record, HEAD, NULL,
	                                          w->nonce, w->key);
	sodium_increment(w->nonce, NONCE);
	w->size = HEAD + (size_t)len;
	w->done = 0;
}

ssize_t seal_send(struct seal *s, int fd, const struct iovec *v, size_t n)
{
	struct way *w = &s->out;

	if (w->done == w->size)
		seal_record(s, v, n);
	while (w->done < w->size) {
		const ssize_t k = send(fd, w->record + w->done, w->size - w->done,
		                       MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0)
			return -1;
		w->done += (size_t)k;
	}
	return (ssize_t)s->covers;
}

/* ---- hearing ---- */

static int open_record(struct seal *s)
{
	struct way *w = &s->in;
	unsigned long long len = 0;

	if (crypto_aead_chacha20poly1305_ietf_decrypt(s->plain, &len, NULL, w->record + HEAD,
	                                              w->size - HEAD, w->record, HEAD, w->nonce,
	                                              w->key) != 0)
		return 0;
	sodium_increment(w->nonce, NONCE);
	s->at = 0;
	s->end = (size_t)len;
	w->done = 0;
	w->size = HEAD;
	return 1;
}

/* First the length, then so much more.  1: a record has come; 0: the other end is closed; -1. */
static int read_record(struct seal *s, int fd)
{
	struct way *w = &s->in;

	for (;;) {
		const ssize_t k = recv(fd, w->record + w->done, w->size - w->done, MSG_DONTWAIT);
		size_t n;

		if (k <= 0)
			return (int)k;
		if ((w->done += (size_t)k) < w->size)
			continue;
		if (w->size > HEAD)
			return open_record(s) ? 1 : (errno = EBADMSG, -1);
		n = read_length(w->record);
		if (n == 0 || n > SEAL_RECORD) {
			errno = EBADMSG;
			return -1;
		}
		w->size = HEAD + n + TAG;
	}
}

static size_t hand_out(struct seal *s, const struct iovec *v, size_t n)
{
	size_t gone = 0;

	for (size_t i = 0; i < n && s->at < s->end; i++) {
		size_t part = v[i].iov_len < s->end - s->at ? v[i].iov_len : s->end - s->at;

		if (part)
			memcpy(v[i].iov_base, s->plain + s->at, part);
		s->at += part;
		gone += part;
	}
	return gone;
}

ssize_t seal_recv(struct seal *s, int fd, const struct iovec *v, size_t n)
{
	const int have = s->at < s->end ? 1 : read_record(s, fd);

	return have > 0 ? (ssize_t)hand_out(s, v, n) : have;
}
