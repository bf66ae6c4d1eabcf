/* plug.c -- <tutti/plug.h>. */
#include <tutti/plug.h>

#include "base/sized.h"
#include "sys/plug.h"

tt_status tt_plug_folder(const char *path)
{
	return path ? plug_add_folder(path) : err_null(__func__);
}

int tt_plug_count(void)
{
	struct plug_report all[PLUG_MAX];

	return plug_report(all, PLUG_MAX);
}

tt_status tt_plug_get(int i, tt_plug *out)
{
	struct plug_report all[PLUG_MAX];
	const int n = plug_report(all, PLUG_MAX);
	tt_plug p;

	if (i < 0 || i >= n)
		return err_set(TT_EINVAL, "tt_plug_get: there are %d plugs, from 0", n);
	p = (tt_plug){
		.size = sizeof p, .kind = plug_kind_words[all[i].kind], .name = all[i].name,
		.serves = all[i].serves, .version = all[i].version, .from = all[i].from, .why = all[i].why,
	};
	return sized_give(out, &p, sizeof p, "tt_plug");
}
