/* Every public struct has a size first, and may be shorter or longer than ours: a table says. */
#include "support/support.h"
#include "support/tiny.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tutti/catalog.h>
#include <tutti/checkpoint.h>
#include <tutti/files.h>
#include <tutti/plug.h>
#include <tutti/report.h>
#include <tutti/runtime.h>
#include <tutti/search.h>
#include <tutti/generate.h>
#include <tutti/session.h>
#include <tutti/store.h>
#include <tutti/launch.h>
#include <tutti/learner.h>
#include <tutti/track.h>
#include <tutti/train.h>
#include <tutti/tune.h>

#include "base/file.h"
#include "base/sized.h"

#define TAIL 24                 /* bytes that a newer caller's struct has more */
#define GUARD 0x5a

static tt_model *model;
static tt_session *session;
static tt_evaluation *evaluation;
static tt_source *source;
static tt_report *report;
static tt_checkpoint *checkpoint;
static tt_learner *learner;

static const char spec[] =
	"name: sizes\ndata: {train: 'synth:objects?size=8&count=8&gray=yes'}\n"
	"model: {input: [1, 8, 8], layers: [flatten, dense: {out: 10}]}\ntrain: {threads: 1}\n";

/* ---- structs that callers fill ---- */

static tt_status take_trainer_opts(void *o)
{
	tt_trainer *t = NULL;
	tt_status st = tt_trainer_new(&t, model, o);

	tt_trainer_free(&t);
	return st;
}

/* They are looked at before the net, which is none that text comes from. */
static tt_status take_generate_opts(void *o)
{
	tt_generator *g = NULL;
	const tt_status st = tt_generator_new(&g, session, o);

	tt_generator_free(&g);
	return st == TT_ESHAPE ? TT_OK : st;
}

static tt_status take_session_opts(void *o)
{
	tt_session *p = NULL;
	tt_status st = tt_session_new(&p, model, o);

	tt_session_free(&p);
	return st;
}

static tt_status take_group_opts(void *o)
{
	tt_group *g = NULL;
	tt_status st = tt_group_tcp(&g, o);

	tt_group_close(&g);
	return st;
}

static tt_status take_worker_opts(void *o)
{
	tt_worker *w = NULL;
	tt_status st = tt_worker_find(&w, o);

	tt_worker_leave(&w);
	return st;
}

static tt_status take_launch_opts(void *o)
{
	tt_launch *l = NULL;
	tt_status st = tt_launch_new(&l, o);

	tt_launch_free(&l);
	return st;
}

static tt_status take_source_info(void *o)
{
	static const uint8_t raw[64];
	static float x[64];

	return tt_session_normalise(session, o, raw, x);
}

static tt_status take_learner_opts(void *o)
{
	tt_learner *l = NULL;
	tt_status st = tt_learner_new(&l, model, o);

	tt_learner_free(&l);
	return st;
}

static tt_status learn(const tt_step_opts *o, tt_step_result *r)
{
	static const float x[64] = { 1 };
	static const int32_t label = 3;
	const tt_column *const column[] = {
		TT_COLUMN(.name = "image", .type = TT_F32, .ndim = 3, .shape = { 1, 8, 8 }, .data = x),
		TT_COLUMN(.name = "label", .type = TT_I32, .data = &label),
	};

	return tt_learner_step(learner, TT_BATCH(.columns = 2, .column = column, .n = 1), o, r);
}

static tt_status take_step_opts(void *o) { return learn(o, NULL); }

static tt_status look(void *ctx, const tt_observation *o)
{
	(void)ctx;
	assert_int_equal(o->size, sizeof *o);
	return TT_OK;
}

/* ---- a store of runs ---- */

static tt_store *open_store(void)
{
	tt_store *s = NULL;

	assert_ok(tt_store_open(&s, test_path(test_temp_dir(), "sizes.db"), TT_STORE_MAKE));
	assert_ok(tt_store_put(s, TT_STORE_RUN(.id = "sizes")));
	return s;
}

static tt_status find_none(void *ctx, const tt_store_run *r)
{
	(void)ctx;
	assert_int_equal(r->size, sizeof *r);
	return TT_OK;
}

