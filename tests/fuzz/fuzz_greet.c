/* Any bytes as the first words of who connects to a rank, without the group's key: turned away, and
 * never taken for one of the group. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "distribute/comm/tcp/greet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As who is connected to, or who connects: both hear a stranger. */
static void hear(const struct greet_place *p, int connector, const uint8_t *data, size_t size)
{
	struct greeting g;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		abort();
	if (connector)
		greet_connect(&g, p, fd[0], 1);
	else
		greet_accept(&g, fd[0]);
	if (send(fd[1], data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		abort();
	for (int i = 0; i < 4; i++)
		(void)greet_move(&g, p);
	if (g.state == GREET_PROVEN || g.state == GREET_DONE || g.state == GREET_REFUSED)
		abort();
	greet_close(&g);
	close(fd[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char key[GREET_KEY] = "a key that the stranger has not";
	static const unsigned char sealed[2] = { 0, 1 };
	const struct greet_place p = { .size = 2, .purpose = 1, .key = key, .sealed = sealed };

	if (size > 0 && size <= 1024) {
		hear(&p, 0, data, size);
		hear(&p, 1, data, size);
	}
	return 0;
}
