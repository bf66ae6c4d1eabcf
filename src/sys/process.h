/* process.h -- which process is this, after all the forks? */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

/* getpid, without asking the kernel every time. */
int process_id(void);

#endif
