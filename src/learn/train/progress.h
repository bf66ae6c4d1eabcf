/* progress.h -- the running numbers of a trainer: sums of an epoch, speed, time left. */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

struct learner_result;
struct tt_trainer;

/* Numbers of all ranks, if they have been exchanged. */
void trainer_take(struct tt_trainer *t, const struct learner_result *r);
/* After a step on so many samples; 0: after something else. */
void trainer_measure(struct tt_trainer *t, int samples);
/* exp of a mean loss, if that is the log loss of a language model; else NAN. */
double progress_perplexity(const struct tt_trainer *t, double loss);
/* What ranks have said to one another so far. */
void trainer_measure_wire(struct tt_trainer *t);

#endif
