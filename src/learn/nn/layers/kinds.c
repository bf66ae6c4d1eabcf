#include "learn/nn/layers/kinds.h"

#include <string.h>

#include "learn/nn/layer.h"

const struct layer_kind *const layer_kinds[] = {
#define X(kind) &nn_##kind,
	LAYER_KINDS(X)
#undef X
	NULL
};

const struct layer_kind *layer_kind_find(const char *name)
{
	for (int i = 0; layer_kinds[i]; i++)
		if (strcmp(layer_kinds[i]->name, name) == 0)
			return layer_kinds[i];
	return NULL;
}

const char *layer_kind_nearest(const char *wrong)
{
	const char *names[sizeof layer_kinds / sizeof layer_kinds[0]];
	int n = 0;

	for (; layer_kinds[n]; n++)
		names[n] = layer_kinds[n]->name;
	names[n] = NULL;
	return str_nearest(wrong, names);
}
