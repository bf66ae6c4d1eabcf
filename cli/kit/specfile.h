/* specfile.h -- a spec as the command line names it: a file, with ${...} filled in and --set. */
#ifndef KIT_SPECFILE_H
#define KIT_SPECFILE_H

#include <tutti/model.h>

#include "kit/flags.h"

struct specfile {
	tt_spec *spec;
	const char *path;                /* borrowed */
	int      data_defaulted;        /* TUTTI_DATA was wanted and is not set */
};

tt_status specfile_load(struct specfile *out, const char *path, const struct flag_list *sets);
void      specfile_release(struct specfile *f);

/* The value of a key of a resolved spec, as a text in the arena; "" where nothing is set. */
tt_status specfile_text(struct arena *a, const tt_spec *s, const char *key, const char **out);
/* As a number. */
tt_status specfile_int(const tt_spec *s, const char *key, int *out);
tt_status specfile_double(const tt_spec *s, const char *key, double *out);

/* Say what to do about missing data, if st is that, and pass st on. */
tt_status specfile_hint(const struct specfile *f, tt_status st);

#endif
