/* files.c -- the table of formats in which models travel. */
#include <tutti/files.h>

#include <string.h>

#include "base/sized.h"
#include "learn/files/format.h"
#include "learn/keras/keras.h"
#include "learn/onnx/onnx.h"

static const struct file_format *const formats[] = { &file_safetensors, &file_keras, &file_onnx };
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
	f.reads = formats[i]->read != NULL;
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

static int ends_so(const struct file_format *f, const char *path)
{
	const size_t n = strlen(path);

	for (const char *const *e = f->ends; *e; e++)
		if (n >= strlen(*e) && strcmp(path + n - strlen(*e), *e) == 0)
			return 1;
	return 0;
}

tt_status tt_file_read(tt_model **out, const char *path)
{
	if (!out || !path)
		return err_null(__func__);
	for (int i = 0; i < FORMATS; i++) {
		if (!ends_so(formats[i], path))
			continue;
		if (formats[i]->read)
			return formats[i]->read(out, path);
		return err_set(TT_ESUPPORT, "%s: %s says no layers: write the model as a spec, and take "
		               "its numbers by train.init.from: %s", path, formats[i]->name, path);
	}
	return err_set(TT_EFORMAT, "%s: its name ends like no format that is read", path);
}
