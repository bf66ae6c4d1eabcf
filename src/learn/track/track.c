/* track.c -- <tutti/track.h>: a spec, a run folder and a trainer's events for the sender. */
#include <tutti/track.h>

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "base/sized.h"
#include "learn/observe/run_dir.h"
#include "learn/track/sender.h"
#include "sys/plug.h"

#define VALUE_MOST 500                  /* letters of a parameter that every server takes */
#define MEMORY_MOST 65536

struct tt_tracker {
	struct arena        arena;
	struct track_sender sender;
	struct track_pair  *param;
	int                 params, room;
	tt_tracker_opts     opts;
};

tt_status tracker_find(const char *uri, const struct tracker_ops **out)
{
	const struct plug *p[PLUG_MAX];
	const int n = plug_all(PLUG_TRACKER, p, PLUG_MAX);
	const size_t len = strcspn(uri, ":");

	for (int i = 0; i < n; i++) {
		const struct tracker_ops *ops = p[i]->ops;

		for (const char *const *s = ops->schemes; *s; s++)
			if (strlen(*s) == len && strncmp(*s, uri, len) == 0 &&
			    strncmp(uri + len, "://", 3) == 0) {
				*out = ops;
				return TT_OK;
			}
	}
	return err_set(TT_ESUPPORT, "%s: no tracker of this build serves such a server (http://HOST:"
	               "PORT is MLflow's); `tutti info` lists what there is", uri);
}

/* ---- parameters ---- */

/* Cut to what servers take, never within a letter. */
static char *shorten(struct arena *a, const char *value)
{
	size_t n = strlen(value);

	if (n <= VALUE_MOST)
		return arena_strdup(a, value);
	for (n = VALUE_MOST - 3; n && ((unsigned char)value[n] & 0xc0) == 0x80; )
		n--;
	return arena_printf(a, "%.*s...", (int)n, value);
}

static tt_status count_param(void *ctx, const char *key, const char *value)
{
	(void)key, (void)value;
	++*(int *)ctx;
	return TT_OK;
}

static tt_status add_param(void *ctx, const char *key, const char *value)
{
	struct tt_tracker *t = ctx;
	struct track_pair *p = &t->param[t->params];

	if (!*value || t->params == t->room)
		return TT_OK;
	if (!(p->key = arena_strdup(&t->arena, key)) || !(p->value = shorten(&t->arena, value)))
		return TT_ENOMEM;
	t->params++;
	return TT_OK;
}

static tt_status read_params(struct tt_tracker *t, const tt_spec *spec)
{
	tt_status st = tt_spec_each(spec, count_param, &t->room);

	if (st != TT_OK)
		return st;
	if (!(t->param = arena_alloc(&t->arena, ((size_t)t->room + 1) * sizeof *t->param)))
		return TT_ENOMEM;
	return tt_spec_each(spec, add_param, t);
}

/* ---- the run folder ---- */

static const struct { enum tt_run_file file; const char *name; } kept[] = {
	{ TT_RUN_SPEC, "spec.yaml" }, { TT_RUN_ENVIRONMENT, "environment.json" },
	{ TT_RUN_CURVES, "curves.svg" }, { TT_RUN_METRICS, "metrics.csv" }, { TT_RUN_LOG, "log.txt" },
	{ TT_RUN_BEST, "checkpoints/best.safetensors" },
};
#define KEPT ((int)(sizeof kept / sizeof *kept))

static tt_status list_files(struct tt_tracker *t, const char *dir)
{
	struct track_file *f = arena_alloc(&t->arena, KEPT * sizeof *f);
	struct str path = {0};
	tt_status st = f ? TT_OK : TT_ENOMEM;

	for (int i = 0; i < KEPT && st == TT_OK; i++) {
		if ((st = run_dir_path(&path, dir, kept[i].file)) != TT_OK)
			break;
		f[i].name = kept[i].name;
		if (!(f[i].path = arena_strdup(&t->arena, path.p)))
			st = TT_ENOMEM;
	}
	if (st == TT_OK && (st = run_dir_path(&path, dir, TT_RUN_TRACK)) == TT_OK &&
	    !(t->sender.memory = arena_strdup(&t->arena, path.p)))
		st = TT_ENOMEM;
	str_release(&path);
	t->sender.file = f;
	t->sender.files = KEPT;
	return st;
}

/* The run that this folder was on this server.  What cannot be read is no memory. */
static void recall(struct tt_tracker *t)
{
	const struct node *uri, *run;
	struct arena a = {0};
	struct node *root;
	char *text;
	size_t n;

	if (!file_exists(t->sender.memory) ||
	    file_read_all(t->sender.memory, MEMORY_MOST, &text, &n) != TT_OK)
		return;
	if (node_parse_json(&a, t->sender.memory, text, n, &root) == TT_OK && root->kind == NODE_MAP &&
	    (uri = node_get(root, "uri")) && (run = node_get(root, "run")) && uri->kind == NODE_TEXT &&
	    run->kind == NODE_TEXT && strcmp(uri->text, t->sender.server.uri) == 0 &&
	    strlen(run->text) < TRACK_ID)
		snprintf(t->sender.id, TRACK_ID, "%s", run->text);
	mem_free(text);
	arena_release(&a);
}

/* ---- the trainer's thread ---- */