static tt_status take_store_run(void *o)
{
	tt_store *s = open_store();
	const tt_status st = tt_store_put(s, o);

	tt_store_close(&s);
	return st;
}

static tt_status take_store_query(void *o)
{
	tt_store *s = open_store();
	const tt_status st = tt_store_find(s, o, find_none, NULL);

	tt_store_close(&s);
	return st;
}

static tt_status take_record(void *o)
{
	tt_store *s = open_store();
	const tt_status st = tt_store_write(s, "sizes", o, 1);

	tt_store_close(&s);
	return st;
}

static tt_status take_version(void *o)
{
	tt_store *s = open_store();
	int64_t version;
	const tt_status st = tt_store_register(s, o, &version);

	tt_store_close(&s);
	return st;
}

static tt_status take_recorder_opts(void *o)
{
	tt_recorder *r = NULL;
	const tt_status st = tt_recorder_open(&r, o);

	tt_recorder_close(&r, TT_OK);
	return st;
}

static void fill_store_run(void *o) { ((tt_store_run *)o)->id = "sizes"; }
static void fill_record(void *o) { ((tt_record *)o)->name = "loss"; }
static void fill_version(void *o)
{
	((tt_model_version *)o)->model = "net";
	((tt_model_version *)o)->path = "/net.safetensors";
}
static void fill_recorder(void *o)
{
	((tt_recorder_opts *)o)->store = test_path(test_temp_dir(), "sizes.db");
	((tt_recorder_opts *)o)->folder = test_temp_dir();
}

static tt_status take_tracker_opts(void *o)
{
	tt_tracker *t = NULL;
	const tt_status st = tt_tracker_open(&t, tt_model_spec(model), o);

	assert_ok(tt_tracker_close(&t, NULL));
	return st;
}

/* Nothing is sent before a training begins. */
static void fill_tracker(void *o)
{
	((tt_tracker_opts *)o)->uri = "http://127.0.0.1:9";
	((tt_tracker_opts *)o)->run_dir = test_temp_dir();
}

static tt_status take_observer(void *o)
{
	tt_trainer *t = NULL;
	tt_status st;

	assert_ok(tt_trainer_new(&t, model, NULL));
	if ((st = tt_trainer_observe(t, o)) == TT_OK)
		assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	return st;
}

static tt_status take_report_opts(void *o)
{
	tt_report *r = NULL;
	tt_status st = tt_report_new(&r, model, o);

	tt_report_free(&r);
	return st;
}

static tt_status take_runtime(void *o) { return tt_runtime_set(o); }

/* Two samples of a vector and a class. */
static const float   numbers[2][3];
static const int32_t classes[2];
static const tt_column *const columns[] = {
	&(const tt_column){ .size = sizeof(tt_column), .type = TT_F32, .name = "x", .ndim = 1,
	                    .shape = { 3 }, .data = numbers },
	&(const tt_column){ .size = sizeof(tt_column), .type = TT_I32, .name = "y", .data = classes },
};

static tt_status take_batch(void *o) { return tt_batch_check(o); }

static tt_status take_column(void *o)
{
	const tt_column *const one[] = { o };

	return tt_batch_check(TT_BATCH(.columns = 1, .column = one, .n = 2));
}

static tt_status take_schema(void *o)
{
	tt_source *s = NULL;
	tt_status st = tt_source_from_memory(&s, o, 2);

	tt_source_close(&s);
	return st;
}

static tt_status read_zeros(void *ctx, int64_t first, int64_t n, tt_column *const *column)
{
	(void)ctx, (void)first, (void)n;
	column[0]->data = numbers;
	column[1]->data = classes;
	return TT_OK;
}

static tt_status take_image_opts(void *o)
{
	uint8_t pixels[3];
	const tt_status st = tt_image_read_as("/dev/null", (int64_t[]){ 3, 1, 1 }, o, pixels);

	return st == TT_EINVAL ? st : TT_OK;           /* there is no picture, but it was looked for */
}

