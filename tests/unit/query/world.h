/* What many tests of query/ ask about: two hosts and a few rows with a past. */
#ifndef WEIR_TESTS_UNIT_QUERY_WORLD_H
#define WEIR_TESTS_UNIT_QUERY_WORLD_H

#include "tests/unit/query/fixture.h"

#define TAIL                                                                                       \
    "\"next\":null,\"partial\":false,\"as_of\":\"1970-01-01T00:00:00.001Z\",\"final\":false"
#define RAW "measurement=cpu&epoch=ns&format=ndjson"
#define END(rows) "{\"_end\":{\"rows\":" rows "," TAIL "}}\n"
#define END_WARNED(rows, text)                                                                     \
    "{\"_end\":{\"rows\":" rows "," TAIL ",\"warnings\":[\"" text "\"]}}\n"

/* Two hosts; one row corrected, one field of it taken back; rows of one series in two places. */
static inline void make_world(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=g");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");

    fixture_put(fixture, a, 10, 100, "user=1.5 n=1i");
    fixture_put(fixture, a, 20, 100, "user=2 n=2i");
    fixture_put(fixture, a, 20, 200, "user=2.25");
    fixture_put(fixture, a, 30, 100, "user=3 n=3i");
    fixture_put(fixture, a, 30, 300, "user=null");
    fixture_put(fixture, b, 10, 100, "user=10 s=\"x\"");
    assert_true(series_id_compare(a->id, b->id) < 0); /* the order of what follows */
}

#endif
