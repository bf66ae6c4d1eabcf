/* affinity.h -- which cores a thread may use, and how several share them.
 *
 *   cores 0-7 for 3 workers:   0-2   3-5   6-7       neighbours stay together: the two threads of a
 *                                                    core, the cores of a socket
 *
 * A split is a wish about the calling thread alone; nothing here changes other threads, save
 * those that compute for it. */
#ifndef SYS_AFFINITY_H
#define SYS_AFFINITY_H

#include <sched.h>
#include <stddef.h>

struct affinity { cpu_set_t set; };

/* What the calling thread may use. */
void affinity_mine(struct affinity *out);
int  affinity_count(const struct affinity *c);
int  affinity_equal(const struct affinity *a, const struct affinity *b);
/* Part `part` of `parts`, the first ones a core larger where it does not divide.  With fewer cores
 * than parts it is all of them: the kernel knows best. */
void affinity_part(const struct affinity *of, int part, int parts, struct affinity *out);
/* The calling thread stays on these, and so do the threads that share its loops. */
void affinity_pin(const struct affinity *c);

/* A thread that keeps to a part of its cores, close to what it has cached, as long as it finds them
 * free: one that was ready and had no core for a quarter of the time since the last look goes
 * wherever the kernel likes, for good.  Zeros at first; called by that thread alone. */
struct affinity_stay {
	struct affinity wide;          /* what it may use else        */
	int          stays, crowded;
	double       looked, waited;
};
/* The thread keeps to `own`; not where it was crowded, or the kernel does not say how it fares. */
void affinity_stay(struct affinity_stay *s, const struct affinity *own);
/* Is it crowded?  To be asked often: costs a look at the clock, and once a second a bit more. */
void affinity_look(struct affinity_stay *s);
/* Back to what it had. */
void affinity_leave(struct affinity_stay *s);

/* "0-3,8" in buf. */
#define CORES_TEXT 128
const char *affinity_text(const struct affinity *c, char buf[CORES_TEXT]);

#endif
