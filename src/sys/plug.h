/* plug.h -- foreign libraries behind our ports: linked in, or loaded when they are first used.
 *
 *   src/plug/X  --implements-->  a port's table (struct device_ops, ...)  <--asks for--  a layer
 *
 * A plug describes itself in one row.  Rows that are linked in are there from the start.  Others
 * are shared objects named KIND-NAME.so in a plug folder; those of a kind are loaded when somebody
 * first asks for this kind.  The folder "tutti-plugs" beside the library (or program) is searched,
 * after those that the embedder has named.
 *
 * Code that is loaded runs with the rights of the process.  So a folder and a plug must belong to
 * the user or to root, and neither everybody nor another group may be able to write to them; links
 * are not followed; and a plug must be linked to the copy of tutti that loads it.  What is refused
 * is reported.
 * All functions are safe from any thread. */
#ifndef SYS_PLUG_H
#define SYS_PLUG_H

#include <stdint.h>

#include "base/err.h"

#define PLUG_ABI    3
#define PLUG_SYMBOL "tutti_plug"        /* of a shared object: const struct plug *const */
#define PLUG_MAX    32
#define PLUG_FOLDER "tutti-plugs"

enum plug_kind { PLUG_DEVICE, PLUG_TRANSPORT, PLUG_CODEC, PLUG_FILE, PLUG_STORE, PLUG_TRACKER,
                 PLUG_KINDS };
extern const char *const plug_kind_words[];      /* "device", "transport", "codec", "file", "store",
                                                  * "tracker", NULL: in file names */

struct plug {
	uint32_t       abi;
	enum plug_kind kind;
	const char    *name;                /* "openblas" */
	const char    *serves;              /* one line, for people */
	const char    *tutti;               /* TT_VERSION of the tutti it was built for */
	const char  *(*version)(void);      /* of the library behind it */
	int            order;               /* of its kind the lower is preferred */
	const void    *ops;                 /* the port's table: struct device_ops, ... */
	const char    *home;                /* which copy of tutti its calls go to; NULL: none */
};
#define PLUG(...) { .abi = PLUG_ABI, .tutti = TT_VERSION, .home = &plug_home, __VA_ARGS__ }

/* Its place tells copies of tutti apart: a program that has the archive linked in, and a plug that
 * brings libtutti.so along, would each have a host_mem, an allocator and a list of plugs. */
extern const char plug_home __attribute__((weak));

/* One that is linked in; before anybody asks.  Borrowed for ever. */
void plug_link(const struct plug *p);
/* A plug that this build has not got, and why, for the report.  Borrowed for ever. */
void plug_absent(enum plug_kind kind, const char *name, const char *serves, const char *why);

/* Search this folder, too, and before the others.  TT_ENOENT: no such folder; TT_EINVAL: it is not
 * safe, or the kinds were loaded already. */
tt_status plug_add_folder(const char *path);

/* All of a kind, the preferred first; loads what is not loaded yet.  Returns how many, at most max.
 * A plug that cannot be loaded is left out: plug_report says why. */
int plug_all(enum plug_kind kind, const struct plug **out, int max);
/* By name.  TT_ESUPPORT says why it is missing. */
tt_status plug_find(enum plug_kind kind, const char *name, const struct plug **out);

/* All that are known; loads all.  Texts are borrowed until the next call of plug_add_folder. */
struct plug_report {
	enum plug_kind kind;
	const char    *name, *serves;       /* serves: NULL if it is missing and unknown */
	const char    *version;             /* NULL: missing */
	const char    *from;                /* "linked in" or the path */
	const char    *why;                 /* missing: why; else NULL */
};
int plug_report(struct plug_report *out, int max);

#endif
