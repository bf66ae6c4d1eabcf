#include <tutti/launch.h>

#include "distribute/launch/worker.h"
#include "learn/spec/spec.h"

tt_status tt_worker_join(tt_worker *w, const tt_spec *spec, tt_group **out)
{
	if (!w || !spec || !out)
		return err_null("tt_worker_join");
	if (w->line >= 0)
		return err_set(TT_EINVAL, "tt_worker_join: this process has joined its group already");
	if (!spec->resolved)
		return err_set(TT_EINVAL, "tt_worker_join: the spec is not resolved: tt_spec_resolve");
	return worker_join(w, &spec->distribute, out);
}
