/* answers.h -- models that other tools have made: what those said, and what travels. */
#ifndef SUPPORT_ANSWERS_H
#define SUPPORT_ANSWERS_H

#include <tutti/model.h>

/* The numbers behind this word, the first of a line of the file; how many there are. */
int answers_read(const char *path, const char *word, float *out, int room);
/* The i-th number that the tools' make.py show. */
float answers_input(int64_t i);
/* Both have the same tensors, to the bit and by name. */
void answers_same_tensors(const tt_model *a, const tt_model *b);

#endif
