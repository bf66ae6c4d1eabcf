#include "print/json.h"

#include <inttypes.h>
#include <stdio.h>

static void begin(struct json *j, const char *key)
{
	if (j->comma)
		str_add(&j->text, ", ");
	if (key) {
		str_add_json(&j->text, key);
		str_add(&j->text, ": ");
	}
	j->comma = 1;
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	str_add_bytes(&j->text, &bracket, 1);
	j->comma = 0;
}

void json_close(struct json *j, char bracket)
{
	str_add_bytes(&j->text, &bracket, 1);
	j->comma = 1;
}

void json_text(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	str_add_json(&j->text, value);
}

void json_number(struct json *j, const char *key, double value)
{
	begin(j, key);
	str_add_number(&j->text, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	begin(j, key);
	str_addf(&j->text, "%" PRId64, value);
}

void json_list(struct json *j, const char *key, const double *v, int n)
{
	json_open(j, key, '[');
	for (int i = 0; i < n; i++)
		json_number(j, NULL, v[i]);
	json_close(j, ']');
}

void json_raw(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	str_add(&j->text, value);
}

tt_status json_print(struct json *j)
{
	return json_print_to(j, stdout);
}

tt_status json_print_to(struct json *j, FILE *to)
{
	tt_status st = str_status(&j->text);

	if (st == TT_OK)
		fprintf(to, "%s\n", j->text.p ? j->text.p : "{}");
	str_release(&j->text);
	return st;
}

void json_release(struct json *j)
{
	str_release(&j->text);
	j->comma = 0;
}
