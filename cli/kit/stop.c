#include "kit/stop.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <tutti/launch.h>

static tt_trainer *_Atomic stop_target;         /* whom the handler tells          */
static atomic_int          stop_came;
static atomic_int          preparing;           /* nothing is there that could be saved */
static const char         *made[2];             /* folders, empty so far: see stop_made */
static atomic_int          telling;             /* handlers under way, any thread's */
static int                 listening;           /* to the end of the process        */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

/* What is being prepared has not noticed: it may draw numbers or read for minutes. */
static void leave(int unused)
{
	(void)unused;
	if (!atomic_load(&preparing))
		return;
	for (int i = 0; i < 2 && made[i]; i++)
		rmdir(made[i]);
	say("tutti train: stopped by SIG");
	say(sigabbrev_np(atomic_load(&stop_came)));
	say(" before the first step\n");
	_exit(TT_EXIT_SIGNAL + atomic_load(&stop_came));
}

/* It has so long to end by itself. */
static void leave_soon(void)
{
	const struct itimerval wait = { .it_value.tv_usec = 600000 };

	setitimer(ITIMER_REAL, &wait, NULL);
}

static void on_signal(int sig)
{
	tt_trainer *t;

	atomic_fetch_add(&telling, 1);
	if (atomic_exchange(&stop_came, sig) && sig == SIGINT)
		_exit(128 + sig);
	if ((t = atomic_load(&stop_target)))
		tt_trainer_stop(t);
	else if (atomic_load(&preparing))
		leave_soon();
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

void stop_install(void)
{
	const struct sigaction alarm_action = { .sa_handler = leave, .sa_flags = SA_RESTART };

	atomic_store(&preparing, 1);
	sigaction(SIGALRM, &alarm_action, NULL);
	stop_handle(on_signal, SA_RESTART);
}

void stop_made(const char *folder, const char *above)
{
	made[0] = folder;
	made[1] = above;
}

/* What came before there was somebody to tell is told now.  Without a listener all is heard as
 * well, if later. */
void stop_tell(tt_trainer *t)
{
	atomic_store(&stop_target, t);
	atomic_store(&preparing, 0);
	if (atomic_load(&stop_came))
		tt_trainer_stop(t);
	if (!listening)
		start_listener();
}

void stop_remove(void)
{
	atomic_store(&stop_target, NULL);
	atomic_store(&preparing, 0);
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
