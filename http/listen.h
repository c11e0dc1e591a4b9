/* A listening TCP socket from a text like "127.0.0.1:8086", "[::1]:0" or "localhost:8086". */
#ifndef WEIR_HTTP_LISTEN_H
#define WEIR_HTTP_LISTEN_H

#include "base/error.h"

/* *fd is the caller's to close; `address` gets what was really bound, "127.0.0.1:43121".
 * E_CONFIG: the text is no address, or it is not one of this machine, or it is taken. */
MUST_USE enum code listen_open(const char *text, int *fd, char *address, size_t address_size,
                               struct error *err);

#endif
