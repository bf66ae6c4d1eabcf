/* image_archive.h -- the pictures of a labelled collection, still encoded.
 *
 * A collection is a folder, or an archive (zip, or tar: plain, gzip, xz, bzip2, zstd), that holds
 * one folder per class:
 *
 *   [train/ | test/ | val/] CLASS / [.../] FILE.{jpg,png,...}
 *
 * A folder called like a split is one if it holds folders; if it holds pictures it is a class.
 * Classes are the sorted names of their folders, none of which may be empty.  Members are sorted by
 * class, folder, then file, so that both kinds number their samples alike, and as torchvision's
 * ImageFolder does.  An archive's members are kept in memory, since most can only be read from the
 * front; a folder's stay on disk.  What is left out is counted, by reason. */
#ifndef READERS_IMAGE_ARCHIVE_H
#define READERS_IMAGE_ARCHIVE_H

#include "base/arena.h"
#include "base/str.h"
#include "data/image/bytes.h"
#include "data/reader.h"

struct member {
	const char *class_name, *folder, *file;   /* folder: between the class's and the file, or "" */
	const char *inner;                /* path below the folder of classes                  */
	const char *path;                 /* on disk, or in the archive                        */
	size_t      offset, size;         /* in the blob; of an archive only                   */
	int         split;                /* enum split of the folder it lies in, -1: of none  */
	int32_t     label;
};

/* Why something is no sample. */
enum left_out { LEFT_NAME, LEFT_HIDDEN, LEFT_KIND, LEFT_DANGLING, LEFT_LOOP, LEFT_OUTSIDE,
                LEFT_ELSEWHERE, LEFT_KINDS };

struct image_archive {
	struct member *v;
	size_t         n, cap;
	const char   **class_names;       /* sorted, [classes]                             */
	int            classes;
	int            on_disk;           /* enum: 1 if path is to be opened               */
	uint8_t       *blob;              /* all members of an archive, one after the other */
	size_t         blob_size, blob_cap;
	size_t         packed_size;       /* of the archive itself                         */
	const char    *name;              /* of the collection                             */
	const char    *spelling[FOLDER_SPLITS];   /* of the splits' folders that were seen */
	struct { size_t n; const char *example; } left[LEFT_KINDS];
	struct arena   arena;             /* every text and list above                     */
};

/* Read a folder or an archive.  Zero-initialise m; release it after an error as well. */
tt_status image_archive_open(struct image_archive *m, const char *path, enum split split);

/* The same for an archive in memory. */
tt_status image_archive_parse(struct image_archive *m, const struct bytes *in, enum split split);

/* What was left out and why, in one line; nothing is added if it was nothing. */
void      image_archive_tell(const struct image_archive *m, struct str *out);

/* The bytes of member i.  *owned is to be freed with mem_free, and may become NULL. */
tt_status image_archive_read(const struct image_archive *m, size_t i, struct bytes *out,
                             void **owned);

void image_archive_release(struct image_archive *m);

#endif
