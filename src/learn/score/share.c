/* share.c -- the numbers of all ranks, from those of each: sums are added in the order of ranks, on
 * each alike; kept scores go to rank 0, which says what areas they have. */
#include "learn/score/scores.h"

#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"

#define TAG 92

/* What a rank says, in one message:
 *
 *   | head | classes | labels | spreads | */
struct head {
	double  loss, weight, correct, in_top, labels, wrong, log_loss, shares;
	int64_t samples, kept;
};

struct said {
	struct head          *head;
	struct metrics_class *class, *label;
	struct score_spread  *spread;
};

static size_t classes_of(const struct scores *s) { return (size_t)s->sums.classes; }
static size_t labels_of(const struct scores *s)  { return s->label ? (size_t)s->what.width : 0; }
static size_t spreads_of(const struct scores *s) { return s->spread ? (size_t)s->what.width : 0; }

static size_t size_of(const struct scores *s)
{
	return sizeof(struct head) + (classes_of(s) + labels_of(s)) * sizeof(struct metrics_class) +
	       spreads_of(s) * sizeof(struct score_spread);
}

/* The parts of a message; all are of eight-byte numbers. */
static struct said parts(const struct scores *s, void *message)
{
	struct said p = { .head = message };

	p.class = (struct metrics_class *)(p.head + 1);
	p.label = p.class + classes_of(s);
	p.spread = (struct score_spread *)(p.label + labels_of(s));
	return p;
}

static void say(const struct scores *s, void *message)
{
	const struct said p = parts(s, message);

	*p.head = (struct head){ s->sums.loss, s->sums.weight, s->sums.correct, s->sums.in_top,
	                         s->sums.labels, s->sums.wrong, s->log_loss, s->shares,
	                         s->sums.samples, s->n_kept };
	if (s->sums.class)
		memcpy(p.class, s->sums.class, classes_of(s) * sizeof *p.class);
	if (s->label)
		memcpy(p.label, s->label, labels_of(s) * sizeof *p.label);
	if (s->spread)
		memcpy(p.spread, s->spread, spreads_of(s) * sizeof *p.spread);
}

/* ---- adding up ---- */

static void add_classes(struct metrics_class *to, const struct metrics_class *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i].truth += from[i].truth;
		to[i].answered += from[i].answered;
		to[i].right += from[i].right;
	}
}

/* Chan, Golub and LeVeque, 1979: no difference of large sums. */
static void add_spread(struct score_spread *to, const struct score_spread *from)
{
	const double weight = to->weight + from->weight, apart = from->mean - to->mean;

	to->off += from->off;
	to->off_square += from->off_square;
	if (!(from->weight > 0))
		return;
	to->square += from->square + apart * apart * to->weight * from->weight / weight;
	to->mean += apart * from->weight / weight;
	to->weight = weight;
}

static void hear(struct scores *s, void *message)
{
	const struct said p = parts(s, message);

	s->sums.loss += p.head->loss;
	s->sums.samples += p.head->samples;
	s->sums.weight += p.head->weight;
	s->sums.correct += p.head->correct;
	s->sums.in_top += p.head->in_top;
	s->sums.labels += p.head->labels;
	s->sums.wrong += p.head->wrong;
	s->log_loss += p.head->log_loss;
	s->shares |= p.head->shares != 0;
	if (s->sums.class)
		add_classes(s->sums.class, p.class, classes_of(s));
	if (s->label)
		add_classes(s->label, p.label, labels_of(s));
	for (size_t i = 0; i < spreads_of(s); i++)
		add_spread(&s->spread[i], &p.spread[i]);
}

/* ---- kept scores ---- */

static tt_status gather_kept(struct scores *s, struct comm *c, const char *all)
{
	const size_t record = (size_t)scores_stride(&s->what) * sizeof *s->kept, each = size_of(s);
	tt_status st = TT_OK;

	if (c->rank)
		return comm_send(c, 0, TAG, s->kept, (size_t)s->n_kept * record);
	for (int r = 1; r < c->size && st == TT_OK; r++) {
		const int64_t n = ((const struct head *)(const void *)(all + (size_t)r * each))->kept;

		if ((st = scores_make_room(s, s->n_kept + n)) == TT_OK)
			st = comm_recv(c, r, TAG, s->kept + s->n_kept * scores_stride(&s->what),
			               (size_t)n * record);
		s->n_kept += n;
	}
	return st;
}

static tt_status share(struct scores *s, struct comm *c)
{
	const size_t each = size_of(s);
	const int64_t kept = s->n_kept;
	char *all = mem_calloc((size_t)c->size + 1, each), *mine;
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	mine = all + (size_t)c->size * each;
	say(s, mine);
	c->doing = "the end of validation";
	if ((st = comm_allgather(c, mine, each, all)) == TT_OK) {
		scores_clear(s);
		s->n_kept = kept;
		for (int r = 0; r < c->size; r++)
			hear(s, all + (size_t)r * each);
	}
	if (st == TT_OK && s->keeps)
		st = gather_kept(s, c, all);
	mem_free(all);
	return st;
}

tt_status scores_finish(struct scores *s, struct comm *c)
{
	const int alone = !c || c->size == 1;
	tt_status st = alone ? TT_OK : share(s, c);

	if (st == TT_OK && s->keeps && (alone || c->rank == 0))
		st = scores_find_areas(s);
	if (st == TT_OK && s->keeps && !alone)
		st = comm_broadcast(c, 0, s->area, (size_t)s->what.width * sizeof *s->area);
	return st;
}
