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
#include "base/rng.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "data/augment.h"
#include "data/reader.h"

static const char *const border_words[] = { "zero", "reflect", NULL };

static const struct option augment_options[] = {
	OPT_INT (struct augment_opts, crop, "0", 0, 1024,
	         "pad images by this many pixels on each side, cut back at a random place"),
	OPT_ENUM(struct augment_opts, border, "zero", border_words,
	         "what `crop` pads with: black, or the picture mirrored at its edge"),
	OPT_INT (struct augment_opts, cutout, "0", 0, 1024,
	         "blank a square of so many pixels centred at a random place (DeVries, Taylor 2017)"),
	OPT_INT (struct augment_opts, until, "0", 0, 1000000000,
	         "crop and cutout in the first so many epochs only, that the last ones see pictures as "
	         "they are; 0: in all"),
	OPT_ENUM(struct augment_opts, flip, "no", option_no_yes,
	         "mirror images left-right with probability 1/2"),
	OPT_END
};

const struct option data_options[] = {
	OPT_TEXT(struct data_opts, train, NULL, "URI of the training data, e.g. mnist:DIR"),
	OPT_TEXT(struct data_opts, valid, NULL, "URI of the validation data; none if not set"),
	OPT_DOUBLES(struct data_opts, mean, NULL,
	            "subtracted from each channel (or feature); pixels are scaled to 0..1 first"),
	OPT_DOUBLES(struct data_opts, std, NULL, "each channel (or feature) is divided by this"),
	OPT_ENUM(struct data_opts, shuffle, "yes", option_no_yes, "a new order for every epoch"),
	OPT_INT (struct data_opts, threads, "1", 1, 256, "threads that prepare batches"),
	OPT_INT (struct data_opts, prefetch, "4", 0, 1024,
	         "batches prepared ahead; 0: prepare each when it is asked for"),
	OPT_GROUP(struct data_opts, augment, augment_options, "random changes to training images"),
	OPT_END
};

struct slot {
	struct batch batch;
	float       *x;                 /* what batch.x and so on point to, owned       */
	int32_t     *label;
	float       *values;
	int          ready;             /* guarded: 1 once it is filled                 */
	tt_status    status;            /* of filling it; the text is for loader_next   */
	char         text[ERR_MAX];
};

/* Where a batch lies: what it holds is a function of this alone. */
struct place { int64_t epoch, position; };

struct worker { struct loader *loader; struct thread *thread; void *scratch; };

struct loader {
	const struct reader *reader;
	struct loader_opts   o;
	struct augment_opts  augment;
	struct normaliser    normaliser;
	struct rng_key       order, parts;
	size_t               elements;      /* of one sample                                  */
	int                  share;         /* samples of this rank in a full batch           */
	struct slot         *slots;
	int                  n_slots;
	struct worker       *workers;       /* the first one's scratch serves prefetch = 0    */
	int                  n_workers;     /* allocated; threads run only if prefetch > 0    */
	int                  prefetch;      /* batches ahead; 0 where no thread may be started */
	double               waited;

	pthread_mutex_t      lock;
	pthread_cond_t       work, done;    /* a slot came free; a slot is ready, or idle     */
	/* guarded */
	int64_t              taken, claimed;   /* running numbers: next to hand out, to fill  */
	struct place         next, ahead;      /* the places of those two                     */
	int                  filling, asleep;  /* workers                                     */
	int                  stop, pause;
	/* the caller's own */
	int                  ended;            /* 1: the epoch is over, loader_next gives NULL */
};

/* ---- filling one batch ------------------------------------------------------- */

static int64_t count_of(const struct loader *l)
{
	return l->reader->info.count;
}

static int64_t sample_at(const struct loader *l, const struct place *p, int64_t offset)
{
	uint64_t at = (uint64_t)(p->position + offset);

	if (!l->o.training || !l->o.data->shuffle)
		return (int64_t)at;
	return (int64_t)rng_permute(l->order, (uint64_t)p->epoch, (uint64_t)count_of(l), at);
}

/* The sample at this position of the epoch, which is one of this rank's part. */
static int64_t sample_of_part(const struct loader *l, const struct place *p, int64_t offset)
{
	const uint64_t world = (uint64_t)l->o.world, rank = (uint64_t)l->o.rank;
	const uint64_t count = (uint64_t)count_of(l), size = (count - rank + world - 1) / world;
	uint64_t at = (uint64_t)(p->position + offset) / world;

	if (!l->o.data->shuffle)
		return (int64_t)(at * world + rank);
	at = rng_permute(l->order, (uint64_t)p->epoch * world + rank, size, at);
	return (int64_t)rng_permute(l->parts, 0, count, at * world + rank);
}

