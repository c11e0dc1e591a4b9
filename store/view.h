/* What one tenant's readers see at S: an immutable picture of head generations, packs and
 * tombstones.  It keeps alive what it names; free it soon after the answer.
 *
 * A view may hold rows of a higher ingest time than S: readers skip them. */
#ifndef WEIR_STORE_VIEW_H
#define WEIR_STORE_VIEW_H

#include "base/arena.h"
#include "base/hash.h"
#include "codec/block_codec.h"
#include "model/matcher.h"
#include "model/rows.h"
#include "store/patience.h"

struct pack;
struct store;
struct view;

/* as_of: the watermark; the same, without waiting; or, of a node among others, a moment that
 * nothing lies above which any member had acknowledged before, as long as their clocks agree. */
enum { VIEW_LATEST = 0, VIEW_AT_HAND = -1, VIEW_AHEAD = -2 };

/* S = as_of, or as the names above say.  May wait (for commits below S to be applied, no
 * longer than they take): query workers only, but for VIEW_AT_HAND, which is E_BUSY then.
 * E_AS_OF_FUTURE. */
MUST_USE enum code store_view(struct store *store, const struct tenant *tenant, int64_t as_of,
                              struct view **view, struct error *err);
/* As VIEW_AHEAD, at this S, be it ahead of the clock: what was told to lie below it.  The caller
 * bounds it, as our own ingest times go on above it. */
MUST_USE enum code store_view_ahead(struct store *store, const struct tenant *tenant, int64_t as_of,
                                    struct view **view, struct error *err);
/* Members are known by the incarnations of their data directories: a number is given twice where a
 * registry was emptied.
 *
 * Whether others were looked for; then of those that S needs and that have not told all up to it by
 * what they delivered, view_owing() is true. */
bool view_has_others(const struct view *view);
/* They were not, and the registry has some: the view misses what they have. */
MUST_USE enum code view_miss_others(struct view *view, struct error *err);
bool view_owing(const struct view *view, const struct hash128 *member);
/* Whether the view has what the member's chain at the shard listed with this entry. */
bool view_has_seen(const struct view *view, const struct hash128 *member, struct bytes shard,
                   uint64_t entry);

/* What a member that lives said when it was asked for what no chain of it lists yet. */
struct view_told {
    uint32_t member;            /* its number, for people */
    struct hash128 incarnation; /* its */
    struct pack *pack;          /* pack_open_memory(), guest_enter(); NULL: it has no such rows */
    int64_t through; /* all that it acknowledged up to this is in the view now; INT64_MIN: it did
                        not say */
    const char *why; /* for people, where it did not, or not all; else NULL */
    /* Nothing at or below this comes of it any more, not even after a crash; INT64_MIN: it did not
     * say. */
    int64_t settled;
    int64_t floor; /* versions that had lost by this ingest time are not in the pack; INT64_MIN:
                      all are */
};

/* Before anything is read.  Packs are taken over also on failure; it may be called again. */
MUST_USE enum code view_add_told(struct view *view, const struct view_told *told, size_t count,
                                 struct error *err);
/* *lost is set when the view holds memory for too long (it reads generations that have left the
 * head since): free it soon.  `lost` lives until view_free(). */
void view_watch(struct view *view, _Atomic bool *lost);
/* Of all who read; until the next one, or the last read. */
void view_bear(struct view *view, const struct patience *patience);
void view_free(struct view *view); /* NULL is fine */
int64_t view_as_of(const struct view *view);
/* Nothing at or below S can still arrive, not even after a crash and a clock set back: S is at or
 * below a durable ingest time. */
bool view_final(const struct view *view);
/* Ascending by ingest; also those above S. */
const struct tombstone *view_tombstones(const struct view *view, size_t *count);
/* Ingest time of the newest deletion of the tenant that is no tombstone any more, since nothing
 * that it hid is left; 0 = there was none.  It may lie above S. */
int64_t view_deleted_last(const struct view *view);
/* Ingest time of the tenant's newest commit, or later; 0 = there was none.  It may lie above S. */
int64_t view_newest(const struct view *view);
/* No S below it can be answered: versions that it would show may be gone; INT64_MIN =
 * none is. */
