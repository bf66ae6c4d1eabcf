/* program_report.h -- the program a net is compiled to: its memory, its kernels, their time. */
#ifndef KIT_PROGRAM_REPORT_H
#define KIT_PROGRAM_REPORT_H

#include "kit/json.h"
#include "learn/nn/model.h"

enum program_report_what { STEPS_MEMORY, STEPS_LISTED, STEPS_MEASURED };

struct program_report_opts {
	int64_t         batch;
	enum nn_purpose purpose;          /* NN_TRAIN or NN_PREDICT */
	int             threads;          /* 0: all cores           */
	enum program_report_what what;
	const char     *kernel_cache;     /* of measured choices; may be NULL */
};

tt_status program_report_print(const tt_model *m, const struct program_report_opts *o);
/* The same as keys of the open object. */
tt_status program_report_json(const tt_model *m, const struct program_report_opts *o,
							  struct json *j);

#endif
