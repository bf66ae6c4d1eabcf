/* MLflow's REST API 2.0, as a client: an experiment, a run in it, numbers, files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/node/node.h"
#include "plug/mlflow/http.h"
#include "learn/track/tracker.h"
#include "sys/plug.h"

#define API "/api/2.0/mlflow/"
#define FILES_API "/api/2.0/mlflow-artifacts/artifacts"
#define FILES_SCHEME "mlflow-artifacts:"
#define PARAMS_BATCH 100

struct track_link {
	const struct track_server *server;
	struct http *http;
	struct str   path, body, files;     /* files: where the run's lie, "mlflow-artifacts:/..." */
	char         experiment[TRACK_ID], run[TRACK_ID];
	int          doubt;                 /* a run was asked for, and the answer is lost         */
	int          params;                /* told already                                        */
	struct arena arena;                 /* of the last answer                                  */
	struct node *answer;
};

/* ---- a call ---- */

/* One that says something else than JSON is no MLflow, or a page in between: it may pass. */
static tt_status read_answer(struct track_link *l)
{
	size_t n;
	const char *text = http_answer(l->http, &n);

	if (node_parse_json(&l->arena, "answer", text, n, &l->answer) == TT_OK &&
	    l->answer->kind == NODE_MAP)
		return TT_OK;
	return err_set(TT_EPEER, "%s answers with something that is no JSON: is it an MLflow server?",
	               l->server->uri);
}

static tt_status call(struct track_link *l, const struct http_request *r)
{
	tt_status st;

	arena_release(&l->arena);
	if ((st = str_status(&l->path)) != TT_OK || (st = str_status(&l->body)) != TT_OK ||
	    (st = http_call(l->http, r)) != TT_OK)
		return st;
	return read_answer(l);
}

static tt_status post(struct track_link *l, const char *path)
{
	return call(l, &(struct http_request){ .method = "POST", .path = path, .body = l->body.p });
}

static tt_status get(struct track_link *l)
{
	return call(l, &(struct http_request){ .method = "GET", .path = l->path.p });
}

/* "run", "info", "run_id": a text deep in the answer. */
static const char *text_at(const struct node *n, const char *const *key)
{
	for (; n && *key; key++)
		n = n->kind == NODE_MAP ? node_get(n, *key) : NULL;
	return n && n->kind == NODE_TEXT ? n->text : NULL;
}
#define TEXT_AT(n, ...) text_at(n, (const char *const[]){ __VA_ARGS__, NULL })

static tt_status take_id(const struct track_link *l, char id[TRACK_ID], const char *text)
{
	if (!text || !*text || strlen(text) >= TRACK_ID)
		return err_set(TT_EPEER, "%s answers without an id: is it an MLflow server?",
		               l->server->uri);
	snprintf(id, TRACK_ID, "%s", text);
	return TT_OK;
}

/* {"key": KEY, "value": VALUE} */
static void add_pair(struct str *s, const char *key, const char *value)
{
	str_add(s, s->p[s->len - 1] == '[' ? "" : ", ");
	str_add(s, "{\"key\": ");
	str_add_json(s, key);
	str_add(s, ", \"value\": ");
	str_add_json(s, value);
	str_add(s, "}");
}

static void begin_body(struct track_link *l)
{
	l->body.len = 0;
	str_add(&l->body, "{\"run_id\": ");
	str_add_json(&l->body, l->run);
}

/* ---- the experiment ---- */

static tt_status get_experiment(struct track_link *l, const char *name)
{
	const char *stage;
	tt_status st;

	l->path.len = 0;
	str_add(&l->path, API "experiments/get-by-name?experiment_name=");
	if ((st = http_escape(&l->path, name)) != TT_OK ||
	    (st = get(l)) != TT_OK)
		return st;
	stage = TEXT_AT(l->answer, "experiment", "lifecycle_stage");
	if (stage && strcmp(stage, "deleted") == 0)
		return err_set(TT_EINVAL, "the experiment '%s' is deleted on %s: restore it there, or name "
		               "another one by --experiment", name, l->server->uri);
	return take_id(l, l->experiment, TEXT_AT(l->answer, "experiment", "experiment_id"));
}

static tt_status find_experiment(struct track_link *l, const char *name)
{
	tt_status st = get_experiment(l, name), made;

	if (st != TT_ENOENT)
		return st;
	l->body.len = 0;
	str_add(&l->body, "{\"name\": ");
	str_add_json(&l->body, name);
	str_add(&l->body, "}");
	if ((made = post(l, API "experiments/create")) == TT_OK)
		return take_id(l, l->experiment, TEXT_AT(l->answer, "experiment_id"));
	/* Somebody else may have made it in between. */
	if (made != TT_EINVAL)
		return made;
	return get_experiment(l, name) == TT_OK ? TT_OK : TT_EINVAL;
}

/* ---- the run ---- */

