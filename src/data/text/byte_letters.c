#include "data/text/byte_letters.h"

static int is_itself(unsigned byte)
{
	return (byte > ' ' && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
}

unsigned byte_letter(unsigned char byte)
{
	if (is_itself(byte))
		return byte;
	return byte <= ' ' ? 0x100u + byte : byte <= 0xa0 ? 0x121u + byte - 0x7f : 0x143;
}

void byte_letters(const char *p, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned c = byte_letter((unsigned char)p[i]);
		const char two[] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };
		const char one = (char)c;

		str_add_bytes(out, c < 0x80 ? &one : two, c < 0x80 ? 1 : 2);
	}
}

static int other_byte(unsigned c)
{
	return c <= 0x120 ? (int)c - 0x100 : c <= 0x142 ? (int)c - 0x121 + 0x7f
	     : c == 0x143 ? 0xad : -1;
}

size_t byte_unletters(const char *p, size_t n, char *out)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t to = 0;

	for (size_t i = 0; i < n; ) {
		const int two = s[i] >= 0xc2 && s[i] <= 0xc5 && i + 1 < n;
		const unsigned c = two ? (s[i] & 0x1fu) << 6 | (s[i + 1] & 0x3fu) : s[i];
		const int byte = s[i] >= 0x80 && !two ? -1 : c < 0x100 ? is_itself(c) ? (int)c : -1
		                                                       : other_byte(c);

		if (byte < 0)
			return 0;
		out[to++] = (char)byte;
		i += two ? 2 : 1;
	}
	return to;
}
