#include "data/table/cell.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

const char *const cell_words[] = {
	[TT_CELLS_NUMERIC] = "numeric", [TT_CELLS_CATEGORY] = "category",
	[TT_CELLS_BOOLEAN] = "boolean", [TT_CELLS_DATE] = "date", [TT_CELLS_TEXT] = "text",
	[TT_CELLS_ID] = "id", [TT_CELLS_WEIGHT] = "weight", [TT_CELLS_IGNORED] = "ignored",
	[TT_CELLS_TARGET] = "target", NULL
};

static int is_one_of(const char *text, const char *const *words, int *which)
{
	for (int i = 0; words[i]; i++)
		if (strcasecmp(text, words[i]) == 0) {
			*which = i;
			return 1;
		}
	return 0;
}

int cell_missing(const char *text)
{
	static const char *const words[] = { "", "?", "NA", "NaN", "N/A", "null", NULL };
	int which;

	return text[0] == '\0' || (strlen(text) < 5 && is_one_of(text, words, &which));
}

int cell_boolean(const char *text, double *out)
{
	static const char *const words[] = { "no", "yes", "false", "true", "n", "y", "f", "t", "0",
	                                     "1", NULL };
	int which = 0;

	if (!is_one_of(text, words, &which))
		return 0;
	*out = which % 2;
	return 1;
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static double days_of(int year, int month, int day)
{
	const int y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	const int of_era = y - era * 400;
	const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097.0 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Behind the day: nothing, or a time. */
static int time_of(const char *text, double *out)
{
	int hour = 0, minute = 0, n = 0;
	double second = 0;

	*out = 0;
	if (!*text)
		return 1;
	if ((*text != ' ' && *text != 'T') ||
	    sscanf(text + 1, "%2d:%2d%n", &hour, &minute, &n) != 2 || n != 5)
		return 0;
	text += 1 + n;
	if (*text == ':' && !str_to_double(text + 1, &second))
		return 0;
	*out = (hour * 3600 + minute * 60 + second) / 86400;
	return (*text == ':' || !*text) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
	       second >= 0 && second < 61;
}

int cell_date(const char *text, double *out)
{
	static const char form[] = "dddd-dd-dd";
	int year, month, day;
	double time;

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return 0;
	if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 || month > 12 ||
	    day < 1 || day > month_days(year, month) || !time_of(text + 10, &time))
		return 0;
	*out = days_of(year, month, day) + time;
	return 1;
}

int cell_number(enum tt_cells kind, const char *text, double *out)
{
	switch (kind) {
	case TT_CELLS_BOOLEAN: return cell_boolean(text, out);
	case TT_CELLS_DATE:    return cell_date(text, out);
	default:               return str_to_double(text, out);
	}
}
