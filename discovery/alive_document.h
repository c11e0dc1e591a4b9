/* What a node says of itself while it serves: the text of alive/<number> in the registry,
 * docs/formats/registry.md. */
#ifndef WEIR_DISCOVERY_ALIVE_DOCUMENT_H
#define WEIR_DISCOVERY_ALIVE_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"

struct alive_document {
    struct bytes program; /* version of the program; each empty = not told */
    struct bytes listen;  /* "host:port" where clients reach it */
    struct bytes since;   /* RFC 3339: when the process began to serve */
};

/* E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code alive_document_parse(struct bytes text, struct arena *arena,
                                        struct alive_document *document, struct error *err);
void alive_document_print(const struct alive_document *document, struct buf *out);
/* The same without braces, each with a comma in front. */
void alive_document_print_members(const struct alive_document *document, struct buf *out);

#endif
