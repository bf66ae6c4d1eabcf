#include "plug/mlflow/http.h"

#include <curl/curl.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"

#define ANSWER_MOST ((size_t)16 << 20)
#define CONNECT_SECONDS 10L
#define STALL_SECONDS   10L             /* without a byte: it does not answer */
#define ANSWER_SECONDS  60L             /* of what is no file                 */

struct http {
	CURL              *curl;
	struct curl_slist *json, *bytes;    /* headers */
	const struct track_server *server;
	struct str         base, host, url, answer;
	char               error[CURL_ERROR_SIZE];
};

/* ---- what libcurl calls ---- */

static size_t take(char *p, size_t one, size_t n, void *ctx)
{
	struct http *h = ctx;

	(void)one;
	if (n > ANSWER_MOST - h->answer.len)
		return 0;
	str_add_bytes(&h->answer, p, n);
	return h->answer.failed ? 0 : n;
}

static size_t give(char *p, size_t one, size_t n, void *ctx)
{
	const ssize_t got = read(*(int *)ctx, p, one * n);

	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int look(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http *h = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return h->server->stop && h->server->stop(h->server->ctx);
}

/* ---- life ---- */

static void begin_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static tt_status part_of(CURLU *u, CURLUPart part, struct str *out)
{
	char *text;

	if (curl_url_get(u, part, &text, 0) != CURLUE_OK)
		return TT_ENOENT;
	str_add(out, text);
	curl_free(text);
	return str_status(out);
}

static tt_status read_uri(struct http *h, const char *uri)
{
	CURLU *u = curl_url();
	struct str other = {0};
	tt_status st = TT_OK;

	if (!u)
		return TT_ENOMEM;
	if (curl_url_set(u, CURLUPART_URL, uri, 0) != CURLUE_OK ||
	    part_of(u, CURLUPART_HOST, &h->host) != TT_OK)
		st = err_set(TT_EINVAL, "%s is no address of a server: http://HOST:PORT", uri);
	else if (part_of(u, CURLUPART_USER, &other) == TT_OK ||
	         part_of(u, CURLUPART_PASSWORD, &other) == TT_OK)
		st = err_set(TT_EINVAL, "a name or password in the server's address would stand in the "
		             "run's files: use MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
	else if (part_of(u, CURLUPART_QUERY, &other) == TT_OK ||
	         part_of(u, CURLUPART_FRAGMENT, &other) == TT_OK)
		st = err_set(TT_EINVAL, "%s is no address of a server: nothing may follow ? or #", uri);
	else
		st = TT_OK;
	if (st == TT_OK) {
		str_add(&h->host, ":");
		if (part_of(u, CURLUPART_PORT, &h->host) != TT_OK)
			h->host.p[--h->host.len] = '\0';
		str_add(&h->base, uri);
		st = str_status(&h->base);
	}
	str_release(&other);
	curl_url_cleanup(u);
	return st;
}

static void set_options(struct http *h)
{
	const struct track_server *s = h->server;
	CURL *c = h->curl;

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "tutti/" TT_VERSION);
	if (s->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
	if (s->token) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, s->token);
	} else if (s->user) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, s->password ? s->password : "");
	}
}

tt_status http_open(struct http **out, const struct track_server *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h = mem_calloc(1, sizeof *h);
	tt_status st;

	if (!h)
		return TT_ENOMEM;
	pthread_once(&once, begin_library);
	h->server = s;
	h->curl = curl_easy_init();
	h->json = curl_slist_append(NULL, "Content-Type: application/json");
	h->bytes = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/octet-stream"),
	                             "Expect:");          /* or it waits for a word of the server */
	st = h->curl && h->json && h->bytes ? read_uri(h, s->uri) : TT_ENOMEM;
	if (st != TT_OK) {
		http_close(&h);
		return st;
	}
	set_options(h);
	*out = h;
	return TT_OK;
}

void http_close(struct http **p)
{
	struct http *h = *p;

	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->json);
	curl_slist_free_all(h->bytes);
	str_release(&h->base);
	str_release(&h->host);
	str_release(&h->url);
	str_release(&h->answer);
	mem_free(h);
	*p = NULL;
}

/* ---- a call ---- */

