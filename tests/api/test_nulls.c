/* No public function dies of NULL: it answers TT_EINVAL and says its name, or nothing, or zero. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include <tutti/catalog.h>
#include <tutti/checkpoint.h>
#include <tutti/files.h>
#include <tutti/plug.h>
#include <tutti/report.h>
#include <tutti/launch.h>
#include <tutti/learner.h>
#include <tutti/run.h>
#include <tutti/search.h>
#include <tutti/runtime.h>
#include <tutti/generate.h>
#include <tutti/session.h>
#include <tutti/store.h>
#include <tutti/track.h>
#include <tutti/train.h>
#include <tutti/tune.h>

static tt_spec *spec;
static tt_model *model;
static tt_trainer *trainer;
static tt_session *session;
static tt_generator *generator;
static tt_evaluation *evaluation;
static tt_context *context;
static tt_source *source;
static tt_report *report;
static tt_checkpoint *checkpoint;
static tt_learner *learner;
static tt_tracker *tracker;

static tt_status each(void *ctx, const char *key, const char *value)
{
	(void)ctx, (void)key, (void)value;
	return TT_OK;
}

static tt_status give(void *ctx, int64_t first, int64_t n, tt_column *const *column)
{
	(void)ctx, (void)first, (void)n, (void)column;
	return TT_OK;
}

static tt_status list(void *ctx, const char *run)
{
	(void)ctx, (void)run;
	return TT_OK;
}

static tt_status look(void *ctx, const tt_observation *o)
{
	(void)ctx, (void)o;
	return TT_OK;
}

/* One call, answered TT_EINVAL with the name of the function. */
#define REFUSES(function, ...) do { \
	assert_status(function(__VA_ARGS__), TT_EINVAL); \
	assert_error(#function); \
} while (0)

