/* record.h -- the frame around each record of an event file.
 *
 *   u64 length | u32 masked crc of these 8 bytes | data | u32 masked crc of data     little-endian
 *
 * The checksum is CRC-32C, masked so that a record that holds records does not check itself:
 * rotated right by 15, plus a282ead8.  The same frame as TFRecord's. */
#ifndef EVENTS_RECORD_H
#define EVENTS_RECORD_H

#include "base/str.h"

#define RECORD_HEAD 12
#define RECORD_TAIL 4

uint32_t record_crc(const void *p, size_t n);            /* plain CRC-32C */
uint32_t record_masked_crc(const void *p, size_t n);

/* s holds RECORD_HEAD bytes of room, then the data: fill in the head, add the tail. */
void record_frame(struct str *s);

#endif
