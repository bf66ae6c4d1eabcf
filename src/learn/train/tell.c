#include "learn/train/tell.h"

#include <stdio.h>

#include "learn/train/trainer_own.h"

void trainer_tell(struct tt_trainer *t, enum tt_event e, struct observation *w)
{
	tt_status st;

	w->batch = e == TT_EVENT_STEP ? t->batch : NULL;
	st = observers_tell(&t->observers, e, &t->progress, w);
	if (st == TT_OK || t->trouble.status != TT_OK)
		return;
	t->trouble.status = st;
	snprintf(t->trouble.text, sizeof t->trouble.text, "%s", tt_last_error());
}

void trainer_note(struct tt_trainer *t, const char *text)
{
	trainer_tell(t, TT_EVENT_NOTE, &(struct observation){ .seen.text = text });
}

tt_status trainer_trouble(const struct tt_trainer *t)
{
	return t->trouble.status == TT_OK ? TT_OK
	                                  : err_set(t->trouble.status, "%s", t->trouble.text);
}

tt_status trainer_not_finite(const struct tt_trainer *t, tt_status st)
{
	char text[ERR_MAX];

	if (st != TT_ENAN || learner_overweight(t->learner))
		return st;                      /* a smaller rate would not help */
	snprintf(text, sizeof text, "%s", tt_last_error());
	return err_set(TT_ENAN, "%s; last good checkpoint: %s; try a smaller train.optimizer.lr, "
	               "train.schedule.warmup_epochs or train.optimizer.clip_norm", text,
	               t->last_good.len ? t->last_good.p : "none");
}