static void functions_refuse_null(void **state)
{
	const int64_t shape[3] = { 1, 8, 8 };
	uint8_t raw[64];
	char *text, **names;
	float x[64] = {0};
	tt_group *group = NULL;
	tt_origins *origins = NULL;
	tt_model *read = NULL;
	tt_store *store = NULL;
	tt_recorder *recorder = NULL;
	char id[65];
	int n;

	(void)state;
	REFUSES(tt_store_open, NULL, "a.db", TT_STORE_MAKE);
	REFUSES(tt_store_open, &store, NULL, TT_STORE_MAKE);
	REFUSES(tt_store_put, NULL, TT_STORE_RUN(.id = "a"));
	REFUSES(tt_store_delete, NULL, "a");
	REFUSES(tt_store_resolve, NULL, "a", id);
	REFUSES(tt_store_write, NULL, "a", NULL, 0);
	REFUSES(tt_store_rewind, NULL, "a", 1);
	REFUSES(tt_store_read, NULL, "a", NULL, NULL);
	REFUSES(tt_store_history, NULL, "a", "b", NULL, NULL);
	REFUSES(tt_store_find, NULL, NULL, NULL, NULL);
	REFUSES(tt_store_import, NULL, "a");
	REFUSES(tt_store_register, NULL, NULL, NULL);
	REFUSES(tt_store_describe, NULL, NULL);
	REFUSES(tt_store_unregister, NULL, "a", 1);
	REFUSES(tt_store_alias, NULL, "a", "b", 1);
	REFUSES(tt_store_rollback, NULL, "a", "b", NULL);
	REFUSES(tt_store_versions, NULL, NULL, NULL, NULL);
	REFUSES(tt_store_version, NULL, "a", NULL, NULL);
	REFUSES(tt_recorder_open, NULL, TT_RECORDER_OPTS(.store = "a.db", .folder = "."));
	REFUSES(tt_recorder_open, &recorder, NULL);
	REFUSES(tt_recorder_observer, NULL, NULL);
	REFUSES(tt_source_open, NULL, "synth:objects");
	REFUSES(tt_source_open, &source, NULL);
	REFUSES(tt_source_open_for, NULL, "synth:objects", NULL);
	REFUSES(tt_source_open_for, &source, NULL, NULL);
	REFUSES(tt_source_from_memory, NULL, NULL, 1);
	REFUSES(tt_source_from_callback, NULL, NULL, 1, NULL);
	assert_status(tt_source_from_memory(&source, NULL, 1), TT_EINVAL);
	assert_status(tt_source_from_callback(&source, tt_source_schema(source), 1, NULL), TT_EINVAL);
	assert_status(tt_source_from_callback(&source, NULL, 1, TT_CALLBACK(.read = give)), TT_EINVAL);
	assert_status(tt_batch_check(NULL), TT_EINVAL);
	REFUSES(tt_source_read, NULL, 0, x, NULL, NULL);
	REFUSES(tt_source_batch, NULL, 0, 1, NULL);
	REFUSES(tt_source_open_part, NULL, NULL, TT_PART_TEST);
	REFUSES(tt_source_table_column, NULL, 0, NULL);
	assert_null(tt_source_id(NULL, 0, 0));
	REFUSES(tt_worker_find, NULL, NULL);
	REFUSES(tt_worker_join, NULL, spec, &group);
	REFUSES(tt_launch_new, NULL, NULL);
	REFUSES(tt_launch_place, NULL, 0, NULL);
	REFUSES(tt_launch_ask, NULL, &n);
	REFUSES(tt_launch_run, NULL, &n);
	REFUSES(tt_group_places, NULL, 0, NULL);
	REFUSES(tt_group_self, NULL);
	REFUSES(tt_group_tcp, NULL, TT_GROUP_OPTS(.rendezvous = "a:1"));
	REFUSES(tt_group_tcp, &group, NULL);
	REFUSES(tt_group_barrier, NULL);
	REFUSES(tt_group_broadcast, NULL, x, sizeof x);
	assert_int_equal(tt_group_rank(NULL), -1);
	assert_int_equal(tt_group_world(NULL), 0);
	REFUSES(tt_spec_load, NULL, "a.yaml");
	REFUSES(tt_spec_load, &spec, NULL);
	REFUSES(tt_spec_parse, NULL, "name", "text");
	REFUSES(tt_spec_parse, &spec, NULL, "text");
	REFUSES(tt_spec_parse, &spec, "name", NULL);
	REFUSES(tt_spec_new, NULL, "name");
	REFUSES(tt_spec_new, &spec, NULL);
	REFUSES(tt_spec_set, NULL, "name", "x");
	REFUSES(tt_spec_set, spec, NULL, "x");
	REFUSES(tt_spec_set, spec, "name", NULL);
	REFUSES(tt_spec_layer, NULL, "dense", NULL);
	REFUSES(tt_spec_layer, spec, NULL, NULL);
	REFUSES(tt_spec_meet, NULL);
	REFUSES(tt_spec_resolve, NULL);
	REFUSES(tt_spec_text, NULL, &text);
	REFUSES(tt_spec_text, spec, NULL);
	REFUSES(tt_spec_get, NULL, "name", &text);
	REFUSES(tt_spec_get, spec, NULL, &text);
	REFUSES(tt_spec_get, spec, "name", NULL);
	REFUSES(tt_spec_each, NULL, each, NULL);
	REFUSES(tt_spec_each, spec, NULL, NULL);
	assert_int_equal(tt_spec_parameters(NULL), 0);
	REFUSES(tt_model_new, NULL, spec);
	REFUSES(tt_model_new, &model, NULL);
	REFUSES(tt_model_load, NULL, "x.safetensors");
	REFUSES(tt_model_load, &model, NULL);
	REFUSES(tt_origins_new, NULL, model);
	REFUSES(tt_origins_new, &origins, NULL);
	REFUSES(tt_origins_get, NULL, 0, &(tt_origin)TT_SIZED(tt_origin));
	REFUSES(tt_file_write, NULL, "safetensors", "x", TT_FILE_F32);
	REFUSES(tt_file_write, model, NULL, "x", TT_FILE_F32);
	REFUSES(tt_file_write, model, "safetensors", NULL, TT_FILE_F32);
	REFUSES(tt_file_read, NULL, "x");
	REFUSES(tt_file_read, &read, NULL);
	assert_status(tt_file_format_get(0, NULL), TT_EINVAL);
	REFUSES(tt_model_save, NULL, "x.safetensors");
	REFUSES(tt_model_save, model, NULL);
	REFUSES(tt_model_tensor, NULL, 0, &(tt_tensor)TT_SIZED(tt_tensor));
	REFUSES(tt_model_class_names, NULL, &names, &n);
	REFUSES(tt_plug_folder, NULL);
	REFUSES(tt_model_signature_json, NULL, &text);
	REFUSES(tt_model_signature_json, model, NULL);
	REFUSES(tt_model_unbind, NULL);
	REFUSES(tt_source_match, NULL, source, model, TT_MATCH_ALL);
	REFUSES(tt_source_match, &source, NULL, model, TT_MATCH_ALL);
	REFUSES(tt_source_match, &source, source, NULL, TT_MATCH_ALL);
	REFUSES(tt_model_class_names, model, NULL, &n);
	REFUSES(tt_model_class_names, model, &names, NULL);
	REFUSES(tt_trainer_new, NULL, model, NULL);
	REFUSES(tt_trainer_new, &trainer, NULL, NULL);
	REFUSES(tt_trainer_run, NULL);
	REFUSES(tt_trainer_step, NULL, &n);
	REFUSES(tt_trainer_step, trainer, NULL);
	REFUSES(tt_trainer_steps, NULL, 1, &n);
	REFUSES(tt_trainer_steps, trainer, 1, NULL);
	REFUSES(tt_trainer_checkpoint, NULL, "x.safetensors");
	REFUSES(tt_session_new, NULL, model, NULL);
	REFUSES(tt_session_new, &session, NULL, NULL);
	REFUSES(tt_session_run, NULL, x, 1, x);
	REFUSES(tt_session_run, session, NULL, 1, x);
	REFUSES(tt_session_run, session, x, 1, NULL);
	REFUSES(tt_session_predict, NULL, TT_BATCH(.columns = 0), x);
	REFUSES(tt_session_predict, session, NULL, x);
	REFUSES(tt_session_predict, session, TT_BATCH(.columns = 0), NULL);
	REFUSES(tt_session_normalise, NULL, tt_source_describe(source), x, x);
	REFUSES(tt_session_normalise, session, NULL, x, x);
	REFUSES(tt_session_normalise, session, tt_source_describe(source), NULL, x);
	REFUSES(tt_session_normalise, session, tt_source_describe(source), x, NULL);
	REFUSES(tt_session_evaluate, NULL, source, &(tt_metrics)TT_SIZED(tt_metrics));
	REFUSES(tt_session_evaluate, session, NULL, &(tt_metrics)TT_SIZED(tt_metrics));
	REFUSES(tt_session_evaluate, session, source, NULL);
	REFUSES(tt_session_evaluation, NULL, session, source);
	REFUSES(tt_session_evaluation, &evaluation, NULL, source);
	REFUSES(tt_session_evaluation, &evaluation, session, NULL);
	REFUSES(tt_generator_new, NULL, session, NULL);
	REFUSES(tt_generator_new, &generator, NULL, NULL);
	REFUSES(tt_generator_read, NULL, &(int32_t){ 0 }, 1);
	REFUSES(tt_generator_text, NULL, "a", 1);
	REFUSES(tt_generator_next, NULL, NULL, NULL);
	REFUSES(tt_generator_probabilities, NULL, x);
	assert_true(tt_generator_making(NULL) == 0);
	REFUSES(tt_evaluation_get, NULL, 0, &(tt_score)TT_SIZED(tt_score));
	REFUSES(tt_evaluation_class, NULL, 0, &(tt_class_score)TT_SIZED(tt_class_score));
	REFUSES(tt_evaluation_curve, NULL, 0, TT_CURVE_ROC, &(tt_curve)TT_SIZED(tt_curve));
	assert_null(tt_evaluation_metrics(NULL));
	assert_int_equal(tt_evaluation_count(NULL) + tt_evaluation_classes(NULL), 0);
	REFUSES(tt_learner_new, NULL, model, NULL);
	REFUSES(tt_learner_new, &learner, NULL, NULL);
	REFUSES(tt_learner_warm, NULL, 1);
	REFUSES(tt_learner_step, NULL, TT_BATCH(.n = 1), NULL, NULL);
	REFUSES(tt_learner_step, learner, NULL, NULL, NULL);
	REFUSES(tt_learner_wait, NULL);
	REFUSES(tt_learner_finish, NULL);
	REFUSES(tt_learner_evaluate, NULL, TT_BATCH(.n = 1), &(tt_metrics)TT_SIZED(tt_metrics));
	REFUSES(tt_learner_evaluate, learner, NULL, &(tt_metrics)TT_SIZED(tt_metrics));
	REFUSES(tt_learner_evaluate, learner, TT_BATCH(.n = 1), NULL);
	REFUSES(tt_learner_gradient, NULL, 0, &(tt_tensor)TT_SIZED(tt_tensor));
	REFUSES(tt_learner_gradient, learner, 0, NULL);
	REFUSES(tt_learner_save, NULL, "x.safetensors");
	REFUSES(tt_learner_save, learner, NULL);
	REFUSES(tt_learner_load, NULL, "x.safetensors");
	REFUSES(tt_learner_load, learner, NULL);
	REFUSES(tt_run_path, NULL, TT_RUN_LOG, &text);
	REFUSES(tt_run_path, "run", TT_RUN_LOG, NULL);
	REFUSES(tt_run_new, NULL, "name", &text);
	REFUSES(tt_run_new, "runs", NULL, &text);
	REFUSES(tt_run_new, "runs", "name", NULL);
	REFUSES(tt_run_newest, NULL, "name", &text);
	REFUSES(tt_run_newest, "runs", NULL, &text);
	REFUSES(tt_run_newest, "runs", "name", NULL);
	REFUSES(tt_run_checkpoint, NULL, &text);
	REFUSES(tt_run_checkpoint, "run", NULL);
	REFUSES(tt_run_each, NULL, list, NULL);
	REFUSES(tt_run_each, "runs", NULL, NULL);
	REFUSES(tt_trainer_observe, NULL, TT_OBSERVER(.event = look));
	REFUSES(tt_trainer_observe, trainer, NULL);
	REFUSES(tt_tracker_open, NULL, spec, TT_TRACKER_OPTS(.uri = "http://x", .run_dir = "x"));
	REFUSES(tt_tracker_open, &tracker, NULL, TT_TRACKER_OPTS(.uri = "http://x", .run_dir = "x"));
	REFUSES(tt_tracker_open, &tracker, spec, NULL);
	REFUSES(tt_tracker_open, &tracker, spec, TT_TRACKER_OPTS(.run_dir = "x"));
	REFUSES(tt_tracker_open, &tracker, spec, TT_TRACKER_OPTS(.uri = "http://x"));
	REFUSES(tt_tracker_observer, NULL, TT_OBSERVER(.event = look));
	assert_ok(tt_tracker_close(NULL, NULL));
	assert_ok(tt_tracker_close(&tracker, NULL));
	assert_status(tt_model_tensor(model, 0, NULL), TT_EINVAL);
	REFUSES(tt_session_warm, NULL, NULL, 0);
	REFUSES(tt_context_new, NULL, session);
	REFUSES(tt_context_new, &context, NULL);
	REFUSES(tt_context_run, NULL, x, 1, x);
	REFUSES(tt_context_run, context, NULL, 1, x);
	REFUSES(tt_context_run, context, x, 1, NULL);
	REFUSES(tt_checkpoint_open, NULL, "x");
	REFUSES(tt_checkpoint_open, &checkpoint, NULL);
	REFUSES(tt_checkpoint_tensor_get, NULL, 0, NULL);
	REFUSES(tt_checkpoint_meta_get, NULL, 0, NULL);
	assert_status(tt_checkpoint_tensor_get(checkpoint, 0, NULL), TT_EINVAL);
	assert_status(tt_checkpoint_meta_get(checkpoint, 0, NULL), TT_EINVAL);
	REFUSES(tt_report_new, NULL, model, NULL);
	REFUSES(tt_report_new, &report, NULL, NULL);
	REFUSES(tt_report_graph, NULL, NULL, &text);
	REFUSES(tt_report_graph, model, NULL, NULL);
	REFUSES(tt_report_get_layer, NULL, 0, &(tt_report_layer)TT_SIZED(tt_report_layer));
	REFUSES(tt_report_get_step, NULL, 0, &(tt_report_step)TT_SIZED(tt_report_step));
	assert_false(tt_image_is_named(NULL));
	assert_true(tt_image_is_named("a/b.JPG") && tt_image_is_named("x.ppm"));
	REFUSES(tt_image_read, NULL, shape, raw);
	REFUSES(tt_image_read, "x.png", NULL, raw);
	REFUSES(tt_image_read, "x.png", shape, NULL);
	REFUSES(tt_image_read_as, NULL, shape, NULL, raw);
	REFUSES(tt_image_read_as, "x.png", NULL, NULL, raw);
	REFUSES(tt_image_read_as, "x.png", shape, NULL, NULL);
	REFUSES(tt_source_sheet, NULL, 1, 1, "x.png");
	REFUSES(tt_source_sheet, source, 1, 1, NULL);
	REFUSES(tt_source_export, NULL, 1, "x");
	REFUSES(tt_source_export, source, 1, NULL);
	assert_status(tt_metric_get(0, NULL), TT_EINVAL);
	assert_status(tt_plug_get(0, NULL), TT_EINVAL);
	assert_status(tt_catalog_get(TT_LAYERS, 0, NULL), TT_EINVAL);
	assert_status(tt_options_get(NULL, 0, &(tt_option)TT_SIZED(tt_option)), TT_EINVAL);
	assert_status(tt_options_get(NULL, -1, &(tt_option)TT_SIZED(tt_option)), TT_EINVAL);
	assert_status(tt_options_get(tt_options_spec(), 0, NULL), TT_EINVAL);
	assert_status(tt_report_get_layer(report, 0, NULL), TT_EINVAL);
	assert_status(tt_report_get_step(report, 0, NULL), TT_EINVAL);
}

