/* spelling.h -- labels that a net spells along the places of a sequence (connectionist temporal
 * classification): what it says, and how far that is from what it should say.
 *
 *   likeliest class at each place   - c c - a t t -   ->   c a t */
#ifndef SCORE_SPELLING_H
#define SCORE_SPELLING_H

#include <stddef.h>
#include <stdint.h>

/* Of a batch; borrowed. */
struct spelling {
	const int32_t *label;              /* [n, most], -1 behind the last                */
	const int32_t *lengths;            /* [n] places that count                        */
	int64_t        most, places;
	int            blank;
};

/* Without blanks, and repeats between them; at most `places` into out.  Returns how many. */
int64_t spelling_read(const float *scores, int64_t places, int width, int blank, int32_t *out);

/* Labels to put in, take out or exchange, at least (Levenshtein, 1966).  room: [n + 1]. */
struct spelt { const int32_t *v; int64_t n; };
int64_t spelling_distance(struct spelt a, struct spelt b, int64_t *room);

#endif
