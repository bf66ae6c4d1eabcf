/* catalog.h -- what this build knows: layers, sources, strategies, devices, options.
 *
 * Tables of names with help, and of options with type, default, bounds and help.
 *
 * Help, completion, forms and checks can be made of it; the spec reference and `tutti help` are.
 * Everything is static and safe from any thread. */
#ifndef TUTTI_CATALOG_H
#define TUTTI_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

TT_API const char *tt_version(void);                  /* "0.1.0"                              */
TT_API int         tt_cores(void);                    /* this process may use                 */

/* ---- things ---- */

enum tt_catalog {
	TT_LAYERS,           /* kinds of layers of model.layers, in the order of the table     */
	TT_SOURCES,          /* schemes of sources                                             */
	TT_STRATEGIES,       /* words of distribute.strategy                                   */
	TT_DEVICES,          /* compute devices, in order of preference (plug.h has more)      */
	TT_SAMPLERS,         /* of a search: who says what is tried next (tune.h)              */
	TT_SCHEDULERS        /* of a search: who says how far a trial goes (tune.h)            */
};

typedef struct tt_options tt_options;                 /* a table of options                   */

typedef struct tt_entry {
	uint32_t          size;         /* of this struct: TT_SIZED(tt_entry)                      */
	const char       *name;         /* "conv2d", "csv", "allreduce", "onednn"                  */
	const char       *help;         /* one line; "" if there is none                           */
	const char       *group;        /* LAYERS: chapter of the reference; else ""               */
	const tt_options *options;      /* LAYERS, SOURCES, SAMPLERS, SCHEDULERS: their settings,
	                                 * or NULL: none; else NULL                                */
} tt_entry;

TT_API int       tt_catalog_count(enum tt_catalog c);
/* The i-th thing.  TT_EINVAL: there is none. */
TT_API tt_status tt_catalog_get(enum tt_catalog c, int i, tt_entry *out);

/* ---- options ---- */

enum tt_option_type {
	TT_OPTION_INT, TT_OPTION_NUMBER, TT_OPTION_TEXT,
	TT_OPTION_WORD,      /* one of words                                                   */
	TT_OPTION_NUMBERS,   /* a list of them                                                 */
	TT_OPTION_TREE,      /* anything: maps and lists                                       */
	TT_OPTION_GROUP      /* options of a table of its own: dotted names                    */
};

typedef struct tt_option {
	uint32_t            size;       /* of this struct: TT_SIZED(tt_option)                     */
	enum tt_option_type type;
	const char         *name;
	const char         *help;       /* one line: what, unit, source                            */
	const char         *def;        /* default as text; NULL: none                             */
	double              min, max;   /* of numbers, inclusive                                   */
	const char *const  *words;      /* of WORD: NULL-terminated; of INT: in the place of a
	                                 * number; else NULL                                       */
	const tt_options   *group;      /* of GROUP; else NULL                                     */
} tt_option;

/* The top of a spec: name, data, model, train, distribute. */
TT_API const tt_options *tt_options_spec(void);
TT_API int               tt_options_count(const tt_options *t);         /* 0 of NULL           */
TT_API tt_status         tt_options_get(const tt_options *t, int i, tt_option *out);

#ifdef __cplusplus
}
#endif
#endif
