/* greet.h -- the first words of a connection.  Each end proves that it knows the group's key before
 * the other believes anything else.  For tcp.c.
 *
 *   who connects                               who is connected to
 *   hello: magic, ranks, purpose, nonce  --->
 *                                        <---  nonce, HMAC of all so far
 *   HMAC of all so far                   --->
 *                                        <---  verdict
 *
 * Nonces are fresh, so that what was recorded proves nothing later.  Where the connection is to be
 * encrypted (seal.h), hello and its answer carry X25519 keys too, which the HMACs vouch for.  All
 * messages have a fixed length. */
#ifndef TCP_GREET_H
#define TCP_GREET_H

#include <stdint.h>

#define GREET_KEY     32        /* bytes of the group's key                             */
#define GREET_SECONDS 2.0       /* for a greeting: who needs longer is turned away       */

/* What an end is and knows. */
struct greet_place {
	int rank, size, purpose;        /* purpose: connections of different use never meet      */
	const unsigned char *key;       /* [GREET_KEY]                                           */
	const unsigned char *sealed;    /* [size]: connections to this rank are encrypted; NULL: none */
};

enum greet_verdict { GREET_WELCOME = 1, GREET_TAKEN, GREET_OTHER_SIZE, GREET_OTHER_SEAL };

struct greet_hello {
	char          magic[8];
	int32_t       from, to, size, purpose, sealed;
	unsigned char nonce[32], share[32];
};
struct greet_answer { unsigned char nonce[32], share[32], proof[32]; };

/* GREET_PROVEN: who has connected to us is g->peer: see it and give a verdict.  GREET_DONE: the
 * connection may be used.  GREET_REFUSED: whoever is there knows the key, and g->verdict says why.
 * GREET_FAILED: turn it away. */
enum greet_state { GREET_ASKED, GREET_ANSWERED, GREET_AWAITING, GREET_PROVEN, GREET_DONE,
                   GREET_REFUSED, GREET_FAILED };

struct greeting {
	int                 fd, peer, verdict;
	int                 stranger;           /* failed, for it does not know the key         */
	enum greet_state    state;
	double              began;
	uint32_t            got;                /* bytes of what is awaited                     */
	struct greet_hello  hello;
	struct greet_answer answer;
	unsigned char       proof[32], secret[32];      /* secret: of our share                 */
	unsigned char       key[2][32];         /* to send with, to hear with; when sealed      */
};

/* Say hello over fd, which is taken: greet_close it, or take it when done. */
void greet_connect(struct greeting *g, const struct greet_place *p, int fd, int peer);
/* Listen to who has connected. */
void greet_accept(struct greeting *g, int fd);
/* Something can be read.  Never blocks. */
enum greet_state greet_move(struct greeting *g, const struct greet_place *p);
enum greet_state greet_judge(struct greeting *g, enum greet_verdict v);
void greet_close(struct greeting *g);

/* n bytes that nobody can guess; 0: there are none. */
int  greet_random(void *p, unsigned n);

#endif
