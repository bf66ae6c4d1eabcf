/* proto.h -- protocol buffers, the writing half.
 *
 *   field: varint (number << 3 | wire type), then a varint, 4 or 8 bytes, or length and bytes
 *
 * Messages are built in place in a struct str: proto_open remembers where a nested message begins
 * and proto_close puts its length in front, so that nothing is sized twice.  A failed add shows in
 * the str's `failed`.  Fields with the value 0 are written, as `oneof` members must be. */
#ifndef EVENTS_PROTO_H
#define EVENTS_PROTO_H

#include "base/str.h"

void proto_int(struct str *s, int field, int64_t v);        /* int32, int64, bool, enum */
void proto_float(struct str *s, int field, float v);
void proto_double(struct str *s, int field, double v);
void proto_bytes(struct str *s, int field, const void *p, size_t n);
void proto_text(struct str *s, int field, const char *text);

size_t proto_open(struct str *s, int field);
void   proto_close(struct str *s, size_t at);

#endif
