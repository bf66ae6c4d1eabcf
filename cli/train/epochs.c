#include "train/epochs.h"

#include <math.h>
#include <stdio.h>

static void add(struct epochs *e, const tt_observation *o)
{
	if (!e->open) {
		json_open(&e->line, NULL, '{');
		json_int(&e->line, "epoch", o->progress->epoch + 1);
		e->open = 1;
	}
	for (int i = 0; i < o->metrics; i++)
		json_number(&e->line, o->name[i], isfinite(o->value[i]) ? o->value[i] : NAN);
}

static tt_status end(struct epochs *e)
{
	tt_status st;

	json_close(&e->line, '}');
	st = json_print(&e->line);
	*e = (struct epochs){0};
	if (st == TT_OK && fflush(stdout) != 0)
		return err_set(TT_EIO, "standard output cannot be written");
	return st;
}

tt_status epochs_event(void *epochs, const tt_observation *o)
{
	if (o->event != TT_EVENT_VALID && o->event != TT_EVENT_EPOCH)
		return TT_OK;
	add(epochs, o);
	return o->event == TT_EVENT_EPOCH ? end(epochs) : TT_OK;
}

void epochs_close(void *epochs)
{
	struct epochs *e = epochs;

	json_release(&e->line);
}
