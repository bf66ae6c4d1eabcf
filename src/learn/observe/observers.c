#include "learn/observe/observers.h"

#include "base/mem.h"
#include "base/sized.h"

/* ---- the list ---- */

static tt_status take(const tt_observer *o, tt_observer *out)
{
	tt_status st = sized_take(out, sizeof *out, o, offsetof(tt_observer, close), "tt_observer");

	if (st == TT_OK && !out->event)
		return err_set(TT_EINVAL, "tt_observer: event is NULL: it could not be told anything");
	return st;
}

tt_status observers_add(struct observers *list, const tt_observer *o)
{
	const int room = list->n < list->room ? list->room : 2 * list->room + 4;
	tt_observer one, *v;
	tt_status st = take(o, &one);

	if (st != TT_OK)
		return st;
	if (room > list->room) {
		if (!(v = mem_realloc(list->v, (size_t)room * sizeof *v)))
			return TT_ENOMEM;
		list->v = v;
		list->room = room;
	}
	list->v[list->n++] = one;
	return TT_OK;
}

void observers_release(struct observers *list)
{
	for (int i = 0; i < list->n; i++)
		if (list->v[i].close)
			list->v[i].close(list->v[i].ctx);
	mem_free(list->v);
	*list = (struct observers){ 0 };
}

/* ---- telling ---- */

static void collect(struct observers *list, enum tt_event e, const tt_progress *p,
                    const struct observation *w)
{
	list->metrics.n = 0;
	if (e == TT_EVENT_START)
		list->told = *p;
	if (e == TT_EVENT_STEP && !w->due)
		return;
	metric_collect(e, &(struct metric_source){
		.now = p, .then = &list->told, .loss = w->loss, .accuracy = w->accuracy,
		.valid = w->valid, .parts = &w->parts }, &list->metrics);
	if (e == TT_EVENT_STEP)
		list->told = *p;
}

tt_status observers_tell(struct observers *list, enum tt_event e, const tt_progress *p,
                         struct observation *w)
{
	tt_status st = TT_OK, one;

	if (!list->n)
		return TT_OK;
	collect(list, e, p, w);
	w->seen.size = sizeof w->seen;
	w->seen.event = e;
	w->seen.progress = p;
	w->seen.metrics = list->metrics.n;
	w->seen.name = list->metrics.name;
	w->seen.value = list->metrics.value;
	for (int i = 0; i < list->n; i++) {
		one = list->v[i].event(list->v[i].ctx, &w->seen);
		st = st != TT_OK ? st : one;
	}
	return st;
}

/* ---- functions ---- */

struct function { tt_observer_fn *f; void *ctx; };

static tt_status call_function(void *ctx, const tt_observation *o)
{
	const struct function *c = ctx;

	c->f(c->ctx, o->event, o->progress, o->text);
	return TT_OK;
}

tt_status observers_add_function(struct observers *list, tt_observer_fn *f, void *ctx)
{
	struct function *c;
	tt_status st;

	if (!f)
		return TT_OK;
	if (!(c = mem_alloc(sizeof *c)))
		return TT_ENOMEM;
	*c = (struct function){ f, ctx };
	st = observers_add(list, TT_OBSERVER(.ctx = c, .event = call_function, .close = mem_free));
	if (st != TT_OK)
		mem_free(c);
	return st;
}

/* ---- strangers ---- */

/* An observer of the embedder's, which has no way to say in words what its error is. */
struct stranger { tt_observer o; };

static tt_status call_stranger(void *ctx, const tt_observation *o)
{
	const struct stranger *s = ctx;
	tt_status st = s->o.event(s->o.ctx, o);

	return st == TT_OK ? st : err_set(st, "an observer ended the run after step %lld: %s",
	                                  (long long)o->progress->step, tt_status_text(st));
}

static void close_stranger(void *ctx)
{
	struct stranger *s = ctx;

	if (s->o.close)
		s->o.close(s->o.ctx);
	mem_free(s);
}

tt_status observers_add_stranger(struct observers *list, const tt_observer *o)
{
	struct stranger *s = mem_alloc(sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	if ((st = take(o, &s->o)) == TT_OK)
		st = observers_add(list, TT_OBSERVER(.ctx = s, .event = call_stranger,
		                                     .close = close_stranger));
	if (st != TT_OK)
		mem_free(s);
	return st;
}

/* ---- files ---- */

static int always(const struct train_opts *o)
{
	(void)o;
	return 1;
}

static int wants_tensorboard(const struct train_opts *o)
{
	return o->tensorboard.every_steps > 0;
}

/* The picture begins with what metrics.csv holds of an earlier part: it comes after. */
static const struct {
	tt_status (*make)(tt_observer *out, const struct observer_opts *o);
	int       (*wanted)(const struct train_opts *o);
} files[] = {
	{ observer_log, always },
	{ observer_metrics_csv, always },
	{ observer_curves, always },
	{ observer_tensorboard, wants_tensorboard },
};

tt_status observers_add_files(struct observers *list, const struct observer_opts *o)
{
	tt_status st;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		tt_observer one = TT_SIZED(tt_observer);

		if (!files[i].wanted(&o->model->spec->train))
			continue;
		if ((st = files[i].make(&one, o)) != TT_OK)
			return st;
		if ((st = observers_add(list, &one)) != TT_OK) {
			one.close(one.ctx);
			return st;
		}
	}
	return TT_OK;
}
