/* clock.h -- seconds that only go forward. */
#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H

double clock_seconds(void);

#endif