/* Which samples of the batch are this rank's. */
static void choose_samples(const struct loader *l, struct batch *b, const struct place *p)
{
	const int world = l->o.world, parts = l->o.deal == DEAL_PARTS;
	const int first = parts ? (int)((l->o.rank - p->position % world + world) % world) : l->o.rank;

	b->n = 0;
	for (int64_t k = first; k < b->n_global; k += world)
		b->index[b->n++] = parts ? sample_of_part(l, p, k) : sample_at(l, p, k);
}

static tt_status fill_sample(const struct loader *l, struct slot *s, int i, int64_t epoch,
                             void *scratch)
{
	const struct reader *r = l->reader;
	struct batch *b = &s->batch;
	int64_t index = b->index[i];
	const void *raw = r->ops->peek ? r->ops->peek(r, index) : scratch;
	int augmented = l->augment.crop > 0 || l->augment.flip || l->augment.cutout > 0;
	struct view v;
	tt_status st = r->ops->read(r, index, r->ops->peek ? NULL : scratch,
	                            b->label ? &b->label[i] : NULL,
	                            b->values ? b->values + (size_t)i * (size_t)r->info.values : NULL);

	if (st != TT_OK)
		return st;
	if (augmented)
		v = augment_view(&l->augment, &r->info,
		                 (struct sample_id){ l->o.seed, epoch, index });
	augment_apply(&l->normaliser, &r->info, augmented ? &v : NULL, raw,
	              b->x + (size_t)i * l->elements);
	return TT_OK;
}

/* The slot is this thread's alone. */
static void fill_slot(const struct loader *l, struct slot *s, const struct place *p, void *scratch)
{
	int64_t left = count_of(l) - p->position;
	struct batch *b = &s->batch;

	b->x = s->x;
	b->label = s->label;
	b->values = s->values;
	b->position = p->position;
	b->n_global = (int)(left < l->o.batch ? left : l->o.batch);
	s->status = TT_OK;
	choose_samples(l, b, p);
	for (int i = 0; s->status == TT_OK && i < b->n; i++)
		s->status = fill_sample(l, s, i, p->epoch, scratch);
	if (s->status != TT_OK)
		snprintf(s->text, sizeof s->text, "%s", tt_last_error());
}

