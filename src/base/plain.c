#include "base/plain.h"

/* Bytes of the UTF-8 character at s; 0: it is none, or a control character. */
static int length(const unsigned char *s)
{
	const int n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : *s >= 0xe0 && *s < 0xf0 ? 3
	            : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

	if (n == 1)
		return (*s >= ' ' && *s != 0x7f) || *s == '\n' || *s == '\t';
	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n == 2 && *s == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

int plain_make(char *text)
{
	unsigned char *s = (unsigned char *)text;
	int changed = 0, n;

	while (*s) {
		if ((n = length(s)) == 0) {
			*s = '?';
			changed = n = 1;
		}
		s += n;
	}
	return changed;
}
