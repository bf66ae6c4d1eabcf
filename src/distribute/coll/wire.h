/* wire.h -- how numbers travel: f32, or half of its bytes with sums still in f32. */
#ifndef COLL_WIRE_H
#define COLL_WIRE_H

#include <stddef.h>

#include "distribute/coll/coll.h"

size_t wire_bytes(enum comm_wire w, size_t n);
void   wire_pack(enum comm_wire w, void *out, const float *x, size_t n);       /* to nearest even */
void   wire_unpack(enum comm_wire w, float *x, const void *in, size_t n);
void   wire_add(enum comm_wire w, float *x, const void *in, size_t n);         /* x += in */
void   wire_round(enum comm_wire w, float *x, size_t n);    /* x as whoever receives it sees it */

#endif
