/* What an answer means, and when what did not succeed is tried again.  Pure. */
#ifndef WEIR_INGEST_PULL_OUTCOME_H
#define WEIR_INGEST_PULL_OUTCOME_H

#include "ingest/pull/source.h"

struct answer_header {
    struct bytes name, value; /* the name in lower case */
};

/* What the rules look at.  Twice for one answer: before the body is read as rows (`counted` false:
 * rules about `count` wait), and after. */
struct answer_facts {
    unsigned status;
    const struct answer_header *headers;
    size_t header_count;
    struct bytes body; /* the first MiB, decompressed */
    bool counted;
    uint64_t rows;
    bool undecodable; /* it did not decode */
    int64_t wall_ns;
};

struct verdict {
    enum source_do what;
    bool decided;                      /* false: nothing before the rows are counted */
    const struct source_outcome *rule; /* NULL: of those behind the list */
    int64_t wait_until_ns;             /* WAIT, and RETRY with a Retry-After: wall clock; else 0 */
};

struct verdict outcome_of(const struct source *source, const struct answer_facts *facts);

/* Retry-After: seconds or an HTTP date (all three forms of RFC 9110), at most a day from now.
 * False: there is none, or it is neither. */
bool retry_after_parse(struct bytes text, int64_t wall_ns, int64_t *until_ns);
/* When the answer is no longer fresh: Cache-Control max-age less Age, else Expires against Date. */
bool expires_of(const struct answer_header *headers, size_t count, int64_t wall_ns,
                int64_t *until_ns);

/* A wait of chance between 0 and base × 2^attempt, at most cap; attempt from 0. */
int64_t retry_wait_ns(const struct source_retry *retry, uint32_t attempt, uint64_t chance);

#endif
