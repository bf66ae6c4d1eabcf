/* sha256.h -- SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104): how ranks prove that they know a
 * secret.  For short messages: nothing here is fast. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

struct sha256 { uint32_t h[8]; uint64_t total; unsigned char block[64]; };
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, unsigned char out[SHA256_BYTES]);

struct hmac { struct sha256 inner, outer; };
void hmac_init(struct hmac *m, const void *key, size_t n);
void hmac_add(struct hmac *m, const void *p, size_t n);
void hmac_end(struct hmac *m, unsigned char out[SHA256_BYTES]);

/* Are n bytes the same?  In a time that does not depend on where they differ. */
int  sha256_same(const void *a, const void *b, size_t n);

#endif
