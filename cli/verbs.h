/* verbs.h -- what `tutti` can be told to do: one row per verb.
 *
 * A verb lives in its own cmd_X.c, which shows the world its row and nothing else; VERBS below
 * lists the rows.  The program, its help, the man page and completion all read them. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <tutti/launch.h>
#include "kit/flags.h"

struct verb;

/* One call of a verb. */
struct call {
	const struct verb *verb;
	const struct verb *const *verbs;  /* all of them, NULL-terminated           */
	struct arena      *arena;        /* lives as long as the process              */
	void              *opts;         /* the verb's struct, filled by flags_parse  */
	struct words       args;         /* what is left: files, URIs                 */
	struct words       line;         /* the whole command line                    */
	int                exit;         /* the exit code if the verb returns TT_OK   */
};

struct example { const char *line, *what; };

struct verb {
	const char           *name, *args;     /* "train", "SPEC.yaml"                          */
	const char           *summary;         /* half a line, lower case                       */
	const char           *text;            /* paragraphs for help                           */
	const struct example *examples;        /* ends with {NULL, NULL}                        */
	const struct flag    *flags;
	size_t                opts_size;       /* of the struct, which begins with struct common */
	int                   min_args, max_args;
	tt_status           (*run)(struct call *c);
};

/* A new verb is a file cmd_X.c with a row `verb_X`, and its name in this list. */
#define VERBS(X) X(train) X(compare) X(ablate) X(tune) X(eval) X(predict) X(generate) X(export) \
	X(import) X(show) X(data) X(runs) X(models) X(info) X(help) X(version)

#define X(name) extern const struct verb verb_##name;
VERBS(X)
#undef X
extern const struct verb *const verbs[];         /* NULL-terminated, in that order */

struct exit_row { int code; const char *meaning; };
extern const struct exit_row exit_rows[];        /* ends with a NULL meaning; in lookup.c */
int exits_code(tt_status st);

/* The row of `all` with this name; else TT_EINVAL names the nearest. */
tt_status verbs_find(const struct verb *const *all, const char *name, const struct verb **out);

#endif
