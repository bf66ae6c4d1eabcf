#include "data/readers/memory_source.h"

#include <string.h>

#include "base/mem.h"

tt_status reader_copy_names(struct arena *a, const char *const *names, int n,
                            const char *const **out)
{
	const char **copy;

	*out = NULL;
	if (!names)
		return TT_OK;
	if (!(copy = arena_alloc(a, ((size_t)n + 1) * sizeof *copy)))
		return TT_ENOMEM;
	for (int i = 0; i < n; i++)
		if (!(copy[i] = arena_strdup(a, names[i])))
			return TT_ENOMEM;
	*out = copy;
	return TT_OK;
}

tt_status memory_source_new(struct memory_source **out, const struct reader_ops *ops,
                       const tt_source_info *info)
{
	struct memory_source *r = mem_calloc(1, sizeof *r);
	tt_status st;

	if (!r)
		return TT_ENOMEM;
	r->reader.ops = ops;
	r->reader.info = *info;
	r->stride = source_bytes(info);
	st = reader_copy_names(&r->names, info->class_names, info->classes,
	                       &r->reader.info.class_names);
	if (st != TT_OK) {
		memory_source_close(&r->reader);
		return st;
	}
	*out = r;
	return TT_OK;
}

void memory_source_close(struct reader *r)
{
	struct memory_source *s = (struct memory_source *)r;

	if (!s)
		return;
	mem_free(s->memory);
	mem_free(s->label);
	arena_release(&s->names);
	mem_free(s);
}

const void *memory_source_peek(const struct reader *r, int64_t index)
{
	const struct memory_source *s = (const struct memory_source *)r;

	return s->x + (size_t)index * s->stride;
}

tt_status memory_source_read(const struct reader *r, int64_t index, void *x, int32_t *label,
                        float *values)
{
	const struct memory_source *s = (const struct memory_source *)r;

	(void)values;
	if (x)
		memcpy(x, memory_source_peek(r, index), s->stride);
	if (label)
		*label = s->label[index];
	return TT_OK;
}
