#include "print/sink.h"

static ssize_t write_file(void *cookie, const char *p, size_t n)
{
	struct sink *s = cookie;

	if (s->status == TT_OK && (s->status = file_new_write(s->file, p, n)) != TT_OK)
		snprintf(s->text, sizeof s->text, "%s", tt_last_error());
	return s->status == TT_OK ? (ssize_t)n : -1;
}

tt_status sink_open(struct sink *s, const char *path)
{
	const cookie_io_functions_t calls = { .write = write_file };
	tt_status st;

	*s = (struct sink){ .to = stdout };
	if (!path)
		return TT_OK;
	if ((st = file_new_open(&s->file, path)) != TT_OK)
		return st;
	if (!(s->to = fopencookie(s, "w", calls))) {
		file_new_close(&s->file);
		return TT_ENOMEM;
	}
	return TT_OK;
}

tt_status sink_commit(struct sink *s)
{
	if (!s->file)
		return TT_OK;
	if (fflush(s->to) != 0 || s->status != TT_OK)
		return s->status == TT_OK ? err_set(TT_EIO, "the output cannot be written")
		                          : err_set(s->status, "%s", s->text);
	return file_new_commit(s->file);
}

void sink_close(struct sink *s)
{
	if (s->file)
		fclose(s->to);
	file_new_close(&s->file);
	*s = (struct sink){ 0 };
}
