#include "base/sha256.h"

#include <string.h>

static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint32_t read_word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_word(unsigned char *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(x >> (24 - 8 * i));
}

static void expand(const unsigned char block[64], uint32_t w[64])
{
	for (int i = 0; i < 16; i++)
		w[i] = read_word(block + 4 * i);
	for (int i = 16; i < 64; i++) {
		const uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

/* The letters are the standard's: v[0] is a, v[7] is h. */
static void mix(uint32_t h[8], const unsigned char block[64])
{
	uint32_t w[64], v[8];

	expand(block, w);
	memcpy(v, h, sizeof v);
	for (int i = 0; i < 64; i++) {
		const uint32_t s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
		const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		const uint32_t t1 = v[7] + s1 + choice + k[i] + w[i];
		const uint32_t s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
		const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + s0 + majority;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
	                             0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	const unsigned char *at = p;

	while (n) {
		const size_t have = s->total % sizeof s->block, room = sizeof s->block - have;
		const size_t part = n < room ? n : room;

		memcpy(s->block + have, at, part);
		s->total += part;
		at += part;
		n -= part;
		if (part == room)
			mix(s->h, s->block);
	}
}

void sha256_end(struct sha256 *s, unsigned char out[SHA256_BYTES])
{
	static const unsigned char pad[64] = { 0x80 };
	const uint64_t bits = 8 * s->total;
	const size_t have = s->total % sizeof s->block;
	unsigned char length[8];

	write_word(length, (uint32_t)(bits >> 32));
	write_word(length + 4, (uint32_t)bits);
	sha256_add(s, pad, (have < 56 ? 56 : 120) - have);
	sha256_add(s, length, sizeof length);
	for (int i = 0; i < 8; i++)
		write_word(out + 4 * i, s->h[i]);
}

void hmac_init(struct hmac *m, const void *key, size_t n)
{
	unsigned char pad[64] = { 0 };

	if (n > sizeof pad) {
		sha256_init(&m->inner);
		sha256_add(&m->inner, key, n);
		sha256_end(&m->inner, pad);
	} else {
		memcpy(pad, key, n);
	}
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36;
	sha256_init(&m->inner);
	sha256_add(&m->inner, pad, sizeof pad);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&m->outer);
	sha256_add(&m->outer, pad, sizeof pad);
	explicit_bzero(pad, sizeof pad);
}

void hmac_add(struct hmac *m, const void *p, size_t n) { sha256_add(&m->inner, p, n); }

void hmac_end(struct hmac *m, unsigned char out[SHA256_BYTES])
{
	unsigned char inner[SHA256_BYTES];

	sha256_end(&m->inner, inner);
	sha256_add(&m->outer, inner, sizeof inner);
	sha256_end(&m->outer, out);
	explicit_bzero(m, sizeof *m);
}

int sha256_same(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= p[i] ^ q[i];
	return !differ;
}
