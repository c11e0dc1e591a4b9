/* Rows out of a document's events: a plan says where rows are and which of the things in and around
 * them are wanted (slots); the rows come with these alone, one after the other, without the
 * document ever being in memory.
 *
 * What stands around rows (`../x`, `/x`) may stand behind them.  A plan that wants such things of
 * each row has the document read twice: the first time finds them, the second makes rows.
 *
 * A plan is immutable, any thread; rows are of one thread. */
#ifndef WEIR_CODEC_TREE_ROWS_H
#define WEIR_CODEC_TREE_ROWS_H

#include "codec/tree/path.h"
#include "codec/tree/tree.h"

enum { TREE_SLOTS_MAX = 256 };

struct tree_value {
    enum tree_kind kind; /* a leaf, TREE_OBJECT or TREE_ARRAY without content; TREE_END: absent */
    struct bytes text;   /* of TREE_TEXT and TREE_NUMBER; "true", "false", "null" of these */
};

struct tree_slot {
    struct tree_path path; /* without '*' */
    bool document;         /* wanted once, when all is read; not of each row.  Absolute */
};

struct tree_plan;

/* Paths are borrowed, in the arena too.  `rows` is absolute, or begins with `*` (or has no steps):
 * then that is each document.  `zip`: it leads to objects of arrays, whose n-th elements are row n;
 * slots that are not absolute and go not up name these arrays (deeper steps go into their
 * elements). E_BAD_PARAMETER: more `../` than the rows' path has levels, a document slot that is
 * not absolute, slots_max. */
MUST_USE enum code tree_plan_make(const struct tree_path *rows, bool zip,
                                  const struct tree_slot *slots, size_t slot_count,
                                  struct arena *arena, const struct tree_plan **plan,
                                  struct error *err);
unsigned tree_plan_passes(const struct tree_plan *plan); /* 1 or 2 */

struct tree_row {
    uint64_t number; /* from 1, over all documents */
    uint64_t parent; /* changes with what the row is in (the object or array that holds
                      * what `*` passes last); of zip: the object's */
    const struct tree_value *slots; /* as in the plan; valid during the call */
    /* "/response/data/17", for people; of a zip "/hourly/17" though there is no such thing, of one
     * of many documents its number in front.  Cut where it is long; valid during the call. */
    const char *at;
};

struct tree_rows_limits {
    uint64_t rows_max; /* E_POINTS_MANY */
    /* E_BODY_LARGE: kept of what is around rows, and as much of columns of a zip, of a row and of
     * what is wanted of the document. */
    size_t around_bytes_max;
};

struct tree_rows;

/* `take` gets each row; a code other than OK ends the reading.  Reading: a sink for the events of
 * each pass, in order; after each pass _passed().  Where a name stands twice the last one counts.
 * The sink says E_SYNTAX where arrays of a zip differ in length, with both, and where a row is an
 * array that no '*' leads to and nothing is wanted of by number; E_CONFLICT where the
 * second pass has other events than the first. */
MUST_USE enum code
tree_rows_open(const struct tree_plan *plan, const struct tree_rows_limits *limits,
               enum code (*take)(void *context, const struct tree_row *row, struct error *err),
               void *context, struct tree_rows **rows, struct error *err);
struct tree_sink tree_rows_sink(struct tree_rows *rows);
/* The pass has come to its end. */
MUST_USE enum code tree_rows_passed(struct tree_rows *rows, struct error *err);
/* Of a document slot, after the last pass; of NDJSON and CSV, of the last document. */
struct tree_value tree_rows_document(const struct tree_rows *rows, size_t slot);
/* Whether a zip had any of its columns, null as well; also where there was no object at all. */
bool tree_rows_columns(const struct tree_rows *rows);
/* Whether all that the rows' path names in front of its first '*' was there, or the first `levels`
 * of it: null and empty text too, but where a list is to be no other leaf.  After a pass. */
bool tree_rows_lead(const struct tree_rows *rows, uint32_t levels);
uint64_t tree_rows_count(const struct tree_rows *rows);
void tree_rows_close(struct tree_rows *rows); /* NULL is fine */

#endif
