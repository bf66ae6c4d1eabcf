#include "data/numeral.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define EXACT_BELOW 1e22                /* powers of ten are exact as double up to here */

static int is_whole(const char *digits)
{
	return *digits && strspn(digits, "0123456789") == strlen(digits);
}

/* Digits alone say their number themselves, however many they are. */
static const char *whole(const char *text, const char *digits)
{
	const char *first = digits + strspn(digits, "0");

	if (!*first)
		return "0";
	return text[0] == '-' && first == text + 1 ? text : first;
}

static const char *print(double v, char buf[NUMERAL_TEXT])
{
	struct str s = {0};

	if (v == floor(v) && fabs(v) < EXACT_BELOW) {
		snprintf(buf, NUMERAL_TEXT, "%.0f", v == 0 ? 0 : v);
		return buf;
	}
	str_add_number(&s, v);
	snprintf(buf, NUMERAL_TEXT, "%s", s.p ? s.p : "");
	str_release(&s);
	return *buf ? buf : NULL;
}

const char *numeral_text(const char *text, char buf[NUMERAL_TEXT])
{
	const char *digits = text + (text[0] == '-' || text[0] == '+');
	double v;

	if (!str_to_double(text, &v))
		return NULL;
	if (is_whole(digits) && (text[0] != '-' || digits[0] != '0'))
		return whole(text, digits);
	return print(v, buf);
}

int numeral_same(const char *a, const char *b)
{
	char x[NUMERAL_TEXT], y[NUMERAL_TEXT];
	const char *p, *q;

	if (strcmp(a, b) == 0)
		return 1;
	p = numeral_text(a, x);
	q = numeral_text(b, y);
	return p && q && strcmp(p, q) == 0;
}

int numeral_all(const char *const *names, int64_t n)
{
	double v;

	for (int64_t i = 0; i < n; i++)
		if (!str_to_double(names[i], &v))
			return 0;
	return 1;
}
