/* Escapes in strings of JSON (RFC 8259, 7), of json_scan.h and of tree/json.c. */
#ifndef WEIR_CODEC_JSON_ESCAPE_H
#define WEIR_CODEC_JSON_ESCAPE_H

#include "base/bytes.h"

/* The escape at *at, which has a '"' somewhere behind it; its bytes go to `out`, *at is behind it
 * then.  Their number; 0 = it is none, *at may have moved.  No escape grows. */
size_t json_unescape(const char **at, char out[4]);

#endif
