/* format.h -- the port: a file of somebody else's in which a model can travel.
 *
 * A format is a row of the table in api/files.c.  It reads a whole model, or writes one; what it
 * cannot say of a layer it refuses by the layer's name, before a byte is written. */
#ifndef FILES_FORMAT_H
#define FILES_FORMAT_H

#include <tutti/files.h>

struct file_format {
	const char *name, *help;            /* "safetensors", half a line                          */
	const char *ends[4];                /* how such files are called, NULL-terminated          */
	int         types;                  /* how many of TT_FILE_F32 ... it can write            */
	tt_status (*write)(const tt_model *m, const char *path, enum tt_file_type type);
	tt_status (*read)(tt_model **out, const char *path);      /* NULL: they say no architecture */
};

extern const struct file_format file_safetensors;

#endif