static void getters_of_nothing_give_nothing(void **state)
{
	(void)state;
	assert_null(tt_source_describe(NULL));
	assert_null(tt_source_schema(NULL));
	assert_null(tt_batch_column(NULL, "x"));
	assert_null(tt_batch_column(TT_BATCH(.columns = 0), NULL));
	assert_null(tt_model_spec(NULL));
	assert_null(tt_model_signature(NULL));
	assert_null(tt_report_describe(NULL));
	assert_int_equal(tt_checkpoint_tensors(NULL), 0);
	assert_int_equal(tt_checkpoint_metas(NULL), 0);
	assert_null(tt_checkpoint_value(NULL, "tutti.step"));
	assert_null(tt_checkpoint_value(checkpoint, NULL));
	assert_int_equal(tt_options_count(NULL), 0);
	assert_int_equal(tt_model_tensors(NULL), 0);
	assert_int_equal(tt_origins_count(NULL), 0);
	assert_null(tt_origins_file(NULL));
	assert_true(tt_file_formats() > 0);
	assert_int_equal(tt_model_parameters(NULL), 0);
	assert_null(tt_trainer_progress(NULL));
	assert_int_equal(tt_learner_steps(NULL), 0);
	assert_true(isnan(tt_observation_value(NULL, "train.loss")));
	assert_int_equal(tt_session_inputs(NULL), 0);
	assert_int_equal(tt_session_outputs(NULL), 0);
	assert_non_null(tt_status_text((tt_status)-1000));
}

