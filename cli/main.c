/* main.c -- from a command line to a verb and from its status to an exit code. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "print/doing.h"
#include "verbs.h"

static int complain(const struct verb *v, tt_status st)
{
	fprintf(stderr, "tutti%s%s: %s\n", v ? " " : "", v ? v->name : "", tt_last_error());
	return exits_code(st);
}

static tt_status check_count(const struct call *c)
{
	const struct verb *v = c->verb;

	if (c->args.n < v->min_args)
		return err_set(TT_EINVAL, "wants %s (see `tutti help %s`)", v->args, v->name);
	if (c->args.n > v->max_args)
		return err_set(TT_EINVAL, "does not know what to do with '%s' (see `tutti help %s`)",
		               c->args.v[v->max_args], v->name);
	return TT_OK;
}

/* `tutti VERB --help` is `tutti help VERB`. */
static tt_status run_help(struct call *c)
{
	char  *name = (char *)(uintptr_t)c->verb->name;
	struct call help = {.verb = &verb_help, .verbs = verbs, .arena = c->arena, .args = {&name, 1}};

	if (!(help.opts = arena_alloc(c->arena, verb_help.opts_size)))
		return TT_ENOMEM;
	return verb_help.run(&help);
}

static tt_status run_verb(struct call *c)
{
	const struct common *common;
	tt_status st;

	if (!(c->opts = arena_alloc(c->arena, c->verb->opts_size)))
		return TT_ENOMEM;
	if ((st = flags_parse(c->verb->flags, c->arena, c->opts, &c->args)) != TT_OK)
		return err_set(st, "%s (see `tutti help %s`)", tt_last_error(), c->verb->name);
	common = c->opts;
	if (common->help)
		return run_help(c);
	if ((st = check_count(c)) != TT_OK)
		return st;
	doing_show(common->quiet ? PROGRESS_QUIET : PROGRESS_TALK);
	return c->verb->run(c);
}

/* "tutti", "tutti --help" and "tutti --version" are verbs in disguise. */
static const char *verb_name(int argc, char **argv)
{
	static const struct { const char *word, *verb; } disguise[] = {
		{ "--help", "help" }, { "-h", "help" }, { "--version", "version" }, { "-V", "version" },
	};

	if (argc < 2)
		return "help";
	for (size_t i = 0; i < sizeof disguise / sizeof *disguise; i++)
		if (strcmp(argv[1], disguise[i].word) == 0)
			return disguise[i].verb;
	return argv[1];
}

/* What stdout could not take (a full disk, a closed pipe) is a failure too. */
static int flush_results(const struct call *c)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return c->exit;
	err_set(TT_EIO, "standard output cannot be written");
	return complain(c->verb, TT_EIO);
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct call  c = { .verbs = verbs, .arena = &arena, .line = { argv, argc } };
	tt_status    st;
	int          code;

	signal(SIGXFSZ, SIG_IGN);            /* a file size limit is an error, not a death */
	if (argc > 2)
		c.args = (struct words){ argv + 2, argc - 2 };
	if ((st = verbs_find(verbs, verb_name(argc, argv), &c.verb)) != TT_OK)
		return complain(NULL, st);
	st = run_verb(&c);
	code = st == TT_OK ? flush_results(&c) : c.exit ? c.exit : -1;
	if (st != TT_OK) {
		int by_status = complain(c.verb, st);

		fflush(stdout);
		code = code > 0 ? code : by_status;
	}
	arena_release(&arena);
	return code;
}
