/* safetensors.c -- parameters and buffers alone, as a PyTorch state_dict: their names are PyTorch's
 * already. */
#include "base/mem.h"
#include "distribute/coll/wire.h"
#include "learn/ckpt/ckpt.h"
#include "learn/files/format.h"
#include "learn/nn/model.h"

/* Rows for ckpt_write; narrow: room for all numbers as bf16, or NULL. */
struct rows {
	struct ckpt_tensor *tensor;
	uint16_t           *narrow;
	size_t              at;
	int                 n;
};

static void add(struct rows *r, const struct param *p, int n, const float *vector)
{
	for (int i = 0; i < n; i++) {
		struct ckpt_tensor *t = &r->tensor[r->n++];

		*t = (struct ckpt_tensor){ .name = p[i].name, .desc = p[i].desc,
		                           .data = vector + p[i].offset };
		if (!r->narrow)
			continue;
		wire_pack(WIRE_BF16, r->narrow + r->at, vector + p[i].offset, p[i].count);
		t->desc.dtype = DTYPE_BF16;
		t->data = r->narrow + r->at;
		r->at += p[i].count;
	}
}

static tt_status write(const tt_model *m, const char *path, enum tt_file_type type)
{
	/* What Hugging Face's readers ask for. */
	static const struct ckpt_meta meta = { "format", "pt" };
	const size_t count = m->param_count + m->buffer_count;
	struct rows r = { .tensor = mem_calloc((size_t)tt_model_tensors(m) + 1, sizeof *r.tensor) };
	tt_status st = TT_ENOMEM;

	if (type == TT_FILE_BF16)
		r.narrow = mem_alloc((count + 1) * sizeof *r.narrow);
	if (r.tensor && (type != TT_FILE_BF16 || r.narrow)) {
		add(&r, m->param, m->n_params, m->params);
		add(&r, m->buffer, m->n_buffers, m->buffers);
		st = ckpt_write(path, r.tensor, r.n, &meta, 1);
	}
	mem_free(r.narrow);
	mem_free(r.tensor);
	return st;
}

const struct file_format file_safetensors = {
	.name = "safetensors", .help = "a PyTorch state_dict: torch.nn.Module.load_state_dict takes it",
	.ends = { ".safetensors", ".safetensors.index.json" }, .types = 2, .write = write,
};
