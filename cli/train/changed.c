#include "train/changed.h"

#include <stdio.h>
#include <string.h>

#include <tutti/run.h>

#include "base/str.h"

enum { MOST = 6, SHORT = 40 };          /* so many are named, with values of so many characters */

struct changes {
	const tt_spec *now;
	int          (*counts)(const char *key);
	struct str     text;
	int            n;
};

/* What data teach stands in a run's spec, not in the file; of another net nothing is taken. */
static int is_ours(const char *key)
{
	static const char *const other[] = {
		"name", "data.mean", "data.std", "data.normalise", "model."
	};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (strncmp(key, other[i], strlen(other[i])) == 0)
			return 0;
	return 1;
}

static void add(struct changes *c, const char *key, const char *was, const char *is)
{
	if (c->n++ >= MOST)
		return;
	str_addf(&c->text, "%s%s", c->n > 1 ? ", " : "", key);
	if (strlen(was) <= SHORT && strlen(is) <= SHORT)
		str_addf(&c->text, " %s (was %s)", *is ? is : "none", *was ? was : "none");
}

static tt_status compare(void *ctx, const char *key, const char *was)
{
	struct changes *c = ctx;
	char *is;

	if (!c->counts(key) || tt_spec_get(c->now, key, &is) != TT_OK)
		return TT_OK;
	if (strcmp(is, was) != 0)
		add(c, key, was, is);
	tt_free(is);
	return TT_OK;
}

/* A folder without a spec, or with one that cannot be read, says nothing: who resumes it does. */
void changed_tell(const char *dir, const tt_spec *now)
{
	struct changes c = { .now = now, .counts = is_ours };
	tt_spec *before = NULL;
	char *path = NULL;

	if (tt_run_path(dir, TT_RUN_SPEC, &path) == TT_OK && tt_spec_load(&before, path) == TT_OK &&
	    tt_spec_resolve(before) == TT_OK && tt_spec_each(before, compare, &c) == TT_OK && c.n)
		fprintf(stderr, "goes on with %s%s\n", c.text.p, c.n > MOST ? ", ..." : "");
	str_release(&c.text);
	tt_spec_free(&before);
	tt_free(path);
}

static int is_no_seed(const char *key)
{
	return strcmp(key, "train.seed") != 0;
}

tt_status changed_refuse(const char *path, const tt_spec *now)
{
	struct changes c = { .now = now, .counts = is_no_seed };
	tt_spec *before = NULL;
	tt_status st = tt_spec_load(&before, path);

	if (st == TT_OK && (st = tt_spec_resolve(before)) == TT_OK &&
	    (st = tt_spec_each(before, compare, &c)) == TT_OK && !c.n) {
		c.now = before;                 /* what was not there before, such as one layer more */
		st = tt_spec_each(now, compare, &c);
	}
	if (st == TT_OK && c.n)
		st = err_set(TT_EINVAL, "%s is of other settings: now %s%s; set them as before, or name "
		             "another folder", path, c.text.p, c.n > MOST ? ", ..." : "");
	str_release(&c.text);
	tt_spec_free(&before);
	return st;
}
