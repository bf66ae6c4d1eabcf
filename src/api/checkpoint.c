/* checkpoint.c -- a checkpoint as tutti/checkpoint.h shows it. */
#include <tutti/checkpoint.h>

#include <string.h>

#include "base/sized.h"
#include "learn/ckpt/ckpt.h"

static const struct ckpt *inside(const tt_checkpoint *c)
{
	return (const struct ckpt *)c;
}

tt_status tt_checkpoint_open(tt_checkpoint **out, const char *path)
{
	struct ckpt *c;
	tt_status st;

	if (!out || !path)
		return err_null(__func__);
	if ((st = ckpt_open(&c, path)) == TT_OK)
		*out = (tt_checkpoint *)c;
	return st;
}

void tt_checkpoint_close(tt_checkpoint **c)
{
	struct ckpt *own = c ? (struct ckpt *)*c : NULL;

	if (!own)
		return;
	ckpt_close(&own);
	*c = NULL;
}

int tt_checkpoint_tensors(const tt_checkpoint *c)
{
	return c ? ckpt_count(inside(c)) : 0;
}

tt_status tt_checkpoint_tensor_get(const tt_checkpoint *c, int i, tt_checkpoint_tensor *out)
{
	tt_checkpoint_tensor t = TT_SIZED(tt_checkpoint_tensor);
	const struct ckpt_tensor *from;

	if (!c)
		return err_null(__func__);
	if (i < 0 || i >= tt_checkpoint_tensors(c))
		return err_set(TT_EINVAL, "tensor %d: the checkpoint has %d tensors", i,
		               tt_checkpoint_tensors(c));
	from = ckpt_at(inside(c), i);
	t.name = from->name;
	t.type = dtype_name(from->desc.dtype);
	t.ndim = from->desc.ndim;
	memcpy(t.shape, from->desc.dim, (size_t)t.ndim * sizeof *t.shape);
	t.data = from->data;
	t.bytes = tensor_bytes(&from->desc);
	return sized_give(out, &t, sizeof t, "tt_checkpoint_tensor");
}

int tt_checkpoint_metas(const tt_checkpoint *c)
{
	return c ? ckpt_meta_count(inside(c)) : 0;
}

tt_status tt_checkpoint_meta_get(const tt_checkpoint *c, int i, tt_checkpoint_meta *out)
{
	tt_checkpoint_meta m = TT_SIZED(tt_checkpoint_meta);
	struct ckpt_meta from;

	if (!c)
		return err_null(__func__);
	if (i < 0 || i >= tt_checkpoint_metas(c))
		return err_set(TT_EINVAL, "metadata %d: the checkpoint has %d keys", i,
		               tt_checkpoint_metas(c));
	from = ckpt_meta_at(inside(c), i);
	m.key = from.key;
	m.value = from.value;
	return sized_give(out, &m, sizeof m, "tt_checkpoint_meta");
}

const char *tt_checkpoint_value(const tt_checkpoint *c, const char *key)
{
	return c && key ? ckpt_meta(inside(c), key) : NULL;
}
