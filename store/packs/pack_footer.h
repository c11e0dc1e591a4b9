/* The fixed parts of a pack: head in front, footer at the end, and where each section lies between
 * them.  docs/formats/pack.md */
#ifndef WEIR_STORE_PACKS_PACK_FOOTER_H
#define WEIR_STORE_PACKS_PACK_FOOTER_H

#include "base/buf.h"
#include "base/hash.h"
#include "codec/block_codec.h"
#include "store/packs/pack.h"

/* In the order in which they stand, behind the blocks.  The first three are lists of spans. */
enum pack_section {
    PACK_SERIES,     /* canonical keys, ascending by series id */
    PACK_TOMBSTONES, /* codec/record.h */
    PACK_NOTES,
    PACK_DIRECTORY, /* of the blocks, store/packs/pack_directory.h */
    PACK_PARTS,     /* what the bytes before this section are shipped and checked as */
    PACK_SECTION_COUNT
};

struct pack_head {
    struct bytes tenant;
    struct hash128 incarnation;
    uint64_t number;
    enum pack_kind kind;
    int64_t settled, floor; /* of kinds other than PACK_PLAIN */
};

struct pack_footer {
    uint32_t head_size;
    /* Section i is [at[i], at[i + 1]); blocks are [head_size, at[0]). */
    uint64_t at[PACK_SECTION_COUNT + 1];
    uint64_t count[PACK_SECTION_COUNT]; /* of entries; PACK_DIRECTORY: blocks */
    uint32_t crc[PACK_SECTION_COUNT];
    uint64_t row_count, value_count;
    int64_t time_first, time_last, ingest_first, ingest_last; /* 0 without rows */
    uint64_t lsn_first, lsn_last;
};

struct pack_part {
    uint64_t offset, size;
    struct hash128 hash;
};

enum {
    PACK_HEAD_SIZE_MAX = 256,
    PACK_FOOTER_SIZE = 188,
    PACK_PART_SIZE = 32, /* of an entry of PACK_PARTS */
};

const char *pack_section_name(enum pack_section section);

void pack_head_put(const struct pack_head *head, struct buf *out);
/* `bytes` is exactly the head; the tenant points into it.  E_CORRUPT. */
MUST_USE enum code pack_head_read(struct bytes bytes, struct pack_head *head, struct error *err);
/* The file ends behind it. */
void pack_footer_put(const struct pack_footer *footer, struct buf *out);
/* `bytes` are the last PACK_FOOTER_SIZE of a file of file_size.  What is read is in order and fits
 * the file.  E_CORRUPT. */
MUST_USE enum code pack_footer_read(struct bytes bytes, uint64_t file_size,
                                    struct pack_footer *footer, struct error *err);
/* Adds a block's rows, values and bounds to the totals. */
void pack_footer_add(struct pack_footer *footer, const struct block_view *view);
void pack_part_put(const struct pack_part *part, struct buf *out);
struct pack_part pack_part_read(struct bytes table, size_t index); /* index is within the table */

#endif
