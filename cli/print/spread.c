#include "print/spread.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/table.h"

static struct spread_row *find(struct spread *s, const char *name)
{
	for (int i = 0; i < s->rows; i++)
		if (strcmp(s->row[i].name, name) == 0)
			return &s->row[i];
	if (s->rows == SPREAD_ROWS)
		return NULL;
	snprintf(s->row[s->rows].name, sizeof s->row->name, "%s", name);
	return &s->row[s->rows++];
}

void spread_add(struct spread *s, const tt_evaluation *e)
{
	tt_score score = TT_SIZED(tt_score);

	s->measured++;
	for (int i = 0; tt_evaluation_get(e, i, &score) == TT_OK; i++) {
		struct spread_row *r = find(s, score.name);
		const double off = r ? score.value - r->mean : 0;

		if (!r)
			continue;
		r->shown |= score.shown;
		r->mean += off / ++r->n;
		r->square += off * (score.value - r->mean);
	}
}

static double deviation(const struct spread_row *r)
{
	return r->n > 1 ? sqrt(r->square / (r->n - 1)) : NAN;
}

/* A number that not all know says nothing of all. */
static int counts(const struct spread *s, const struct spread_row *r)
{
	return r->n == s->measured;
}

void spread_print(const struct spread *s)
{
	struct table t;

	table_init(&t, "lrr");
	table_add(&t, "of all %d\tmean\tdeviation", s->measured);
	table_rule(&t);
	for (int i = 0; i < s->rows; i++)
		if (s->row[i].shown && counts(s, &s->row[i]))
			table_add(&t, "%s\t%.6g\t%.4g", s->row[i].name, s->row[i].mean,
			          deviation(&s->row[i]));
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
}

void spread_json(const struct spread *s, struct json *j)
{
	json_open(j, "metrics", '{');
	for (int i = 0; i < s->rows; i++) {
		if (!counts(s, &s->row[i]))
			continue;
		json_open(j, s->row[i].name, '{');
		json_number(j, "mean", s->row[i].mean);
		json_number(j, "deviation", deviation(&s->row[i]));
		json_close(j, '}');
	}
	json_close(j, '}');
}
