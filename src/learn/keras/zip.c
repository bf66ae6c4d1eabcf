#include "learn/keras/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK 65536
#define PACKED_MOST 16           /* Keras packs nothing; others may, but no weights so well */

/* ---- in ---- */

static tt_status damaged(const char *path, struct archive *a)
{
	const char *why = archive_error_string(a);

	return err_set(TT_EFORMAT, "%s: damaged zip: %.120s", path, why ? why : "it ends early");
}

struct reading { const char *path, *name; size_t most; struct archive *a; };

static tt_status read_member(const struct reading *r, struct str *out)
{
	char chunk[CHUNK];
	la_ssize_t n;

	while ((n = archive_read_data(r->a, chunk, sizeof chunk)) > 0) {
		if (out->len + (size_t)n > r->most)
			return err_set(TT_EFORMAT, "%s: %s unpacks to more than the %zu bytes that are taken",
			               r->path, r->name, r->most);
		str_add_bytes(out, chunk, (size_t)n);
	}
	return n < 0 ? damaged(r->path, r->a) : str_status(out);
}

static tt_status find_member(const struct reading *r, struct str *out)
{
	struct archive_entry *e;
	int rc;

	while ((rc = archive_read_next_header(r->a, &e)) == ARCHIVE_OK) {
		const char *is = archive_entry_pathname(e);

		if (is && strcmp(is, r->name) == 0)
			return read_member(r, out);
	}
	if (rc != ARCHIVE_EOF)
		return damaged(r->path, r->a);
	return err_set(TT_EFORMAT, "%s: no .keras file: it holds no %s", r->path, r->name);
}

tt_status zip_read(const char *path, const struct zip_wanted *w, char **bytes, size_t *n)
{
	struct reading r = { .path = path, .name = w->name };
	struct str out = {0};
	uint64_t size;
	tt_status st;
	int fd;

	if ((st = file_open(path, &fd, &size)) != TT_OK)
		return st;
	r.most = w->most ? w->most : (size_t)size * PACKED_MOST;
	if (!(r.a = archive_read_new())) {
		close(fd);
		return TT_ENOMEM;
	}
	archive_read_support_format_zip_seekable(r.a);    /* by its list: one cut short has none */
	st = archive_read_open_fd(r.a, fd, CHUNK) == ARCHIVE_OK ? find_member(&r, &out)
	                                                        : damaged(path, r.a);
	archive_read_free(r.a);
	close(fd);
	if (st != TT_OK) {
		str_release(&out);
		return st;
	}
	*bytes = out.p;                 /* str's memory is mem's */
	*n = out.len;
	return TT_OK;
}

/* ---- out ---- */

static la_ssize_t add(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	(void)a;
	str_add_bytes(ctx, bytes, n);
	return (la_ssize_t)n;
}

static int add_member(struct archive *a, const struct zip_member *m)
{
	struct archive_entry *e = archive_entry_new();
	int ok;

	if (!e)
		return 0;
	archive_entry_set_pathname(e, m->name);
	archive_entry_set_size(e, (la_int64_t)m->n);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_mtime(e, 315532800, 0);       /* 1980: equal models give equal bytes */
	ok = archive_write_header(a, e) == ARCHIVE_OK &&
	     archive_write_data(a, m->bytes, m->n) == (la_ssize_t)m->n;
	archive_entry_free(e);
	return ok;
}

static tt_status pack(const struct zip_member *m, int n, struct str *out)
{
	struct archive *a = archive_write_new();
	int ok = a != NULL;

	if (!a)
		return TT_ENOMEM;
	archive_write_set_format_zip(a);
	archive_write_zip_set_compression_store(a);
	archive_write_set_bytes_in_last_block(a, 1);
	ok = archive_write_open(a, out, NULL, add, NULL) == ARCHIVE_OK;
	for (int i = 0; ok && i < n; i++)
		ok = add_member(a, &m[i]);
	ok = archive_write_close(a) == ARCHIVE_OK && ok;
	archive_write_free(a);
	return ok ? str_status(out) : TT_ENOMEM;
}

tt_status zip_write(const char *path, const struct zip_member *m, int n)
{
	struct file_new *f = NULL;
	struct str out = {0};
	tt_status st;

	if ((st = pack(m, n, &out)) == TT_OK && (st = file_new_open(&f, path)) == TT_OK &&
	    (st = file_new_write(f, out.p, out.len)) == TT_OK)
		st = file_new_commit(f);
	file_new_close(&f);
	str_release(&out);
	return st;
}
