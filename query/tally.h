/* How often each different value occurs.  Numbers that are equal are one value, whatever their
 * types; which of the types was the least is remembered. */
#ifndef WEIR_QUERY_TALLY_H
#define WEIR_QUERY_TALLY_H

#include "model/rows.h"
#include "query/pool.h"

enum tally_kind {
    TALLY_FREE,     /* a slot without a value */
    TALLY_NEGATIVE, /* an integer below zero, in .i64 */
    TALLY_WHOLE,    /* any other integer, in .u64 */
    TALLY_REAL,     /* a number that is neither */
    TALLY_BOOL,
    TALLY_TEXT,
};

struct tally_slot {
    union cell cell;
    uint64_t count;
    uint32_t hash;
    uint8_t kind; /* enum tally_kind */
    uint8_t type; /* the least enum value_type it came with */
};

/* All zero = empty. */
struct tally {
    struct tally_slot *slots;
    uint32_t count, capacity; /* 0 or a power of two, at most half full */
};

/* The value as tallies have it, without a hash. */
struct tally_slot tally_value(enum value_type type, union cell cell);
/* Copies texts.  False: memory ran out. */
MUST_USE bool tally_put(struct tally *tally, const struct tally_slot *value, uint64_t count,
                        struct pool *pool);
/* Rows [first, end); stops behind a stretch when more than `count_max` values are there, and sets
 * *at to the row it has not looked at. */
MUST_USE bool tally_column(struct tally *tally, const struct rows_column *column, uint32_t first,
                           uint32_t end, uint32_t count_max, struct pool *pool, uint32_t *at);
MUST_USE bool tally_merge(struct tally *tally, const struct tally *other, struct pool *pool);
/* Gives its room back; it is empty then. */
void tally_release(struct tally *tally, struct pool *pool);

#endif
