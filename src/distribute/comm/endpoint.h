/* endpoint.h -- where a rank listens, and how to get there.  For streams.c. */
#ifndef COMM_ENDPOINT_H
#define COMM_ENDPOINT_H

#include <stdint.h>

#define CARD_KEY       16         /* bytes of a secret      */
#define CARD_ADDRESSES 8          /* of a machine, at most  */

struct address { unsigned char family, unused[3], bytes[16]; };         /* family: 4 or 6 */

struct endpoint {
	unsigned char  key[CARD_KEY];     /* who knows it may connect */
	uint16_t       port, n;
	struct address address[CARD_ADDRESSES];
};

/* Those of this machine. */
void endpoint_find_addresses(struct endpoint *c);
/* What would lead back here (bridges of containers have the same address on every machine) is left
 * out, unless it is all there is. */
void endpoint_keep_foreign(struct endpoint *c, const struct endpoint *mine);
/* A socket at a port that the kernel picks, for both families where the machine knows both; -1:
 * there is none. */
int  endpoint_listen(uint16_t *port);
/* *out: a connection to the first address that answers, those before in the list having some time
 * to do so.  0, or errno's number; within some seconds. */
int  endpoint_connect(const struct endpoint *c, int *out);

#endif
