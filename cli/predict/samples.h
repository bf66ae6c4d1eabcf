/* samples.h -- what a net is asked about: the words of the command line are files, or one of them
 * is a source. */
#ifndef PREDICT_SAMPLES_H
#define PREDICT_SAMPLES_H

#include <tutti/data.h>
#include <tutti/model.h>

#include "kit/inputs.h"

struct samples {
	/* set by the caller; borrowed */
	struct arena   *arena;
	char          **word;           /* [words]                                     */
	int             words;
	const tt_model *model;
	const char     *checkpoint;     /* the model's, for messages                   */
	int             quiet;          /* enum no/yes: no notes on stderr             */
	int64_t         most;           /* of a source: so many; 0: all                */
	/* found */
	struct inputs   files;
	tt_source      *source;         /* NULL: files                                 */
	tt_source      *view;           /* the source's inputs as the net wants them   */
	tt_source_info  info;           /* of the view, or of a picture that fits      */
	int64_t         count;
};

/* Zero but for what the caller sets; release it after an error, too. */
tt_status samples_open(struct samples *s);
void      samples_release(struct samples *s);

#endif
