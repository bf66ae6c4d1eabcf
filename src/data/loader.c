/* The ring:
 *
 *            taken                claimed
 *              v                     v
 *   slots:  [lent][ready][ready][filling][free] ...        slot of batch b: b % slots
 *
 * Batches carry running numbers from the last seek on and go on into the next epoch, so
 * that its first batches are ready when it starts.  Workers claim the next number while
 * its slot is free, fill the slot without the lock, and mark it; loader_next takes them
 * in order.  With prefetch = 0 the caller fills the only slot itself.
 *
 * Lock order: one mutex; it guards every field of struct loader below "guarded" and the
 * state of each slot.  What a slot holds belongs to whoever its state says. */
#include "data/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "data/deliver.h"
#include "data/arrange.h"
#include "data/reader.h"

static const char *const normalise_words[] = { "none", "standard", "minmax", "robust", NULL };
static const char *const buckets_words[] = { "no", "auto", NULL };   /* enum: 0, -1 */
static const char *const border_words[] = { "zero", "reflect", NULL };

static const struct option augment_options[] = {
	OPT_INT (struct augment_opts, crop, "0", 0, 1024,
	         "pad images by this many pixels on each side, cut back at a random place"),
	OPT_ENUM(struct augment_opts, border, "zero", border_words,
	         "what `crop` pads with: black, or the image mirrored at its edge"),
	OPT_INT (struct augment_opts, cutout, "0", 0, 1024,
	         "blank a square of so many pixels centred at a random place (DeVries, Taylor 2017)"),
	OPT_INT (struct augment_opts, until, "0", 0, 1000000000,
	         "crop and cutout in the first so many epochs only, that the last ones see images as "
	         "they are; 0: in all"),
	OPT_ENUM(struct augment_opts, flip, "no", option_no_yes,
	         "mirror images left-right with probability 1/2"),
	OPT_END
};

const struct option data_options[] = {
	OPT_TEXT(struct data_opts, train, NULL, "URI of the training data, e.g. mnist:DIR"),
	OPT_TEXT(struct data_opts, valid, NULL, "URI of the validation data; none if not set"),
	OPT_ENUM(struct data_opts, normalise, "none", normalise_words,
	         "what is subtracted from each channel (or feature), and what it is divided by; found "
	         "in the training data, unless mean or std are given, and kept with the model. "
	         "standard: mean, standard deviation; minmax: smallest number, range (0..1 then); "
	         "robust: median, distance of the quartiles. What does not vary becomes 0"),
	OPT_DOUBLES(struct data_opts, mean, NULL,
	            "subtracted from each channel (or feature); pixels are scaled to 0..1 first"),
	OPT_DOUBLES(struct data_opts, std, NULL, "each channel (or feature) is divided by this"),
	OPT_ENUM(struct data_opts, shuffle, "yes", option_no_yes, "a new order for every epoch"),
	OPT_ENUM(struct data_opts, carry, "no", option_no_yes,
	         "of a text: it is cut into as many streams as a batch has samples, each of which goes "
	         "on in the next batch, where rnn, lstm and gru begin with the states that they ended "
	         "with (truncated back-propagation through time); with shuffle: no"),
	OPT_INT_OR(struct data_opts, buckets, "auto", buckets_words, 1, 1000,
	           "batches of samples of like length, so that little is padding: the shuffled samples "
	           "of so many batches at a time are sorted by length, cut into batches, and these "
	           "shuffled. auto: of 50, where more than a quarter would be padding"),
	OPT_INT (struct data_opts, threads, "1", 1, 256, "threads that prepare batches"),
	OPT_INT (struct data_opts, prefetch, "4", 0, 1024,
	         "batches prepared ahead; 0: prepare each when it is asked for"),
	OPT_GROUP(struct data_opts, augment, augment_options, "random changes to training images"),
	OPT_GROUP(struct data_opts, split, split_options,
	          "parts of data.train; what a table teaches is found in the training part alone"),
	OPT_END
};

struct slot {
	struct batch batch;
	struct lease lease;             /* of which it has this rank's samples          */
	struct shelf shelf;             /* what the batch's columns point to            */
	int          ready;             /* guarded: 1 once it is filled                 */
	tt_status    status;            /* of filling it; the text is for loader_next   */
	char         text[ERR_MAX];
};

