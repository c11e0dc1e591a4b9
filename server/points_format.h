/* The formats of points that files come in, and where a text of each can be cut so that every
 * part is a body of its own. */
#ifndef WEIR_SERVER_POINTS_FORMAT_H
#define WEIR_SERVER_POINTS_FORMAT_H

#include "base/error.h"

struct points_format {
    const char *name; /* of --format */
    const char *content_type;
    const char *suffix; /* of file names; NULL = none */
    const char *unit;   /* what the server counts: "line", "point" */
    /* Where the first record ends, behind its line end; 0 = not in `text`. NULL: it is not cut. */
    size_t (*record)(struct bytes text);
    bool has_header; /* the first record stands at the head of every part */
};

/* E_CONFIG names what there is. */
MUST_USE enum code points_format_named(struct bytes name, const struct points_format **format,
                                       struct error *err);
/* By the name's end, .gz and .zst aside; line protocol where that says nothing. */
const struct points_format *points_format_of_file(const char *path);
/* Where the last record ends that ends within `text`; 0 = none does.  The same text gives the
 * same answer, whatever came before. */
size_t points_cut(const struct points_format *format, struct bytes text);

#endif
