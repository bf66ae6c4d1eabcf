/* outcomes.h -- what the trainings of an ablation came to, on disk as soon as each has ended:
 *
 *   DIR/spec.yaml       the settings that all of them have, but for the part that is left out
 *   DIR/ablation.csv    a line for each; one process at a time writes it */
#ifndef TRAIN_OUTCOMES_H
#define TRAIN_OUTCOMES_H

#include "train/variants.h"

#define OUTCOMES_FILE "ablation.csv"

struct outcome { double best, loss, seconds; int64_t parameters; int done; };

struct outcomes {
	struct arena          *arena;
	const char            *dir;             /* borrowed                                 */
	const struct variants *all;             /* borrowed                                 */
	int64_t                seeds, first_seed;
	const char            *monitor;         /* of the last one; NULL: there is none yet */
	struct outcome        *of;              /* [variants][seeds]                        */
	struct file_log       *log;
	int                    fresh, begun;    /* nothing was there; a training has begun  */
};

/* Makes the folder, or reads what is in it.  TT_EBUSY: another process is at it; TT_EINVAL: it is
 * of another spec or of other parts. */
tt_status       outcomes_open(struct outcomes *o, const tt_spec *spec);
struct outcome *outcome_of(const struct outcomes *o, int variant, int64_t seed);
tt_status       outcome_write(struct outcomes *o, int variant, int64_t seed);
/* Where nothing was trained, as an error came first, nothing is left behind. */
void            outcomes_close(struct outcomes *o, tt_status ended);

#endif
