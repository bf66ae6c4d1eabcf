/* constants.h -- what inference prepares from parameters alone, made once for all who read it.
 *
 *   parameters --once--> folded weights --once--> weights in the layout of a kernel   (kept)
 *
 * Programs of one net for several batch sizes mostly want the same weights in the same layouts: a
 * kept buffer that another program of the pool makes by the same steps from the same parameters is
 * taken from there.  All programs of a pool read the same vectors of parameters and buffers.
 * Thread-safe, but for new and free. */
#ifndef EXEC_CONSTANTS_H
#define EXEC_CONSTANTS_H

#include <stddef.h>

#include "base/err.h"

struct compiled;
struct constants;

tt_status constants_new(struct constants **out);
struct constants *constants_ref(struct constants *c);
void      constants_unref(struct constants **c);          /* NULL is fine */
size_t    constants_bytes(const struct constants *c);     /* kept now     */

/* For compiled.c: find or make room for all that c keeps, and leave in c->once the steps that it
 * has to run itself. */
tt_status constants_join(struct constants *pool, struct compiled *c);
void      constants_leave(struct constants *pool, struct compiled *c);
/* c's flat vectors lie there (home[HOME_INPUT]).  All is made anew before the next run. */
void      constants_bind(struct constants *pool, struct compiled *c, void *const *home);
void      constants_refresh(struct constants *pool);
/* Make what is not made yet; called before each run. */
tt_status constants_make(struct constants *pool);

#endif
