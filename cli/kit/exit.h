/* exit.h -- how a process ends, for whoever has started it. */
#ifndef KIT_EXIT_H
#define KIT_EXIT_H

/* Exit codes other than "EXIT_SIGNAL + signal". */
enum exit_code {
	EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_AGAIN = 75, EXIT_NOTHING = 99,
	EXIT_SIGNAL = 128
};

#endif
