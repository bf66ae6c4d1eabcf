/* loss.h -- what training can make small: a row each, in losses.def. */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "compute/ir/graph.h"

enum loss_kind {
#define LOSS(kind, word, op, takes, answers) LOSS_##kind,
#include "learn/nn/losses.def"
#undef LOSS
	LOSS_KINDS
};

enum loss_takes { TAKES_CLASS, TAKES_SHARES, TAKES_NUMBERS, TAKES_LABELS };
enum loss_answers { ANSWERS_VALUES, ANSWERS_SOFTMAX, ANSWERS_SIGMOID };

struct loss_row {
	const char       *word;
	enum ir_op        op;
	enum loss_takes   takes;
	enum loss_answers answers;
};

extern const char *const loss_words[];            /* by kind, NULL-terminated */
const struct loss_row   *loss_row(int kind);

#endif
