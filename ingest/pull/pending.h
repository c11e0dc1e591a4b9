/* Points of a page that wait to be compared with what their source wrote before: those that are the
 * same go, the others become the rows of a batch, each with the hash by which it is known the next
 * time (docs/decisions/0052-collectors.md).
 *
 * One thread at a time; pure. */
#ifndef WEIR_INGEST_PULL_PENDING_H
#define WEIR_INGEST_PULL_PENDING_H

#include "base/map.h"
#include "codec/point.h"
#include "ingest/pace/window_set.h"
#include "ingest/pull/row_hash.h"

struct pending_series {
    struct bytes measurement;
    struct series_tag *tags; /* by key, none empty */
    uint32_t tag_count;
    struct bytes key; /* canonical */
    int64_t time_first, time_last;
};

/* What points have in common, so that one of them is little more than its values. */
struct pending_shape {
    struct bytes measurement;
    const struct batch_field *fields; /* in order of input; the first one's name is the hash's */
    uint32_t field_count;
    uint32_t null_count; /* of these are TYPE_RETRACTED */
    uint32_t name;       /* that, of pending.names */
};

struct pending_point {
    uint32_t series, shape;
    int64_t time, revision; /* INT64_MIN: claims none */
    uint64_t hash;
    const union cell *cells; /* of the shape's fields */
    uint32_t line;
    uint32_t round; /* of several versions of one: which, from 0 */
    bool last;      /* of these */
    bool same;      /* is not written */
    bool known;     /* something was written there before, which its nulls take back */
    bool recalled;  /* what was written there last, or that it was retracted, is known */
    bool unlisted;  /* and yet its hash is, with what it is of */
};

struct pending {
    struct arena arena;
    struct pending_point *points;
    size_t count, capacity;
    size_t wanted; /* room for so many at once: there were before */
    struct pending_series *series;
    size_t series_count, series_capacity;
    struct map series_by_key; /* index + 1 */
    struct pending_shape *shapes;
    size_t shape_count, shape_capacity;
    struct map shapes_by_key; /* index + 1 */
    struct map names;         /* of first fields: number, from 1 */
    struct buf key;           /* scratch */
    uint32_t *slots;          /* by (series, time, name): index + 1 of the newest so far */
    size_t slot_count;        /* a power of two */
    uint32_t rounds;          /* the highest round + 1 */
    /* Beside a hash stands what it is of: so that a row can be told to be as it was delivered. */
    bool lists;
};

void pending_init(struct pending *pending);
void pending_release(struct pending *pending);
void pending_clear(struct pending *pending);

/* Copies the point.  E_DUPLICATE_TAG, E_MEMORY. */
MUST_USE enum code pending_add(struct pending *pending, const struct point *point, int64_t revision,
                               struct error *err);
/* The same of a row that is to be no more: its fields are TYPE_RETRACTED. */
MUST_USE enum code pending_add_retracted(struct pending *pending, const struct point *point,
                                         struct error *err);
/* row_hash_place() of the point that was added last. */
uint64_t pending_place_last(const struct pending *pending);
/* All are there: orders versions of one point (by revision, then as they came), `latest` leaves the
 * newest alone; what stands twice is the same.  E_MEMORY. */
MUST_USE enum code pending_settle(struct pending *pending, bool latest, struct error *err);
/* This hash was written last for the series of that key, the time and the field: whichever point
 * has it is the same, with all its versions.  `listed`: with what it is of.  A row that was
 * retracted comes back as of now: what it claims to be known since lies before that. */
void pending_recall(struct pending *pending, struct bytes series_key, int64_t time,
                    struct bytes field, uint64_t hash, bool listed);
/* Those of a time that was `had`, of which nothing was recalled, are not written: as many. */
size_t pending_hold(struct pending *pending, const struct window_set *had);
/* How many are to be written. */
size_t pending_changed(const struct pending *pending);
/* How many of these stand where nothing was written before. */
size_t pending_added(const struct pending *pending);
/* Those of a round go into the batch, and their hashes beside them: measurement `prefix` and that
 * of the point, the point's tags and `partition`.  E_MEMORY, E_DUPLICATE_TAG where a point has a
 * tag of the partition's name. */
MUST_USE enum code pending_put(const struct pending *pending, uint32_t round, struct bytes prefix,
                               const struct series_tag *partition, struct point *point,
                               struct error *err);

#endif