static void nothing_can_be_freed_and_stopped(void **state)
{
	tt_source *s = NULL;
	tt_spec *y = NULL;
	tt_model *m = NULL;
	tt_trainer *t = NULL;
	tt_session *p = NULL;
	tt_report *r = NULL;
	tt_origins *o = NULL;
	tt_checkpoint *c = NULL;
	tt_context *k = NULL;
	tt_learner *l = NULL;
	tt_group *g = NULL;

	(void)state;
	tt_worker_leave(NULL);
	tt_launch_free(NULL);
	assert_int_equal(tt_launch_workers(NULL), 0);
	assert_null(tt_launch_line(NULL, 0));
	assert_int_equal(tt_group_threads(NULL, 1), 0);
	tt_group_close(NULL);
	tt_group_close(&g);
	tt_group_abandon(NULL, "nobody is there");
	tt_source_close(NULL);
	tt_source_close(&s);
	tt_spec_free(NULL);
	tt_spec_free(&y);
	tt_model_free(NULL);
	tt_model_free(&m);
	tt_trainer_free(NULL);
	tt_trainer_free(&t);
	tt_evaluation_free(NULL);
	tt_generator_free(NULL);
	tt_generator_free(&generator);
	tt_session_free(NULL);
	tt_session_free(&p);
	tt_learner_free(NULL);
	tt_learner_free(&l);
	tt_store_close(NULL);
	tt_recorder_close(NULL, TT_OK);
	tt_trainer_stop(NULL);
	tt_context_free(NULL);
	tt_context_free(&k);
	tt_checkpoint_close(NULL);
	tt_checkpoint_close(&c);
	tt_origins_free(NULL);
	tt_origins_free(&o);
	tt_report_free(NULL);
	tt_report_free(&r);
	assert_ok(tt_runtime_set(NULL));                 /* the defaults */
	tt_free(NULL);
}

