/* http.h -- one server, one connection that is kept: a request, and what came back.
 *
 * Statuses are those of learn/track/tracker.h.  TT_ENOENT: 404.  No redirection is followed: who is
 * asked for a password is who was named. */
#ifndef MLFLOW_HTTP_H
#define MLFLOW_HTTP_H

#include <stdint.h>

#include "base/str.h"
#include "learn/track/tracker.h"

struct http;

struct http_request {
	const char *method;                 /* "GET", "POST"                                */
	const char *path;                   /* after the server's address, already escaped  */
	const char *body;                   /* JSON; NULL: none                             */
	const char *file;                   /* or the bytes of this file, by PUT            */
	int         once;                   /* 1: not to be sent twice, as libcurl does by itself
	                                     * where a connection that was kept is dead      */
};

tt_status http_open(struct http **out, const struct track_server *s);
void      http_close(struct http **h);
/* The answer is kept until the next call: NUL-terminated, perhaps of an error. */
tt_status http_call(struct http *h, const struct http_request *r);
const char *http_answer(const struct http *h, size_t *n);
const char *http_host(const struct http *h);             /* "HOST:PORT", as it was named */
/* Append text so that it is one part of a path or a value of a query. */
tt_status http_escape(struct str *out, const char *text);
const char *http_version(void);

#endif
