#include "learn/events/record.h"

#define MASK_DELTA 0xa282ead8u

/* CRC-32C (Castagnoli, reflected polynomial 82f63b78), four bits at a time: event files are small,
 * so 64 bytes of table serve as well as kilobytes. */
static const uint32_t crc_nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75
};

uint32_t record_crc(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c ^= b[i];
		c = c >> 4 ^ crc_nibble[c & 15];
		c = c >> 4 ^ crc_nibble[c & 15];
	}
	return ~c;
}

uint32_t record_masked_crc(const void *p, size_t n)
{
	uint32_t c = record_crc(p, n);

	return (c >> 15 | c << 17) + MASK_DELTA;
}

static void put(uint8_t *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * i));
}

void record_frame(struct str *s)
{
	uint8_t tail[RECORD_TAIL], *head;
	size_t n;

	if (s->failed || s->len < RECORD_HEAD)
		return;
	head = (uint8_t *)s->p;
	n = s->len - RECORD_HEAD;
	put(head, n, 8);
	put(head + 8, record_masked_crc(head, 8), 4);
	put(tail, record_masked_crc(head + RECORD_HEAD, n), 4);
	str_add_bytes(s, tail, sizeof tail);
}