static int set_up(void **state)
{
	const char *path = test_path(test_temp_dir(), "a.safetensors");

	(void)state;
	spec = tiny_spec(tiny_mlp, NULL);
	model = tiny_model(tiny_mlp, NULL);
	assert_ok(tt_trainer_new(&trainer, model, NULL));
	assert_ok(tt_session_new(&session, model, NULL));
	assert_ok(tt_context_new(&context, session));
	assert_ok(tt_report_new(&report, model, NULL));
	assert_ok(tt_model_save(model, path));
	assert_ok(tt_checkpoint_open(&checkpoint, path));
	assert_ok(tt_learner_new(&learner, model, NULL));
	assert_ok(tt_source_open(&source, "synth:objects?size=8&count=8&gray=yes"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tt_checkpoint_close(&checkpoint);
	tt_report_free(&report);
	tt_source_close(&source);
	tt_context_free(&context);
	tt_session_free(&session);
	tt_learner_free(&learner);
	tt_trainer_free(&trainer);
	tt_model_free(&model);
	tt_spec_free(&spec);
	return 0;
}

static void test_searches(void **state)
{
	const char *const metric[] = { "loss" };
	const double value = 0;
	double share;
	enum tt_verdict verdict;
	tt_space *space = NULL;
	tt_study *study = NULL;
	tt_search *search = NULL;
	char *text;
	int64_t trial;

	(void)state;
	REFUSES(tt_space_new, NULL);
	assert_ok(tt_space_new(&space));
	REFUSES(tt_space_add, NULL, "x", "0..1");
	REFUSES(tt_space_add, space, NULL, "0..1");
	REFUSES(tt_space_add, space, "x", NULL);
	assert_ok(tt_space_add(space, "x", "0..1"));
	assert_int_equal(tt_space_count(NULL), 0);
	REFUSES(tt_space_get, NULL, 0, &(tt_param)TT_SIZED(tt_param));
	REFUSES(tt_space_get, space, 0, NULL);
	REFUSES(tt_study_new, NULL, space, NULL);
	REFUSES(tt_study_new, &study, NULL, NULL);
	assert_status(tt_study_new(&study, space, NULL), TT_EINVAL);
	assert_ok(tt_study_new(&study, space, TT_STUDY_OPTS(.objectives = metric, .n_objectives = 1)));
	REFUSES(tt_study_ask, NULL, &(tt_suggestion)TT_SIZED(tt_suggestion));
	REFUSES(tt_study_ask, study, NULL);
	assert_ok(tt_study_ask(study, &(tt_suggestion)TT_SIZED(tt_suggestion)));
	REFUSES(tt_study_tell, NULL, 0, 1, &value, 1, &verdict);
	REFUSES(tt_study_tell, study, 0, 1, &value, 1, NULL);
	assert_status(tt_study_tell(study, 0, 1, NULL, 1, &verdict), TT_EINVAL);
	REFUSES(tt_study_end, NULL, 0, TT_TRIAL_FAILED, NULL, 0);
	REFUSES(tt_search_new, NULL, study, NULL);
	REFUSES(tt_search_new, &search, NULL, NULL);
	REFUSES(tt_search_run, NULL);
	REFUSES(tt_search_report, NULL, 0, 1, &value, &verdict);
	REFUSES(tt_search_trial_dir, NULL, 0, &text);
	tt_search_free(NULL);
	tt_search_free(&search);
	tt_command_add(NULL, "word");
	assert_string_equal(tt_search_launchers()[0], "local");
	REFUSES(tt_study_trial, NULL, 0, &(tt_trial)TT_SIZED(tt_trial));
	REFUSES(tt_study_trial, study, 0, NULL);
	REFUSES(tt_study_value, NULL, 0, 0, &(tt_value)TT_SIZED(tt_value));
	REFUSES(tt_study_value, study, 0, 0, NULL);
	REFUSES(tt_study_best, NULL, &trial);
	REFUSES(tt_study_best, study, NULL);
	REFUSES(tt_study_importance, NULL, &share, 1);
	REFUSES(tt_study_importance, study, NULL, 1);
	assert_status(tt_study_importance(study, &share, 2), TT_EINVAL);
	assert_int_equal(tt_study_count(NULL), 0);
	assert_int_equal(tt_study_front(NULL, NULL, 0), 0);
	tt_study_free(NULL);
	tt_study_free(&study);
	tt_space_free(NULL);
	tt_space_free(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_refuse_null),
		cmocka_unit_test(getters_of_nothing_give_nothing),
		cmocka_unit_test(nothing_can_be_freed_and_stopped),
		cmocka_unit_test(test_searches),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
