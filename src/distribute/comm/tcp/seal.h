/* seal.h -- a connection whose bytes are encrypted and cannot be changed on their way, for tcp.c.
 *
 * Records of up to SEAL_RECORD bytes, each with its length in front and a tag behind
 * (ChaCha20-Poly1305, RFC 8439); the nonce counts records, so that none can be left out, repeated
 * or moved.  By libsodium. */
#ifndef TCP_SEAL_H
#define TCP_SEAL_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"

#define SEAL_RECORD (32 << 10)

/* A fresh X25519 pair; what two make of one's secret and the other's share is the same.  0: no. */
int seal_share(unsigned char share[32], unsigned char secret[32]);
int seal_agree(unsigned char both[32], const unsigned char secret[32],
               const unsigned char share[32]);

struct seal;
/* keys: to send with, to hear with. */
tt_status seal_new(struct seal **out, unsigned char key[2][32]);
void      seal_free(struct seal **s);                           /* NULL is fine */

/* As sendmsg and recvmsg without waiting.  Bytes that are counted as sent are in the kernel; a call
 * after EAGAIN must offer the same ones again.  EBADMSG: somebody has changed what came. */
ssize_t seal_send(struct seal *s, int fd, const struct iovec *v, size_t n);
ssize_t seal_recv(struct seal *s, int fd, const struct iovec *v, size_t n);
/* Bytes that have come and not been asked for. */
size_t  seal_held(const struct seal *s);

#endif
