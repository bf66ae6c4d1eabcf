#include "base/shell.h"

#include <string.h>

static int is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "-_=+./,:@%^";

	return *word && word[strspn(word, plain)] == '\0';
}

/* Between single quotes all is what it is, but for the quote itself: that stands outside. */
void shell_add(struct str *s, const char *word)
{
	if (is_plain(word)) {
		str_add(s, word);
		return;
	}
	str_add(s, "'");
	for (const char *at = word; *at;) {
		const size_t n = strcspn(at, "'");

		str_addf(s, "%.*s", (int)n, at);
		at += n;
		if (*at == '\'') {
			str_add(s, "'\\''");
			at++;
		}
	}
	str_add(s, "'");
}
