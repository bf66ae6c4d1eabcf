#include "print/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kit/clock.h"
#include "kit/table.h"

#define REDRAW_SECONDS 0.1       /* on a terminal                    */
#define LINE_SECONDS   10.0      /* between lines in a log           */
#define BAR_MIN 8
#define BAR_MAX 30

static int speaks_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return 0;
}

static int terminal_width(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

int progress_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void progress_init(struct progress *p, enum progress_talk talk)
{
	*p = (struct progress){ .talk = talk, .utf8 = speaks_utf8(), .last_shown = clock_seconds() };
	p->terminal = progress_terminal();
}

static void wipe(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = 0;
}

struct numbers { double loss, accuracy, perplexity; };

static struct numbers of_training(const tt_progress *n)
{
	return (struct numbers){ n->loss, n->accuracy, n->perplexity };
}

/* "loss 0.0831  accuracy 97.41 %"; what is not a number is left out. */
static void add_numbers(struct str *s, struct numbers v)
{
	char n[NUMBER_TEXT];

	if (!isnan(v.loss))
		str_addf(s, "  loss %s", text_loss(v.loss, n));
	if (!isnan(v.accuracy))
		str_addf(s, "  accuracy %.2f %%", 100 * v.accuracy);
	if (!isnan(v.perplexity))
		str_addf(s, "  perplexity %.4g", v.perplexity);
}

static void add_speed(struct str *s, double per_second)
{
	char n[NUMBER_TEXT];

	if (per_second > 0)
		str_addf(s, "  %s/s", text_count(llround(per_second), n));
}

static double done_part(const tt_progress *n)
{
	return n->epoch_steps > 0 ? (double)n->epoch_step / (double)n->epoch_steps : 0;
}

/* Eighths of a character make the bar move smoothly where the terminal can show them. */
static void add_bar(struct str *s, double part, int width, int utf8)
{
	static const char *const eighth[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int units = (int)(part * width * 8), full, i;

	units = units < 0 ? 0 : units > width * 8 ? width * 8 : units;
	full = units / 8;
	for (i = 0; i < full; i++)
		str_add(s, utf8 ? "█" : "#");
	if (utf8 && units % 8) {
		str_add(s, eighth[units % 8]);
		i++;
	}
	for (; i < width; i++)
		str_add(s, utf8 ? "░" : ".");
}

static void draw(struct progress *p, const tt_progress *n)
{
	struct str head = { 0 }, tail = { 0 }, line = { 0 };
	char       left[NUMBER_TEXT];
	int        room;

	str_addf(&head, "epoch %d/%d ", n->epoch + 1, n->epochs);
	str_addf(&tail, " %3.0f %%", 100 * done_part(n));
	add_numbers(&tail, of_training(n));
	add_speed(&tail, n->samples_per_second);
	str_addf(&tail, "  left %s", text_time(n->seconds_left, left));
	room = terminal_width() - 1 - (int)head.len - (int)tail.len;
	str_add(&line, head.p ? head.p : "");
	if (room >= BAR_MIN)
		add_bar(&line, done_part(n), room < BAR_MAX ? room : BAR_MAX, p->utf8);
	str_add(&line, tail.p ? tail.p : "");
	if (str_status(&line) == TT_OK) {
		fprintf(stderr, "\r%s\033[K", line.p);
		p->drawn = 1;
	}
	str_release(&head);
	str_release(&tail);
	str_release(&line);
}

static void write_line(const tt_progress *n)
{
	struct str s = { 0 };
	char       left[NUMBER_TEXT];

	str_addf(&s, "epoch %d/%d  step %lld/%lld", n->epoch + 1, n->epochs,
	         (long long)n->epoch_step, (long long)n->epoch_steps);
	add_numbers(&s, of_training(n));
	add_speed(&s, n->samples_per_second);
	str_addf(&s, "  left %s", text_time(n->seconds_left, left));
	if (str_status(&s) == TT_OK)
		fprintf(stderr, "%s\n", s.p);
	str_release(&s);
}

/* The line of a finished epoch: training, then validation. */
static void write_epoch(struct progress *p)
{
	const tt_progress *n = &p->now;
	struct str         s = { 0 };
	char               time[NUMBER_TEXT];

	str_addf(&s, "epoch %d/%d", n->epoch + 1, n->epochs);
	add_numbers(&s, of_training(n));
	if (p->validated) {
		str_add(&s, "  | valid");
		add_numbers(&s, (struct numbers){ n->valid_loss, n->valid_accuracy,
		                                  n->valid_perplexity });
		if (!isnan(n->watched))
			str_addf(&s, "  %s %.4g", n->monitor, n->watched);
		str_add(&s, "  |");
	}
	add_speed(&s, n->samples_per_second);
	str_addf(&s, "  lr %.3g  %s", n->lr, text_time(n->seconds, time));
	wipe(p);
	if (str_status(&s) == TT_OK)
		fprintf(stderr, "%s\n", s.p);
	str_release(&s);
	p->epoch_ended = p->validated = 0;
}

static void on_step(struct progress *p, const tt_progress *n)
{
	double now = clock_seconds();

	if (p->epoch_ended)
		write_epoch(p);
	p->now = *n;
	if (now - p->last_shown < (p->terminal ? REDRAW_SECONDS : LINE_SECONDS))
		return;
	p->last_shown = now;
	if (p->terminal)
		draw(p, n);
	else
		write_line(n);
}

static void on_note(struct progress *p, const char *text)
{
	wipe(p);
	if (text)
		text_printf(stderr, "%s\n", text);
}

/* An epoch's line waits for its validation, whichever of the two is told first. */
static void on_epoch_part(struct progress *p, enum tt_event event, const tt_progress *n)
{
	p->now = *n;
	p->epoch_ended |= event == TT_EVENT_EPOCH;
	p->validated |= event == TT_EVENT_VALID;
	if (p->epoch_ended && p->validated)
		write_epoch(p);
}

tt_status progress_event(void *ctx, const tt_observation *o)
{
	struct progress *p = ctx;

	if (p->talk == PROGRESS_QUIET)
		return TT_OK;
	switch (o->event) {
	case TT_EVENT_STEP:
		on_step(p, o->progress);
		break;
	case TT_EVENT_EPOCH:
	case TT_EVENT_VALID:
		on_epoch_part(p, o->event, o->progress);
		break;
	case TT_EVENT_NOTE:
		on_note(p, o->text);
		break;
	case TT_EVENT_END:
		progress_finish(p);
		break;
	case TT_EVENT_START:
	case TT_EVENT_CHECKPOINT:
		break;
	}
	fflush(stderr);
	return TT_OK;
}

void progress_finish(struct progress *p)
{
	if (p->talk == PROGRESS_QUIET)
		return;
	if (p->epoch_ended)
		write_epoch(p);
	wipe(p);
}
