#include "lab/pool/launcher.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lab/pool/command.h"

/* ---- words ---- */

static int grow(tt_command *c)
{
	const int room = c->room ? 2 * c->room : 16;
	char **v;

	if (c->n + 1 < c->room)
		return 1;
	if (!(v = mem_realloc(c->v, (size_t)room * sizeof *v)))
		return 0;
	c->v = v;
	c->room = room;
	return 1;
}

void tt_command_add(tt_command *c, const char *word)
{
	if (!c)
		return;
	if (!word || !grow(c) || !(c->v[c->n] = mem_strdup(word))) {
		c->failed = 1;
		return;
	}
	c->v[++c->n] = NULL;
}

tt_status command_status(const tt_command *c)
{
	if (c->failed)
		return TT_ENOMEM;
	return c->n ? TT_OK : err_set(TT_EINVAL, "the command of a trial has no words");
}

void command_release(tt_command *c)
{
	for (int i = 0; i < c->n; i++)
		mem_free(c->v[i]);
	mem_free(c->v);
	*c = (tt_command){0};
}

/* ---- rows ---- */

static void here(tt_command *c, int threads)
{
	(void)c, (void)threads;
}

/* A job of one task: srun waits for it, passes signals on and answers its exit code; the job ends
 * with it. */
static void by_srun(tt_command *c, int threads)
{
	char cores[32];

	snprintf(cores, sizeof cores, "--cpus-per-task=%d", threads);
	for (const char *const *w = (const char *const[]){ "srun", "--quiet", "--ntasks=1",
	     "--job-name=tutti-trial", NULL }; *w; w++)
		tt_command_add(c, *w);
	tt_command_add(c, cores);
}

const struct launcher launchers[] = {
	{ "local", "processes of this machine", here },
	{ "slurm", "jobs of a task each, by srun", by_srun },
	{ NULL, NULL, NULL }
};

const char *const *tt_search_launchers(void)
{
	static const char *const names[] = { "local", "slurm", NULL };

	return names;
}

static tt_status by_words(const char *words, tt_command *c)
{
	char *copy = mem_strdup(words), *rest = copy, *word;

	if (!copy)
		return TT_ENOMEM;
	while ((word = strsep(&rest, " \t")))
		if (*word)
			tt_command_add(c, word);
	mem_free(copy);
	return TT_OK;
}

tt_status launcher_before(const char *name, int threads, tt_command *c)
{
	for (const struct launcher *l = launchers; l->name; l++)
		if (strcmp(l->name, name) == 0) {
			l->before(c, threads);
			return TT_OK;
		}
	return by_words(name, c);
}
