/* words.h -- "--lr={lr}" and a trial's values make "--lr=0.01".
 *
 * {NAME} stands for a parameter's value (nothing, where the trial has none), {trial}, {dir},
 * {budget}, {parent} for what they say; other braces are themselves. */
#ifndef TUNE_WORDS_H
#define TUNE_WORDS_H

#include <tutti/search.h>

#include "base/str.h"

struct words_facts {
	int64_t         trial, budget;
	const char     *dir, *parent;           /* NULL: nothing           */
	int             n;                      /* values of the trial     */
	const tt_study *study;
};

tt_status words_fill(const char *word, const struct words_facts *f, struct str *out);
/* Is each name in the word one that would be filled in?  `used` [parameters] is set for those that
 * are.  TT_EINVAL names the nearest. */
tt_status words_check(const char *word, const tt_space *space, char *used);

#endif
