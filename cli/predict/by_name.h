/* by_name.h -- what nets say that read several inputs or sequences: some samples at a time, whose
 * columns are found by name, with one answer for each, or one at each place of it. */
#ifndef PREDICT_BY_NAME_H
#define PREDICT_BY_NAME_H

#include <tutti/session.h>

struct by_name {
	/* set by the caller; borrowed */
	const tt_source    *source;         /* as it is: what is right                       */
	const tt_source    *view;           /* its inputs as the net wants them              */
	const tt_signature *signature;
	tt_session         *session;
	/* of the samples that were asked for last */
	tt_batch           *in, *own;       /* of the view; of the source                    */
	float              *out;
	int64_t             before;         /* answers of the samples before `at`            */
	int64_t             at;
};

/* Several inputs, or one that is a sequence: what tt_session_run does not take. */
int          by_name_wanted(const tt_signature *s);
int          by_name_per_place(const tt_signature *s);
tt_status    by_name_ask(struct by_name *q, int64_t first, int64_t n);
/* Answers of the i-th of these samples, and the k-th of them.  Samples are asked for in order. */
int64_t      by_name_answers(const struct by_name *q, int64_t i);
const float *by_name_answer(struct by_name *q, int64_t i, int64_t k);
/* The class that the source says is right at that place; below 0: it does not say. */
int32_t      by_name_truth(const struct by_name *q, int64_t i, int64_t k);
/* Of a net that spells labels: what its likeliest classes say, without blanks and repeats between
 * them, into label [answers]; how many. */
int64_t      by_name_spelt(struct by_name *q, int64_t i, int32_t *label);
void         by_name_release(struct by_name *q);

#endif
