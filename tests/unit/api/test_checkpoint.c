#include "support/support.h"
#include "support/tiny.h"

#include <string.h>

#include <tutti/checkpoint.h>
#include <tutti/train.h>

static void a_checkpoint_shows_the_model_and_its_place(void **state)
{
	const char *path = test_path(test_temp_dir(), "a.safetensors");
	tt_checkpoint_tensor t = TT_SIZED(tt_checkpoint_tensor);
	tt_checkpoint_meta meta = TT_SIZED(tt_checkpoint_meta);
	tt_tensor own = TT_SIZED(tt_tensor);
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_checkpoint *c;
	tt_trainer *tr;
	int n, found = 0;

	(void)state;
	assert_ok(tt_trainer_new(&tr, m, NULL));
	assert_ok(tt_trainer_run(tr));
	assert_ok(tt_trainer_checkpoint(tr, path));
	assert_ok(tt_checkpoint_open(&c, path));
	n = tt_model_tensors(m);
	assert_true(tt_checkpoint_tensors(c) > n);       /* the optimizer's are there, too */
	for (int i = 0; i < tt_checkpoint_tensors(c); i++) {
		assert_ok(tt_checkpoint_tensor_get(c, i, &t));
		for (int k = 0; k < n; k++) {
			assert_ok(tt_model_tensor(m, k, &own));
			if (strcmp(own.name, t.name) != 0)
				continue;
			assert_string_equal(t.type, "f32");
			assert_int_equal(t.ndim, own.ndim);
			assert_memory_equal(t.shape, own.shape, sizeof own.shape);
			assert_memory_equal(t.data, own.data, t.bytes);
			found++;
		}
	}
	assert_int_equal(found, n);
	assert_string_equal(tt_checkpoint_value(c, "tutti.format"), "1");
	assert_null(tt_checkpoint_value(c, "tutti.nothing"));
	for (int i = 0; i < tt_checkpoint_metas(c); i++) {
		assert_ok(tt_checkpoint_meta_get(c, i, &meta));
		assert_string_equal(tt_checkpoint_value(c, meta.key), meta.value);
	}
	assert_true(tt_checkpoint_metas(c) > 3);
	assert_status(tt_checkpoint_tensor_get(c, tt_checkpoint_tensors(c), &t), TT_EINVAL);
	assert_status(tt_checkpoint_meta_get(c, -1, &meta), TT_EINVAL);
	tt_checkpoint_close(&c);
	assert_null(c);
	tt_trainer_free(&tr);
	tt_model_free(&m);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
	tt_checkpoint *c = NULL;

	(void)state;
	assert_status(tt_checkpoint_open(&c, test_source("README.md")), TT_EFORMAT);
	assert_status(tt_checkpoint_open(&c, "nowhere.safetensors"), TT_ENOENT);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checkpoint_shows_the_model_and_its_place),
		cmocka_unit_test(what_is_no_checkpoint_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
