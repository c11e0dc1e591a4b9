/* What of a text may go to a terminal, a log or an answer as it is: well-formed UTF-8
 * (RFC 3629) without control characters. */
#ifndef WEIR_BASE_PRINTABLE_H
#define WEIR_BASE_PRINTABLE_H

#include "base/bytes.h"

/* The size, 1 to 4, of the printable character at the beginning of `text`; 0 when what
 * stands there is none: a control character (C0, DEL, C1), a byte that is not UTF-8, the end. */
size_t printable_size(struct bytes text);

#endif