/* On to the next batch.  Without training all epochs are alike, and called 0. */
static void advance(const struct loader *l, struct place *p)
{
	p->position += l->o.batch;
	if (p->position >= count_of(l))
		*p = (struct place){ p->epoch + (l->o.training != 0), 0 };
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

static void claim_and_fill(struct loader *l, void *scratch)
{
	struct slot *s = slot_of(l, l->claimed++);
	struct place p = l->ahead;

	advance(l, &l->ahead);
	s->ready = 0;
	l->filling++;
	pthread_mutex_unlock(&l->lock);
	fill_slot(l, s, &p, scratch);
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
			claim_and_fill(l, w->scratch);
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
	double start;

	if (l->claimed > l->taken && s->ready)
		return;
	start = thread_seconds();
	while (!(l->claimed > l->taken && s->ready))
		pthread_cond_wait(&l->done, &l->lock);
	l->waited += thread_seconds() - start;
}

static struct slot *next_prefetched(struct loader *l)
{
	struct slot *s;

	pthread_mutex_lock(&l->lock);
	s = slot_of(l, l->taken);
	wait_ready(l, s);
	if (s->status == TT_OK) {               /* a failed one stays, to fail again */
		l->taken++;
		wake(l);
	}
	pthread_mutex_unlock(&l->lock);
	return s;
}

static struct slot *next_inline(struct loader *l)
{
	struct slot *s = &l->slots[0];
	double start = thread_seconds();

	fill_slot(l, s, &l->next, l->workers[0].scratch);
	l->waited += thread_seconds() - start;
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
	advance(l, &l->next);
	l->ended = l->next.position == 0;
	*out = &s->batch;
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
	l->pause = 0;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
}

tt_status loader_seek(struct loader *l, int64_t epoch, int64_t consumed)
{
	int64_t count = count_of(l);
	int over = consumed == count;
	struct place to = { l->o.training ? epoch + over : 0, over ? 0 : consumed };

	if (epoch < 0 || consumed < 0 || consumed > count)
		return err_set(TT_EINVAL, "no such place in the data: epoch %lld, sample %lld of %lld",
		               (long long)epoch, (long long)consumed, (long long)count);
	l->ended = over;
	if (to.epoch == l->next.epoch && to.position == l->next.position)
		return TT_OK;                   /* where it stands already: keep what is ready */
	l->next = to;
	restart(l);
	return TT_OK;
}

int64_t loader_batches(const struct loader *l)
{
	return (count_of(l) + l->o.batch - 1) / l->o.batch;
}

double loader_waited(const struct loader *l)
{
	return l->waited;
}

/* ---- life -------------------------------------------------------------------- */

static tt_status check_opts(const struct loader *l)
{
	const struct loader_opts *o = &l->o;
	const tt_source_info *info = &l->reader->info;

	if (o->batch < 1)
		return err_set(TT_EINVAL, "a batch of %d samples", o->batch);
	if (o->world < 1 || o->rank < 0 || o->rank >= o->world)
		return err_set(TT_EINVAL, "rank %d of %d", o->rank, o->world);
	if ((l->augment.crop || l->augment.flip || l->augment.cutout) &&
	    (info->ndim != 3 || info->type != TT_SAMPLE_U8))
		return err_set(TT_ESPEC,
		               "data.augment: crop, flip and cutout are for images; this source has "
		               "none");
	return TT_OK;
}

static tt_status slot_init(const struct loader *l, struct slot *s)
{
	const tt_source_info *info = &l->reader->info;
	size_t n = (size_t)l->share, bytes;

	if (__builtin_mul_overflow(n * sizeof *s->x, l->elements, &bytes))
		return err_set(TT_ENOMEM, "a batch of %d samples of %zu numbers is too large", l->share,
		               l->elements);
	s->x = mem_alloc_aligned(bytes);
	s->batch.index = mem_calloc(n, sizeof *s->batch.index);
	if (info->target == TT_TARGET_CLASS)
		s->label = mem_calloc(n, sizeof *s->label);
	if (info->values > 0)
		s->values = mem_calloc(n, (size_t)info->values * sizeof *s->values);
	if (!s->x || !s->batch.index || (info->target == TT_TARGET_CLASS && !s->label) ||
	    (info->values > 0 && !s->values))
		return TT_ENOMEM;
	return TT_OK;
}

static tt_status alloc_all(struct loader *l)
{
	tt_status st = TT_OK;

	l->prefetch = policy_may_start() ? l->o.data->prefetch : 0;
	l->n_slots = l->prefetch + 1;
	l->n_workers = l->prefetch > 0 && l->o.data->threads > 1 ? l->o.data->threads : 1;
	l->slots = mem_calloc((size_t)l->n_slots, sizeof *l->slots);
	l->workers = mem_calloc((size_t)l->n_workers, sizeof *l->workers);
	if (!l->slots || !l->workers)
		return TT_ENOMEM;
	for (int i = 0; st == TT_OK && i < l->n_slots; i++)
		st = slot_init(l, &l->slots[i]);
	for (int i = 0; st == TT_OK && i < l->n_workers; i++) {
		l->workers[i].loader = l;
		if (!l->reader->ops->peek &&
		    !(l->workers[i].scratch = mem_alloc_aligned(source_bytes(&l->reader->info))))
			st = TT_ENOMEM;
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
	if (o->training)
		l->augment = o->data->augment;
	l->order = rng_key(o->seed, RNG_SHUFFLE);
	l->parts = rng_key(o->seed, RNG_PARTS);
	l->elements = source_elements(&l->reader->info);
	if ((st = check_opts(l)) != TT_OK)
		goto out;
	l->share = (o->batch + o->world - 1) / o->world;
	if ((st = normaliser_init(&l->normaliser, &l->reader->info, o->data)) == TT_OK &&
	    (st = alloc_all(l)) == TT_OK)
		st = start_workers(l);
out:
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
		mem_free(l->slots[i].x);
		mem_free(l->slots[i].label);
		mem_free(l->slots[i].values);
		mem_free(l->slots[i].batch.index);
	}
	for (int i = 0; l->workers && i < l->n_workers; i++)
		mem_free(l->workers[i].scratch);
	mem_free(l->slots);
	mem_free(l->workers);
	normaliser_release(&l->normaliser);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->done);
	mem_free(l);
	*lp = NULL;
}
