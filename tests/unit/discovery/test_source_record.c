#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/source_record.h"

static void test_records_are_printed_as_they_were_read(void **state)
{
    static const struct {
        const char *text;
        bool paused, deleted;
    } cases[] = {
        {"{\"state\":\"active\",\"document\":\"{\\\"a\\\": 1}\"}", false, false},
        {"{\"state\":\"paused\",\"document\":\"{}\"}",             true,  false},
        {"{\"state\":\"deleted\"}",                                false, true },
        {"{\"state\":\"active\",\"document\":\"{}\",\"pull\":\"2026-11-22T00:00:00.000000001Z\","
         "\"backfills\":[{\"start\":\"2025-01-01T00:00:00Z\",\"end\":\"2025-02-01T00:00:00Z\","
         "\"asked\":\"2026-11-22T00:00:00Z\"}]}",         false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1000);
        struct source_record record;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (source_record_parse(bytes_of(cases[i].text), &arena, &record, &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(record.paused, cases[i].paused);
        assert_int_equal(record.deleted, cases[i].deleted);
        source_record_print(&record, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(cases[i].text)));
        buf_release(&out);
        arena_release(&arena);
    }
}

#define RANGE(asked)                                                                               \
    "{\"start\":\"2025-01-01\",\"end\":\"2025-01-02\",\"asked\":\"2026-01-" asked "\"}"

static void test_a_record_that_is_not_right_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"state\":\"active\"}",
        "{\"state\":\"paused\",\"document\":\"\"}",
        "{\"state\":\"gone\",\"document\":\"{}\"}",
        "{\"state\":\"active\",\"document\":{}}",
        "{\"state\":\"active\",\"document\":\"{}\",\"pull\":\"now\"}",
        "{\"state\":\"active\",\"document\":\"{}\",\"backfills\":[{}]}",
        "{\"state\":\"active\",\"document\":\"{}\",\"backfills\":[" RANGE("01") "," RANGE(
            "01") "]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct source_record record;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (source_record_parse(bytes_of(texts[i]), &arena, &record, &err) == OK)
            fail_msg("%s is taken", texts[i]);
        assert_true(err.text[0] != '\0');
        arena_release(&arena);
    }
}

/* None is lost for want of room, and none is asked for with two times that are one. */
static void test_backfills_are_kept_in_order_and_become_one_where_there_is_no_room(void **state)
{
    struct pull_wishes wishes = {.pull_ns = 0};

    (void)state;
    source_wish_pull(&wishes, 100);
    assert_int_equal(wishes.pull_ns, 100);
    source_wish_pull(&wishes, 90); /* of a node whose clock is behind */
    assert_int_equal(wishes.pull_ns, 101);
    for (int i = 0; i < SOURCE_BACKFILLS_MAX; i++)
        source_wish_backfill(&wishes, 10 * i, 10 * i + 5, 100);
    assert_int_equal(wishes.backfill_count, SOURCE_BACKFILLS_MAX);
    assert_int_equal(wishes.backfills[3].asked_ns, 103);
    source_wish_backfill(&wishes, 1000, 1005, 200);
    assert_int_equal(wishes.backfill_count, SOURCE_BACKFILLS_MAX);
    assert_int_equal(wishes.backfills[0].start_ns, 0);
    assert_int_equal(wishes.backfills[0].end_ns, 15);
    assert_int_equal(wishes.backfills[0].asked_ns, 101);
    assert_int_equal(wishes.backfills[SOURCE_BACKFILLS_MAX - 1].asked_ns, 200);
    source_wish_backfill(&wishes, 20, 2000, 300); /* has all but the first */
    assert_int_equal(wishes.backfill_count, 2);
    assert_int_equal(wishes.backfills[0].end_ns, 15);
    assert_int_equal(wishes.backfills[1].start_ns, 20);
}

static void test_a_name_is_of_a_tenant_and_a_source(void **state)
{
    static const struct {
        const char *source;
        bool valid;
    } cases[] = {
        {"weather",  true },
        {"0-a_b",    true },
        {"",         false},
        {"-secrets", false},
        {"_a",       false},
        {"A",        false},
        {"a.b",      false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf name = BUF_INIT(200);
        struct bytes tenant, source;

        if (source_record_name(BYTES("acme"), bytes_of(cases[i].source), &name) != cases[i].valid)
            fail_msg("%s", cases[i].source);
        if (cases[i].valid) {
            assert_true(source_record_split(buf_bytes(&name), &tenant, &source));
            assert_true(bytes_equal(tenant, BYTES("acme")));
            assert_true(bytes_equal(source, bytes_of(cases[i].source)));
        }
        buf_release(&name);
    }
    assert_false(source_record_split(BYTES("acme"), &(struct bytes){0}, &(struct bytes){0}));
    assert_false(
        source_record_split(BYTES("acme.-secrets"), &(struct bytes){0}, &(struct bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_printed_as_they_were_read),
        cmocka_unit_test(test_a_record_that_is_not_right_is_refused),
        cmocka_unit_test(test_backfills_are_kept_in_order_and_become_one_where_there_is_no_room),
        cmocka_unit_test(test_a_name_is_of_a_tenant_and_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
