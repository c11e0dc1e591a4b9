/* An answer in NDJSON or line protocol on its way through: all lines are passed on but the last,
 * which says how the answer ended.  Only the end of the answer tells which line that is, so one
 * line is always held back. */
#ifndef WEIR_SERVER_TRAILER_H
#define WEIR_SERVER_TRAILER_H

#include "base/buf.h"

struct trailer {
    const char *prefix; /* of the last line, before its JSON: "" or "# " */
    enum code (*take)(void *context, struct bytes piece, struct error *err);
    void *context;
    struct buf held;
};

struct trailer_end {
    uint64_t rows;
    bool partial;
    struct buf next; /* cursor of the next page; empty = there is none */
};

enum { TRAILER_LINE_BYTES_MAX = 256 << 20, TRAILER_CURSOR_BYTES_MAX = 64 << 10 };

/* `context` is the trailer. */
MUST_USE enum code trailer_take(void *context, struct bytes piece, struct error *err);
/* The answer is whole: reads its last line.  E_PARTIAL when that is no end. */
MUST_USE enum code trailer_finish(struct trailer *trailer, struct trailer_end *end,
                                  struct error *err);
/* The answer was cut: adds what its last line says of why, where it does. */
void trailer_explain(const struct trailer *trailer, struct error *err);
void trailer_release(struct trailer *trailer);

#endif
