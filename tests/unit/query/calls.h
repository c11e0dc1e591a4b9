/* Aggregates by their text, for tests. */
#ifndef WEIR_TESTS_UNIT_QUERY_CALLS_H
#define WEIR_TESTS_UNIT_QUERY_CALLS_H

#include "query/aggregate.h"

static inline struct aggregate_call call_of(const char *text)
{
    struct aggregate_call call;

    assert_true(aggregate_call_parse(bytes_of(text), &call));
    return call;
}

#endif
