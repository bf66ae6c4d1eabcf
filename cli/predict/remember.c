#include "predict/remember.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tutti/run.h>
#include <tutti/store.h>

#include "base/file.h"
#include "base/hash.h"
#include "kit/paths.h"
#include "kit/table.h"

#define SCORES_MOST 64
#define NAME_MOST   64

/* ---- numbers ---- */

struct scores { tt_record v[SCORES_MOST]; char name[SCORES_MOST][NAME_MOST]; int n; };

static void add(struct scores *s, const char *name, double value)
{
	if (s->n == SCORES_MOST || isnan(value))
		return;
	snprintf(s->name[s->n], NAME_MOST, "eval.%s", name);
	s->v[s->n] = (tt_record){ .size = sizeof *s->v, .kind = TT_RECORD_METRIC,
		.name = s->name[s->n], .value = value };
	s->n++;
}

static void collect(struct scores *s, const struct remembered *r)
{
	const tt_metrics *m = tt_evaluation_metrics(r->numbers);
	tt_score one = TT_SIZED(tt_score);

	add(s, "loss", m->loss);
	add(s, "accuracy", m->accuracy);
	for (int i = 0; i < tt_evaluation_count(r->numbers); i++)
		if (tt_evaluation_get(r->numbers, i, &one) == TT_OK && strcmp(one.name, "loss") != 0 &&
		    strcmp(one.name, "accuracy") != 0)
			add(s, one.name, one.value);
	s->v[s->n++] = (tt_record){ .size = sizeof *s->v, .kind = TT_RECORD_TAG, .name = "source",
	                            .text = r->source };
}

/* ---- the row ---- */

static tt_status write_row(tt_store *s, const struct remembered *r, const char *of)
{
	const uint64_t h = hash_bytes(hash_text(of), r->source, strlen(r->source));
	const double now = (double)time(NULL);
	struct scores scores = { .n = 0 };
	char id[TT_STORE_ID + 8];
	tt_status st;

	collect(&scores, r);
	snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)h,
	         (unsigned long long)hash_bytes(h, of, strlen(of)));
	if ((st = tt_store_put(s, TT_STORE_RUN(.id = id, .name = r->source, .kind = "eval",
		.parent = of, .status = "finished", .begun = now, .ended = now))) != TT_OK)
		return st;
	return tt_store_write(s, id, scores.v, scores.n);
}

/* The id of a run folder; 0: it has none. */
static int read_id(const char *run, char id[TT_STORE_ID])
{
	char *path = NULL;
	int there = file_is_dir(run) && tt_run_path(run, TT_RUN_ID, &path) == TT_OK &&
	            file_first_line(path, id, TT_STORE_ID) && strlen(id) == TT_STORE_ID - 1;

	tt_free(path);
	return there;
}

void remember_evaluation(struct arena *a, const struct remembered *r)
{
	char of[TT_STORE_ID] = "";
	const char *uri = NULL;
	tt_store *s = NULL;
	tt_status st;

	if (!read_id(r->run, of) || paths_store_of(a, r->store, r->run, &uri) != TT_OK || !uri ||
	    (!r->store && !strstr(uri, "://") && !file_exists(uri)))
		return;
	if ((st = tt_store_open(&s, uri, TT_STORE_MAKE)) == TT_OK)
		st = write_row(s, r, of);
	if (st != TT_OK)
		text_printf(stderr, "tutti eval: not recorded: %s\n", tt_last_error());
	tt_store_close(&s);
}