static tt_status take_callback(void *o)
{
	const tt_schema *schema = TT_SCHEMA(.columns = 2, .column = columns, .target = "y",
	                                    .kind = TT_TARGET_CLASS, .classes = 2);
	tt_source *s = NULL;
	tt_status st = tt_source_from_callback(&s, schema, 2, o);

	tt_source_close(&s);
	return st;
}

/* ---- what makes each of them valid ---- */

static void fill_info(void *o) { memcpy(o, tt_source_describe(source), sizeof(tt_source_info)); }
/* At a port that is free just now. */
static const char *free_place(void)
{
	static char text[40];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&a, len), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	close(fd);
	snprintf(text, sizeof text, "tcp://127.0.0.1:%d", ntohs(a.sin_port));
	return text;
}

static void fill_group(void *o)
{
	memcpy(o, TT_GROUP_OPTS(.world = 1, .rendezvous = free_place(),
	                        .secret = "a secret of tests", .secret_size = 17),
	       sizeof(tt_group_opts));
}
static const char *const command[] = { "true", NULL };
static void fill_launch(void *o) { ((tt_launch_opts *)o)->command = command; }
static void fill_observer(void *o) { ((tt_observer *)o)->event = look; }
static void fill_column(void *o) { memcpy(o, columns[0], sizeof(tt_column)); }
static void fill_batch(void *o) { memcpy(o, TT_BATCH(.columns = 2, .column = columns, .n = 2),
                                         sizeof(tt_batch)); }
static void fill_callback(void *o) { ((tt_callback *)o)->read = read_zeros; }

static void fill_schema(void *o)
{
	memcpy(o, TT_SCHEMA(.columns = 2, .column = columns, .target = "y", .kind = TT_TARGET_CLASS,
	                    .classes = 2), sizeof(tt_schema));
}

static tt_status take_study_opts(void *o)
{
	tt_space *space = NULL;
	tt_study *study = NULL;
	tt_status st;

	assert_ok(tt_space_new(&space));
	assert_ok(tt_space_add(space, "x", "0..1"));
	st = tt_study_new(&study, space, o);
	tt_study_free(&study);
	tt_space_free(&space);
	return st;
}

static tt_status objective(void *ctx, tt_search *s, const tt_attempt *a, double *values)
{
	(void)ctx, (void)s, (void)a;
	values[0] = 1;
	return TT_OK;
}

static void hear(void *ctx, const tt_search_news *n)
{
	(void)ctx, (void)n;
}

static tt_status take_search_opts(void *o)
{
	static const char *const metric[] = { "loss" };
	tt_space *space = NULL;
	tt_study *study = NULL;
	tt_search *s = NULL;
	tt_status st;

	assert_ok(tt_space_new(&space));
	assert_ok(tt_space_add(space, "x", "0..1"));
	assert_ok(tt_study_new(&study, space, TT_STUDY_OPTS(.objectives = metric, .n_objectives = 1)));
	st = tt_search_new(&s, study, o);
	tt_search_free(&s);
	tt_study_free(&study);
	tt_space_free(&space);
	return st;
}

/* A folder of its own each time: a search is not begun twice. */
static void fill_search(void *o)
{
	static const char *const metric[] = { "loss" };
	tt_search_opts *s = o;

	s->dir = test_temp_dir();
	s->objectives = metric;
	s->n_objectives = 1;
	s->objective = objective;
	if (s->size > offsetof(tt_search_opts, hear))
		s->hear = hear;
}

static void fill_study(void *o)
{
	static const char *const metric[] = { "loss" };

	((tt_study_opts *)o)->objectives = metric;
	((tt_study_opts *)o)->n_objectives = 1;
}

