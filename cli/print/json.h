/* json.h -- one JSON object, key by key, on one line.
 *
 *   struct json j = { 0 };
 *   json_open(&j, NULL, '{');  json_number(&j, "accuracy", 0.99);  json_close(&j, '}');
 *   json_print(&j);
 *
 * A NULL key is for the outermost value and for items of a list. */
#ifndef PRINT_JSON_H
#define PRINT_JSON_H

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

struct json { struct str text; int comma; };

void json_open(struct json *j, const char *key, char bracket);     /* '{' or '[' */
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, double value);   /* NaN gives null */
void json_int(struct json *j, const char *key, int64_t value);
void json_list(struct json *j, const char *key, const double *v, int n);
void json_raw(struct json *j, const char *key, const char *value);  /* it is JSON already */
/* Write the line to stdout and release the object. */
tt_status json_print(struct json *j);
tt_status json_print_to(struct json *j, FILE *to);
void json_release(struct json *j);          /* unwritten */

#endif
