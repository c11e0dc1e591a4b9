/* One page tried: what a document would make of it, without anything being written.
 * Thread: one that may take its time. */
#ifndef WEIR_INGEST_PULL_TRIAL_H
#define WEIR_INGEST_PULL_TRIAL_H

#include "ingest/pull/hidden.h"
#include "ingest/pull/reading.h"

enum { TRIAL_POINTS_MAX = 100 }; /* that are shown */

struct trial_terms {
    const struct source *source;
    const struct source_partition *partition; /* NULL: of the list that is asked for, the ... */
    uint64_t partition_index;                 /* ... one of that number */
    bool windowed;
    int64_t start_ns, end_ns, now_ns;
    struct page_bytes body;
    unsigned status;
    const struct answer_header *headers;
    size_t header_count;
    const char *url; /* that was asked, or would be: relative addresses are of it */
    const struct limits *limits;
    uint64_t plain_bytes_max;
    const struct hidden *hidden; /* what no message is to have; NULL: nothing was asked with any */
    int64_t patience_ns; /* all that is asked for comes within it, or E_TIMEOUT; 0 = any time */
};

/* Appends members of JSON: "outcome", "rows", "points" and so on. */
MUST_USE enum code trial_run(const struct trial_terms *terms, struct buf *out, struct error *err);

#endif
