#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/give.h"
#include "tests/unit/query/world.h"

struct given {
    struct buf text; /* a line each */
    unsigned rows, fail_at;
};

/* "host=g 10 n=1 user=1.5\n" */
static enum code take(void *context, const struct given_row *row, struct error *err)
{
    struct given *given = context;
    struct buf *out = &given->text;

    if (++given->rows == given->fail_at)
        return error_set(err, E_CANCELLED, "enough");
    for (uint32_t i = 0; i < row->tag_count; i++)
        buf_printf(out, "%.*s=%.*s ", BYTES_ARG(row->tags[i].key), BYTES_ARG(row->tags[i].value));
    buf_printf(out, "%lld", (long long)row->time);
    for (uint32_t i = 0; i < row->count; i++) {
        const struct datum *value = &row->values[i];

        if (value->type == TYPE_NONE)
            continue;
        buf_printf(out, " %.*s=", BYTES_ARG(row->columns[i]));
        if (value->type == TYPE_F64)
            buf_printf(out, "%g", value->cell.f64);
        else if (value->type == TYPE_I64)
            buf_printf(out, "%lldi", (long long)value->cell.i64);
        else
            buf_printf(out, "?%d", value->type);
    }
    buf_put_char(out, '\n');
    return OK;
}

static enum code give(struct fixture *fixture, struct given *given, struct query_range range,
                      uint64_t rows_max, bool *partial)
{
    const struct give_terms terms = {range, rows_max, take, given};

    fixture->err = (struct error){0};
    given->rows = 0;
    buf_clear(&given->text);
    return query_give(&terms, &fixture->environment, partial, &fixture->err);
}

static void expect(struct fixture *fixture, struct query_range range, uint64_t rows_max,
                   const char *want)
{
    struct given given = {.text = BUF_INIT(1 << 16)};
    bool partial = true;

    if (give(fixture, &given, range, rows_max, &partial) != OK)
        fail_msg("%s", fixture->err.text);
    if (!bytes_equal(buf_bytes(&given.text), bytes_of(want)))
        fail_msg("want:\n%s\ngot:\n%.*s", want, BYTES_ARG(buf_bytes(&given.text)));
    assert_false(partial);
    buf_release(&given.text);
}

static void test_rows_come_series_by_series_with_their_tags(void **state)
{
    const struct matcher b = {BYTES("host"), MATCH_EQUAL, BYTES("b")};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=b"), 40, 100, "user=4");
    expect(&fixture, (struct query_range){BYTES("cpu"), INT64_MIN, INT64_MAX, NULL, 0}, 0,
           "host=g 10 n=1i user=1.5\nhost=g 20 n=2i user=2.25\nhost=g 30 n=3i\n"
           "host=b 10 s=?5 user=10\nhost=b 40 user=4\n");
    expect(&fixture, (struct query_range){BYTES("cpu"), 20, 30, NULL, 0}, 0,
           "host=g 20 n=2i user=2.25\n");
    expect(&fixture, (struct query_range){BYTES("cpu"), 20, 100, &b, 1}, 0, "host=b 40 user=4\n");
    expect(&fixture, (struct query_range){BYTES("cpu"), 0, 100, NULL, 0}, 2,
           "host=g 10 n=1i user=1.5\nhost=g 20 n=2i user=2.25\n");
    expect(&fixture, (struct query_range){BYTES("none"), 0, 100, NULL, 0}, 0, "");
    fixture_release(&fixture);
}

/* What collectors note; no question of a client's can name it. */
static void test_hidden_measurements_are_given(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "\x01s", "partition=p"), 10, 100, "end=7i");
    expect(&fixture, (struct query_range){BYTES("\x01s"), 0, 100, NULL, 0}, 0,
           "partition=p 10 end=7i\n");
    fixture_release(&fixture);
}

static void test_what_is_missing_is_told_with_what_is_there(void **state)
{
    const struct query_range range = {BYTES("cpu"), 0, 25, NULL, 0};
    struct given given = {.text = BUF_INIT(1 << 16)};
    struct fixture fixture;
    bool partial = false;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture.store.missing[0] = BYTES("something");
    fixture.store.missing_count = 1;
    assert_int_equal(give(&fixture, &given, range, 0, &partial), OK);
    assert_true(partial);
    assert_int_equal(given.rows, 3);
    assert_int_equal(give(&fixture, &given, range, 0, NULL), OK);
    buf_release(&given.text);
    fixture_release(&fixture);
}

static void test_who_takes_ends_it(void **state)
{
    const struct query_range range = {BYTES("cpu"), 0, 100, NULL, 0};
    struct given given = {.text = BUF_INIT(1 << 16), .fail_at = 2};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    assert_int_equal(give(&fixture, &given, range, 0, NULL), E_CANCELLED);
    assert_int_equal(given.rows, 2);
    assert_int_equal(fixture.store.views_open, 0);
    buf_release(&given.text);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_series_by_series_with_their_tags),
        cmocka_unit_test(test_hidden_measurements_are_given),
        cmocka_unit_test(test_what_is_missing_is_told_with_what_is_there),
        cmocka_unit_test(test_who_takes_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
