#include "support/hashed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "support/support.h"

struct hashed hashed_init(const char *owner, const char *name, const char *kind)
{
	const char *part[] = { owner, ".", name };
	uint32_t h = HASH_BEGIN32;

	for (int i = 0; i < 3; i++)
		h = hash_bytes32(h, part[i], strlen(part[i]));
	return (struct hashed){ kind, h };
}

/* 24 well-mixed bits of (salt, i). */
static uint32_t bits(uint32_t salt, int64_t i)
{
	uint32_t x = (uint32_t)i * 0x9e3779b9u + salt;

	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return (x ^ x >> 16) >> 8;
}

double hashed_number(const struct hashed *h, int64_t i, int64_t n)
{
	uint32_t b = bits(h->salt, i);
	double u = b;

	if (strcmp(h->kind, "") == 0)
		return u / (1 << 23) - 1;
	if (strcmp(h->kind, "tiny") == 0)
		return (u / (1 << 23) - 1) / 1024;
	if (strcmp(h->kind, "pos") == 0)
		return 0.5 + u / (1 << 24);
	if (strcmp(h->kind, "unit") == 0)
		return u / (1 << 24);
	if (strcmp(h->kind, "big") == 0)
		return 40 * (u / (1 << 23) - 1);
	if (strcmp(h->kind, "grid") == 0)
		return (b % 5 - 2.0) / 2;
	if (strcmp(h->kind, "holes") == 0)
		return b % 7 == 0 ? NAN : u / (1 << 23) - 1;
	if (strncmp(h->kind, "both", 4) == 0)
		return (double)(b % (2 * (uint32_t)atoi(h->kind + 4))) - atoi(h->kind + 4);
	if (strcmp(h->kind, "apart") == 0)      /* a permutation: the factor is a large prime */
		return ((double)((i * 1000003 + h->salt) % n) + 0.25) / (double)n * 2 - 1;
	if (strncmp(h->kind, "int", 3) != 0 && strncmp(h->kind, "whole", 5) != 0)
		fail_msg("no kind of numbers is called %s", h->kind);
	return b % (uint32_t)atoi(h->kind + strcspn(h->kind, "0123456789"));
}
