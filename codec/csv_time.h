/* Times as they stand in CSV: RFC 3339 with or without an offset, a count since 1970, a
 * spreadsheet's day number, or a pattern of strftime's letters.  Pure, any thread. */
#ifndef WEIR_CODEC_CSV_TIME_H
#define WEIR_CODEC_CSV_TIME_H

#include "base/time_text.h"

struct zone;

struct csv_time_format {
    enum csv_time_kind {
        CSV_TIME_RFC3339,
        CSV_TIME_ISO, /* RFC 3339, or less of it: an hour alone; a decimal comma */
        CSV_TIME_EPOCH,
        CSV_TIME_EXCEL,
        CSV_TIME_PATTERN,
    } kind;
    struct bytes pattern; /* borrowed */
};

/* A point in time before its zone is applied. */
struct csv_moment {
    int64_t seconds; /* since 1970, of the wall clock unless `absolute` */
    int64_t ns;      /* of the second, 0 to 999999999 */
    bool absolute;   /* the text said how far from UTC it is: `seconds` are UTC */
    bool date_only;  /* the text has no hour */
};

/* "rfc3339", "epoch", "excel", or a pattern as "%d/%m/%Y %H:%M:%S".  E_BAD_PARAMETER says what is
 * wrong with a pattern: a letter that is not known, a year, month or day that is missing. */
MUST_USE enum code csv_time_format_parse(struct bytes text, struct csv_time_format *format,
                                         struct error *err);
/* A pattern by itself; `whole`: it has to say year, month and day, as what is read must. */
MUST_USE enum code csv_time_pattern_check(struct bytes pattern, bool whole, struct error *err);
/* `unit` is of a count since 1970.  E_BAD_TIME with the text, the byte and what would be right. */
MUST_USE enum code csv_time_read(const struct csv_time_format *format, enum time_unit unit,
                                 struct bytes text, struct csv_moment *moment, struct error *err);
/* Both as one time; E_TIME_RANGE outside of what a row can have. */
MUST_USE enum code csv_time_join(int64_t seconds, int64_t second_ns, int64_t *ns,
                                 struct error *err);
/* The time of the moment; `zone` (NULL = UTC) of one that is not absolute.  Where clocks were
 * turned back the earlier of two, unless that is not above `last_ns` (NULL = nothing came before)
 * and the later is: then the later.  E_BAD_TIME where clocks were turned forward; E_TIME_RANGE
 * outside of what a row can have. */
MUST_USE enum code csv_time_ns(const struct csv_moment *moment, const struct zone *zone,
                               const int64_t *last_ns, int64_t *ns, struct error *err);

#endif