int64_t view_history_floor(const struct view *view);
/* Stands for what other members delivered to the tenant's shards, as far as the view has it: as
 * long as it is the same, so are their rows; 0 = the view has none of others. */
int64_t view_guests(const struct view *view);
/* What stored data may be missing from answers, as texts for people ("wal segment 12 bytes
 * 4096..8192: ..."); count 0 = complete. */
const struct bytes *view_missing(const struct view *view, size_t *count);

/* A place where rows of one series are: a run in the head, or (part of) a block in a pack. */
struct place {
    int64_t time_first,
        time_last; /* least and greatest; a block that several series share: of all of them */
    int64_t ingest_first, ingest_last; /* likewise */
    uint32_t row_count;                /* likewise: at most so many */
    uint32_t bytes;                    /* as it is stored; 0 in the head */
    bool in_pack;
    bool shared; /* a block of several series; it may have no row of this one */
    /* Rows that stand for versions of a history pack are left out: the versions are in other
     * places. */
    bool apart;
    bool alone; /* set by view_mark_alone() */
    /* Deletions up to this ingest time are in the rows already and must not be applied to them
     * (they may combine versions from before and after one); INT64_MIN: none is.  Where a row has a
     * copy of the same ingest time, the one of the lower `settled` is the version itself and counts
     * alone: its other versions are there as well. */
    int64_t settled;
    /* Of whose rows they are, where the view has rows of other members: rows of one ingest time are
     * copies of one another only if they are of one author.  NULL: all are our own. */
    const struct hash128 *author;
    const void *source, *detail; /* the store's */
};

/* All places with rows of the series that may touch [start, end), ordered by time_first.  With
 * `versions` every version has its place, as `versions=all` wants it; without it, rows that were
 * compacted may stand for theirs.  The array is from `arena`. */
MUST_USE enum code view_places(const struct view *view, const struct series *series, int64_t start,
                               int64_t end, bool versions, struct arena *arena,
                               struct place **places, size_t *count, struct error *err);

/* The least and greatest time of the place's rows of an ingest time above `since`, or more; false:
 * it has none. */
MUST_USE bool place_times_since(const struct place *place, int64_t since, int64_t *time_first,
                                int64_t *time_last);

/* Sets `alone` of places of packs (of view_places(), all of the series in the range) that nothing
 * else has a say in: no other has a time of them, no deletion touches them, S is not before any of
 * them.  For who does not ask for versions: the ingest times of their rows are mostly not read. */
void view_mark_alone(const struct view *view, const struct series *series, struct place *places,
                     size_t count);

/* Decodes the fields asked for (names in any order; rows->columns[].field is the index into
 * `fields`) of the place's rows of `series`, sorted by (time, version order).  Rows outside any
 * range are NOT cut.  A shared block may hold no row of the series: count 0.  All memory from
 * `arena`, or borrowed until its release: head columns from the view, decoded ones from the store's
 * cache; nothing of it is the caller's to change.  rows->ingest may be NULL of a place that is
 * `alone`: no two of its rows have one time then, and none retracts a value.  E_CORRUPT names pack
 * and block. */
MUST_USE enum code place_read(const struct view *view, const struct place *place,
                              const struct series *series, const struct bytes *fields,
                              size_t field_count, struct block_decoder *decoder,
                              struct arena *arena, struct rows *rows, struct error *err);

/* The summaries of the place's columns, when the place is a block of this series alone (else
 * false); for answers that need not decode.  One entry per column of the fields asked for.
 * *step: what lies between the times of any two neighbouring rows; 0 = not known to be the same. */
struct place_summary {
    uint32_t field;
    enum value_type type;
    const struct column_summary *summary;
};
MUST_USE bool place_summaries(const struct view *view, const struct place *place,
                              const struct bytes *fields, size_t field_count, struct arena *arena,
                              bool *times_unique, int64_t *step, struct place_summary **summaries,
                              size_t *count);
/* The times alone of such a place's rows, row_count of them. */
MUST_USE enum code place_times(const struct view *view, const struct place *place,
                               struct block_decoder *decoder, struct arena *arena,
                               const int64_t **times, struct error *err);

#endif
