/* The formats of an answer, and which of them a client wants. */
#ifndef WEIR_QUERY_FORMAT_H
#define WEIR_QUERY_FORMAT_H

#include "base/error.h"

enum format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV, FORMAT_LINE_PROTOCOL, FORMAT_COUNT };

struct format_row {
    const char *name;         /* of format= */
    const char *media_type;   /* of Accept */
    const char *content_type; /* of the answer */
};

extern const struct format_row format_rows[FORMAT_COUNT];

/* format=NAME.  E_BAD_PARAMETER names what there is. */
MUST_USE enum code format_named(struct bytes name, enum format *format, struct error *err);
/* The best of an Accept header (empty: JSON); of equal ones the first in the header.
 * E_NOT_ACCEPTABLE names what there is. */
MUST_USE enum code format_accepted(struct bytes accept, enum format *format, struct error *err);

#endif
