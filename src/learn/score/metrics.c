#include "learn/score/metrics.h"

#include <math.h>
#include <string.h>

void metrics_clear(struct metrics *m)
{
	m->samples = 0;
	m->weight = m->correct = m->in_top = m->loss = 0;
	m->labels = m->wrong = 0;
	memset(m->part, 0, sizeof m->part);
	if (m->confusion)
		memset(m->confusion, 0, (size_t)m->classes * (size_t)m->classes * sizeof *m->confusion);
	if (m->class)
		memset(m->class, 0, (size_t)m->classes * sizeof *m->class);
}

/* How many columns of z[width] stand before column `at`: 0 is the answer. */
static int rank_of(const float *z, int width, int at)
{
	float mine = z[at];
	int before = 0;

	for (int j = 0; j < at; j++)
		before += !(z[j] < mine);
	for (int j = at + 1; j < width; j++)
		before += !(z[j] <= mine);
	return isnan(mine) ? width : before;
}

static int answer_of(const float *z, int width)
{
	int best = 0;

	if (width == 1)
		return z[0] > 0;
	for (int j = 1; j < width; j++)
		if (z[j] > z[best])
			best = j;
	return best;
}

/* Where the right class stands among the answers; a yes/no question has two. */
static int rank_of_label(const float *z, int width, int label)
{
	if (width > 1)
		return rank_of(z, width, label);
	return isnan(z[0]) ? 2 : (z[0] > 0) != label;
}

double metrics_weigh(const float *weight, int64_t n)
{
	double sum = 0;

	if (!weight)
		return (double)n;
	for (int64_t i = 0; i < n; i++)
		sum += weight[i];
	return sum;
}

#define WEIGHT_MOST 1e30        /* times a loss and summed this is still a float */

int metrics_overweight(double weight)
{
	return weight > WEIGHT_MOST;
}

tt_status metrics_check(const struct metrics *m)
{
	if (isfinite(m->loss) || !metrics_overweight(m->weight))
		return TT_OK;
	return err_set(TT_ENAN, "the sum of the losses is not finite: the samples weigh %g in all, too "
	               "much for a float: divide all weights by the same number", m->weight);
}

static void add_to_classes(struct metrics_class *class, int label, int answer, int rank,
                           double weight)
{
	class[label].truth += weight;
	class[answer].answered += weight;
	class[label].right += rank == 0 ? weight : 0;
}

static void add_answer(struct metrics *m, const struct metrics_batch *b, int64_t i)
{
	const float *z = b->logits + (size_t)i * (size_t)b->width;
	const double weight = b->weight ? b->weight[i] : 1;
	const int label = b->label[i], filling = b->samples && b->samples != b->n && weight == 0;
	int rank, answer;

	if (label < 0 || label >= m->classes || filling)
		return;                         /* no class of this net: wrong */
	rank = rank_of_label(z, b->width, label);
	m->correct += rank == 0 ? weight : 0;
	m->in_top += rank < m->k ? weight : 0;
	if (!m->confusion && !m->class)
		return;
	answer = answer_of(z, b->width);
	if (m->confusion)
		m->confusion[(size_t)label * (size_t)m->classes + (size_t)answer]++;
	if (m->class)
		add_to_classes(m->class, label, answer, rank, weight);
}

void metrics_add(struct metrics *m, const struct metrics_batch *b)
{
	m->samples += b->samples ? b->samples : b->n;
	m->weight += metrics_weigh(b->weight, b->n);
	m->loss += b->loss;
	for (int64_t i = 0; m->classes && b->label && i < b->n; i++)
		add_answer(m, b, i);
}

void metrics_join(struct metrics *m, const struct metrics *other)
{
	m->samples += other->samples;
	m->weight += other->weight;
	m->correct += other->correct;
	m->in_top += other->in_top;
	m->loss += other->loss;
	m->labels += other->labels;
	m->wrong += other->wrong;
	for (int i = 0; i < METRICS_PARTS; i++)
		m->part[i] += other->part[i];
}

static double mean(const struct metrics *m, double sum, int there)
{
	return there && m->weight > 0 ? sum / m->weight : NAN;
}

double metrics_loss(const struct metrics *m)
{
	return mean(m, m->loss, 1);
}

double metrics_accuracy(const struct metrics *m)
{
	return mean(m, m->correct, m->classes > 0 || m->spells);
}

double metrics_top_k(const struct metrics *m)
{
	return mean(m, m->in_top, m->classes > 0 && m->k > 0);
}
