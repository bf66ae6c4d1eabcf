/* metrics.h -- what the command line knows of the numbers that trainings tell. */
#ifndef KIT_METRICS_H
#define KIT_METRICS_H

/* 1: more of it is better, -1: less is; 0: neither, or the library does not know the name. */
int metric_better(const char *name);

#endif
