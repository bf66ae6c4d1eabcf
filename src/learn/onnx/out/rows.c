/* rows.c -- what becomes of each operation in ONNX. */
#include "learn/onnx/out/rows.h"

#include "learn/onnx/out/emit.h"

#define TRAINING { .why_not = "it belongs to training" }
#define AMONG    { .why_not = "it belongs to a group of workers" }

const struct out_row onnx_out_rows[IR_OP_COUNT] = {
	[IR_CONV2D] = { out_conv2d }, [IR_CONV2D_DX] = { out_conv2d_dx }, [IR_DENSE] = { out_dense },
	[IR_MAXPOOL] = { out_pool }, [IR_AVGPOOL] = { out_pool },
	[IR_BATCHNORM_INFER] = { out_batchnorm }, [IR_LAYERNORM] = { out_layernorm },
	[IR_GROUPNORM] = { out_groupnorm }, [IR_RMSNORM] = { out_rmsnorm }, [IR_LRN] = { out_lrn },
	[IR_ACT] = { out_act }, [IR_PRELU] = { out_prelu }, [IR_SOFTMAX] = { out_softmax },
	[IR_ADD] = { out_add }, [IR_SUM] = { out_sum }, [IR_CONCAT] = { out_concat },
	[IR_BIAS] = { out_bias }, [IR_RESIZE] = { out_resize }, [IR_MIX] = { out_mix },
	[IR_RESHAPE] = { out_reshape }, [IR_EMBEDDING] = { out_embedding },
	[IR_SLICE] = { out_slice }, [IR_FILL] = { out_fill }, [IR_MATMUL] = { out_matmul },
	[IR_MULTIPLY] = { out_multiply }, [IR_BROADCAST] = { out_broadcast },
	[IR_TRANSPOSE] = { out_transpose }, [IR_REDUCE] = { out_reduce }, [IR_INDEX] = { out_index },
	[IR_SPLIT] = { out_split }, [IR_PAD] = { out_pad },
	[IR_RNN] = { out_recurrent }, [IR_LSTM] = { out_recurrent }, [IR_GRU] = { out_recurrent },
	[IR_ATTENTION] = { out_attention }, [IR_ROTARY] = { out_rotary },
	[IR_SINUSOID] = { out_sinusoid }, [IR_PLACES] = { out_places },

	[IR_BATCHNORM] = TRAINING, [IR_DROPOUT] = TRAINING,
	[IR_XENT] = TRAINING, [IR_BCE] = TRAINING, [IR_MSE] = TRAINING, [IR_MAE] = TRAINING,
	[IR_HUBER] = TRAINING, [IR_FOCAL] = TRAINING, [IR_SIGMOID_FOCAL] = TRAINING,
	[IR_HINGE] = TRAINING, [IR_KL] = TRAINING, [IR_CTC] = TRAINING, [IR_CTC_DX] = TRAINING,
	[IR_CONV2D_DW] = TRAINING, [IR_DENSE_DX] = TRAINING, [IR_DENSE_DW] = TRAINING,
	[IR_MAXPOOL_DX] = TRAINING, [IR_AVGPOOL_DX] = TRAINING, [IR_BATCHNORM_DX] = TRAINING,
	[IR_LAYERNORM_DX] = TRAINING, [IR_GROUPNORM_DX] = TRAINING, [IR_RMSNORM_DX] = TRAINING,
	[IR_LRN_DX] = TRAINING, [IR_DROPOUT_DX] = TRAINING, [IR_ACT_DX] = TRAINING,
	[IR_PRELU_DX] = TRAINING, [IR_SOFTMAX_DX] = TRAINING, [IR_RESIZE_DX] = TRAINING,
	[IR_MIX_DX] = TRAINING, [IR_EMBEDDING_DW] = TRAINING, [IR_XENT_DX] = TRAINING,
	[IR_BCE_DX] = TRAINING, [IR_MSE_DX] = TRAINING, [IR_MAE_DX] = TRAINING,
	[IR_HUBER_DX] = TRAINING, [IR_FOCAL_DX] = TRAINING, [IR_SIGMOID_FOCAL_DX] = TRAINING,
	[IR_HINGE_DX] = TRAINING, [IR_KL_DX] = TRAINING, [IR_REDUCE_MAX_DX] = TRAINING,
	[IR_INDEX_DX] = TRAINING, [IR_RNN_DX] = TRAINING, [IR_LSTM_DX] = TRAINING,
	[IR_GRU_DX] = TRAINING, [IR_ATTENTION_DX] = TRAINING,
	[IR_ATTENTION_KEPT] = { .why_not = "it belongs to generating, a step for each token" },
	[IR_FOLD_BN] = { .why_not = "a device has made it" },
	[IR_BN_MOMENTS] = AMONG, [IR_ALL_GATHER] = AMONG, [IR_BN_JOIN] = AMONG, [IR_BN_SUMS] = AMONG,
	[IR_BN_DX] = AMONG, [IR_FACTORS] = AMONG,
};

tt_status emit_graph(struct emitter *e)
{
	tt_status st = TT_OK;

	for (const struct ir_node *n = e->g->first; n && st == TT_OK; n = n->next) {
		const struct out_row *row = &onnx_out_rows[n->op];

		st = row->emit ? row->emit(e, n) : emit_refuse(n, row->why_not);
		if (st == TT_OK && e->failed)
			st = TT_ENOMEM;
	}
	return st;
}
