/* What an answer means, and when what did not succeed is tried again.  Pure. */
#ifndef WEIR_INGEST_PULL_OUTCOME_H
#define WEIR_INGEST_PULL_OUTCOME_H

#include "ingest/pull/answer_headers.h"
#include "ingest/source/source.h"

/* What the rules look at.  Twice for one answer: before the body is read as rows (`counted` false:
 * rules about `count` wait), and after. */
struct answer_facts {
    unsigned status;
    const struct answer_header *headers;
    size_t header_count;
    struct bytes body; /* the first MiB, decompressed */
    bool counted;
    uint64_t rows;
    bool undecodable; /* it did not decode; then there is nothing to count */
    int64_t wall_ns;
};

struct verdict {
    enum source_do what;
    bool decided;                      /* false: nothing before the rows are counted */
    const struct source_outcome *rule; /* NULL: of those behind the list */
    int64_t wait_until_ns;             /* WAIT, and RETRY with a Retry-After: wall clock; else 0 */
};

/* A rule about `count` that names no status holds for 2xx alone: an error page has no rows, and its
 * window is not empty.  What a rule calls OK and does not decode is RETRY. */
struct verdict outcome_of(const struct source *source, const struct answer_facts *facts);

/* A wait of chance between 0 and base × 2^attempt, at most cap; attempt from 0.  `chance` is any
 * number of 64 bits. */
int64_t retry_wait_ns(const struct source_retry *retry, uint32_t attempt, uint64_t chance);

#endif
