/* What a tensor is: sizes, names, and refusal of what no memory can hold. */
#include "compute/tensor/desc.h"

#include <string.h>

#include "support/support.h"

#define MAKE(ndim, ...) tensor_desc_make(DTYPE_F32, ndim, (const int64_t[]){ __VA_ARGS__ })

static void counts_elements_and_bytes(void **state)
{
	struct tensor_desc d = MAKE(4, 2, 3, 4, 5), scalar = MAKE(0, 0);
	(void)state;

	assert_int_equal(tensor_count(&d), 120);
	assert_int_equal(tensor_bytes(&d), 480);
	d.dtype = DTYPE_BF16;
	assert_int_equal(tensor_bytes(&d), 240);
	assert_int_equal(tensor_count(&scalar), 1);
}

static void same_needs_type_rank_and_dims(void **state)
{
	struct tensor_desc a = MAKE(2, 2, 3), b = MAKE(2, 2, 3);
	(void)state;

	b.dim[4] = 77;                  /* beyond ndim: nobody's business */
	assert_true(tensor_same(&a, &b));
	b.dim[1] = 4;
	assert_false(tensor_same(&a, &b));
	b = MAKE(3, 2, 3, 1);
	assert_false(tensor_same(&a, &b));
	b = a;
	b.dtype = DTYPE_S32;
	assert_false(tensor_same(&a, &b));
}

static void check_refuses_what_cannot_be(void **state)
{
	struct tensor_desc d = MAKE(2, 3, 0);
	(void)state;

	assert_status(tensor_check(&d), TT_ESHAPE);
	assert_error("shape 3x0: dimension 1 must be at least 1");
	d = MAKE(2, INT64_MAX / 4, 2);
	assert_status(tensor_check(&d), TT_ESHAPE);
	assert_error("larger than any memory");
	d = MAKE(2, 2, 2);
	d.ndim = 6;
	assert_status(tensor_check(&d), TT_ESHAPE);
	assert_error("6 dimensions");
	d = MAKE(3, 2, 2, 2);
	assert_ok(tensor_check(&d));
}

static void text_joins_dims(void **state)
{
	struct tensor_desc d = MAKE(4, 64, 3, 32, 32), scalar = MAKE(0, 0);
	struct tensor_desc huge = MAKE(5, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
	char text[TENSOR_TEXT];
	(void)state;

	assert_string_equal(tensor_text(&d, text), "64x3x32x32");
	assert_string_equal(tensor_text(&scalar, text), "scalar");
	assert_true(strlen(tensor_text(&huge, text)) < TENSOR_TEXT);
	assert_string_equal(dtype_name(DTYPE_U8), "u8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_elements_and_bytes),
		cmocka_unit_test(same_needs_type_rank_and_dims),
		cmocka_unit_test(check_refuses_what_cannot_be),
		cmocka_unit_test(text_joins_dims),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
