#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "query/question.h"

/* Asks what is new since 0; what came is in the fixture's sink. */
static void ask(struct fixture *fixture, uint64_t page_bytes, struct bytes next)
{
    static const struct query_parameter parameters[] = {
        {BYTES("measurement"), BYTES("m") },
        {BYTES("epoch"),       BYTES("ns")},
        {BYTES("since"),       BYTES("0") },
    };
    struct query *query = NULL;
    struct arena arena;
    bool from_now;

    twin_sink_release(&fixture->sink);
    twin_sink_init(&fixture->sink);
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(live_parse(parameters, COUNT_OF(parameters), BYTES(""), FIXTURE_NOW,
                                page_bytes, &arena, &query, &from_now, &fixture->err),
                     OK);
    assert_int_equal(live_go_on(query, 0, next, &arena, &fixture->err), OK);
    assert_int_equal(query_run(query, &fixture->environment, &fixture->sink.sink, &fixture->outcome,
                               &fixture->err),
                     OK);
    arena_release(&arena);
}

static void test_rows_are_data_lines_in_one_piece(void **state)
{
    static const char want[] =
        "data: "
        "{\"time\":1,\"change\":\"added\",\"known_from\":100,\"t\":\"a\",\"s\":\"x\\ny\"}\n"
        "data: {\"time\":2,\"change\":\"added\",\"known_from\":100,\"t\":\"a\",\"s\":\"z\"}\n";
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "t=a");
    fixture_put(&fixture, series, 1, 100, "s=\"x\ny\"");
    fixture_put(&fixture, series, 2, 100, "s=\"z\"");
    ask(&fixture, 4096, BYTES(""));
    assert_int_equal(fixture.sink.body.size, sizeof(want) - 1);
    assert_memory_equal(fixture.sink.body.data, want, sizeof(want) - 1);
    assert_int_equal(fixture.sink.writes, 1);
    assert_string_equal(fixture.sink.next, "");
    fixture_release(&fixture);
}

/* A page is full as soon as it has passed its bytes, and has a row at least. */
static void test_pages_are_of_bytes(void **state)
{
    struct fixture fixture;
    const struct series *series;
    char next[4096] = "";
    int pages = 0;
    uint64_t rows = 0;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "t=a");
    for (int i = 0; i < 10; i++)
        fixture_put(&fixture, series, i, 100, "f=1");
    do {
        ask(&fixture, 130, bytes_of(next)); /* a line has 69 bytes */
        assert_in_range(fixture.outcome.rows_out, 1, 2);
        rows += fixture.outcome.rows_out;
        pages++;
        memcpy(next, fixture.sink.next, sizeof(next));
    } while (*next);
    assert_int_equal(rows, 10);
    assert_int_equal(pages, 5);
    ask(&fixture, 1, BYTES(""));
    assert_int_equal(fixture.outcome.rows_out, 1);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_data_lines_in_one_piece),
        cmocka_unit_test(test_pages_are_of_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
