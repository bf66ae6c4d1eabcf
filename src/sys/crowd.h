/* crowd.h -- do others want the cores on which this process computes?
 *
 *   quiet     who is done with its part of a loop spins for milliseconds until the others are:
 *             fastest where each thread has a core
 *   crowded   it spins for microseconds and then sleeps, so that whoever it waits for, or a
 *             neighbour, gets the core
 *
 * How often threads were ready and had no core is measured all the time, as it may change during
 * a run.  What is computed does not change, nor does by how many threads. */
#ifndef SYS_CROWD_H
#define SYS_CROWD_H

/* The calling thread is about to compute with n threads of OpenMP's, n > 1: to be asked often.  It
 * costs a look at the clock, and ten times a second a loop over the threads. */
void crowd_look(int n);
/* What a look comes to, at the time `now`: its threads were hindered for this part of the time.
 * Apart from the look for tests, which have no crowd and no seconds to wait. */
void crowd_heed(double part, double now);
int  crowd_waits_short(void);

#endif