static tt_status take_run(struct track_link *l, const struct node *run)
{
	const char *files = TEXT_AT(run, "info", "artifact_uri");

	l->files.len = 0;
	str_add(&l->files, files ? files : "");
	return str_status(&l->files) == TT_OK ? take_id(l, l->run, TEXT_AT(run, "info", "run_id"))
	                                      : TT_ENOMEM;
}

/* One that was made although its answer never came. */
static tt_status look_for_run(struct track_link *l, const struct track_run *r)
{
	const struct node *runs;
	tt_status st;

	l->body.len = 0;
	str_addf(&l->body, "{\"experiment_ids\": [\"%s\"], \"max_results\": 1, \"filter\": "
	         "\"tags.`tutti.key` = '%s'\"}", l->experiment, r->key);
	if ((st = post(l, API "runs/search")) != TT_OK)
		return st;
	runs = node_get(l->answer, "runs");
	return runs && runs->child ? take_run(l, runs->child) : TT_ENOENT;
}

static tt_status create_run(struct track_link *l, const struct track_run *r)
{
	tt_status st;

	if (l->doubt && (st = look_for_run(l, r)) != TT_ENOENT)
		return st;
	l->body.len = 0;
	str_addf(&l->body, "{\"experiment_id\": \"%s\", \"start_time\": %lld, \"run_name\": ",
	         l->experiment, (long long)r->start);
	str_add_json(&l->body, r->name);
	str_add(&l->body, ", \"tags\": [");
	add_pair(&l->body, "mlflow.source.name", "tutti train");
	add_pair(&l->body, "mlflow.source.type", "LOCAL");
	add_pair(&l->body, "tutti.version", TT_VERSION);
	add_pair(&l->body, "tutti.key", r->key);
	if (r->owner)
		add_pair(&l->body, "mlflow.user", r->owner);
	str_add(&l->body, "]}");
	st = call(l, &(struct http_request){ .method = "POST", .path = API "runs/create",
	                                     .body = l->body.p, .once = 1 });
	l->doubt = st == TT_EPEER || st == TT_ETIMEDOUT;
	return st == TT_OK ? take_run(l, node_get(l->answer, "run")) : st;
}

/* TT_ENOENT, too, if somebody has deleted it. */
static tt_status get_run(struct track_link *l, const char *id)
{
	const char *stage;
	tt_status st;

	l->path.len = 0;
	str_add(&l->path, API "runs/get?run_id=");
	if ((st = http_escape(&l->path, id)) != TT_OK ||
	    (st = get(l)) != TT_OK)
		return st;
	stage = TEXT_AT(l->answer, "run", "info", "lifecycle_stage");
	return stage && strcmp(stage, "deleted") == 0 ? TT_ENOENT
	                                              : take_run(l, node_get(l->answer, "run"));
}

static tt_status update_run(struct track_link *l, const char *status, int64_t end)
{
	begin_body(l);
	str_addf(&l->body, ", \"status\": \"%s\"", status);
	if (end)
		str_addf(&l->body, ", \"end_time\": %lld", (long long)end);
	str_add(&l->body, "}");
	return post(l, API "runs/update");
}

/* ---- parameters ---- */

static const struct node *find_pair(const struct node *list, const char *key)
{
	for (const struct node *n = list ? list->child : NULL; n; n = n->next) {
		const char *k = TEXT_AT(n, "key");

		if (k && strcmp(k, key) == 0)
			return n;
	}
	return NULL;
}

/* A parameter is never changed: what a resumed run does otherwise becomes a tag. */
static int is_changed(const struct node *had, const struct track_pair *p, int *is_new)
{
	const struct node *n = find_pair(had, p->key);
	const char *value = n ? TEXT_AT(n, "value") : NULL;

	*is_new = !n;
	return n && (!value || strcmp(value, p->value) != 0);
}

static void add_params(struct track_link *l, const struct track_run *r, const struct node *had,
                       int last)
{
	struct str tags = {0};
	int is_new;

	begin_body(l);
	str_add(&l->body, ", \"params\": [");
	str_add(&tags, "[");
	for (int i = l->params; i < last; i++) {
		char key[250];

		if (is_changed(had, &r->param[i], &is_new)) {
			snprintf(key, sizeof key, "resumed.%s", r->param[i].key);
			add_pair(&tags, key, r->param[i].value);
		} else if (is_new) {
			add_pair(&l->body, r->param[i].key, r->param[i].value);
		}
	}
	str_addf(&l->body, "], \"tags\": %s]}", tags.p ? tags.p : "[");
	str_release(&tags);
}

