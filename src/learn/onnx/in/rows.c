/* rows.c -- what each operator of ONNX becomes; its types are tutti's affair. */
#include "learn/onnx/in/rows.h"

const struct in_row onnx_in_rows[] = {
	{ "Add", in_add }, { "AveragePool", in_pool }, { "BatchNormalization", in_batchnorm },
	{ "Cast", in_same }, { "Clip", in_clip }, { "Concat", in_concat }, { "Conv", in_conv },
	{ "ConvTranspose", in_conv_transpose }, { "Div", in_div }, { "Dropout", in_same },
	{ "Elu", in_act }, { "Flatten", in_flatten }, { "GRU", in_recurrent }, { "Gather", in_gather },
	{ "Gelu", in_act }, { "Gemm", in_gemm }, { "GlobalAveragePool", in_global_pool },
	{ "GlobalMaxPool", in_global_pool }, { "HardSigmoid", in_hard }, { "HardSwish", in_hard },
	 { "Identity", in_same },
	{ "InstanceNormalization", in_instancenorm }, { "LRN", in_lrn }, { "LSTM", in_recurrent },
	{ "LayerNormalization", in_layernorm }, { "LeakyRelu", in_act }, { "MatMul", in_matmul },
	{ "LinearClassifier", in_linear_classifier }, { "LinearRegressor", in_linear_regressor },
	{ "MaxPool", in_pool }, { "Mul", in_mul }, { "PRelu", in_prelu }, { "Pad", in_pad },
	{ "RNN", in_recurrent }, { "ReduceMax", in_reduce }, { "ReduceMean", in_reduce },
	{ "ReduceSum", in_reduce }, { "Relu", in_act }, { "Reshape", in_reshape },
	{ "Resize", in_resize }, { "Scaler", in_scaler }, { "Sigmoid", in_sigmoid },
	{ "Slice", in_slice },
	{ "Softmax", in_softmax }, { "Split", in_split },
	{ "Squeeze", in_squeeze }, { "Sub", in_sub }, { "Sum", in_add },
	{ "Tanh", in_act }, { "Transpose", in_transpose }, { "Unsqueeze", in_unsqueeze },
	{ "Upsample", in_resize },
	{ NULL, NULL }
};
