/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef WEIR_CODEC_UTF8_H
#define WEIR_CODEC_UTF8_H

#include "base/bytes.h"

/* The offset of the first byte that is not part of a character; text.size when all are. */
size_t utf8_check(struct bytes text);
/* Writes the character; its size, 1 to 4.  `rune` is one: not above U+10FFFF, no surrogate. */
size_t utf8_put(uint32_t rune, char out[4]);

#endif
