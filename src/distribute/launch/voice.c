#include "distribute/launch/voice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void voice_pass_on(const tt_launch *l, const char *text, size_t n)
{
	if (l->o.hear && n)
		l->o.hear(l->o.ctx, TT_LAUNCH_OTHERS, text, n);
}

void voice_say(const tt_launch *l, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (l->o.hear)
		l->o.hear(l->o.ctx, TT_LAUNCH_OWN, text, strlen(text));
}
