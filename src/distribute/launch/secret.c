#include "distribute/launch/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "distribute/comm/tcp/greet.h"
#include "distribute/comm/tcp/tcp_group.h"

#define RANDOM_BYTES 32

tt_status secret_set(struct secret *out, const char *text, const char *where)
{
	const size_t n = strcspn(text, "\r\n");

	if (n < TCP_SECRET_MIN || n > SECRET_MAX)
		return err_set(TT_EINVAL, "%s: a secret is one line of %d to %d characters, not %zu; "
		               "`head -c 32 /dev/urandom | base64` makes one", where, TCP_SECRET_MIN,
		               SECRET_MAX, n);
	*out = (struct secret){ .n = n };
	memcpy(out->bytes, text, n);
	return TT_OK;
}

tt_status secret_make(struct secret *out)
{
	unsigned char random[RANDOM_BYTES];

	if (!greet_random(random, sizeof random))
		return err_set(TT_EIO, "the kernel has no random numbers for a secret");
	*out = (struct secret){ .n = 2 * sizeof random };
	for (size_t i = 0; i < sizeof random; i++) {
		out->bytes[2 * i] = (unsigned char)"0123456789abcdef"[random[i] >> 4];
		out->bytes[2 * i + 1] = (unsigned char)"0123456789abcdef"[random[i] & 15];
	}
	explicit_bzero(random, sizeof random);
	return TT_OK;
}

/* What is open is what is looked at: nobody changes it in between. */
static tt_status check_file(int fd, const char *file)
{
	struct stat s;

	if (fstat(fd, &s) != 0)
		return err_set(TT_EIO, "%s: %s", file, strerror(errno));
	if (!S_ISREG(s.st_mode))
		return err_set(TT_EINVAL, "%s: this is no file", file);
	if (s.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(TT_EINVAL, "%s: others may read or change this secret (mode %03o): "
		               "chmod 600 it, and make a new one if they did", file,
		               (unsigned)s.st_mode & 0777);
	if (s.st_uid != geteuid() && s.st_uid != 0)
		return err_set(TT_EINVAL, "%s: this secret belongs to another user", file);
	return TT_OK;
}

static tt_status read_file(const char *file, struct secret *out)
{
	char text[SECRET_MAX + 2] = "";
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	tt_status st;
	ssize_t n;

	if (fd < 0)
		return err_set(errno == ENOENT ? TT_ENOENT : TT_EIO, "%s: %s", file, strerror(errno));
	if ((st = check_file(fd, file)) == TT_OK) {
		n = read(fd, text, sizeof text - 1);
		st = n < 0 ? err_set(TT_EIO, "%s: %s", file, strerror(errno))
		           : secret_set(out, text, file);
	}
	close(fd);
	explicit_bzero(text, sizeof text);
	return st;
}

/* ---- the user's own ---- */

static tt_status own_path(char dir[4096], char file[4096])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if ((!config || !*config) && (!home || !*home))
		return err_set(TT_EINVAL, "neither --secret, TUTTI_SECRET_FILE nor HOME says where the "
		               "secret of the workers is");
	if (config && *config)
		snprintf(dir, 4096, "%.4000s", config);
	else
		snprintf(dir, 4096, "%.4000s/.config", home);
	mkdir(dir, 0700);
	strcat(dir, "/tutti");
	mkdir(dir, 0700);
	snprintf(file, 4096, "%.4080s/secret", dir);
	return TT_OK;
}

/* Many may do so at once, of which one comes first: by a link, which is there whole or not. */
static tt_status make_file(const char *dir, const char *file)
{
	char temp[4096 + 64];
	struct secret s;
	tt_status st = secret_make(&s);
	int fd;

	if (st != TT_OK)
		return st;
	snprintf(temp, sizeof temp, "%s/secret.%d.XXXXXX", dir, (int)getpid());
	if ((fd = mkstemp(temp)) < 0)
		return err_set(TT_EIO, "%s: %s", temp, strerror(errno));
	if (write(fd, s.bytes, s.n) != (ssize_t)s.n || write(fd, "\n", 1) != 1 || fsync(fd) != 0 ||
	    (link(temp, file) != 0 && errno != EEXIST))
		st = err_set(TT_EIO, "%s: %s", file, strerror(errno));
	close(fd);
	unlink(temp);
	explicit_bzero(&s, sizeof s);
	return st;
}

static tt_status find_own(struct secret *out)
{
	char dir[4096], file[4096];
	tt_status st = own_path(dir, file);

	if (st != TT_OK)
		return st;
	st = read_file(file, out);
	if (st != TT_ENOENT)
		return st;
	return (st = make_file(dir, file)) == TT_OK ? read_file(file, out) : st;
}

tt_status secret_find(const char *file, struct secret *out)
{
	const char *named = getenv("TUTTI_SECRET_FILE"), *text = getenv("TUTTI_SECRET");

	if (file)
		return read_file(file, out);
	if (named && *named)
		return read_file(named, out);
	if (text && *text)
		return secret_set(out, text, "TUTTI_SECRET");
	return find_own(out);
}
