/* command.h -- words of a command line that grows. */
#ifndef POOL_COMMAND_H
#define POOL_COMMAND_H

#include <tutti/search.h>

struct tt_command { char **v; int n, room, failed; };    /* zeroed; v ends with NULL */

tt_status command_status(const struct tt_command *c);     /* of all adds; TT_EINVAL: no word */
void      command_release(struct tt_command *c);

#endif
