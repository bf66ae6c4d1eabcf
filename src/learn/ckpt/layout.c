#include "learn/ckpt/layout.h"

#include <string.h>

static const struct { const char *word; enum dtype type; } words[] = {
	{ "F32", DTYPE_F32 }, { "BF16", DTYPE_BF16 }, { "I32", DTYPE_S32 }, { "U8", DTYPE_U8 },
};
#define WORDS (sizeof words / sizeof *words)

const char *ckpt_dtype_word(enum dtype t)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].type == t)
			return words[i].word;
	return NULL;
}

int ckpt_dtype(const char *word)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].type;
	return -1;
}
