#include "kit/stop.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static tt_trainer *volatile   stop_target;      /* whom the handler tells */
static volatile sig_atomic_t  stop_came;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void on_signal(int sig)
{
	if (stop_came && sig == SIGINT)
		_exit(128 + sig);
	stop_came = sig;
	if (stop_target)
		tt_trainer_stop(stop_target);
}

static void set_all(void (*handler)(int))
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &a, NULL);
}

void stop_install(void)
{
	set_all(on_signal);
}

/* What came before there was somebody to tell is told now. */
void stop_tell(tt_trainer *t)
{
	stop_target = t;
	if (stop_came)
		tt_trainer_stop(t);
}

void stop_remove(void)
{
	set_all(SIG_DFL);
	stop_target = NULL;
}

int stop_signal(void)
{
	return (int)stop_came;
}

int stop_asked(void *unused)
{
	(void)unused;
	return stop_came != 0;
}
