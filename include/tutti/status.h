/* status.h -- how calls answer.
 *
 * Every function that can fail returns a tt_status: TT_OK is zero, every error
 * is negative.  The text that explains the last error of the calling thread is
 * in tt_last_error().  Safe from any thread. */
#ifndef TUTTI_STATUS_H
#define TUTTI_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TT_BUILD) || defined(__GNUC__)
#define TT_API __attribute__((visibility("default")))
#else
#define TT_API
#endif

/*      name          value  sentence */
#define TT_STATUS_MAP(X)                                                        \
	X(TT_OK,          0,  "good")                                           \
	X(TT_ENOMEM,     -1,  "out of memory")                                  \
	X(TT_EINVAL,     -2,  "an argument or option has no valid value")       \
	X(TT_ESPEC,      -3,  "the spec cannot be understood")                  \
	X(TT_ESHAPE,     -4,  "shapes do not fit")                              \
	X(TT_EFORMAT,    -5,  "a file is not what it claims to be")             \
	X(TT_EIO,        -6,  "reading or writing failed")                      \
	X(TT_ENOENT,     -7,  "there is no such thing")                         \
	X(TT_ENAN,       -8,  "a number is not finite")                         \
	X(TT_ESTOPPED,   -9,  "stopped on request")                             \
	X(TT_ESUPPORT,  -10,  "this build or device cannot do that")            \
	X(TT_EINTERNAL, -11,  "tutti broke its own rules: please report it")    \
	X(TT_ETIMEDOUT, -12,  "somebody did not answer in time")                \
	X(TT_EPEER,     -13,  "another worker failed or was lost")              \
	X(TT_EBUSY,     -14,  "somebody else is using it")

typedef enum tt_status {
#define X(name, value, text) name = value,
	TT_STATUS_MAP(X)
#undef X
} tt_status;

/* Every public struct begins with `uint32_t size`: the sizeof that its caller was compiled with, so
 * that both may grow.  A shorter struct means defaults for the rest; a longer one is fine while
 * what the library does not know of is zero.  tt_tensor t = TT_SIZED(tt_tensor); */
#define TT_SIZED(type) { .size = sizeof(type) }

/* The sentence that belongs to a status; never NULL. */
TT_API const char *tt_status_text(tt_status st);

/* What went wrong in this thread's last failing call, with the values that show
 * why; borrowed until the next failing call of the thread; never NULL. */
TT_API const char *tt_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
