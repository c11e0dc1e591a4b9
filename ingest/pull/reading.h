/* A page that came, from its bytes to points: decompressed, decoded, made rows, mapped.  It is
 * looked at whole before anything of it is written: what is cut, is no page at all, or has a row
 * too many that is wrong leaves nothing behind.
 *
 * A page that is small is read once and its points wait in memory; of a large one the first reading
 * only looks, a second one writes.
 *
 * Thread: one that may wait. */
#ifndef WEIR_INGEST_PULL_READING_H
#define WEIR_INGEST_PULL_READING_H

#include "ingest/pull/outcome.h"
#include "ingest/pull/page_bytes.h"
#include "ingest/rows/mapper.h"

struct reading_terms {
    const struct source *source;
    const struct source_partition *partition;
    bool windowed;
    int64_t start_ns, end_ns; /* of the window */
    int64_t fetched_ns;
    struct page_bytes body;
    unsigned status;
    const struct answer_header *headers; /* Content-Encoding and what rules ask for */
    size_t header_count;
    struct bytes body_before;    /* the hash of the last time; empty = none */
    const struct limits *limits; /* of points */
    uint64_t plain_bytes_max;
    struct row_order *order; /* of the pages of a window; NULL: it is the only one */
};

/* What a page is.  Texts live as long as the reading. */
struct reading_facts {
    struct verdict verdict; /* decided */
    bool same_body;         /* as the last time; not read any further */
    struct bytes body;      /* its hash; empty for a large one */
    bool empty_body;
    uint64_t plain_bytes;
    struct mapper_counts counts;
    struct tree_value at_path, total; /* of paging; TREE_END: absent */
    struct bytes message;             /* where the rule says that it stands; empty: none */
};

/* Of the page, as its API counts them: with those that `where` leaves out. */
static inline uint64_t facts_rows(const struct reading_facts *facts)
{
    return facts->counts.rows + facts->counts.others;
}

/* Where points go. */
struct reading_sink {
    enum code (*take)(void *context, struct point *point, int64_t revision, struct error *err);
    void (*forget)(void *context); /* those that were taken so far come again */
    void *context;
};

struct reading;

/* Looks at the page: `facts`.  Points of a small one go to the sink.
 * OK also for a page that is none (facts.verdict says what to do, `err` what was wrong with it);
 * E_MEMORY, E_CANCELLED, E_IO of the staged file. */
MUST_USE enum code reading_look(const struct reading_terms *terms, const struct reading_sink *sink,
                                struct reading **reading, struct reading_facts *facts,
                                struct error *err);
/* Those of a large one go there now. */
MUST_USE enum code reading_write(struct reading *reading, struct error *err);
/* It was taken: the next page goes on behind its rows. */
void reading_keep(const struct reading *reading);
void reading_free(struct reading *reading); /* NULL is fine */

#endif
