/* Values of an answer as text, into room that the caller has made sure of.  Each function gives
 * the end of what it wrote. */
#ifndef WEIR_QUERY_TEXT_H
#define WEIR_QUERY_TEXT_H

#include "base/time_text.h"
#include "query/datum.h"

enum {
    TEXT_TIME_SIZE = TIMESTAMP_TEXT_SIZE + 2,
    TEXT_NUMBER_SIZE = 48, /* 2^127 has 39 digits; sign and quotes */
};

/* How times are written; remembers the last day, as neighbours mostly share it. */
struct time_writer {
    bool epoch, integer_text; /* integers of `unit`, as JSON strings */
    int64_t unit_ns;
    int64_t day;   /* INT64_MIN = none */
    char date[11]; /* "2023-11-14T" of it */
};

static inline char *text_put(char *at, struct bytes bytes)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

/* At most TEXT_TIME_SIZE; the units of an epoch are rounded down.  `quote`: as JSON. */
char *text_put_time(char *at, struct time_writer *writer, int64_t ns, bool quote);
/* An f64 always has a point or an exponent, so that it is told from an integer. */
char *text_put_f64(char *at, double value);
char *text_put_wide(char *at, wide value);
/* Without quotes around it. */
char *text_put_number(char *at, const struct datum *number);

/* With quotes, escaped as little as JSON allows.  At most 2 + 6 * size. */
char *text_put_json(char *at, struct bytes text);
static inline size_t text_json_size(struct bytes text)
{
    return 2 + 6 * text.size;
}
/* Quoted only where a separator, quote or line end asks for it, or where an empty text would read
 * as null (RFC 4180).  At most 2 + 2 * size. */
char *text_put_csv(char *at, struct bytes text, bool quote_empty);
static inline size_t text_csv_size(struct bytes text)
{
    return 2 + 2 * text.size;
}

#endif
