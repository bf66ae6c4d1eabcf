/* quota.h -- how much of the machine's time a container may use.
 *
 * A control group may have all cores and still be stopped when it has used so many milliseconds of
 * them in each period: more threads than that only wait together. */
#ifndef SYS_QUOTA_H
#define SYS_QUOTA_H

/* Cores' worth of time, the least of this process' groups and of those above them, in both versions
 * of cgroups; 0: there is no limit, or none that can be read.  root: put before the paths of
 * /proc and of the mounts; "": this machine. */
double quota_cores(const char *root);
/* The same as a number of threads, at least 1; 0: no limit.  Read once. */
int    quota_threads(void);

#endif
