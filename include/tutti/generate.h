/* generate.h -- text from a trained language model, token by token.
 *
 *   tt_generator_new(&g, session, TT_GENERATE_OPTS(.temperature = 0.8, .seed = 1));
 *   tt_generator_text(g, "Once upon", 9);             what it shall go on from
 *   while (tt_generator_next(g, &token, &text) == TT_OK)
 *           fputs(text, stdout);
 *
 * What the net knows of the text so far is kept (keys and values of attention, states of
 * recurrent layers), so that a token costs one step.  What comes out is a function of model, text,
 * options and seed.  A generator serves one thread at a time; a session any number of
 * generators. */
#ifndef TUTTI_GENERATE_H
#define TUTTI_GENERATE_H

#include <tutti/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_generator tt_generator;

typedef struct tt_generate_opts {
	uint32_t size;               /* of this struct                                               */
	double   temperature;        /* divides the scores; 0: always the likeliest token            */
	int      top_k;              /* one of the K likeliest (any)                                 */
	double   top_p;              /* one of the likeliest that together have this share (any)     */
	uint64_t seed;
	int64_t  context;            /* tokens that attention looks back (all places that the net has
	                              * numbers for; else 1024).  When they are full the older half is
	                              * forgotten.  Recurrent layers alone have no such limit.       */
} tt_generate_opts;
#define TT_GENERATE_OPTS(...) (&(tt_generate_opts){ .size = sizeof(tt_generate_opts), __VA_ARGS__ })

/* The session outlives it.  *out is owned.  TT_ESHAPE: the net gives no token for each place of one
 * sequence of tokens, or a layer of it looks ahead. */
TT_API tt_status tt_generator_new(tt_generator **out, tt_session *s, const tt_generate_opts *o);
TT_API void      tt_generator_free(tt_generator **g);            /* NULL is fine */

/* Go on through n tokens, or through a text of n bytes.  TT_EINVAL: a token that the net does not
 * have; a text for a net without a vocabulary. */
TT_API tt_status tt_generator_read(tt_generator *g, const int32_t *token, int64_t n);
TT_API tt_status tt_generator_text(tt_generator *g, const char *text, size_t n);
/* Draw the token that follows, and go on through it.  *text: its bytes, ended by 0; borrowed from
 * the generator; NULL without a vocabulary.  Either may be NULL. */
TT_API tt_status tt_generator_next(tt_generator *g, int32_t *token, const char **text);
/* Seconds in which programs were made so far, kernels measured: what is no speed. */
TT_API double    tt_generator_making(const tt_generator *g);
/* Probabilities of the token that follows, [tt_session_outputs], whatever the options. */
TT_API tt_status tt_generator_probabilities(tt_generator *g, float *out);

#ifdef __cplusplus
}
#endif
#endif
