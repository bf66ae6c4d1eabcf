/* study.h -- spaces and studies in a line. */
#ifndef TESTS_STUDY_H
#define TESTS_STUDY_H

#include <tutti/tune.h>

/* Of names and ranges, to a NULL. */
tt_space       *study_space(const char *const (*rows)[2]);
/* Of such a space; objectives are the first of study_metrics, one if o says nothing. */
extern const char *const study_metrics[2];
tt_study       *study_with(const char *const (*rows)[2], tt_study_opts *o);
tt_suggestion   study_next(tt_study *s);
enum tt_verdict study_told(tt_study *s, int64_t trial, int64_t step, double v);
/* The i-th value of a trial. */
const char     *study_text(const tt_study *s, int64_t trial, int i);

#endif