static const struct taken {
	const char *name;
	size_t      size, least;     /* least: of the struct of the oldest caller         */
	tt_status (*take)(void *o);
	void      (*fill)(void *o);  /* NULL: all zero is valid                           */
	tt_status   shortest;        /* what the shortest struct gives                    */
} taken[] = {
#define OPTIONS(T, f) { #T, sizeof(T), sizeof(uint32_t), f, NULL, TT_OK }
	OPTIONS(tt_trainer_opts, take_trainer_opts), OPTIONS(tt_session_opts, take_session_opts),
	OPTIONS(tt_generate_opts, take_generate_opts),
	OPTIONS(tt_image_opts, take_image_opts),
	OPTIONS(tt_report_opts, take_report_opts), OPTIONS(tt_runtime, take_runtime),
	OPTIONS(tt_learner_opts, take_learner_opts), OPTIONS(tt_step_opts, take_step_opts),
	OPTIONS(tt_worker_opts, take_worker_opts),
#define ROW(T, least, f, fill, st) { #T, sizeof(T), offsetof(T, least), f, fill, st }
	ROW(tt_group_opts, timeout, take_group_opts, fill_group, TT_OK),
	ROW(tt_launch_opts, again, take_launch_opts, fill_launch, TT_OK),
	ROW(tt_study_opts, trials, take_study_opts, fill_study, TT_OK),
	ROW(tt_search_opts, hear, take_search_opts, fill_search, TT_OK),
	ROW(tt_source_info, count, take_source_info, fill_info, TT_ESHAPE),
	ROW(tt_observer, close, take_observer, fill_observer, TT_OK),
	ROW(tt_column, features, take_column, fill_column, TT_EINVAL),     /* it has no data */
	ROW(tt_batch, weight, take_batch, fill_batch, TT_OK),
	ROW(tt_schema, target, take_schema, fill_schema, TT_OK),
	ROW(tt_callback, ctx, take_callback, fill_callback, TT_OK),
	OPTIONS(tt_store_query, take_store_query),
	ROW(tt_store_run, name, take_store_run, fill_store_run, TT_OK),
	ROW(tt_record, text, take_record, fill_record, TT_OK),
	ROW(tt_model_version, stage, take_version, fill_version, TT_OK),
	ROW(tt_recorder_opts, parent, take_recorder_opts, fill_recorder, TT_OK),
	ROW(tt_tracker_opts, experiment, take_tracker_opts, fill_tracker, TT_OK),
};

/* A struct of this size, all zero but what makes it valid, with TAIL bytes behind it. */
static void *make(const struct taken *row, size_t size)
{
	const uint32_t n = (uint32_t)size;
	unsigned char *p = calloc(1, row->size + TAIL);

	assert_non_null(p);
	if (row->fill)
		row->fill(p);
	memcpy(p, &n, sizeof n);
	return p;
}

static tt_status take(const struct taken *row, size_t size, int last_byte)
{
	unsigned char *p = make(row, size);
	tt_status st;

	if (size > row->size)
		p[size - 1] = (unsigned char)last_byte;
	st = row->take(p);
	free(p);
	return st;
}

static void structs_that_are_taken_may_be_shorter_or_longer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		const struct taken *row = &taken[i];

		print_message("%s\n", row->name);
		assert_ok(take(row, row->size, 0));
		assert_ok(take(row, row->size + TAIL, 0));
		assert_status(take(row, row->size + TAIL, 1), TT_EINVAL);
		assert_error(row->name);
		assert_status(take(row, row->least, 0), row->shortest);
		assert_status(take(row, 0, 0), TT_EINVAL);
		assert_error("size");
	}
}

/* ---- structs that the library fills ---- */

static tt_status give_tensor(void *out) { return tt_model_tensor(model, 0, out); }

static tt_status give_metric(void *out) { return tt_metric_get(0, out); }

/* One of the structs that a study of one trial gives. */
static tt_status give_of_study(void *out, int which)
{
	tt_suggestion first = TT_SIZED(tt_suggestion);
	tt_study_opts o = TT_SIZED(tt_study_opts);
	tt_space *space = NULL;
	tt_study *study = NULL;
	tt_status st;

	fill_study(&o);
	assert_ok(tt_space_new(&space));
	assert_ok(tt_space_add(space, "x", "0..1"));
	assert_ok(tt_study_new(&study, space, &o));
	if (which > 1)
		assert_ok(tt_study_ask(study, &first));
	st = which == 0 ? tt_space_get(space, 0, out) : which == 1 ? tt_study_ask(study, out) :
	     which == 2 ? tt_study_trial(study, 0, out) : tt_study_value(study, 0, 0, out);
	tt_study_free(&study);
	tt_space_free(&space);
	return st;
}

