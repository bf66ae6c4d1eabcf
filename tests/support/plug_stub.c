/* A plug that is a shared object, for tests/unit/sys/test_plug.c; it serves nothing. */
#include "sys/plug.h"

#ifdef STUB_HOME                        /* as if it had brought a library of its own */
const char plug_home = 'S';
#endif

static const char *version(void) { return "1.2.3"; }

static const struct plug row = PLUG(.kind = PLUG_DEVICE, .name = STUB_NAME, .serves = "tests",
                                    .version = version, .order = 2000, .ops = &row);

extern const struct plug *const tutti_plug;
const struct plug *const tutti_plug = &row;