struct worker {
	struct loader     *loader;
	struct thread     *thread;
	struct scratch     scratch;
	struct arrange_room  room;
};

struct loader {
	const struct reader *reader;
	struct loader_opts   o;
	struct delivery      delivery;
	struct lease_plan    plan;
	struct arrange       order;
	int                  share;         /* samples of this rank in a full batch           */
	struct slot         *slots;
	int                  n_slots;
	struct worker       *workers;       /* the first one's rooms serve prefetch = 0     */
	int                  n_workers;     /* allocated; threads run only if prefetch > 0    */
	int                  prefetch;      /* batches ahead; 0 where no thread may be started */

	pthread_mutex_t      lock;
	pthread_cond_t       work, done;    /* a slot came free; a slot is ready, or idle     */
	/* guarded */
	int64_t              taken, claimed;   /* running numbers: next to hand out, to fill  */
	struct lease         next, ahead;      /* of those two; from a pool: next's epoch     */
	int                  filling, asleep;  /* workers                                     */
	int                  stop, pause;
	/* the caller's own */
	int                  ended;            /* 1: the epoch is over, loader_next gives NULL */
};

/* ---- filling one batch ------------------------------------------------------- */

static int64_t count_of(const struct loader *l)
{
	return l->reader->count;
}

/* The slot is this thread's alone. */
static void fill_slot(const struct loader *l, struct slot *s, struct worker *w)
{
	const struct lease *p = &s->lease;
	struct batch *b = &s->batch;

	b->position = p->lo;
	b->n_global = (int)(p->hi - p->lo);
	b->begins = p->lo < l->order.streams;
	b->data.n = arrange_choose(&l->order, &w->room, p, b->index);
	s->status = delivery_fill(&l->delivery, &s->shelf, p->epoch, &w->scratch, b);
	if (s->status != TT_OK)
		snprintf(s->text, sizeof s->text, "%s", tt_last_error());
}

/* The next batch to fill. */
static struct lease claim(struct loader *l)
{
	const struct lease mine = l->ahead;

	if (l->o.pool)
		return lease_pool_take(l->o.pool);
	l->ahead = lease_after(&l->plan, &mine);
	return mine;
}

/* ---- workers ----------------------------------------------------------------- */

static struct slot *slot_of(struct loader *l, int64_t number)
{
	return &l->slots[number % l->n_slots];
}

/* Number taken - 1 is in the caller's hands, the other slots may be filled. */
static int may_claim(const struct loader *l)
{
	return !l->pause && l->claimed - (l->taken - 1) < l->n_slots;
}

static void claim_and_fill(struct loader *l, struct worker *w)
{
	struct slot *s = slot_of(l, l->claimed++);

	s->lease = claim(l);
	s->ready = 0;
	l->filling++;
	pthread_mutex_unlock(&l->lock);
	fill_slot(l, s, w);
	pthread_mutex_lock(&l->lock);
	s->ready = 1;
	l->filling--;
	pthread_cond_signal(&l->done);
}

