/* A small world for tests of query/: the twin of the store, a real catalog, and questions as text.
 * Include fixture.c in one test file; it brings twin.c along. */
#ifndef WEIR_TESTS_UNIT_QUERY_FIXTURE_H
#define WEIR_TESTS_UNIT_QUERY_FIXTURE_H

#include "tests/unit/query/twin.h"

struct fixture {
    struct store store;
    struct catalog *catalog;
    const struct tenant *tenant;
    struct limits limits;
    struct twin_clock clock;
    struct query_environment environment;
    bool stats;            /* questions are about statistics */
    struct twin_sink sink; /* of the last question */
    struct query_outcome outcome;
    struct error err;
};

enum { FIXTURE_NOW = 1000000 };

/* S and the clock are at FIXTURE_NOW ns. */
void fixture_init(struct fixture *fixture);
void fixture_release(struct fixture *fixture);
/* `tags`: "host=a,region=x". */
const struct series *fixture_series(struct fixture *fixture, const char *measurement,
                                    const char *tags);
/* `fields`: `user=1.5 n=3i u=4u on=true s="x" gone=null`.  The row's index; it is in no place. */
uint32_t fixture_row(struct fixture *fixture, const struct series *series, int64_t time,
                     int64_t ingest, const char *fields);
/* As fixture_row(), in a place of its own. */
uint32_t fixture_put(struct fixture *fixture, const struct series *series, int64_t time,
                     int64_t ingest, const char *fields);
/* "a=b&c=d", not decoded, or a JSON document.  Answer, outcome and error are in the fixture. */
enum code fixture_ask(struct fixture *fixture, const char *question);
/* Fails unless the answer is `want`. */
void fixture_expect(struct fixture *fixture, const char *question, const char *want);
/* Fails unless it ends with the code, points at the parameter and has `part` in its text. */
void fixture_refuse(struct fixture *fixture, const char *question, enum code code,
                    const char *pointer, const char *part);

#endif