static tt_status failed(const struct http *h, CURLcode code)
{
	const char *why = *h->error ? h->error : curl_easy_strerror(code);

	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(TT_ESTOPPED, "%s: given up", h->base.p);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(TT_ETIMEDOUT, "%s does not answer: %s", h->base.p, why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(TT_EINVAL, "%s: its certificate is not trusted (%s); one of your own stands "
		               "in the file that MLFLOW_TRACKING_SERVER_CERT_PATH names", h->base.p, why);
	case CURLE_WRITE_ERROR:
		return err_set(TT_EFORMAT, "%s: an answer of more than %d MiB", h->base.p,
		               (int)(ANSWER_MOST >> 20));
	default:
		return err_set(TT_EPEER, "%s does not answer: %s", h->base.p, why);
	}
}

/* What the server says of its error: MLflow's message, or nothing. */
static void add_message(const struct http *h, struct str *out)
{
	const struct node *code, *text;
	struct arena a = {0};
	struct node *root;

	if (h->answer.p && node_parse_json(&a, "answer", h->answer.p, h->answer.len, &root) == TT_OK &&
	    root->kind == NODE_MAP) {
		if ((code = node_get(root, "error_code")) && code->kind == NODE_TEXT)
			str_addf(out, ": %.80s", code->text);
		if ((text = node_get(root, "message")) && text->kind == NODE_TEXT)
			str_addf(out, ": %.300s", text->text);
	}
	arena_release(&a);
}

static tt_status refused(const struct http *h, long code)
{
	struct str said = {0};
	const char *text;
	tt_status st;

	add_message(h, &said);
	text = said.p ? said.p : "";
	if (code == 401 || code == 403)
		st = err_set(TT_EINVAL, "%s lets nobody in with this token or password (%ld): set "
		             "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
		             "MLFLOW_TRACKING_PASSWORD", h->base.p, code);
	else if (code == 408 || code == 429 || code >= 500)
		st = err_set(TT_EPEER, "%s answers %ld%s", h->base.p, code, text);
	else if (code >= 300 && code < 400)
		st = err_set(TT_EINVAL, "%s answers %ld: it is somewhere else; name that address",
		             h->base.p, code);
	else
		st = err_set(code == 404 ? TT_ENOENT : TT_EINVAL, "%s refuses (%ld)%s", h->base.p, code,
		             text);
	str_release(&said);
	return st;
}

static tt_status perform(struct http *h)
{
	CURLcode code;
	long http = 0;

	h->answer.len = 0;
	h->error[0] = '\0';
	if ((code = curl_easy_perform(h->curl)) != CURLE_OK)
		return failed(h, code);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &http);
	return http >= 200 && http < 300 ? TT_OK : refused(h, http);
}

static tt_status send_file(struct http *h, const char *path)
{
	uint64_t size;
	int fd;
	tt_status st = file_open(path, &fd, &size);

	if (st != TT_OK)
		return st;
	curl_easy_setopt(h->curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(h->curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(h->curl, CURLOPT_READDATA, &fd);
	curl_easy_setopt(h->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, 0L);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->bytes);
	st = perform(h);
	close(fd);
	curl_easy_setopt(h->curl, CURLOPT_UPLOAD, 0L);
	return st;
}

tt_status http_call(struct http *h, const struct http_request *r)
{
	h->url.len = 0;
	str_addf(&h->url, "%s%s", h->base.p, r->path);
	if (str_status(&h->url) != TT_OK)
		return TT_ENOMEM;
	curl_easy_setopt(h->curl, CURLOPT_URL, h->url.p);
	curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(h->curl, CURLOPT_FRESH_CONNECT, (long)r->once);
	if (r->file)
		return send_file(h, r->file);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, ANSWER_SECONDS);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->json);
	if (r->body) {
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(r->body));
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, r->body);
	} else {
		curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, r->method);
	return perform(h);
}

const char *http_answer(const struct http *h, size_t *n)
{
	*n = h->answer.len;
	return h->answer.p ? h->answer.p : "";
}

const char *http_host(const struct http *h)
{
	return h->host.p;
}

tt_status http_escape(struct str *out, const char *text)
{
	char *safe = curl_easy_escape(NULL, text, 0);

	if (!safe)
		return TT_ENOMEM;
	str_add(out, safe);
	curl_free(safe);
	return str_status(out);
}

const char *http_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
