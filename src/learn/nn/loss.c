#include "learn/nn/loss.h"

const char *const loss_words[] = {
#define LOSS(kind, word, op, takes, answers) [LOSS_##kind] = word,
#include "learn/nn/losses.def"
#undef LOSS
	[LOSS_KINDS] = NULL
};

static const struct loss_row rows[] = {
#define LOSS(kind, word, op, takes, answers) \
	[LOSS_##kind] = { word, IR_##op, TAKES_##takes, ANSWERS_##answers },
#include "learn/nn/losses.def"
#undef LOSS
};

const struct loss_row *loss_row(int kind)
{
	return &rows[kind];
}
