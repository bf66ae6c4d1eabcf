#include "kit/stop.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <tutti/launch.h>

/* With what is being prepared, after a signal. */
static const struct itimerval patience = { .it_value.tv_usec = 600000 };

static tt_trainer *_Atomic stop_target;         /* whom the handler tells          */
static atomic_int          stop_came;
static atomic_int          telling;             /* handlers under way, any thread's */
static int                 listening;           /* to the end of the process        */

static atomic_int          preparing;           /* there is nothing to save yet    */
static const char         *who;                 /* "tutti train"                   */
static const char *_Atomic leftover[2];         /* folders that go, if empty       */
static char                lock[4096];          /* the run's, in the first of them */

/* Slurm's --signal=USR1@60 and its like are a wish for a checkpoint, as SIGTERM is. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static void add(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;                      /* nobody reads it */
}

/* What is being prepared did not heed the signal in time, and is not worth waiting for. */
static void on_alarm(int sig)
{
	const char *name = sigabbrev_np(atomic_load(&stop_came));
	const char *folder;

	(void)sig;
	if (!atomic_load(&preparing))
		return;
	add(who);
	add(": stopped by SIG");
	add(name ? name : "?");
	add(" before the first step\n");
	if (atomic_load(&leftover[0]))
		unlink(lock);
	for (size_t i = 0; i < sizeof leftover / sizeof *leftover; i++)
		if ((folder = atomic_load(&leftover[i])))
			rmdir(folder);
	_exit(TT_EXIT_SIGNAL + atomic_load(&stop_came));
}

static void on_signal(int sig)
{
	int none = 0;
	tt_trainer *t;

	atomic_fetch_add(&telling, 1);
	if (!atomic_compare_exchange_strong(&stop_came, &none, sig) && sig == SIGINT)
		_exit(TT_EXIT_SIGNAL + sig);
	if ((t = atomic_load(&stop_target)))
		tt_trainer_stop(t);
	else if (atomic_load(&preparing))
		setitimer(ITIMER_REAL, &patience, NULL);
	atomic_fetch_sub(&telling, 1);
}

/* A thread that computes hears nothing before its step is over; this one hears at once. */
static void *listen(void *unused)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;)
		pause();
	return unused;
}

/* It hears these signals and no other. */
static void start_listener(void)
{
	sigset_t all, before;
	pthread_t id;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&id, NULL, listen, NULL) == 0) {
		pthread_setname_np(id, "tutti-signals");
		pthread_detach(id);
		listening = 1;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Whoever started us may have them ignored (nohup): they stay so. */
static void stop_handle(void (*handler)(int), int flags)
{
	const struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &a, NULL);
}

void stop_install(const char *verb)
{
	const struct sigaction a = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	who = verb;
	atomic_store(&preparing, 1);
	sigaction(SIGALRM, &a, NULL);
	stop_handle(on_signal, SA_RESTART);
}

void stop_leaves(const char *folder, const char *above)
{
	snprintf(lock, sizeof lock, "%s/lock", folder ? folder : "");
	atomic_store(&leftover[0], folder);
	atomic_store(&leftover[1], above);
}

int stop_prepared(void)
{
	atomic_store(&preparing, 0);
	alarm(0);
	return atomic_load(&stop_came) != 0;
}

/* What came before there was somebody to tell is told now.  Without a listener all is heard as
 * well, if later. */
void stop_tell(tt_trainer *t)
{
	stop_prepared();
	atomic_store(&stop_target, t);
	if (atomic_load(&stop_came))
		tt_trainer_stop(t);
	if (!listening)
		start_listener();
}

void stop_remove(void)
{
	atomic_store(&stop_target, NULL);
	while (atomic_load(&telling))
		sched_yield();
}

int stop_signal(void)
{
	return atomic_load(&stop_came);
}

int stop_asked(void *unused)
{
	(void)unused;
	return atomic_load(&stop_came) != 0;
}
