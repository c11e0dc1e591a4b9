/* What a source knows of its work, as rows of its tenant in measurements that nobody can name
 * (docs/decisions/0052-collectors.md): written in the record of the rows that came, read as any
 * question is.
 *
 * Any thread; pure, but for what struct recall does. */
#ifndef WEIR_INGEST_PULL_PROGRESS_H
#define WEIR_INGEST_PULL_PROGRESS_H

#include "codec/point.h"
#include "ingest/source/source.h"

/* Of one window of one partition, or of a partition without windows. */
struct progress_note {
    int64_t time_ns; /* the window's beginning; without windows the fetch's */
    int64_t end_ns;  /* of the window as it was asked; without windows 0 */
    bool done;
    struct bytes page; /* where it stands; empty when done */
    uint32_t page_number;
    uint64_t rows;                     /* of the window's pages before it */
    struct bytes etag, modified, body; /* of the last whole answer; empty = none */
    struct bytes document;             /* a hash of that which they were asked by; likewise */
    int64_t expires_ns;                /* 0 = not known */
    int64_t fetched_ns;
    /* When its first page was asked for.  Older rows do not tell: then it is when it was fetched,
     * and INT64_MIN of a window that is not done. */
    int64_t begun_ns;
    /* Up to where it was had before, from time_ns on, which is nothing: what was noted of that is
     * overwritten by this. */
    int64_t had_ns;
};

/* Of a partition's variables: 16 hex digits, the same on every node. */
enum { PARTITION_ID_SIZE = 17 };
void partition_id(const struct source_partition *partition, char id[PARTITION_ID_SIZE]);

/* The tag that tells partitions apart, in all measurements of a source. */
extern const struct bytes progress_partition_key;
/* "\x01NAME", and with a trailing "\x01" before a measurement's name.  In the arena; .data NULL:
 * memory. */
struct bytes progress_measurement(struct bytes source, struct arena *arena);
struct bytes progress_prefix(struct bytes source, struct arena *arena);

/* Adds the note's row to the point's batch.  E_MEMORY. */
MUST_USE enum code progress_put(const struct progress_note *note, struct bytes measurement,
                                struct bytes partition, struct point *point, struct error *err);

/* How what was written is read: by whoever knows questions.  It waits. */
struct recalled_row {
    const struct series_tag *tags; /* by key */
    uint32_t tag_count;
    int64_t time;
    const struct bytes *fields;
    const enum value_type *types; /* TYPE_NONE: none */
    const union cell *cells;
    uint32_t count;
};

struct recall {
    /* All rows of the measurement in [start, end) whose tags all are as `matched` says, with the
     * newest values.  *partial: a member or shard that may have some did not answer. */
    enum code (*rows)(void *context, struct bytes tenant, struct bytes measurement,
                      const struct series_tag *matched, uint32_t matched_count, int64_t start,
                      int64_t end,
                      enum code (*take)(void *taker, const struct recalled_row *row,
                                        struct error *err),
                      void *taker, bool *partial, struct error *err);
    void *context;
    /* E_NOT_READY: rows() may lack what other members had delivered by `since_ns`
     * (CLOCK_MONOTONIC), which will be there as soon as the shard answers; err says what.  NULL:
     * nothing is lacking, ever. */
    enum code (*ready)(void *context, struct bytes tenant, int64_t since_ns, struct error *err);
};

/* Of a row of progress_measurement(): the note, whose texts are the row's, and the partition.
 * False: it is none that this version writes. */
MUST_USE bool progress_read(const struct recalled_row *row, struct progress_note *note,
                            struct bytes *partition);

#endif
