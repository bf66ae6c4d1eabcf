#include "learn/ckpt/ckpt.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "learn/ckpt/layout.h"

static void add_meta(struct str *s, const struct ckpt_meta *m, int n)
{
	str_add(s, "{\"" CKPT_META "\":{");
	for (int i = 0; i < n; i++) {
		str_add(s, i ? "," : "");
		str_add_json(s, m[i].key);
		str_add(s, ":");
		str_add_json(s, m[i].value);
	}
	str_add(s, "}");
}

static void add_entry(struct str *s, const struct ckpt_tensor *t, uint64_t from)
{
	str_add(s, ",\n");
	str_add_json(s, t->name);
	str_addf(s, ":{\"dtype\":\"%s\",\"shape\":[", ckpt_dtype_word(t->desc.dtype));
	for (int d = 0; d < t->desc.ndim; d++)
		str_addf(s, "%s%lld", d ? "," : "", (long long)t->desc.dim[d]);
	str_addf(s, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)from,
	         (unsigned long long)(from + tensor_bytes(&t->desc)));
}

/* Wide types first, so that every tensor starts at a multiple of its element. */
static const size_t widths[] = { 4, 2, 1 };
#define WIDTHS (sizeof widths / sizeof *widths)

static tt_status make_header(struct str *s, const struct ckpt_tensor *t, int n, const char *path)
{
	uint64_t at = 0;
	tt_status st;

	for (size_t w = 0; w < WIDTHS; w++)
		for (int i = 0; i < n; i++) {
			if (dtype_size(t[i].desc.dtype) != widths[w])
				continue;
			if ((st = tensor_check(&t[i].desc)) != TT_OK)
				return err_at(st, "%s: tensor %s", path, t[i].name);
			add_entry(s, &t[i], at);
			at += tensor_bytes(&t[i].desc);
		}
	str_add(s, "}");
	/* Spaces to a multiple of eight: the data, too, is then aligned in a mapped file. */
	str_add_bytes(s, "        ", (8 - s->len % 8) % 8);
	if ((st = str_status(s)) == TT_OK && s->len > CKPT_HEADER_MAX)
		st = err_set(TT_EINVAL, "%s: a header of %zu bytes is longer than the format allows (%d)",
		             path, s->len, CKPT_HEADER_MAX);
	return st;
}

static tt_status write_data(struct file_new *f, const struct ckpt_tensor *t, int n)
{
	tt_status st = TT_OK;

	for (size_t w = 0; w < WIDTHS; w++)
		for (int i = 0; i < n && st == TT_OK; i++)
			if (dtype_size(t[i].desc.dtype) == widths[w])
				st = file_new_write(f, t[i].data, tensor_bytes(&t[i].desc));
	return st;
}

tt_status ckpt_write(const char *path, const struct ckpt_tensor *t, int n_tensors,
                     const struct ckpt_meta *m, int n_meta)
{
	struct str head = {0};
	struct file_new *f = NULL;
	uint8_t size[CKPT_PREFIX];
	tt_status st;

	add_meta(&head, m, n_meta);
	if ((st = make_header(&head, t, n_tensors, path)) != TT_OK)
		goto out;
	for (int i = 0; i < CKPT_PREFIX; i++)
		size[i] = (uint8_t)((uint64_t)head.len >> 8 * i);
	if ((st = file_new_open(&f, path)) != TT_OK ||
	    (st = file_new_write(f, size, sizeof size)) != TT_OK ||
	    (st = file_new_write(f, head.p, head.len)) != TT_OK ||
	    (st = write_data(f, t, n_tensors)) != TT_OK)
		goto out;
	st = file_new_commit(f);
out:
	file_new_close(&f);
	str_release(&head);
	return st;
}
