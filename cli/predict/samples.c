#include "predict/samples.h"

#include <stdio.h>
#include <string.h>

#include "kit/specfile.h"
#include "kit/table.h"
#include "predict/by_name.h"
#include "print/names.h"

/* Pictures are decoded to the shape the net wants, "[3, 32, 32]" in its spec. */
static tt_status describe_pictures(struct samples *s)
{
	const char *input;
	long long shape[3];
	tt_status st = specfile_text(s->arena, tt_model_spec(s->model), "model.input", &input);

	if (st != TT_OK)
		return st;
	if (sscanf(input, "[%lld, %lld, %lld]", &shape[0], &shape[1], &shape[2]) != 3 ||
	    (shape[0] != 1 && shape[0] != 3))
		return err_set(TT_ESHAPE, "%s: its model does not take images; name a source instead of "
		               "files", s->checkpoint);
	s->info = (tt_source_info){ .size = sizeof s->info, .count = s->count, .ndim = 3,
	                            .type = TT_SAMPLE_U8 };
	for (int i = 0; i < 3; i++)
		s->info.shape[i] = shape[i];
	return TT_OK;
}

static int takes_pictures(struct samples *s)
{
	return describe_pictures(s) == TT_OK;
}

/* The URI of a word that is a source or a table, stdin too for a net that takes no pictures; NULL:
 * it is files. */
static tt_status find_source(struct samples *s, const char **uri)
{
	const char *word = s->word[0];

	*uri = inputs_is_source(word) ? word : NULL;
	if (strcmp(word, "-") == 0 && !takes_pictures(s))
		word = "/dev/stdin";
	else if (*uri || !inputs_is_table(word))
		return TT_OK;
	return (*uri = arena_printf(s->arena, "csv:%s", word)) ? TT_OK : TT_ENOMEM;
}

/* What is shown of a source and not read, and why its truths are not the net's: worth a word. */
static void note(const struct samples *s, const char *text)
{
	if (!s->quiet)
		text_printf(stderr, "tutti predict: note: %s\n", text);
}

static void note_unread(const struct samples *s)
{
	struct str text = { 0 };

	names_unread(s->model, s->source, &text);
	if (text.len)
		note(s, text.p);
	str_release(&text);
	if (tt_source_describe(s->source)->unseen)
		note(s, tt_source_describe(s->source)->unseen);
}

static tt_status open_source(struct samples *s, const char *uri)
{
	tt_source *all = NULL;
	tt_status st;

	if ((st = tt_source_open_for(&s->source, uri, s->model)) != TT_OK ||
	    (st = tt_source_match(&s->view, s->source, s->model, TT_MATCH_INPUTS)) != TT_OK)
		return st;
	/* The truth is shown in the words of the source: that the net has others is no error. */
	if (tt_source_match(&all, s->source, s->model, TT_MATCH_ALL) == TT_ESHAPE)
		note(s, tt_last_error());
	tt_source_close(&all);
	note_unread(s);
	s->info = *tt_source_describe(s->view);
	s->count = s->info.count;
	if (s->most && s->most < s->count)
		s->count = s->most;
	return TT_OK;
}

static tt_status open_files(struct samples *s)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < s->words; i++)
		st = inputs_add(&s->files, s->arena, s->word[i]);
	if (st != TT_OK)
		return st;
	s->count = s->files.n;
	if (!s->count)
		return err_set(TT_EINVAL, "%s: no image there", s->word[0]);
	if (s->files.skipped && !s->quiet)
		fprintf(stderr, "tutti predict: note: %lld files in folders are no images by name\n",
		        (long long)s->files.skipped);
	if ((st = describe_pictures(s)) != TT_OK || !by_name_per_place(tt_model_signature(s->model)))
		return st;
	return err_set(TT_ESHAPE, "%s: its model answers at each place of a picture: name a source "
	               "instead of files (images:FOLDER)", s->checkpoint);
}

tt_status samples_open(struct samples *s)
{
	const char *uri;
	tt_status st;

	if ((st = find_source(s, &uri)) != TT_OK)
		return st;
	if (!uri)
		return open_files(s);
	if (s->words > 1)
		return err_set(TT_EINVAL, "one source at a time: '%s' is one too many", s->word[1]);
	return (uri = inputs_row_by_row(s->arena, uri)) ? open_source(s, uri) : TT_ENOMEM;
}

void samples_release(struct samples *s)
{
	inputs_release(&s->files);
	tt_source_close(&s->view);
	tt_source_close(&s->source);
}
