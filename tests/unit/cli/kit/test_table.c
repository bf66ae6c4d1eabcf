#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print/json.h"
#include "kit/table.h"

static void numbers_read_well(void **state)
{
	char b[NUMBER_TEXT];

	(void)state;
	assert_string_equal(text_count(0, b), "0");
	assert_string_equal(text_count(999, b), "999");
	assert_string_equal(text_count(1000, b), "1,000");
	assert_string_equal(text_count(-1234567, b), "-1,234,567");
	assert_string_equal(text_loss(0.08314, b), "0.0831");
	assert_string_equal(text_loss(0, b), "0.0000");
	assert_string_equal(text_loss(3.14159e-6, b), "3.142e-06");
	assert_string_equal(text_loss(1.23456e20, b), "1.23456e+20");
	assert_string_equal(text_loss(434855.0353, b), "434855");
	assert_string_equal(text_si(0, b), "0");
	assert_string_equal(text_si(999.4, b), "999");
	assert_string_equal(text_si(999.9, b), "1.00 k");
	assert_string_equal(text_si(45600, b), "45.6 k");
	assert_string_equal(text_si(1.234e9, b), "1.23 G");
	assert_string_equal(text_si(5e20, b), "500000 P");
	assert_string_equal(text_bytes(1536, b), "1.50 KiB");
	assert_string_equal(text_time(59.6, b), "1:00");
	assert_string_equal(text_time(3723, b), "1:02:03");
	assert_string_equal(text_time(NAN, b), "-:--");
}

static void names_are_seen(void **state)
{
	char b[NAME_TEXT], deep[2 * NAME_TEXT];

	(void)state;
	assert_string_equal(text_name("red", b), "red");
	assert_string_equal(text_name("dark red", b), "dark red");
	assert_string_equal(text_name("", b), "\"\"");
	assert_string_equal(text_name(" ", b), "\" \"");
	assert_string_equal(text_name("the ", b), "\"the \"");
	assert_string_equal(text_name("\302\240", b), "\"\\u00a0\"");            /* no break     */
	assert_string_equal(text_name("\342\200\213", b), "\"\\u200b\"");        /* no width     */
	assert_string_equal(text_name("\343\200\200x", b), "\"\\u3000x\"");      /* ideographic  */
	assert_string_equal(text_name("x\357\273\277", b), "\"x\\ufeff\"");      /* byte order   */
	assert_string_equal(text_name("a\tb", b), "\"a\\tb\"");
	assert_string_equal(text_name("a\nb", b), "\"a\\nb\"");
	assert_string_equal(text_name("\\n", b), "\\n");                        /* a name in itself */
	assert_string_equal(text_name("\331\205\333\214\342\200\214\330\256", b),
	                    "\331\205\333\214\342\200\214\330\256");          /* within a word */
	assert_string_equal(text_name("\303\251", b), "\303\251");
	assert_string_equal(text_name("\360\237\230\200", b), "\360\237\230\200");
	assert_string_equal(text_name("\360\237\230\240", b), "\360\237\230\240");
	assert_string_equal(text_name("\240", b), "\240");
	assert_string_equal(text_name("\342\200", b), "\342\200");             /* no UTF-8     */
	memset(deep, ' ', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_int_equal(strlen(text_name(deep, b)), NAME_TEXT - 1);
}

static void columns_are_straight(void **state)
{
	struct table t;
	char        *out = NULL;
	size_t       size;
	FILE        *f = open_memstream(&out, &size);

	(void)state;
	table_init(&t, "lrl");
	table_add(&t, "name\tn\tlast");
	table_rule(&t);
	table_add(&t, "größe\t%d\t%s", 12345, "x");
	table_add(&t, "a\t7");
	table_print(&t, f);
	fclose(f);
	assert_string_equal(out, "name       n  last\n"
	                         "------------------\n"
	                         "größe  12345  x\n"
	                         "a          7\n");
	free(out);
	table_release(&t);
}

static void json_is_one_object(void **state)
{
	struct json j = { 0 };

	(void)state;
	json_open(&j, NULL, '{');
	json_text(&j, "a\"b", "c\nd");
	json_number(&j, "nan", NAN);
	json_list(&j, "v", (const double[]){ 1, 2.5 }, 2);
	json_open(&j, "none", '{');
	json_close(&j, '}');
	json_int(&j, "n", INT64_MIN);
	json_close(&j, '}');
	assert_string_equal(j.text.p, "{\"a\\\"b\": \"c\\nd\", \"nan\": null, \"v\": [1, 2.5], "
	                              "\"none\": {}, \"n\": -9223372036854775808}");
	str_release(&j.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_read_well),
		cmocka_unit_test(names_are_seen),
		cmocka_unit_test(columns_are_straight),
		cmocka_unit_test(json_is_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
