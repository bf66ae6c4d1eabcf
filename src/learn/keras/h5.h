/* h5.h -- the port behind which HDF5 hides: arrays and texts in a tree of groups.
 *
 * Files live in memory, whole: an image of one that was read, or one that is being made.  Numbers
 * are f32 on this side, whatever they are on the other.  Paths begin with "/". */
#ifndef KERAS_H5_H
#define KERAS_H5_H

#include "base/arena.h"
#include "base/str.h"
#include "compute/tensor/desc.h"

struct h5;
struct h5_texts { const char **v; int n; };

struct h5_ops {
	/* bytes: borrowed until close; NULL: a new file. */
	tt_status (*open)(struct h5 **out, const char *name, void *bytes, size_t n);
	void      (*close)(struct h5 **f);
	int       (*has)(struct h5 *f, const char *path);
	/* An attribute of a group: one text, or several.  TT_ENOENT, without a text: there is none. */
	tt_status (*texts)(struct h5 *f, const char *path, const char *attr, struct arena *a,
	                   struct h5_texts *out);
	/* TT_EFORMAT: no array of numbers with at most TENSOR_MAX_DIMS dimensions. */
	tt_status (*shape)(struct h5 *f, const char *path, struct tensor_desc *out);
	tt_status (*read)(struct h5 *f, const char *path, float *out);
	/* Groups on the way are made. */
	tt_status (*write)(struct h5 *f, const char *path, const struct tensor_desc *d, const float *x);
	tt_status (*group)(struct h5 *f, const char *path);
	tt_status (*set_text)(struct h5 *f, const char *path, const char *attr, const char *text);
	tt_status (*set_texts)(struct h5 *f, const char *path, const char *attr,
	                       const struct h5_texts *t);
	/* What a new file is by now; added to out. */
	tt_status (*image)(struct h5 *f, struct str *out);
};

/* The plug's, or TT_ESUPPORT. */
tt_status h5_find(const struct h5_ops **out);

#endif
