/* The answer to a question, worked out the slow and obvious way: every row against every rule,
 * with exact arithmetic, straight into text.  It shares nothing with query/ but the printing of
 * single numbers and times (base/). */
#ifndef WEIR_TESTS_UNIT_QUERY_NAIVE_H
#define WEIR_TESTS_UNIT_QUERY_NAIVE_H

#include "tests/unit/query/twin.h"

enum { NAIVE_CONDITIONS_MAX = 3 };

/* let=NAME=a OP b, of fields, columns before it, or a number where `b` is NULL. */
struct naive_let {
    const char *name, *a, *b;
    char op;
    double number;
};

/* where=FIELD OP value. */
struct naive_where {
    const char *field, *op;
    enum value_type type; /* of what it is compared with */
    union cell cell;
    const char *text; /* TYPE_STRING */
};

enum { NAIVE_FIELDS_MAX = 8, NAIVE_AGGREGATES_MAX = 12, NAIVE_TAGS_MAX = 4 };

struct naive_question {
    const struct store *store;
    const struct series *const *series; /* all of the measurement, ascending by id */
    uint32_t series_count;
    const char *host; /* match=host=...; NULL = all */
    bool host_not;    /* match=host!=... */
    const char *fields[NAIVE_FIELDS_MAX];
    uint32_t field_count;
    int64_t start, end, as_of;
    bool start_given, as_of_given, descending, versions;
    const char *aggregates[NAIVE_AGGREGATES_MAX];
    uint32_t aggregate_count;
    int64_t every;
    bool by_series;
    const char *group_tags[NAIVE_TAGS_MAX];
    uint32_t group_tag_count;
    const char *format; /* "json", "rows", "ndjson", "csv" */
    int64_t epoch_ns;   /* 0 = RFC 3339 */
    bool integer_text;
    struct naive_let lets[NAIVE_CONDITIONS_MAX];
    uint32_t let_count;
    struct naive_where wheres[NAIVE_CONDITIONS_MAX];
    uint32_t where_count;
};

/* Appends the whole answer. */
void naive_answer(const struct naive_question *question, struct buf *out);

#endif
