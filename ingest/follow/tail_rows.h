/* Bytes of a file that grows become points of a batch, record by record.  A record that is bad is
 * passed over, counted and told: it would be as bad the next time.
 *
 * One thread at a time; pure. */
#ifndef WEIR_INGEST_FOLLOW_TAIL_ROWS_H
#define WEIR_INGEST_FOLLOW_TAIL_ROWS_H

#include "ingest/rows/mapper.h"

struct tail_rows;

struct tail_rows_terms {
    const struct source *source; /* borrowed, as are the others */
    const struct limits *limits; /* of points */
    struct batch *batch;         /* where points go */
    bool within;                 /* what comes first is the rest of a line to be passed over */
    bool discards;               /* there are no points of what comes */
};

struct tail_counts {
    uint64_t rows, points;
    uint64_t faults; /* rows that are not taken, lines too long among them */
};

/* What the mapper says of names that are the same for all rows, E_MEMORY. */
MUST_USE enum code tail_rows_open(const struct tail_rows_terms *terms, struct tail_rows **rows,
                                  struct error *err);
/* Points go into that batch from now on: the former one may go. */
void tail_rows_batch(struct tail_rows *rows, struct batch *batch);
void tail_rows_discard(struct tail_rows *rows, bool discards);

/* The file's first bytes: what stands before the first row, with the names of columns.  *known:
 * that are *size of them; else more of them are to be given, from the first on again.  `whole`:
 * there are no more.  E_SYNTAX: there are no such names. */
MUST_USE enum code tail_rows_begin(struct tail_rows *rows, struct bytes first, bool whole,
                                   bool *known, size_t *size, struct error *err);
/* What comes behind.  E_MEMORY; nothing that is wrong with a record is an error. */
MUST_USE enum code tail_rows_feed(struct tail_rows *rows, struct bytes piece, struct error *err);
/* Nothing comes behind: a last record without its line end is taken. */
MUST_USE enum code tail_rows_finish(struct tail_rows *rows, struct error *err);
/* Bytes that were fed and are of no whole record yet. */
size_t tail_rows_held(const struct tail_rows *rows);
void tail_rows_drop_held(struct tail_rows *rows); /* as if these had not been fed */
bool tail_rows_within(const struct tail_rows *rows);

const struct tail_counts *tail_rows_counts(const struct tail_rows *rows);
/* Of the newest bad record; empty: none. */
const char *tail_rows_fault(const struct tail_rows *rows);
void tail_rows_close(struct tail_rows *rows); /* NULL is fine */

#endif
