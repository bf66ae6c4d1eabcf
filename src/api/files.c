/* files.c -- the table of formats in which models travel. */
#include <tutti/files.h>

#include <string.h>

#include "base/sized.h"
#include "learn/files/format.h"

static const struct file_format *const formats[] = { &file_safetensors };
#define FORMATS ((int)(sizeof formats / sizeof *formats))

int tt_file_formats(void)
{
	return FORMATS;
}

tt_status tt_file_format_get(int i, tt_file_format *out)
{
	tt_file_format f = TT_SIZED(tt_file_format);

	if (i < 0 || i >= FORMATS)
		return err_set(TT_EINVAL, "format %d: there are formats 0 to %d", i, FORMATS - 1);
	f.name = formats[i]->name;
	f.help = formats[i]->help;
	f.types = formats[i]->types;
	return sized_give(out, &f, sizeof f, "tt_file_format");
}

static const struct file_format *find(const char *name)
{
	for (int i = 0; i < FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

tt_status tt_file_write(const tt_model *m, const char *format, const char *path,
                        enum tt_file_type type)
{
	const struct file_format *f;

	if (!m || !format || !path)
		return err_null(__func__);
	if (!(f = find(format)))
		return err_set(TT_EINVAL, "there is no format '%.40s' to write", format);
	if ((int)type < 0 || (int)type >= f->types)
		return err_set(TT_EINVAL, "%s holds f32 alone, no other type (%d)", f->name, (int)type);
	return f->write(m, path, type);
}
