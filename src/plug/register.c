/* register.c -- what this build was linked with, and what it was built without.
 *
 * The one file compiled with TT_LINKED (LINKED(X) for each plug X that is linked in, which
 * cmake/libraries.cmake names) and TT_WITHOUT (WITHOUT(kind, name, what it serves, why) for each
 * that is not there). */
#include "plug/register.h"

#include <stddef.h>

#include "compute/exec/ref/ref.h"

static const char *built_in(void) { return "built in"; }

static const struct plug ref_plug = PLUG(
	.kind = PLUG_DEVICE, .name = "ref", .version = built_in, .order = 1000, .ops = &ref_device,
	.serves = "every operation in plain C: the definition");

#define LINKED(name) extern const struct plug name##_plug;
TT_LINKED
#undef LINKED

#define LINKED(name) &name##_plug,
static const struct plug *const linked[] = {
	TT_LINKED
	&ref_plug
};
#undef LINKED

#define WITHOUT(kind, name, serves, why) { kind, name, serves, why },
static const struct { enum plug_kind kind; const char *name, *serves, *why; } without[] = {
	TT_WITHOUT
	{ PLUG_DEVICE, NULL, NULL, NULL },
};
#undef WITHOUT

/* Before main, or when the library is loaded: a list is filled, nothing is opened or started. */
__attribute__((constructor)) static void link_plugs(void)
{
	for (size_t i = 0; i < sizeof linked / sizeof *linked; i++)
		plug_link(linked[i]);
	for (size_t i = 0; without[i].name; i++)
		plug_absent(without[i].kind, without[i].name, without[i].serves, without[i].why);
}

const int plug_register = sizeof linked / sizeof *linked;
