/* voice.h -- what a launcher says to its caller, who alone decides where it is shown. */
#ifndef LAUNCH_VOICE_H
#define LAUNCH_VOICE_H

#include <stddef.h>

#include "distribute/launch/launch.h"

/* A sentence of our own, without its end; and what others have written. */
void voice_say(const tt_launch *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void voice_pass_on(const tt_launch *l, const char *text, size_t n);

#endif
