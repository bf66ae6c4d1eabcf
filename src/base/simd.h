/* simd.h -- let the compiler make one hot loop several times.
 *
 * A function marked SIMD is compiled for plain x86-64, AVX2 and AVX-512, and the
 * loader picks one: plain C loops, no intrinsics, no #ifdef in bodies.  Sanitizer
 * builds take the plain one (they cannot run ifunc resolvers). */
#ifndef BASE_SIMD_H
#define BASE_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(TT_NO_CLONES)
#define SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), \
                            optimize("O3", "no-math-errno", "no-trapping-math")))
#else
#define SIMD
#endif

/* What such a function calls in its innermost loop: a call costs all vector registers. */
#define INLINE static inline __attribute__((always_inline))

/* Before a loop whose output may be one of its inputs, number for number. */
#ifdef __clang__                /* has no such word, and looks itself */
#define IN_PLACE
#else
#define IN_PLACE _Pragma("GCC ivdep")
#endif

#endif
