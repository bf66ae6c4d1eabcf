/* sink.h -- where what a command says goes: stdout, or a file that appears whole or not at all. */
#ifndef PRINT_SINK_H
#define PRINT_SINK_H

#include <stdio.h>

#include "base/err.h"
#include "base/file.h"

struct sink {
	FILE            *to;            /* to print to                       */
	struct file_new *file;          /* NULL: stdout                      */
	tt_status        status;        /* of the first write that failed    */
	char             text[ERR_MAX];
};

/* path NULL: stdout.  The sink stays where it is until it is closed. */
tt_status sink_open(struct sink *s, const char *path);
tt_status sink_commit(struct sink *s);          /* the file is there from now on */
void      sink_close(struct sink *s);           /* zero is fine                  */

#endif
