#include "plug/openblas/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define LIBRARY "libopenblas.so.0"

enum { UNTRIED, LOADED, MISSING };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;   /* guards the loading, and why */
static atomic_int      state;
static char            why[256];
static struct blas     loaded;

static int find_symbols(void *so)
{
	void (*set_threads)(int);

	*(void **)&loaded.sgemm = dlsym(so, "cblas_sgemm");
	*(void **)&set_threads = dlsym(so, "openblas_set_num_threads");
	if (!loaded.sgemm || !set_threads)
		return 0;
	set_threads(1);
	return 1;
}

/* As it is loaded it starts a thread for every core that the loading thread may use but one.  So
 * for that moment this is one core.  It stays loaded: it has handlers for fork. */
static void *open_library(void)
{
	cpu_set_t before, one;
	const int known = sched_getaffinity(0, sizeof before, &before) == 0;
	const int cpu = sched_getcpu();
	void *so;

	CPU_ZERO(&one);
	if (known && cpu >= 0) {
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof one, &one);
	}
	so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (known && cpu >= 0)
		sched_setaffinity(0, sizeof before, &before);
	return so;
}

static void load(void)
{
	void *so = open_library();

	if (so && find_symbols(so)) {
		atomic_store(&state, LOADED);
		return;
	}
	snprintf(why, sizeof why, "%s", so ? LIBRARY " lacks cblas_sgemm" : dlerror());
	atomic_store(&state, MISSING);
}

tt_status blas_load(void)
{
	if (atomic_load(&state) == UNTRIED) {
		pthread_mutex_lock(&lock);
		if (atomic_load(&state) == UNTRIED)
			load();
		pthread_mutex_unlock(&lock);
	}
	return atomic_load(&state) == LOADED ? TT_OK : err_set(TT_ESUPPORT, "OpenBLAS: %s", why);
}

const struct blas *blas(void) { return &loaded; }

int blas_is_missing(void) { return atomic_load(&state) == MISSING; }
