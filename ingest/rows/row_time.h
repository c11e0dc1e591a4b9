/* Times of rows, in all the forms that sources give them: texts and numbers, with and without zone;
 * and the same formats for what is sent (${window.start}).  Pure. */
#ifndef WEIR_INGEST_ROWS_ROW_TIME_H
#define WEIR_INGEST_ROWS_ROW_TIME_H

#include "base/buf.h"
#include "ingest/source/source.h"

/* The rows before of a series: for SOURCE_AMBIGUOUS_ORDER. */
struct row_time_before {
    bool any;
    bool falls; /* the last was before the one in front of it: newest first */
    int64_t ns; /* of the last */
};

/* `zone` NULL = UTC.  `before` NULL = nothing came before.  *date_only (may be NULL): the text is a
 * date without a time of day, which stands for where that day begins, also where clocks are turned
 * at midnight.  E_BAD_TIME with the text, the byte and what would be right, E_TIME_RANGE. */
MUST_USE enum code row_time_parse(const struct source_time_format *format, const struct zone *zone,
                                  enum source_ambiguous ambiguous, struct bytes text,
                                  const struct row_time_before *before, int64_t *ns,
                                  bool *date_only, struct error *err);

/* Appends it.  ISO has the offset of `zone`, 'Z' where that is none; a pattern has what
 * csv_time_format_parse() knows.  A part of a second is told by ISO and %f with 3, 6 or 9 digits,
 * by counts with as many as it takes.  E_TIME_RANGE: a spreadsheet has no such day. */
MUST_USE enum code row_time_print(const struct source_time_format *format, const struct zone *zone,
                                  int64_t ns, struct buf *out, struct error *err);
/* The last unit of the format (a day of a date, a second of ISO, a minute of %H:%M) before
 * `end_ns`: of windows whose end is inclusive. */
MUST_USE enum code row_time_print_last(const struct source_time_format *format,
                                       const struct zone *zone, int64_t end_ns, struct buf *out,
                                       struct error *err);

#endif
