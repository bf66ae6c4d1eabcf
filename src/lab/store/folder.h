/* folder.h -- a run folder, as the store sees it. */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "lab/store/store_own.h"

/* The id in the folder's run.id, which is made if it is not there.  A folder that cannot be written
 * to has an id by its path. */
tt_status folder_id(const char *folder, char id[TT_STORE_ID]);

/* What is written down of a run, its rows and texts kept together. */
struct facts {
	struct arena *arena;
	tt_record    *v;
	int           n, room;
	tt_status     st;
};
void facts_add(struct facts *f, enum tt_record_kind kind, const char *name, const char *text);
/* Parameters: every key of a spec. */
void facts_add_spec(struct facts *f, const tt_spec *s);
/* Tags from environment.json: commit, host, version, command; "": it began then. */
void facts_add_environment(struct facts *f, const char *folder, double *begun);
/* Files of a run folder that are there. */
void facts_add_files(struct facts *f, const char *folder);

#endif
