/* monitor.h -- which epoch was the best, and is it time to stop?
 *
 * One number is watched: loss or accuracy of the training, or any of a validation (score_rows),
 * which should rise or fall as its row says.  Of epochs of one number that should rise the one with
 * the lower loss is better, and is progress if the loss has fallen by more than min_delta: patience
 * begins anew with it.  Where nobody has said what to watch, training goes on as long as accuracy
 * or loss makes progress.  Pure arithmetic; its state goes into checkpoints. */
#ifndef TRAIN_MONITOR_H
#define TRAIN_MONITOR_H

#include <tutti/train.h>

#include "base/str.h"
#include "learn/score/scores.h"

enum monitor_split { MONITOR_TRAINING, MONITOR_VALIDATION };

struct monitor {
	enum monitor_split split;
	int               row;           /* SCORE_LOSS, SCORE_ACCURACY; of a validation any      */
	char              name[40];      /* "loss", "valid.f1"                                   */
	int               patience;      /* looks without progress before the stop; 0: never */
	double            min_delta;     /* what counts as progress                          */
	double            best;          /* NAN before the first look                        */
	int               waited;        /* looks since progress                             */
	int               either;        /* enum no/yes: the loss beside it is progress, too */
	double            tie;           /* an accuracy's: the loss of the best; NAN before  */
	double            low;           /* the lowest loss beside it; NAN before            */
};

/* What there will be to look at. */
struct monitor_has {
	int                       classes;     /* the training counts right answers */
	const struct scores_what *valid;       /* NULL: no validation               */
};

/* monitor: "loss", "accuracy", "valid_loss", "valid.f1"; NULL, "" or "auto": the best there is.
 * TT_ESPEC: an unknown word, or a number that this run will not have. */
tt_status   monitor_init(struct monitor *w, const char *monitor, const struct monitor_has *has);
int         monitor_valid(const struct monitor *w);           /* looks at validation's numbers */
/* Is it a number that no tt_progress has a field for? */
int         monitor_is_special(const struct monitor *w);

/* The numbers of an epoch, by row; NAN: not known. */
struct monitor_seen { double split[2][SCORES_MAX]; };
void        monitor_forget(struct monitor_seen *seen);        /* all of them */
/* Look at an epoch's numbers; 1 if they are the best so far. */
int         monitor_look(struct monitor *w, const struct monitor_seen *seen);
int         monitor_stop(const struct monitor *w);
/* What has not made progress, and for how long: as a sentence. */
void        monitor_text(const struct monitor *w, struct str *out);

#endif
