/* steps.h -- the program a net is compiled to: its memory, its kernels, their time. */
#ifndef KIT_STEPS_H
#define KIT_STEPS_H

#include "kit/json.h"
#include "learn/nn/model.h"

enum steps_what { STEPS_MEMORY, STEPS_LISTED, STEPS_MEASURED };

struct steps_opts {
	int64_t         batch;
	enum nn_purpose purpose;          /* NN_TRAIN or NN_PREDICT */
	int             threads;          /* 0: all cores           */
	enum steps_what what;
	const char     *kernel_cache;     /* of measured choices; may be NULL */
};

tt_status steps_print(const tt_model *m, const struct steps_opts *o);
/* The same as keys of the open object. */
tt_status steps_json(const tt_model *m, const struct steps_opts *o, struct json *j);

#endif
