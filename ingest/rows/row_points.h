/* The points that a row makes: which measurement, tags and fields its values belong to.  What is
 * the same for all rows is made and checked once.  One thread. */
#ifndef WEIR_INGEST_ROWS_ROW_POINTS_H
#define WEIR_INGEST_ROWS_ROW_POINTS_H

#include "ingest/rows/mapper.h"
#include "ingest/rows/row_text.h"

struct row_points;

/* All is borrowed and lives as long; it lives in the arena.  E_BAD_PARAMETER: a name that is none,
 * a place that has nothing here. */
MUST_USE enum code row_points_make(const struct mapper_terms *terms, struct arena *arena,
                                   struct row_points **points, struct error *err);
void row_points_release(struct row_points *points); /* NULL is fine */

/* Another row, which the next calls are about. */
void row_points_begin(struct row_points *points);
/* A text that stands for the measurement and tags of its values; empty where all rows have the
 * same. What is wrong with the row, E_MEMORY. */
MUST_USE enum code row_points_series(struct row_points *points, const struct tree_row *row,
                                     struct bytes *series, struct error *err);
/* Its values, with texts in the batch's arena; *any: it has some.  The same. */
MUST_USE enum code row_points_gather(struct row_points *points, const struct tree_row *row,
                                     struct batch *batch, bool *any, struct error *err);
/* What was gathered goes to the sink in `point`, with that time; *given counts.  What the sink
 * says, E_MEMORY. */
MUST_USE enum code row_points_give(struct row_points *points, struct point *point, int64_t ns,
                                   int64_t revision, const struct mapper_sink *sink,
                                   uint64_t *given, struct error *err);

#endif
