/* Partitions out of the answer of another request (`foreach`): decompressed, decoded, made rows, of
 * which each is a partition.  The list is read whole before anybody uses it.
 *
 * Thread: one that may wait. */
#ifndef WEIR_INGEST_PULL_PARTITION_LIST_H
#define WEIR_INGEST_PULL_PARTITION_LIST_H

#include "ingest/pull/reading.h"

enum {
    PARTITIONS_MAX = 10000,
    PARTITION_TEXT_SIZE_MAX = 1024, /* of a variable's value */
};

struct partition_list_terms {
    const struct source *source; /* has a foreach that asks */
    struct page_bytes body;
    unsigned status;
    const struct answer_header *headers;
    size_t header_count;
    int64_t fetched_ns;
    uint64_t plain_bytes_max;
};

struct partition_list {
    struct verdict verdict; /* by the source's outcomes, `count` is of partitions */
    struct source_partition *partitions;
    size_t count; /* of different ones */
    uint64_t rows;
};

/* In the arena.  OK also for an answer that is none: the verdict says what to do, `err` what was
 * wrong.  A row without one of the variables, a value that is too long or has control characters,
 * and more than PARTITIONS_MAX are FAIL: the next answer is the same.  E_MEMORY, E_IO. */
MUST_USE enum code partition_list_read(const struct partition_list_terms *terms,
                                       struct arena *arena, struct partition_list *list,
                                       struct error *err);

#endif
