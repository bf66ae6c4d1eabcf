/* byte_letters.h -- the letters by which byte-level tokenizers write bytes (GPT-2's).
 *
 *   'a' a    ' ' Ġ    '\n' Ċ    0xc3 Ã
 *
 * What is printable in Latin-1 is itself, the rest is U+0100 and what follows. */
#ifndef TEXT_BYTE_LETTERS_H
#define TEXT_BYTE_LETTERS_H

#include <stddef.h>

#include "base/str.h"

/* The character of a byte. */
unsigned byte_letter(unsigned char byte);
/* Bytes as letters, appended; and back, into out, which has room for n: how many they are; 0 where
 * a letter is none. */
void   byte_letters(const char *p, size_t n, struct str *out);
size_t byte_unletters(const char *p, size_t n, char *out);

#endif
