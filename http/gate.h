/* The gate: what a request's head must be before anything acts on it.  libmicrohttpd 0.9.75 lets
 * through heads that two parsers can read differently (request smuggling); all of those are refused
 * here with 400, and the connection is closed.
 *
 * Pure: no I/O, any thread. */
#ifndef WEIR_HTTP_GATE_H
#define WEIR_HTTP_GATE_H

#include "base/error.h"

enum {
    GATE_HEADERS_MAX = 64,
    GATE_HEADER_BYTES_MAX = 32768, /* names and values together */
    GATE_TARGET_BYTES_MAX = 16384,
};

struct header {
    struct bytes name, value;
};

struct head {
    struct bytes method, target, version; /* the target is raw, with its query */
    const struct header *headers;
    size_t header_count;
};

struct framing {
    bool has_body;           /* a Content-Length above 0, or chunked */
    bool expects;            /* 100-continue: the client waits before it sends the body */
    uint64_t content_length; /* UINT64_MAX when chunked */
};

/* E_BAD_REQUEST says which rule was broken.  *framing is set only on OK. */
MUST_USE enum code gate_check(const struct head *head, struct framing *framing, struct error *err);

/* ASCII, case ignored. */
bool header_is(struct bytes name, const char *lower);
/* The first header of that name (lower case), or NULL. */
const struct header *header_find(const struct header *headers, size_t count, const char *lower);

#endif
