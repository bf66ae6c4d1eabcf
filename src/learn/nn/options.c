#include "learn/nn/options.h"

#include "learn/nn/init.h"
#include "learn/nn/loss.h"

#define T struct model_opts
const struct option model_options[] = {
	OPT_DOUBLES(T, input, NULL, "shape of a sample: [channels, height, width] or [features]"),
	OPT_NODE   (T, inputs, "several inputs by name, each a shape or {shape, type}: type i32 is "
	            "whole numbers for an embedding, -1 in front of a shape a sequence of any length"),
	OPT_ENUM   (T, loss, "cross_entropy", loss_words, "what training makes small"),
	OPT_DOUBLE (T, label_smoothing, "0", 0, 0.999,
	            "cross_entropy: share of the label that is spread over all classes"),
	OPT_DOUBLE (T, huber_delta, "1", 1e-30, 1e30, "huber: where the square becomes a line"),
	OPT_DOUBLE (T, focal_gamma, "2", 0, 100,
	            "focal, sigmoid_focal: how little samples count that are nearly right; 0: alike"),
	OPT_DOUBLE (T, focal_alpha, "0.25", -1, 1,
	            "sigmoid_focal: what ones weigh, of 1; zeros weigh the rest; below 0: 1 both"),
	OPT_DOUBLE (T, hinge_margin, "1", 1e-30, 1e30,
	            "hinge: by so much the right score shall exceed each other"),
	OPT_INT    (T, ctc_blank, "0", 0, 100000000, "ctc: the class that stands between labels"),
	OPT_ENUM   (T, ctc_zero_infinity, "no", option_no_yes,
	            "ctc: samples with more labels than their places can spell lose nothing; no: they "
	            "are an error"),
	OPT_NODE   (T, outputs, "further outputs by name, each {from: LAYER, loss, weight}: training "
	            "makes the weighted sum of all losses small; one without from is the last layer's"),
	OPT_ENUM   (T, init, "he", init_words, "how weights begin, where their layer says nothing"),
	OPT_NODE   (T, layers, "list of `kind: {settings}`"),
	OPT_END
};
#undef T
