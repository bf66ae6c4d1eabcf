#include "learn/events/proto.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

#define VARINT_MAX 10

static size_t varint(uint8_t out[VARINT_MAX], uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

static void add_varint(struct str *s, uint64_t v)
{
	uint8_t b[VARINT_MAX];

	str_add_bytes(s, b, varint(b, v));
}

static void add_key(struct str *s, int field, enum wire w)
{
	add_varint(s, (uint64_t)field << 3 | w);
}

/* Little-endian on every host. */
static void add_fixed(struct str *s, uint64_t v, int bytes)
{
	uint8_t b[8];

	for (int i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	str_add_bytes(s, b, (size_t)bytes);
}

void proto_int(struct str *s, int field, int64_t v)
{
	add_key(s, field, WIRE_VARINT);
	add_varint(s, (uint64_t)v);
}

void proto_float(struct str *s, int field, float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof u);
	add_key(s, field, WIRE_32);
	add_fixed(s, u, 4);
}

void proto_double(struct str *s, int field, double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof u);
	add_key(s, field, WIRE_64);
	add_fixed(s, u, 8);
}

void proto_bytes(struct str *s, int field, const void *p, size_t n)
{
	add_key(s, field, WIRE_BYTES);
	add_varint(s, n);
	str_add_bytes(s, p, n);
}

void proto_text(struct str *s, int field, const char *text)
{
	proto_bytes(s, field, text, strlen(text));
}

size_t proto_open(struct str *s, int field)
{
	add_key(s, field, WIRE_BYTES);
	return s->len;
}

void proto_close(struct str *s, size_t at)
{
	uint8_t b[VARINT_MAX];
	size_t n, body = s->len - at;

	if (s->failed)
		return;                         /* what is there may be shorter than it was meant */
	n = varint(b, body);
	str_add_bytes(s, b, n);                 /* makes room */
	if (s->failed)
		return;
	memmove(s->p + at + n, s->p + at, body);
	memcpy(s->p + at, b, n);
}
