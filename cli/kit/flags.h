/* flags.h -- the options of a verb, one row each.
 *
 * A row ties "--epochs N" to a field of the verb's own struct.  Parsing, help, the man page and
 * shell completion are all made from the same rows.  Every verb's struct begins with a
 * struct common, whose rows (common_flags) every verb understands. */
#ifndef KIT_FLAGS_H
#define KIT_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum flag_kind {
	FLAG_END,
	FLAG_YES,               /* int: 1 if given                                     */
	FLAG_INT,               /* int64_t within [min, max]; 0 if absent without def  */
	FLAG_TEXT,              /* const char *; one of `words` if the row has them    */
	FLAG_MAYBE,             /* const char *: value after '=', or a next word that `takes` takes;
	                         * "" without one                                      */
	FLAG_LIST               /* struct flag_list: may be given again and again      */
};

struct flag {
	const char        *name;      /* "epochs"; given as --epochs N or --epochs=N  */
	char               letter;    /* 'e' for -e N; 0: none                        */
	enum flag_kind     kind;
	size_t             offset;    /* of the field in the verb's struct            */
	const char        *arg;       /* what help calls the value: "N", "DIR"        */
	const char        *def;       /* as text; NULL: absent                        */
	const char        *help;      /* one line                                     */
	int64_t            min, max;  /* of FLAG_INT                                  */
	const char *const *words;     /* of FLAG_TEXT: the only values, or NULL       */
	const char *const *(*list)(void);     /* or who knows them; NULL: see words   */
	const char        *key;       /* of FLAG_TEXT: it is short for --set KEY=VALUE, in its place
	                               * among them: what is said last holds          */
	int              (*takes)(const char *word);  /* of FLAG_MAYBE; NULL: no word behind it */
	int                hidden;    /* for tools: not in help                       */
};

struct flag_list { const char **v; int n, room; };

struct common { int json, quiet, help; };
extern const struct flag common_flags[];

/* The words after the verb.  flags_parse leaves the ones that are no options, in order. */
struct words { char **v; int n; };

/* Fill the zeroed struct at `base` from the words; `--` ends the options.  TT_EINVAL names the
 * nearest right option, or the value and what was wanted instead. */
tt_status flags_parse(const struct flag *rows, struct arena *a, void *base, struct words *w);

/* The only values a row takes, NULL-terminated; NULL: any. */
const char *const *flag_words(const struct flag *row);
/* The rows for people: "  -e, --epochs N    passes over the data". */
void flags_help(const struct flag *rows, struct str *out);
/* "--epochs N", "--resume[=PATH]": how a row is written on a command line. */
void flag_usage(const struct flag *row, struct str *out);

#endif
