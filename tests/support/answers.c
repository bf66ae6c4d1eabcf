#include "support/answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "support/support.h"

int answers_read(const char *path, const char *word, float *out, int room)
{
	char *text, *rest, *line;
	size_t size;
	int n = 0;

	assert_ok(file_read_all(path, 0, &text, &size));
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, word, strlen(word)) == 0 && line[strlen(word)] == ' ')
			for (char *at = line + strlen(word), *end; ; at = end) {
				const float v = strtof(at, &end);

				if (end == at)
					break;
				assert_true(n < room);
				out[n++] = v;
			}
	mem_free(text);
	assert_true(n > 0);
	return n;
}

float answers_input(int64_t i)
{
	return (float)(37 * i % 101 - 50) / 50;
}

void answers_same_tensors(const tt_model *a, const tt_model *b)
{
	assert_int_equal(tt_model_tensors(a), tt_model_tensors(b));
	for (int i = 0; i < tt_model_tensors(a); i++) {
		tt_tensor x = TT_SIZED(tt_tensor), y = TT_SIZED(tt_tensor);
		size_t n = 1;

		assert_ok(tt_model_tensor(a, i, &x));
		assert_ok(tt_model_tensor(b, i, &y));
		assert_string_equal(x.name, y.name);
		assert_int_equal(x.ndim, y.ndim);
		for (int k = 0; k < x.ndim; k++)
			n *= (size_t)x.shape[k];
		assert_memory_equal(x.shape, y.shape, (size_t)x.ndim * sizeof *x.shape);
		assert_memory_equal(x.data, y.data, n * sizeof *x.data);
	}
}
