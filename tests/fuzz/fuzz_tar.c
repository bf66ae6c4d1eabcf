/* Any bytes as a tar of pictures: refused, or every member lies inside the blob and has a
 * class. */
#include <stdlib.h>

#include "data/readers/image_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_archive m = {0};
	struct bytes one;
	void *owned;

	if (image_archive_parse(&m, &(struct bytes){ data, size, "fuzz" },
	                      (enum split)(size % FOLDER_SPLITS)) == TT_OK)
		for (size_t i = 0; i < m.n; i++) {
			if (image_archive_read(&m, i, &one, &owned) != TT_OK || owned)
				abort();
			if (one.n && (one.p < m.blob || one.p + one.n > m.blob + m.blob_size))
				abort();
			if (m.v[i].label < 0 || m.v[i].label >= m.classes)
				abort();
		}
	image_archive_release(&m);
	return 0;
}
