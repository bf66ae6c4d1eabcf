#include "distribute/sync/travel/travel.h"

#define ROW(name) &travel_##name,
const struct travel *const travel_ways[] = { TRAVEL_WAYS(ROW) NULL };

const struct travel *travel_pick(const struct travel_case *c)
{
	const struct travel *const *row = travel_ways;

	while (row[1] && !row[0]->fits(c))
		row++;
	return row[0];
}
