/* Arrays and texts by libhdf5, in memory. */
#include <hdf5.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "learn/keras/h5.h"
#include "sys/plug.h"

#define TEXT_MAX ((size_t)64 << 20)
#define TEXTS_MAX 100000

struct h5 {
	hid_t       file;
	const char *name;
};

/* The library may have been built for one thread. */
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void enter(void)
{
	pthread_mutex_lock(&one);
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);      /* it prints by itself otherwise */
	H5PLset_loading_state(0);                   /* a file names filters, which would be loaded */
}

static tt_status leave(tt_status st)
{
	pthread_mutex_unlock(&one);
	return st;
}

static tt_status bad(const struct h5 *f, const char *path, const char *what)
{
	return err_set(TT_EFORMAT, "%s: %s: %s", f->name, path, what);
}

/* ---- files ---- */

static void h5_close(struct h5 **f)
{
	if (!f || !*f)
		return;
	enter();
	if ((*f)->file >= 0)
		H5Fclose((*f)->file);
	leave(TT_OK);
	mem_free(*f);
	*f = NULL;
}

#define GROW ((size_t)1 << 20)

static hid_t open_in_memory(void *bytes, size_t n)
{
	const hid_t how = H5Pcreate(H5P_FILE_ACCESS);
	hid_t file = -1;

	if (how < 0)
		return -1;
	H5Pset_fclose_degree(how, H5F_CLOSE_STRONG);
	H5Pset_libver_bounds(how, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
	if (H5Pset_fapl_core(how, GROW, 0) >= 0 && (!bytes || H5Pset_file_image(how, bytes, n) >= 0))
		file = bytes ? H5Fopen("memory", H5F_ACC_RDONLY, how)
		             : H5Fcreate("memory", H5F_ACC_TRUNC, H5P_DEFAULT, how);
	H5Pclose(how);
	return file;
}

static tt_status h5_open(struct h5 **out, const char *name, void *bytes, size_t n)
{
	struct h5 *f = mem_calloc(1, sizeof *f);

	if (!f)
		return TT_ENOMEM;
	f->name = name;
	enter();
	f->file = open_in_memory(bytes, n);
	leave(TT_OK);
	if (f->file < 0) {
		mem_free(f);
		return err_set(TT_EFORMAT, "%s: libhdf5 cannot read it as HDF5", name);
	}
	*out = f;
	return TT_OK;
}

static tt_status h5_image(struct h5 *f, struct str *out)
{
	ssize_t n;
	void *bytes;
	tt_status st = TT_ENOMEM;

	enter();
	H5Fflush(f->file, H5F_SCOPE_GLOBAL);
	n = H5Fget_file_image(f->file, NULL, 0);
	if (n > 0 && (bytes = mem_alloc((size_t)n))) {
		if (H5Fget_file_image(f->file, bytes, (size_t)n) == n) {
			str_add_bytes(out, bytes, (size_t)n);
			st = str_status(out);
		}
		mem_free(bytes);
	}
	return leave(st);
}

/* ---- in ---- */

/* Nothing but what the file itself holds: no link leads into other files.  H5Lexists wants every
 * group on the way to be there. */
static int exists(const struct h5 *f, const char *path)
{
	char part[1024];
	H5L_info_t link;

	if (strlen(path) >= sizeof part)
		return 0;
	for (const char *at = path + 1; *at; ) {
		const char *end = strchr(at, '/');
		const size_t n = end ? (size_t)(end - path) : strlen(path);

		memcpy(part, path, n);
		part[n] = 0;
		if (H5Lexists(f->file, part, H5P_DEFAULT) <= 0 ||
		    H5Lget_info(f->file, part, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
			return 0;
		at = end ? end + 1 : path + n;
	}
	return 1;
}

static int h5_has(struct h5 *f, const char *path)
{
	int yes;

	enter();
	yes = exists(f, path);
	leave(TT_OK);
	return yes;
}

static tt_status copy_variable(const struct h5 *f, hid_t attr, struct arena *a, struct h5_texts *t)
{
	const hid_t type = H5Tcopy(H5T_C_S1), is = H5Aget_type(attr), space = H5Aget_space(attr);
	char **v = mem_calloc((size_t)t->n + 1, sizeof *v);
	tt_status st = v ? TT_OK : TT_ENOMEM;

	H5Tset_size(type, H5T_VARIABLE);
	H5Tset_cset(type, H5Tget_cset(is));
	if (st == TT_OK && H5Aread(attr, type, v) < 0)
		st = bad(f, "an attribute", "is no text");
	for (int i = 0; i < t->n && st == TT_OK; i++)
		if (!(t->v[i] = arena_strdup(a, v[i] ? v[i] : "")))
			st = TT_ENOMEM;
	if (v)
		H5Dvlen_reclaim(type, space, H5P_DEFAULT, v);
	mem_free(v);
	H5Sclose(space);
	H5Tclose(is);
	H5Tclose(type);
	return st;
}

static tt_status copy_fixed(const struct h5 *f, hid_t attr, size_t size, struct arena *a,
                            struct h5_texts *t)
{
	const hid_t type = H5Aget_type(attr);
	char *v = NULL;
	tt_status st = TT_OK;

	if (!size || size > TEXT_MAX / ((size_t)t->n + 1))
		st = bad(f, "an attribute", "is too long");
	else if (!(v = mem_calloc((size_t)t->n + 1, size)))
		st = TT_ENOMEM;
	else if (H5Aread(attr, type, v) < 0)
		st = bad(f, "an attribute", "is no text");
	for (int i = 0; i < t->n && st == TT_OK; i++)
		if (!(t->v[i] = arena_printf(a, "%.*s", (int)size, v + (size_t)i * size)))
			st = TT_ENOMEM;
	mem_free(v);
	H5Tclose(type);
	return st;
}

static tt_status read_texts(const struct h5 *f, hid_t attr, struct arena *a, struct h5_texts *out)
{
	const hid_t type = H5Aget_type(attr), space = H5Aget_space(attr);
	const hssize_t n = H5Sget_simple_extent_npoints(space);
	const int is_text = H5Tget_class(type) == H5T_STRING;
	struct h5_texts t = { .n = (int)n };
	tt_status st;

	if (n < 0 || n > TEXTS_MAX)
		st = bad(f, "an attribute", "has too many texts");
	else if (!is_text || !n)
		st = n ? bad(f, "an attribute", "is no text") : TT_OK;
	else if (!(t.v = arena_alloc(a, ((size_t)n + 1) * sizeof *t.v)))
		st = TT_ENOMEM;
	else if (H5Tis_variable_str(type) > 0)
		st = copy_variable(f, attr, a, &t);
	else
		st = copy_fixed(f, attr, H5Tget_size(type), a, &t);
	H5Sclose(space);
	H5Tclose(type);
	if (st == TT_OK)
		*out = t;
	return st;
}

static tt_status h5_texts(struct h5 *f, const char *path, const char *attr, struct arena *a,
                          struct h5_texts *out)
{
	tt_status st = TT_ENOENT;
	hid_t at;

	enter();
	if (exists(f, path) && H5Aexists_by_name(f->file, path, attr, H5P_DEFAULT) > 0 &&
	    (at = H5Aopen_by_name(f->file, path, attr, H5P_DEFAULT, H5P_DEFAULT)) >= 0) {
		st = read_texts(f, at, a, out);
		H5Aclose(at);
	}
	return leave(st);
}

static tt_status find_shape(const struct h5 *f, const char *path, hid_t set, struct tensor_desc *d)
{
	const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
	const H5T_class_t class = H5Tget_class(type);
	const int ndim = H5Sget_simple_extent_ndims(space);
	hsize_t dim[H5S_MAX_RANK];
	tt_status st = TT_OK;

	*d = (struct tensor_desc){ .dtype = DTYPE_F32, .ndim = ndim };
	if (class != H5T_FLOAT && class != H5T_INTEGER)
		st = bad(f, path, "holds no numbers");
	else if (ndim < 0 || ndim > TENSOR_MAX_DIMS ||
	         H5Sget_simple_extent_dims(space, dim, NULL) < 0)
		st = bad(f, path, "has more dimensions than tutti knows");
	for (int i = 0; i < ndim && st == TT_OK; i++) {
		if (dim[i] > INT32_MAX)
			st = bad(f, path, "is larger than any tensor");
		d->dim[i] = (int64_t)dim[i];
	}
	H5Sclose(space);
	H5Tclose(type);
	return st;
}

/* Numbers may be said to lie in other files, which are not ours to read. */
static int is_inside(hid_t set)
{
	const hid_t how = H5Dget_create_plist(set);
	const int yes = how >= 0 && H5Pget_layout(how) != H5D_VIRTUAL &&
	                H5Pget_external_count(how) == 0;

	if (how >= 0)
		H5Pclose(how);
	return yes;
}

static tt_status with_set(struct h5 *f, const char *path, struct tensor_desc *d, float *out)
{
	tt_status st = TT_OK;
	hid_t set;

	enter();
	if (!exists(f, path) || (set = H5Dopen2(f->file, path, H5P_DEFAULT)) < 0)
		return leave(bad(f, path, "there is no such array"));
	if (!is_inside(set))
		st = bad(f, path, "its numbers lie in another file");
	else if (d)
		st = find_shape(f, path, set, d);
	else if (H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
		st = bad(f, path, "its numbers cannot be read");
	H5Dclose(set);
	return leave(st);
}

static tt_status h5_shape(struct h5 *f, const char *path, struct tensor_desc *out)
{
	return with_set(f, path, out, NULL);
}

static tt_status h5_read(struct h5 *f, const char *path, float *out)
{
	return with_set(f, path, NULL, out);
}

/* ---- out ---- */

static hid_t with_parents(void)
{
	const hid_t how = H5Pcreate(H5P_LINK_CREATE);

	H5Pset_create_intermediate_group(how, 1);
	return how;
}

static tt_status made(const struct h5 *f, const char *path, int ok)
{
	return leave(ok ? TT_OK : err_set(TT_EIO, "%s: libhdf5 cannot write %s", f->name, path));
}

static tt_status h5_write(struct h5 *f, const char *path, const struct tensor_desc *d,
                          const float *x)
{
	hsize_t dim[TENSOR_MAX_DIMS + 1] = { 0 };
	hid_t how, space, set;
	int ok;

	enter();
	for (int i = 0; i < d->ndim; i++)
		dim[i] = (hsize_t)d->dim[i];
	how = with_parents();
	space = H5Screate_simple(d->ndim, dim, NULL);
	set = H5Dcreate2(f->file, path, H5T_IEEE_F32LE, space, how, H5P_DEFAULT, H5P_DEFAULT);
	ok = set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0;
	if (set >= 0)
		H5Dclose(set);
	H5Sclose(space);
	H5Pclose(how);
	return made(f, path, ok);
}

static tt_status h5_group(struct h5 *f, const char *path)
{
	hid_t how, group;
	int ok = 1;

	enter();
	if (!exists(f, path)) {
		how = with_parents();
		group = H5Gcreate2(f->file, path, how, H5P_DEFAULT, H5P_DEFAULT);
		if ((ok = group >= 0))
			H5Gclose(group);
		H5Pclose(how);
	}
	return made(f, path, ok);
}

/* One text: a scalar; else a list. */
static int set_attr(const struct h5 *f, const char *path, const char *attr, const char *const *v,
                    const hsize_t *n)
{
	const hid_t type = H5Tcopy(H5T_C_S1);
	const hid_t space = n ? H5Screate_simple(1, n, NULL) : H5Screate(H5S_SCALAR);
	hid_t at;
	int ok;

	H5Tset_size(type, H5T_VARIABLE);
	H5Tset_cset(type, H5T_CSET_UTF8);
	at = H5Acreate_by_name(f->file, path, attr, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	ok = at >= 0 && ((n && !*n) || H5Awrite(at, type, v) >= 0);
	if (at >= 0)
		H5Aclose(at);
	H5Sclose(space);
	H5Tclose(type);
	return ok;
}

static tt_status h5_set_text(struct h5 *f, const char *path, const char *attr, const char *text)
{
	enter();
	return made(f, path, set_attr(f, path, attr, &text, NULL));
}

static tt_status h5_set_texts(struct h5 *f, const char *path, const char *attr,
                              const struct h5_texts *t)
{
	const hsize_t n = (hsize_t)t->n;

	enter();
	return made(f, path, set_attr(f, path, attr, t->v, &n));
}

/* ---- row ---- */

static const char *version(void)
{
	static char text[32];
	unsigned major = 0, minor = 0, release = 0;

	H5get_libversion(&major, &minor, &release);
	snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
	return text;
}

static const struct h5_ops ops = {
	.open = h5_open, .close = h5_close, .has = h5_has, .texts = h5_texts, .shape = h5_shape,
	.read = h5_read, .write = h5_write, .group = h5_group, .set_text = h5_set_text,
	.set_texts = h5_set_texts, .image = h5_image,
};
extern const struct plug hdf5_plug;
const struct plug hdf5_plug = PLUG(
	.kind = PLUG_FILE, .name = "hdf5", .version = version, .order = 10, .ops = &ops,
	.serves = "Keras files");
