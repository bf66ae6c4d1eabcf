/* convert.h -- numbers of one type into those of another. */
#ifndef DATA_CONVERT_H
#define DATA_CONVERT_H

#include <tutti/column.h>

/* n numbers as f32; in place is fine for f32 and i32. */
void      convert_to_f32(enum tt_type type, const void *from, size_t n, float *to);
/* n class indices (u8, i32 or i64) as i32.  What `wrong` says: one is not from 0 to classes - 1;
 * `first` is the sample of from[0], for the message. */
struct labels {
	enum tt_type type;
	const void  *from;
	int64_t      first;
	int          classes;
	tt_status    wrong;             /* TT_EFORMAT of files, TT_EINVAL of a call */
};
tt_status convert_labels(const struct labels *l, size_t n, int32_t *to);

#endif
