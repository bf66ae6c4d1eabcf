/* monitor.h -- which epoch was the best, and is it time to stop?
 *
 * One number is watched: a loss, which should fall, or an accuracy, which should rise.  Of epochs
 * of one accuracy the one with the lower loss is better, and is progress if the loss has fallen by
 * more than min_delta: patience begins anew with it.  Where nobody has said what to watch,
 * training goes on as long as one of the two makes progress.  Pure arithmetic; its state goes into
 * checkpoints. */
#ifndef TRAIN_MONITOR_H
#define TRAIN_MONITOR_H

#include <tutti/train.h>

#include "base/str.h"

enum monitor_number { WATCH_LOSS, WATCH_ACCURACY, WATCH_VALID_LOSS, WATCH_VALID_ACCURACY };

struct monitor {
	enum monitor_number number;
	int               patience;      /* looks without progress before the stop; 0: never */
	double            min_delta;     /* what counts as progress                          */
	double            best;          /* NAN before the first look                        */
	int               waited;        /* looks since progress                             */
	int               either;        /* enum no/yes: the loss beside it is progress, too */
	double            tie;           /* an accuracy's: the loss of the best; NAN before  */
	double            low;           /* the lowest loss beside it; NAN before            */
};

/* What there will be to look at. */
enum monitor_has { WATCH_HAS_VALID = 1, WATCH_HAS_CLASSES = 2 };

/* monitor: "loss", "accuracy", "valid_loss", "valid_accuracy"; NULL, "" or "auto": the best there
 * is.  TT_ESPEC: an unknown word, or a number that this run will not have. */
tt_status   monitor_init(struct monitor *w, const char *monitor, int has);
const char *monitor_name(const struct monitor *w);
int         monitor_valid(const struct monitor *w);           /* looks at validation's numbers */
/* Look at an epoch's numbers; 1 if they are the best so far. */
int         monitor_look(struct monitor *w, const tt_progress *p);
int         monitor_stop(const struct monitor *w);
/* What has not made progress, and for how long: as a sentence. */
void        monitor_text(const struct monitor *w, struct str *out);

#endif
