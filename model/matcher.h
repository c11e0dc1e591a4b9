/* Selectors as data: which series, which fields, which times. Evaluated by catalog/match. */
#ifndef WEIR_MODEL_MATCHER_H
#define WEIR_MODEL_MATCHER_H

#include "base/bytes.h"

enum matcher_op { MATCH_EQUAL = 1, MATCH_NOT_EQUAL = 2, MATCH_REGEX = 3, MATCH_NOT_REGEX = 4 };

/* An absent tag has the empty value, as everywhere in the field: host!=a matches a series
 * without host; host= (empty) matches only such series. */
struct matcher {
    struct bytes key;
    enum matcher_op op;
    struct bytes value; /* a PCRE2 pattern, anchored at both ends, for the REGEX ones */
};

struct selector {
    struct bytes measurement;
    const struct matcher *matchers; /* all must hold */
    uint32_t matcher_count;
};

/* A deletion: hides versions of lower ingest time of the selected series in [start, end).
 * No fields = whole rows. */
struct tombstone {
    int64_t ingest;
    bool erase; /* for good: also from answers as of earlier, and from the packs by compaction */
    struct selector selector;
    int64_t start, end;
    const struct bytes *fields;
    uint32_t field_count;
};

#endif
