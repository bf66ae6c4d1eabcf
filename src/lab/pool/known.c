/* known.c -- what a search knows of each trial, and what it lets others know. */
#include <string.h>

#include "base/mem.h"
#include "lab/pool/state.h"
#include "sys/thread.h"

int search_grow(void **p, int64_t *cap, size_t size)
{
	const int64_t n = *cap ? 2 * *cap : 64;
	void *v = mem_realloc(*p, (size_t)n * size);

	if (!v)
		return 0;
	memset((char *)v + (size_t)*cap * size, 0, (size_t)(n - *cap) * size);
	*p = v;
	*cap = n;
	return 1;
}

struct known *search_known(tt_search *s, int64_t trial)
{
	while (trial >= s->cap_known)
		if (!search_grow((void **)&s->known, &s->cap_known, sizeof *s->known))
			return NULL;
	if (trial >= s->n_known)
		s->n_known = trial + 1;
	return &s->known[trial];
}

void search_hear(tt_search *s, enum tt_search_event event, int64_t trial, const char *text)
{
	const tt_search_news n = { sizeof n, event, trial, s->study, text, s->running, s->o.slots,
	                           s->ended, s->before + thread_seconds() - s->made };

	if (s->o.hear)
		s->o.hear(s->o.ctx, &n);
}
