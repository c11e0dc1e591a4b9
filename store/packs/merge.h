/* Merges packs of one tenant: reads their rows span of time by span of time, series by series, and
 * writes of each span a current and a history pack (docs/formats/pack.md).
 *
 * All versions of a row are among the packs, or in others that the new ones will be read beside; a
 * current pack comes with its history pack.
 *
 * Thread: the compactor.  Memory: a decoded block an input, a block under construction a pack. */
#ifndef WEIR_STORE_PACKS_MERGE_H
#define WEIR_STORE_PACKS_MERGE_H

#include "store/compaction_rules.h"
#include "store/packs/pack.h"
#include "store/packs/pack_writer.h"

struct merge;

struct merge_options {
    const struct tenant *tenant;
    struct series_registry *registry;
    const struct compaction_rules *rules;
    struct pack *const *packs; /* borrowed */
    size_t pack_count;
    const struct tombstone *tombstones; /* borrowed; those with ingest <= settled are applied */
    size_t tombstone_count;
    int64_t settled;    /* of the packs that come out */
    int64_t floor;      /* ingest time: versions that lost at or below it are dropped */
    int64_t time_floor; /* rows before it are past retention and dropped */
    /* Of one series and time, which are looked at together: their blocks, decoded, and 16 bytes
     * each.  More are E_MEMORY, and the text names them. */
    size_t versions_max;
    /* Called every some thousand rows: may sleep; a code other than OK ends the merge. */
    enum code (*pace)(void *context, struct error *err);
    void *context;
};

MUST_USE enum code merge_new(const struct merge_options *options, struct merge **merge,
                             struct error *err);
void merge_free(struct merge *merge); /* NULL is fine */

/* Writes the blocks and series keys of the rows in [start, end).  Either writer may get nothing.
 * E_CORRUPT names the pack that cannot be read. */
MUST_USE enum code merge_span(struct merge *merge, int64_t start, int64_t end,
                              struct pack_writer *current, struct pack_writer *history,
                              struct error *err);

#endif
