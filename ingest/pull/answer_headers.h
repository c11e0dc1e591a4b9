/* What the head of an answer says of time and of where to go on.  Headers come from a remote API:
 * what is not as it should be is as if it were not there.  Pure. */
#ifndef WEIR_INGEST_PULL_ANSWER_HEADERS_H
#define WEIR_INGEST_PULL_ANSWER_HEADERS_H

#include "base/bytes.h"

struct answer_header {
    struct bytes name, value; /* the name in lower case */
};

/* The first of that name (lower case), without spaces around it; false: there is none. */
bool answer_header_find(const struct answer_header *headers, size_t count, struct bytes name,
                        struct bytes *value);

/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994"
 * (RFC 9110); a year of two digits is the one that is at most 50 years ahead of `wall_ns`. */
bool http_date_parse(struct bytes text, int64_t wall_ns, int64_t *ns);

/* Retry-After: seconds, or a date, which is held against the answer's Date where there is one, as
 * the host's clock may be another than ours.  From `wall_ns` to a day later.  False: there is none,
 * or it is neither. */
bool retry_after_of(const struct answer_header *headers, size_t count, int64_t wall_ns,
                    int64_t *until_ns);
/* When the answer is no longer fresh: Cache-Control max-age less Age (no-cache and no-store: at
 * once), else Expires against Date.  From `wall_ns` to a year later.  False: nothing is said. */
bool expires_of(const struct answer_header *headers, size_t count, int64_t wall_ns,
                int64_t *until_ns);

/* The target of the first link of that relation (lower case; RFC 8288) over all Link headers,
 * without those of another context (anchor).  It lies in a header. */
bool link_find(const struct answer_header *headers, size_t count, struct bytes relation,
               struct bytes *target);

#endif
