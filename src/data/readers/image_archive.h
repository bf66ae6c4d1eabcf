/* image_archive.h -- the pictures of a labelled collection, still encoded.
 *
 * A collection is a folder, or a tar (plain, gzip, xz, bzip2, zstd), that holds one
 * folder per class:
 *
 *   [train/ | test/ | val/] CLASS / FILE.{jpg,jpeg,png}
 *
 * Classes are the sorted names of their folders, none of which may be empty.  Members
 * are sorted by class, then file, so that both kinds number their samples alike.  A
 * tar's members are kept in memory, since it can only be read from the front; a
 * folder's stay on disk. */
#ifndef READERS_IMAGE_ARCHIVE_H
#define READERS_IMAGE_ARCHIVE_H

#include "base/arena.h"
#include "data/image/bytes.h"
#include "data/reader.h"

struct member {
	const char *class_name, *file;    /* file: below the class's folder                */
	const char *path;                 /* on disk, or in the tar                        */
	size_t      offset, size;         /* in the blob; of a tar only                    */
	int32_t     label;
};

struct image_archive {
	struct member *v;
	size_t         n, cap;
	const char   **class_names;       /* sorted, [classes]                             */
	int            classes;
	int            on_disk;           /* enum: 1 if path is to be opened               */
	uint8_t       *blob;              /* all members of a tar, one after the other     */
	size_t         blob_size, blob_cap;
	const char    *name;              /* of the collection                             */
	struct arena   arena;             /* every text and list above                     */
};

/* Read a folder or a tar.  Zero-initialise m; release it after an error as well. */
tt_status image_archive_open(struct image_archive *m, const char *path, enum split split);

/* The same for a tar in memory. */
tt_status image_archive_parse_tar(struct image_archive *m, const struct bytes *in,
								  enum split split);

/* The bytes of member i.  *owned is to be freed with mem_free, and may become NULL. */
tt_status image_archive_read(const struct image_archive *m, size_t i, struct bytes *out,
							 void **owned);

void image_archive_release(struct image_archive *m);

#endif
