/* hashed.h -- numbers from names: the same in C and in Python (tools/golden/common.py).
 *
 * So inputs need not be stored beside golden outputs.  Kinds: "" uniform in [-1, 1); "pos" in
 * [0.5, 1.5); "unit" in [0, 1); "big" in [-40, 40); "grid" halves in [-1, 1], with ties; "apart"
 * all different; "intM", "wholeM" whole numbers below M. */
#ifndef SUPPORT_HASHED_H
#define SUPPORT_HASHED_H

#include <stdint.h>

struct hashed { const char *kind; uint32_t salt; };

struct hashed hashed_init(const char *owner, const char *name, const char *kind);
/* Number i of n. */
double hashed_number(const struct hashed *h, int64_t i, int64_t n);

#endif
