/* job.h -- a trial's process: started in a group of its own, watched, ended.
 *
 * What it prints lies in files, which are read as they grow: a trial does not stop when nobody
 * reads, and nothing is lost when who started it dies.  Then it is sent SIGTERM. */
#ifndef POOL_JOB_H
#define POOL_JOB_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct tt_command;

#define JOB_OUTPUT "output.txt"
#define JOB_ERRORS "errors.txt"
#define JOB_CANNOT 126                  /* exit codes of a command that was never started: or 127 */

struct job {
	pid_t   pid;                    /* 0: none runs                                    */
	int     pidfd;                  /* readable when it has ended; -1: not known       */
	int     out;                    /* its output, to read                             */
	double  began, told_to_end;     /* seconds; told 0: not                            */
	int     killed;
};

/* Start it with its output in dir, from *at on: where the file ended. */
tt_status job_start(struct job *j, const struct tt_command *c, const char *dir, int64_t *at);
/* Open the output that an earlier process has left, from `at` on; out -1: there is none. */
tt_status job_open_output(struct job *j, const char *dir, int64_t at);
/* Has it ended?  *code: its exit code, or 128 and the signal. */
int       job_ended(struct job *j, int *code);
/* Ask it to end, and, when that has lasted too long, end it by force: to be called again. */
void      job_end(struct job *j, double now);
void      job_kill(struct job *j);
void      job_close(struct job *j);
/* A process's birth in the kernel's ticks; 0: there is none.  Numbers are used again, births are
 * not. */
long long job_born(pid_t pid);
/* The last line that it wrote to its errors, for people; "" if none. */
void      job_last_words(const char *dir, char out[200]);

#endif