static void speak(struct tt_tracker *t)
{
	char text[512];

	if (track_sender_news(&t->sender, text, sizeof text) && t->opts.say)
		t->opts.say(t->opts.ctx, text);
}

static enum track_end end_of(tt_status st)
{
	return st == TT_OK ? TRACK_FINISHED : st == TT_ESTOPPED ? TRACK_KILLED : TRACK_FAILED;
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct tt_tracker *t = ctx;

	if (o->event == TT_EVENT_START)
		track_sender_add(&t->sender, NULL);
	for (int i = 0; i < o->metrics; i++)
		track_sender_add(&t->sender, &(struct track_metric){
			.key = o->name[i], .value = o->value[i], .step = o->progress->step });
	if (o->event == TT_EVENT_END)
		track_sender_ended(&t->sender, end_of(o->status));
	speak(t);
	return TT_OK;
}

tt_status tt_tracker_observer(tt_tracker *t, tt_observer *out)
{
	const tt_observer o = { .size = sizeof o, .ctx = t, .event = on_event };

	return t && out ? sized_give(out, &o, sizeof o, "tt_observer") : err_null(__func__);
}

/* ---- life ---- */

static tt_status copy(struct arena *a, const char **text)
{
	if (*text && !(*text = arena_strdup(a, *text)))
		return TT_ENOMEM;
	return TT_OK;
}

/* "http://host/" is "http://host": the same server, which knows the run. */
static tt_status trim(struct arena *a, const char **uri)
{
	const char *scheme = strstr(*uri, "://");
	const size_t least = scheme ? (size_t)(scheme - *uri) + 3 : 0;
	size_t n = strlen(*uri);

	while (n > least && (*uri)[n - 1] == '/')
		n--;
	return (*uri = arena_printf(a, "%.*s", (int)n, *uri)) ? TT_OK : TT_ENOMEM;
}

static tt_status copy_texts(struct tt_tracker *t)
{
	tt_tracker_opts *o = &t->opts;
	const char **text[] = { &o->uri, &o->run_dir, &o->experiment, &o->owner, &o->token, &o->user,
	                        &o->password, &o->ca_file };
	tt_status st = TT_OK;

	for (size_t i = 0; i < sizeof text / sizeof *text && st == TT_OK; i++)
		st = copy(&t->arena, text[i]);
	return st == TT_OK ? trim(&t->arena, &o->uri) : st;
}

static tt_status take_opts(struct tt_tracker *t, const tt_tracker_opts *o)
{
	tt_status st = sized_take(&t->opts, sizeof t->opts, o, offsetof(tt_tracker_opts, experiment),
	                          "tt_tracker_opts");

	if (st != TT_OK)
		return st;
	return t->opts.uri && t->opts.run_dir ? copy_texts(t) : err_null("tt_tracker_open");
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static tt_status describe(struct tt_tracker *t, const tt_spec *spec)
{
	struct track_sender *s = &t->sender;
	const tt_tracker_opts *o = &t->opts;
	uint64_t seed[2];
	char *name;
	tt_status st;

	if (!o->experiment) {
		if ((st = tt_spec_get(spec, "name", &name)) != TT_OK)
			return st;
		t->opts.experiment = arena_strdup(&t->arena, *name ? name : "Default");
		tt_free(name);
	}
	s->server = (struct track_server){ .uri = o->uri, .token = o->token, .user = o->user,
	                                   .password = o->password, .ca_file = o->ca_file };
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return err_set(TT_EIO, "the system gives no random numbers");
	s->run = (struct track_run){ .experiment = t->opts.experiment, .name = last_part(o->run_dir),
	                             .owner = o->owner, .param = t->param, .params = t->params,
	                             .key = arena_printf(&t->arena, "%016llx%016llx",
	                                                 (unsigned long long)seed[0],
	                                                 (unsigned long long)seed[1]) };
	return s->run.key && s->run.experiment ? TT_OK : TT_ENOMEM;
}

tt_status tt_tracker_open(tt_tracker **out, const tt_spec *spec, const tt_tracker_opts *o)
{
	struct tt_tracker *t;
	tt_status st;

	if (!out || !spec || !o)
		return err_null(__func__);
	if (!(t = mem_calloc(1, sizeof *t)))
		return TT_ENOMEM;
	t->sender.pace = track_pace_usual;
	if ((st = take_opts(t, o)) != TT_OK ||
	    (st = tracker_find(t->opts.uri, &t->sender.ops)) != TT_OK ||
	    (st = read_params(t, spec)) != TT_OK || (st = list_files(t, t->opts.run_dir)) != TT_OK ||
	    (st = describe(t, spec)) != TT_OK)
		goto failed;
	recall(t);
	if ((st = track_sender_start(&t->sender)) != TT_OK)
		goto failed;
	*out = t;
	return TT_OK;
failed:
	arena_release(&t->arena);
	mem_free(t);
	return st;
}

tt_status tt_tracker_close(tt_tracker **p, tt_tracker_end *end)
{
	struct tt_tracker *t = p ? *p : NULL;
	tt_status st = TT_OK;

	if (!t)
		return TT_OK;
	track_sender_finish(&t->sender);
	if (end)
		st = sized_give(end, &t->sender.end, sizeof t->sender.end, "tt_tracker_end");
	arena_release(&t->arena);
	mem_free(t);
	*p = NULL;
	return st;
}
