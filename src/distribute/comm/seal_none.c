/* seal_none.c -- a build without libsodium: no connection is encrypted, and who asks for one is
 * told so before it comes to this. */
#include "distribute/comm/seal.h"

#include <errno.h>

int seal_is_built(void) { return 0; }

int seal_share(unsigned char share[32], unsigned char secret[32])
{
	(void)share;
	(void)secret;
	return 0;
}

int seal_agree(unsigned char both[32], const unsigned char secret[32],
               const unsigned char share[32])
{
	(void)both;
	(void)secret;
	(void)share;
	return 0;
}

tt_status seal_new(struct seal **out, unsigned char key[2][32])
{
	(void)out;
	(void)key;
	return err_set(TT_ESUPPORT, "this tutti was built without libsodium, which encrypts: install "
	               "libsodium-dev and build again");
}

void seal_free(struct seal **s) { (void)s; }

static ssize_t none(void)
{
	errno = ENOSYS;
	return -1;
}

ssize_t seal_send(struct seal *s, int fd, const struct iovec *v, size_t n)
{
	(void)s;
	(void)fd;
	(void)v;
	(void)n;
	return none();
}

ssize_t seal_recv(struct seal *s, int fd, const struct iovec *v, size_t n)
{
	(void)s;
	(void)fd;
	(void)v;
	(void)n;
	return none();
}

size_t seal_held(const struct seal *s)
{
	(void)s;
	return 0;
}
