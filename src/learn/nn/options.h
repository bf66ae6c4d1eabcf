/* options.h -- what a net is made from: the part of a run's document that layers are built of. */
#ifndef NN_OPTIONS_H
#define NN_OPTIONS_H

#include "base/options.h"

/* Spec: the keys under `model` (input, layers, loss ...). */
struct model_opts {
	struct option_list  input;          /* shape of a sample: [C, H, W] or [features]             */
	const struct node  *inputs;         /* of several inputs: their shapes by name                */
	const struct node  *outputs;        /* layers besides the last that have a loss, by name      */
	const struct node  *layers;         /* list of `kind: {settings}`                             */
	int                 loss;           /* enum loss_kind                                         */
	double              label_smoothing, huber_delta, focal_gamma, focal_alpha, hinge_margin;
	int                 ctc_blank, ctc_zero_infinity;
	int                 init;           /* enum init_kind: of weights whose layer says no other   */
};
enum input_type { INPUT_F32, INPUT_I32 };
extern const struct option model_options[];
extern const struct option input_options[];     /* of one of `inputs` */
extern const struct option output_options[];    /* of one of `outputs` */

#endif
