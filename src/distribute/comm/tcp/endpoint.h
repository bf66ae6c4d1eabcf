/* endpoint.h -- where a rank listens, and how to get there. */
#ifndef TCP_ENDPOINT_H
#define TCP_ENDPOINT_H

#include <stdint.h>

#include "base/err.h"

#define ENDPOINT_ADDRESSES 8      /* of a machine, at most */

struct address { unsigned char family, unused[3], bytes[16]; };         /* family: 4 or 6 */

/* Plain bytes: it is handed round as it is. */
struct endpoint {
	uint16_t       port, n;
	struct address address[ENDPOINT_ADDRESSES];
};

/* Who can connect: processes of this machine, or everybody. */
enum endpoint_scope { ENDPOINT_LOOPBACK, ENDPOINT_ANY };

/* The addresses of this machine at which a listener of this scope is found. */
void endpoint_find_addresses(struct endpoint *c, enum endpoint_scope scope);
/* What would lead back here (bridges of containers have the same address on every machine) is left
 * out, unless it is all there is. */
void endpoint_keep_foreign(struct endpoint *c, const struct endpoint *mine);
/* "tcp://host:port", "host:port" or "tcp://[::1]:port": the addresses that the name has. */
tt_status endpoint_resolve(struct endpoint *out, const char *text);

/* A socket that listens at *port, or at one that the kernel picks and that is then in *port, for
 * both families where the machine knows both; -1: there is none, says errno. */
int  endpoint_listen(enum endpoint_scope scope, uint16_t *port);
/* The next that waits there; -1: nobody.  from: its address. */
int  endpoint_accept(int listener, struct address *from);
/* *out: a connection to the first address that answers, those before in the list having some time
 * to do so.  0, or errno's number; within some seconds, and not after `until` (thread_seconds). */
int  endpoint_connect(const struct endpoint *c, double until, int *out);

#endif
