/* image_place.h -- what the place of a file says about it, in a folder and in an archive alike. */
#ifndef READERS_IMAGE_PLACE_H
#define READERS_IMAGE_PLACE_H

#include "data/readers/image_archive.h"

/* The split that a folder of this name holds, however it is written; -1: none. */
int       place_split(const char *name, size_t length);

/* Note that a split's folder is there.  TT_EFORMAT: it is there twice, written otherwise. */
tt_status place_note(struct image_archive *m, int split, const char *name, size_t length);

/* Is it hidden, or a note of macOS? */
int       place_is_hidden(const char *name);

void      place_leave(struct image_archive *m, enum left_out why, const char *path);
tt_status place_add(struct image_archive *m, const struct member *one);

/* Drop what belongs to no class of the split, sort the rest and number the classes. */
tt_status place_all(struct image_archive *m, enum split split);

/* The two kinds. */
tt_status image_folder_walk(struct image_archive *m, const char *path, enum split split);
struct archive;
struct archive *image_pack_new(void);
tt_status image_pack_walk(struct image_archive *m, struct archive *a, enum split split);
tt_status image_pack_error(const struct image_archive *m, struct archive *a);

#endif