static tt_status give_param(void *out) { return give_of_study(out, 0); }
static tt_status give_suggestion(void *out) { return give_of_study(out, 1); }
static tt_status give_trial(void *out) { return give_of_study(out, 2); }
static tt_status give_value(void *out) { return give_of_study(out, 3); }

static tt_status give_entry(void *out) { return tt_catalog_get(TT_LAYERS, 0, out); }
static tt_status give_option(void *out) { return tt_options_get(tt_options_spec(), 0, out); }
static tt_status give_layer(void *out) { return tt_report_get_layer(report, 0, out); }
static tt_status give_saved(void *out) { return tt_checkpoint_tensor_get(checkpoint, 0, out); }
static char saved[1024];               /* a checkpoint of the model */

static tt_status give_format(void *out) { return tt_file_format_get(0, out); }

static tt_status give_column(void *out)
{
	const char *path = test_path(test_temp_dir(), "t.csv");
	char uri[700];
	tt_source *s;
	tt_status st;

	assert_ok(file_write_all(path, "a,kind\n1,x\n2,y\n", 15));
	snprintf(uri, sizeof uri, "csv:%s", path);
	assert_ok(tt_source_open(&s, uri));
	st = tt_source_table_column(s, 1, out);
	tt_source_close(&s);
	return st;
}

/* Of the model's own checkpoint. */
static tt_status give_origin(void *out)
{
	tt_origins *o = NULL;
	tt_model *m = NULL;
	tt_spec *s = NULL;
	char *text = NULL;
	tt_status st;

	assert_ok(tt_spec_text(tt_model_spec(model), &text));
	assert_ok(tt_spec_parse(&s, "again", text));
	assert_ok(tt_spec_set(s, "train.init.from", saved));
	assert_ok(tt_model_new(&m, s));
	assert_ok(tt_origins_new(&o, m));
	st = tt_origins_get(o, 0, out);
	tt_origins_free(&o);
	tt_model_free(&m);
	tt_spec_free(&s);
	tt_free(text);
	return st;
}

static tt_status give_meta(void *out) { return tt_checkpoint_meta_get(checkpoint, 0, out); }
static tt_status give_step(void *out) { return tt_report_get_step(report, 0, out); }
static tt_status give_tracker_end(void *out)
{
	tt_tracker_opts o = TT_SIZED(tt_tracker_opts);
	tt_tracker *t = NULL;

	fill_tracker(&o);
	assert_ok(tt_tracker_open(&t, tt_model_spec(model), &o));
	return tt_tracker_close(&t, out);
}

static tt_status give_plug(void *out) { return tt_plug_get(0, out); }
static tt_status give_step_result(void *out) { return learn(NULL, out); }

static tt_status give_place(void *out)
{
	tt_launch *l = NULL;
	tt_status st;

	assert_ok(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = command, .hosts = "a:2,b")));
	st = tt_launch_place(l, 2, out);
	tt_launch_free(&l);
	return st;
}

static tt_status give_metrics(void *out)
{
	tt_metrics *m = out;
	tt_status st = tt_session_evaluate(session, source, m);

	if (st == TT_OK && m->size >= offsetof(tt_metrics, confusion) + sizeof m->confusion) {
		tt_free(m->confusion);
		m->confusion = NULL;
	}
	return st;
}

static tt_status give_score(void *out) { return tt_evaluation_get(evaluation, 0, out); }
static tt_status give_class_score(void *out) { return tt_evaluation_class(evaluation, 0, out); }
static tt_status give_curve(void *out)
{
	return tt_evaluation_curve(evaluation, 0, TT_CURVE_ROC, out);
}

