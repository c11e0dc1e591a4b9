/* A generation of the head: rows that are not in packs yet, in memory, by series.
 *
 * Rows of a series with the same fields stand in runs: columns of fixed room, filled from the
 * front, chained.  The applier appends and publishes lengths with a release; readers take what is
 * published, without lock or copy.  Everything is in one arena and goes at once, when the last
 * reference does.
 *
 * Thread: generation_apply() and generation_note() on the applier thread until it is frozen;
 * reading from any that holds a reference. */
#ifndef WEIR_STORE_HEAD_GENERATION_H
#define WEIR_STORE_HEAD_GENERATION_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/matcher.h"
#include "model/note.h"

/* The fields of a run: one list for all runs of the generation that have it. */
struct shape {
    struct bytes measurement;
    uint32_t field_count;
    const struct batch_field *fields; /* sorted by (name, type) */
};

struct run {
    struct run *_Atomic next;
    const struct shape *shape;
    uint32_t capacity;
    _Atomic uint32_t count; /* rows published */
    _Atomic bool ordered;   /* in version order already (as far as published, at least) */
    _Atomic int64_t time_first, time_last; /* least and greatest, at least of the published rows */
    int64_t *time, *ingest;
    int64_t *revision;    /* NULL = no row has one */
    union cell **columns; /* [field][row] */
};

struct chain {
    struct series *series;
    struct run *_Atomic first;
    struct run *last; /* the applier's */
    _Atomic uint64_t row_count;
};

/* A deletion or note that is not in the index yet. */
struct generation_note {
    struct generation_note *next;
    const struct tenant *tenant;
    struct bytes encoded; /* codec/record.h: tombstone_encode(), note_encode() */
    int64_t ingest;
};

enum { CHAIN_PAGE_COUNT = 65536, CHAIN_PAGE_SIZE = 4096 };

struct generation {
    atomic_uint references;
    struct arena arena;
    struct chain *_Atomic *_Atomic *pages; /* by series ordinal */
    struct chain **chains; /* all, in order of first row; the applier's, then the sealer's */
    size_t chain_count, chain_capacity;
    struct map shapes;
    struct generation_note *tombstones, *notes; /* newest first */
    uint64_t lsn_first, lsn_last;               /* of the records in it; 0 = none */
    int64_t ingest_last;
    _Atomic uint64_t bytes, row_count;
    uint64_t value_count;
    _Atomic int64_t born_ns; /* monotonic: when its first record came; 0 = empty */
};

MUST_USE enum code generation_new(struct generation **generation, struct error *err);
struct generation *generation_ref(struct generation *generation);
bool generation_is_last(const struct generation *generation); /* nobody else has a reference */
void generation_unref(struct generation *generation);         /* NULL is fine */

/* Adds the rows of a resolved batch.  E_MEMORY leaves the generation unusable. */
MUST_USE enum code generation_apply(struct generation *generation, const struct batch *batch,
                                    int64_t ingest, struct error *err);
/* Adds an encoded tombstone or note (copied) to the list. */
MUST_USE enum code generation_note(struct generation *generation, struct generation_note **list,
                                   const struct tenant *tenant, struct bytes encoded,
                                   int64_t ingest, struct error *err);
/* NULL when the series has no rows here. */
const struct chain *generation_chain(const struct generation *generation,
                                     const struct series *series);
/* Bytes held. */
uint64_t generation_bytes(const struct generation *generation);
/* What the rows of the batch take at most, for reserving: the costs of all batches applied together
 * bound the bytes held (but for up to 1 MiB of a chunk's rest, and pages).  A single batch may take
 * more, when runs that earlier ones filled grow. */
uint64_t generation_cost(const struct batch *batch);
/* Walks all invariants; for tests. */
bool generation_check(const struct generation *generation);

#endif
