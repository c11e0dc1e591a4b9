/* The headers of a request: those of the document, its credential, and what goes without saying. */
#ifndef WEIR_INGEST_PULL_ASKING_HEADERS_H
#define WEIR_INGEST_PULL_ASKING_HEADERS_H

#include "ingest/pull/filling.h"

/* "Name: value" each, in the arena, with a NULL behind.  `home`: it goes to the source's own
 * scheme, host and port, and has what is the source's. */
MUST_USE enum code asking_headers_make(const struct filling *filling, bool home, struct bytes body,
                                       const char *const **headers, struct error *err);
/* "Basic dXNlcjpwYXNz".  E_BAD_PARAMETER: a colon in the user. */
MUST_USE enum code asking_headers_basic(const struct filling *filling, struct bytes user,
                                        struct bytes password, struct bytes *value,
                                        struct error *err);

#endif
