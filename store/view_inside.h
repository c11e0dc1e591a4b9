/* The inside of a view, shared by view.c (what it keeps alive), view_places.c (where the rows of a
 * series are), block_reader.c, place_read.c (the rows themselves) and place_reader.c, and nobody
 * else. */
#ifndef WEIR_STORE_VIEW_INSIDE_H
#define WEIR_STORE_VIEW_INSIDE_H

#include "store/guest_list.h"
#include "store/packs/pack.h"
#include "store/state.h"
#include "store/view.h"

struct view {
    struct store *store;
    struct view *next, **link; /* of store->views, under state_lock; link NULL: not in it */
    _Atomic bool *lost;        /* likewise; set when the view is to be freed soon */
    int64_t as_of;
    bool final, final_own; /* the latter of our own rows, and of members that were asked */
    struct pack_list *packs;
    struct tombstone_list *tombstones;
    int64_t deleted_last, history_floor, newest;
    size_t generation_count;
    struct generation *generations[GENERATIONS_MAX];
    bool behind;               /* S was not asked for, and guests have rows that are far above it */
    struct guest_list *guests; /* of other members; NULL: there are none */
    enum store_members members; /* of the store, at that moment */
    /* Where guests have some: theirs and ours, ascending by ingest; else NULL.  Owned. */
    struct tombstone *all_tombstones;
    size_t all_tombstone_count;
    struct arena texts; /* of what guests lack */
    size_t missing_count;
    const struct bytes *missing;    /* an array of its own; its texts live as long as the store */
    size_t missing_own;             /* so many of them, in front, are not of guests */
    struct patience patience;       /* of those who read */
    struct pack_file *_Atomic file; /* of the pack read last; NULL: nobody left it here */
};

/* The open file of the pack, NULL where it cannot be opened or there is no view: then each read
 * opens it.  The caller's until it gives it back, for the next one to take. */
struct pack_file *view_take_file(const struct view *view, const struct pack *pack);
void view_give_file(const struct view *view, struct pack_file *file);

/* view_guests.c: what the view sees of other members.  Once S is settled, without a lock. */
MUST_USE enum code view_meet_guests(struct view *view, struct error *err);
void view_leave_guests(struct view *view);
/* Under state_lock: the ingest time that S is to reach, where it was not asked for: of their newest
 * rows; or also above all that members that live have told, so that each of them is asked.  0 =
 * none. */
int64_t view_guests_newest(const struct view *view);
int64_t view_guests_ahead(const struct view *view);
/* Whether they have rows above S that it could not reach, for being far ahead of our clock; where
 * S is to be above `all` that was acknowledged, also whether they may have: who has told more than
 * S is asked for nothing. */
bool view_guests_far(const struct view *view, bool all);
/* Whether the series has, in the range, rows or deletions of more than one author: among `places`
 * and among deletions. */
struct place;
bool view_is_mixed(const struct view *view, const struct series *series, int64_t start, int64_t end,
                   uint32_t author, bool several);

/* A block, decoded: rows of all its series. */
struct block_rows {
    struct block_view block;
    const int64_t *time, *ingest, *revision;
    const uint8_t *history;
    struct rows_column *columns; /* of the fields asked for, in their order */
    uint32_t column_count;
};

/* Reads and decodes the place's block, or has it from the cache; with `series`, only if it has rows
 * of it (else .time == NULL).  Lives as long as `arena`; not to be changed. */
MUST_USE enum code block_rows_read(const struct view *view, const struct place *place,
                                   const struct bytes *fields, size_t field_count,
                                   struct block_decoder *decoder, const struct series *series,
                                   struct arena *arena, struct block_rows *all, struct error *err);
/* The rows of one series and their flags, which point into the block's; only the array of columns
 * is from `arena`. */
MUST_USE enum code block_rows_slice(const struct block_rows *all, struct series_id id,
                                    struct arena *arena, struct rows *rows, const uint8_t **history,
                                    struct error *err);
/* Moves all that the rows point to into the arena, where the columns' array is already.  False:
 * memory ran out. */
MUST_USE bool rows_copy(struct rows *rows, struct arena *arena);
/* Leaves out the rows that stand for versions of a history pack.  The arrays that `rows` points to
 * are the caller's to change. */
void rows_leave_out(struct rows *rows, const uint8_t *history);

#endif
