#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/plain.h"

/* One text per thread, of fixed size: saying that memory ran out needs none. */
static _Thread_local char last[ERR_MAX];
static _Thread_local tt_status last_status;

static const struct { tt_status st; const char *text; } sentences[] = {
#define X(name, value, text) { name, text },
	TT_STATUS_MAP(X)
#undef X
};

const char *tt_status_text(tt_status st)
{
	for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
		if (sentences[i].st == st)
			return sentences[i].text;
	return "unknown status";
}

const char *tt_last_error(void)
{
	return last;
}

tt_status err_noted(void)
{
	return last_status;
}

void err_note(tt_status st)
{
	last_status = st;
}

int err_text(const char *fmt, ...)
{
	char text[ERR_MAX];             /* arguments may point into the old text */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	plain_make(text);         /* names from files may hold what moves a terminal's cursor */
	memcpy(last, text, sizeof last);
	return 0;
}

int err_place(const char *fmt, ...)
{
	char place[ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(place, sizeof place, fmt, ap);
	va_end(ap);
	return err_text("%s: %s", place, last);
}
