/* Times of rows, in all the forms that sources give them: texts and numbers, with and without zone,
 * or a base and an index; and the same formats for what is sent (${window.start}).  Pure. */
#ifndef WEIR_INGEST_PULL_ROW_TIME_H
#define WEIR_INGEST_PULL_ROW_TIME_H

#include "base/buf.h"
#include "ingest/pull/source.h"

/* `last_ns`: of the row before of that series, NULL = none: for SOURCE_AMBIGUOUS_ORDER.
 * *date_only (may be NULL): the text is a date without a time of day.
 * E_BAD_TIME with the text, the byte and what would be right, E_TIME_RANGE. */
MUST_USE enum code row_time_parse(const struct source_time_format *format, const struct zone *zone,
                                  enum source_ambiguous ambiguous, struct bytes text,
                                  const int64_t *last_ns, int64_t *ns, bool *date_only,
                                  struct error *err);
/* Appends it.  A pattern has what csv_time_format_parse() knows. */
MUST_USE enum code row_time_print(const struct source_time_format *format, const struct zone *zone,
                                  int64_t ns, struct buf *out, struct error *err);

#endif
