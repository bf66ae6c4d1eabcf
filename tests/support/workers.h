/* workers.h -- small nets and trainings by several workers, for the tests of folder dist. */
#ifndef SUPPORT_WORKERS_H
#define SUPPORT_WORKERS_H

#include <stddef.h>

#include <tutti/train.h>

/* Two dense layers and a dropout between them, 37 samples in batches of 10: 10 + 10 + 10 + 7. */
extern const char workers_mlp[];
/* A net of convolutions without batch norm, whose statistics would depend on the share. */
extern const char workers_conv[];
/* Dense layers whose gradients travel as factors, but for the last; of two workers, those of the
 * first without their zeros. */
extern const char workers_wide[];
/* Convolutions whose gradients travel as factors: over four places, and over one of them. */
extern const char workers_deep[];

/* Trained to the end.  more, out: may be NULL. */
tt_model *workers_trained(const char *text, int workers, const tt_trainer_opts *more,
                          tt_progress *out);
/* The same, in small buckets and for eight epochs.  set: two keys and their values, or NULL.  how:
 * distribute.overlap, 0: none, 1: backward, 2: forward. */
tt_model *workers_overlapped(const char *text, const char *const set[4], int how, int workers);
/* All workers of this trainer have the same parameters. */
void      workers_check_equal(const tt_trainer *t);

/* An observer: stop t at this step. */
struct workers_stop { tt_trainer *t; int64_t step; };
void      workers_stop_at(void *stop, enum tt_event e, const tt_progress *p, const char *text);

/* Every strategy that keeps workers together, with its period; and workers_mlp under it. */
#define WORKERS_RULES 5
extern const char *const workers_rule[WORKERS_RULES][2];
tt_model *workers_of_rule(size_t i);

#endif