static void work(void *ctx)
{
	struct worker *w = ctx;
	struct loader *l = w->loader;

	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		if (may_claim(l)) {
			claim_and_fill(l, w);
			continue;
		}
		l->asleep++;
		pthread_cond_wait(&l->work, &l->lock);
		l->asleep--;
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- the caller's side ------------------------------------------------------- */

/* Waking a worker costs more than a small batch does: let half of the ring run dry first. */
static void wake(struct loader *l)
{
	if (l->asleep > 0 && l->claimed - l->taken <= (l->n_slots - 1) / 2)
		pthread_cond_broadcast(&l->work);
}

static void wait_ready(struct loader *l, const struct slot *s)
{
	while (!(l->claimed > l->taken && s->ready))
		pthread_cond_wait(&l->done, &l->lock);
}

/* From a pool others may have taken what was left of the epoch. */
static int is_of_later(const struct loader *l, const struct slot *s)
{
	return s->lease.epoch > l->next.epoch;
}

static struct slot *next_prefetched(struct loader *l)
{
	struct slot *s;

	pthread_mutex_lock(&l->lock);
	s = slot_of(l, l->taken);
	wait_ready(l, s);
	/* A failed one stays, to fail again. */
	if (s->status == TT_OK && !is_of_later(l, s)) {
		l->taken++;
		wake(l);
	}
	pthread_mutex_unlock(&l->lock);
	return s;
}

static struct slot *next_inline(struct loader *l)
{
	struct slot *s = &l->slots[0];

	if (!s->ready)
		s->lease = claim(l);
	if (!s->ready || s->status != TT_OK)
		fill_slot(l, s, &l->workers[0]);
	s->ready = s->status != TT_OK || is_of_later(l, s);     /* kept for the next call */
	return s;
}

tt_status loader_next(struct loader *l, struct batch **out)
{
	struct slot *s;

	if (l->ended) {
		*out = NULL;
		return TT_OK;
	}
	s = l->prefetch > 0 ? next_prefetched(l) : next_inline(l);
	if (s->status != TT_OK)
		return err_set(s->status, "%s", s->text);
	l->ended = is_of_later(l, s);
	*out = l->ended ? NULL : &s->batch;
	if (l->ended)
		return TT_OK;
	l->next = lease_after(&l->plan, &s->lease);
	l->ended = l->next.lo == 0;
	return TT_OK;
}

/* Throw away what lies ahead and start anew at l->next. */
static void restart(struct loader *l)
{
	pthread_mutex_lock(&l->lock);
	l->pause = 1;
	while (l->filling > 0)
		pthread_cond_wait(&l->done, &l->lock);
	l->taken = l->claimed = 0;
	l->ahead = l->next;
	l->slots[0].ready = 0;
	l->pause = 0;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
}

tt_status loader_seek(struct loader *l, int64_t epoch, int64_t consumed)
{
	int64_t count = count_of(l);
	struct lease to;

	if (epoch < 0 || consumed < 0 || consumed > count)
		return err_set(TT_EINVAL, "no such place in the data: epoch %lld, sample %lld of %lld",
		               (long long)epoch, (long long)consumed, (long long)count);
	to = lease_at(&l->plan, epoch, consumed);
	l->ended = consumed == count;
	/* Keep what is ready: it stands there already, or what it has taken nobody else will do. */
	if (to.epoch == l->next.epoch && to.lo == l->next.lo && !l->pause)
		return TT_OK;
	l->next = to;
	if (!l->o.pool || l->pause)
		restart(l);
	return TT_OK;
}

/* Leases are written with the lock held: who has seen what the pool had taken before, sees here all
 * of it that was not handed out. */
int loader_ahead(struct loader *l, struct lease *out, int most)
{
	int n = 0;

	pthread_mutex_lock(&l->lock);
	for (int64_t i = l->taken; i < l->claimed && n < most; i++)
		out[n++] = slot_of(l, i)->lease;
	pthread_mutex_unlock(&l->lock);
	if (l->prefetch == 0 && l->slots[0].ready && n < most)
		out[n++] = l->slots[0].lease;
	return n;
}

struct loader_padding loader_padding(const struct loader *l)
{
	return l->order.padding;
}

int64_t loader_batches(const struct loader *l)
{
	return lease_count(&l->plan);
}

/* ---- life -------------------------------------------------------------------- */

static tt_status check_carry(const struct loader *l)
{
	if (!l->reader->follows)
		return err_set(TT_ESPEC, "data.carry: yes is for texts, each of whose samples goes on "
		               "where the one before has ended (text:FILE), and not for this source, nor "
		               "for the part of a text that data.split or --folds makes: give data.valid, "
		               "or ?holdout=");
	if (l->o.training && l->o.data->shuffle)
		return err_set(TT_ESPEC, "data.carry: yes goes through a text in its order: set "
		               "data.shuffle: no");
	return TT_OK;
}

static tt_status check_opts(const struct loader *l)
{
	const struct loader_opts *o = &l->o;

	if (o->batch < 1)
		return err_set(TT_EINVAL, "a batch of %d samples", o->batch);
	if (o->world < 1 || o->rank < 0 || o->rank >= o->world)
		return err_set(TT_EINVAL, "rank %d of %d", o->rank, o->world);
	if (o->deal == DEAL_PARTS && l->reader->access == TT_ACCESS_FORWARD)
		return err_set(TT_ESUPPORT, "a part of the data for each rank needs a source that can give "
		               "any sample; this one only goes forward");
	return l->o.data->carry ? check_carry(l) : TT_OK;
}

static tt_status slot_init(const struct loader *l, struct slot *s)
{
	s->batch.index = mem_calloc((size_t)l->share, sizeof *s->batch.index);
	return s->batch.index ? shelf_init(&l->delivery, &s->shelf) : TT_ENOMEM;
}

static tt_status alloc_all(struct loader *l)
{
	int many;
	tt_status st = TT_OK;

	l->prefetch = policy_may_start() ? l->o.data->prefetch : 0;
	many = l->prefetch > 0 && l->reader->access != TT_ACCESS_FORWARD;
	l->n_slots = l->prefetch + 1;
	l->n_workers = many && l->o.data->threads > 1 ? l->o.data->threads : 1;
	l->slots = mem_calloc((size_t)l->n_slots, sizeof *l->slots);
	l->workers = mem_calloc((size_t)l->n_workers, sizeof *l->workers);
	if (!l->slots || !l->workers)
		return TT_ENOMEM;
	for (int i = 0; st == TT_OK && i < l->n_slots; i++)
		st = slot_init(l, &l->slots[i]);
	for (int i = 0; st == TT_OK && i < l->n_workers; i++) {
		l->workers[i].loader = l;
		if ((st = scratch_init(&l->delivery, &l->workers[i].scratch)) == TT_OK)
			st = arrange_room_init(&l->order, &l->workers[i].room);
	}
	return st;
}

static tt_status start_workers(struct loader *l)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && l->prefetch > 0 && i < l->n_workers; i++)
		st = thread_start(&l->workers[i].thread, "tutti-loader", work, &l->workers[i]);
	return st;
}