/* The answer that lists what the run has lives as long as this. */
static tt_status tell_params(struct track_link *l, const struct track_run *r)
{
	struct arena kept;
	const struct node *run, *data;
	tt_status st;

	if ((st = get_run(l, l->run)) != TT_OK)
		return st;
	kept = l->arena;
	l->arena = (struct arena){0};
	run = node_get(l->answer, "run");
	data = run && run->kind == NODE_MAP ? node_get(run, "data") : NULL;
	data = data && data->kind == NODE_MAP ? node_get(data, "params") : NULL;
	while (l->params < r->params && st == TT_OK) {
		const int rest = r->params - l->params;
		const int last = l->params + (rest < PARAMS_BATCH ? rest : PARAMS_BATCH);

		add_params(l, r, data, last);
		if ((st = post(l, API "runs/log-batch")) == TT_OK)
			l->params = last;
	}
	arena_release(&kept);
	return st;
}

/* ---- the port ---- */

static tt_status begin(struct track_link *l, const struct track_run *r, char id[TRACK_ID])
{
	tt_status st = TT_OK;

	if (!*l->run && *id && (st = get_run(l, id)) != TT_OK && st != TT_ENOENT)
		return st;
	if (!*l->run && ((!*l->experiment && (st = find_experiment(l, r->experiment)) != TT_OK) ||
	                 (st = create_run(l, r)) != TT_OK))
		return st;
	if ((st = update_run(l, "RUNNING", 0)) != TT_OK || (st = tell_params(l, r)) != TT_OK)
		return st;
	snprintf(id, TRACK_ID, "%s", l->run);
	return TT_OK;
}

static tt_status log_numbers(struct track_link *l, const struct track_metric *m, int n)
{
	begin_body(l);
	str_add(&l->body, ", \"metrics\": [");
	for (int i = 0; i < n; i++) {
		str_addf(&l->body, "%s{\"key\": ", i ? ", " : "");
		str_add_json(&l->body, m[i].key);
		str_add(&l->body, ", \"value\": ");
		if (isfinite(m[i].value))
			str_add_number(&l->body, m[i].value);
		else
			str_add(&l->body, isnan(m[i].value) ? "\"NaN\"" : m[i].value < 0 ? "\"-Infinity\""
			                                                                 : "\"Infinity\"");
		str_addf(&l->body, ", \"timestamp\": %lld, \"step\": %lld}", (long long)m[i].ms,
		         (long long)m[i].step);
	}
	str_add(&l->body, "]}");
	return post(l, API "runs/log-batch");
}

/* Where the server's proxy has the run's files; NULL: only clients of that store reach them. */
static const char *proxy_path(const struct track_link *l)
{
	const char *uri = l->files.p ? l->files.p : "", *path;
	const size_t n = strlen(FILES_SCHEME), host = strlen(http_host(l->http));

	if (strncmp(uri, FILES_SCHEME, n) != 0)
		return NULL;
	if (strncmp(path = uri + n, "//", 2) != 0)
		return path;
	path += 2;
	return strncmp(path, http_host(l->http), host) == 0 && path[host] == '/' ? path + host : NULL;
}

static tt_status keep(struct track_link *l, const char *path, const char *name)
{
	const char *at = proxy_path(l);

	if (!at)
		return err_set(TT_ESUPPORT, "%s keeps files at %s, where only MLflow's own client can send "
		               "them: start it with --serve-artifacts", l->server->uri,
		               l->files.p ? l->files.p : "");
	l->path.len = 0;
	str_addf(&l->path, FILES_API "%s/%s", at, name);
	if (str_status(&l->path) != TT_OK)
		return TT_ENOMEM;
	return http_call(l->http, &(struct http_request){ .method = "PUT", .path = l->path.p,
	                                                       .file = path });
}

static tt_status end(struct track_link *l, enum track_end how, int64_t ms)
{
	static const char *const word[] = { [TRACK_FINISHED] = "FINISHED", [TRACK_FAILED] = "FAILED",
	                                    [TRACK_KILLED] = "KILLED" };

	return update_run(l, word[how], ms);
}

static void close_link(struct track_link **p)
{
	struct track_link *l = *p;

	if (!l)
		return;
	http_close(&l->http);
	str_release(&l->path);
	str_release(&l->body);
	str_release(&l->files);
	arena_release(&l->arena);
	mem_free(l);
	*p = NULL;
}

static tt_status open_link(struct track_link **out, const struct track_server *s)
{
	struct track_link *l = mem_calloc(1, sizeof *l);
	tt_status st;

	if (!l)
		return TT_ENOMEM;
	l->server = s;
	if ((st = http_open(&l->http, s)) != TT_OK)
		close_link(&l);
	else
		*out = l;
	return st;
}

static const char *const schemes[] = { "http", "https", NULL };

static const struct tracker_ops ops = {
	.schemes = schemes, .open = open_link, .close = close_link, .begin = begin,
	.log = log_numbers, .keep = keep, .end = end,
};

extern const struct plug mlflow_plug;
const struct plug mlflow_plug = PLUG(
	.kind = PLUG_TRACKER, .name = "mlflow", .version = http_version, .order = 10, .ops = &ops,
	.serves = "runs in MLflow's servers");
