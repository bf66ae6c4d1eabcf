/* inputs.h -- the files that the words of a command line stand for.
 *
 *   a.png  pictures/  -      -->   a.png  pictures/x.jpg  pictures/deep/y.png  and a line each of
 *                                  stdin
 */
#ifndef KIT_INPUTS_H
#define KIT_INPUTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct inputs {
	const char **file;          /* [n], owned; texts in the arena               */
	int64_t      n, room;
	int64_t      skipped;       /* in folders: no regular files, or no images by name */
};

/* Add what a word stands for: a file, the pictures below a folder in the order of their names, or,
 * of "-", what stdin lists, one a line. */
tt_status inputs_add(struct inputs *in, struct arena *a, const char *word);
void      inputs_release(struct inputs *in);

/* "scheme:place", unless a file of that very name is there. */
int         inputs_is_source(const char *word);
int         inputs_is_table(const char *word);          /* by its name */
/* Of a table each row gets what it deserves: an answer, or a word of what is wrong with it.  NULL:
 * no memory. */
const char *inputs_row_by_row(struct arena *a, const char *uri);

#endif