/* What is in which batch, and how it gets there. */
static tt_status plan(struct loader *l)
{
	const struct loader_opts *o = &l->o;
	tt_status st;

	if ((st = check_opts(l)) != TT_OK || (st = arrange_init(&l->order, l->reader, o)) != TT_OK)
		return st;
	l->plan = (struct lease_plan){ count_of(l), o->batch,
	                               o->training ? EPOCHS_IN_TURN : EPOCHS_ALIKE };
	l->next = l->ahead = lease_at(&l->plan, 0, 0);
	l->share = (o->batch + o->world - 1) / o->world;
	return delivery_init(&l->delivery, l->reader, &(struct delivery_opts){
		.data = o->data, .augment = o->training ? &o->data->augment : NULL,
		.seed = o->seed, .samples = l->share });
}

tt_status loader_new(struct loader **out, tt_source *source, const struct loader_opts *o)
{
	struct loader *l = mem_calloc(1, sizeof *l);
	tt_status st;

	if (!l)
		return TT_ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	pthread_cond_init(&l->done, NULL);
	l->reader = source_reader(source);
	l->o = *o;
	if (o->pool) {                          /* what it takes is all its own */
		l->o.rank = 0;
		l->o.world = 1;
	}
	l->pause = o->pool != NULL;
	if ((st = plan(l)) == TT_OK && (st = alloc_all(l)) == TT_OK)
		st = start_workers(l);
	if (st != TT_OK)
		loader_free(&l);
	else
		*out = l;
	return st;
}

static void stop_workers(struct loader *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = 1;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
	for (int i = 0; l->workers && i < l->n_workers; i++)
		thread_join(&l->workers[i].thread);
}

void loader_free(struct loader **lp)
{
	struct loader *l = lp ? *lp : NULL;

	if (!l)
		return;
	stop_workers(l);
	for (int i = 0; l->slots && i < l->n_slots; i++) {
		shelf_release(&l->slots[i].shelf);
		mem_free(l->slots[i].batch.index);
	}
	for (int i = 0; l->workers && i < l->n_workers; i++) {
		scratch_release(&l->workers[i].scratch);
		arrange_room_release(&l->workers[i].room);
	}
	mem_free(l->slots);
	mem_free(l->workers);
	delivery_release(&l->delivery);
	arrange_release(&l->order);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->done);
	mem_free(l);
	*lp = NULL;
}
