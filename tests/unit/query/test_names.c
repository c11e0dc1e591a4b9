#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/names.h"

static void test_all_names_differ(void **state)
{
    static const struct plan_column columns[] = {{.name = BYTES("host")},
                                                 {.name = BYTES("time")},
                                                 {.name = BYTES("field.time")},
                                                 {.name = BYTES("known_to")}};
    static const struct bytes keys[] = {BYTES("host"), BYTES("tag.host"), BYTES("time"),
                                        BYTES("zone")};
    static const char *const want_columns[] = {"host", "field.time", "field.field.time",
                                               "field.known_to"};
    static const char *const want_tags[] = {"tag.host", "tag.tag.host", "tag.time", "zone"};
    struct query query = {.versions = true};
    struct plan plan = {.query = &query,
                        .columns = columns,
                        .column_count = COUNT_OF(columns),
                        .tag_keys = keys,
                        .tag_key_count = COUNT_OF(keys)};
    const struct bytes *tags, *names;

    (void)state;
    arena_init(&plan.arena, 1 << 20, NULL);
    assert_true(names_make(&plan, &tags, &names));
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        assert_true(bytes_equal(names[i], bytes_of(want_columns[i])));
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_true(bytes_equal(tags[i], bytes_of(want_tags[i])));
    query.versions = false;
    assert_true(names_make(&plan, &tags, &names));
    assert_true(bytes_equal(names[3], BYTES("known_to")));
    arena_release(&plan.arena);
    plan.arena.bytes_max = 0;
    assert_false(names_make(&plan, &tags, &names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_names_differ)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