static const struct given {
	const char *name;
	size_t      size;
	tt_status (*give)(void *out);
} given[] = {
	{ "tt_tensor", sizeof(tt_tensor), give_tensor },
	{ "tt_metrics", sizeof(tt_metrics), give_metrics },
	{ "tt_metric", sizeof(tt_metric), give_metric },
	{ "tt_score", sizeof(tt_score), give_score },
	{ "tt_class_score", sizeof(tt_class_score), give_class_score },
	{ "tt_curve", sizeof(tt_curve), give_curve },
	{ "tt_entry", sizeof(tt_entry), give_entry },
	{ "tt_option", sizeof(tt_option), give_option },
	{ "tt_param", sizeof(tt_param), give_param }, { "tt_trial", sizeof(tt_trial), give_trial },
	{ "tt_suggestion", sizeof(tt_suggestion), give_suggestion },
	{ "tt_value", sizeof(tt_value), give_value },
	{ "tt_file_format", sizeof(tt_file_format), give_format },
	{ "tt_table_column", sizeof(tt_table_column), give_column },
	{ "tt_origin", sizeof(tt_origin), give_origin },
	{ "tt_report_layer", sizeof(tt_report_layer), give_layer },
	{ "tt_checkpoint_tensor", sizeof(tt_checkpoint_tensor), give_saved },
	{ "tt_checkpoint_meta", sizeof(tt_checkpoint_meta), give_meta },
	{ "tt_report_step", sizeof(tt_report_step), give_step },
	{ "tt_plug", sizeof(tt_plug), give_plug },
	{ "tt_tracker_end", sizeof(tt_tracker_end), give_tracker_end },
	{ "tt_place", sizeof(tt_place), give_place },
	{ "tt_step_result", sizeof(tt_step_result), give_step_result },
};

static void give(const struct given *row, size_t size, tt_status want)
{
	const uint32_t n = (uint32_t)size;
	unsigned char *p = malloc(row->size + 2 * TAIL);

	assert_non_null(p);
	memset(p, GUARD, row->size + 2 * TAIL);
	memcpy(p, &n, sizeof n);
	assert_status(row->give(p), want);
	assert_memory_equal(p, &n, sizeof n);           /* the caller's size stays */
	for (size_t i = row->size; want == TT_OK && i < size; i++)
		assert_int_equal(p[i], 0);
	for (size_t i = want == TT_OK ? size : sizeof n; i < row->size + 2 * TAIL; i++)
		assert_int_equal(p[i], GUARD);
	free(p);
}

static void structs_that_are_given_may_be_shorter_or_longer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		const struct given *row = &given[i];

		print_message("%s\n", row->name);
		give(row, row->size, TT_OK);
		give(row, row->size + TAIL, TT_OK);
		give(row, 2 * sizeof(uint64_t), TT_OK);
		give(row, 0, TT_EINVAL);
		assert_error(row->name);
	}
}

/* ---- structs that stay the library's ---- */

static void structs_that_are_lent_say_how_long_they_are(void **state)
{
	tt_trainer *t;

	(void)state;
	assert_int_equal(tt_source_describe(source)->size, sizeof(tt_source_info));
	assert_ok(tt_trainer_new(&t, model, NULL));
	assert_int_equal(tt_trainer_progress(t)->size, sizeof(tt_progress));
	tt_trainer_free(&t);
	assert_int_equal(tt_report_describe(report)->size, sizeof(tt_report_info));
	assert_int_equal(tt_model_signature(model)->size, sizeof(tt_signature));
}

static int set_up(void **state)
{
	const char *path = test_path(test_temp_dir(), "a.safetensors");

	(void)state;
	model = tiny_model(spec, NULL);
	assert_ok(tt_session_new(&session, model, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_report_new(&report, model, NULL));
	assert_ok(tt_model_save(model, path));
	snprintf(saved, sizeof saved, "%s", path);
	assert_ok(tt_checkpoint_open(&checkpoint, path));
	assert_ok(tt_learner_new(&learner, model, NULL));
	assert_ok(tt_source_open(&source, "synth:objects?size=8&count=8&gray=yes"));
	assert_ok(tt_session_evaluation(&evaluation, session, source));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tt_checkpoint_close(&checkpoint);
	tt_report_free(&report);
	tt_source_close(&source);
	tt_evaluation_free(&evaluation);
	tt_session_free(&session);
	tt_learner_free(&learner);
	tt_model_free(&model);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_that_are_taken_may_be_shorter_or_longer),
		cmocka_unit_test(structs_that_are_given_may_be_shorter_or_longer),
		cmocka_unit_test(structs_that_are_lent_say_how_long_they_are),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
