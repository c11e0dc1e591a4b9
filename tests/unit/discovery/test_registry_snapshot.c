#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/registry_core.h"

static void test_names_are_of_their_kinds(void **state)
{
    static const struct {
        enum registry_kind kind;
        const char *name;
        bool valid;
    } cases[] = {
        {REGISTRY_TENANTS, "a",        true },
        {REGISTRY_TENANTS, "0_-z",     true },
        {REGISTRY_TENANTS, "",         false},
        {REGISTRY_TENANTS, "A",        false},
        {REGISTRY_TENANTS, "a.b",      false},
        {REGISTRY_TENANTS, "a/b",      false},
        {REGISTRY_TENANTS, "~a",       false},
        {REGISTRY_MEMBERS, "1023",     true },
        {REGISTRY_SOURCES, "a.b",      true },
        {REGISTRY_SOURCES, "a",        false},
        {REGISTRY_SOURCES, "a.",       false},
        {REGISTRY_SOURCES, ".b",       false},
        {REGISTRY_SOURCES, "a.b.c",    false},
        {REGISTRY_LEASES,  "merge",    true },
        {REGISTRY_LEASES,  "merge.me", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (registry_name_valid(cases[i].kind, bytes_of(cases[i].name)) != cases[i].valid)
            fail_msg("%s '%s'", registry_kind_name(cases[i].kind), cases[i].name);
}

static void test_a_part_of_a_name_has_1_to_64_bytes(void **state)
{
    char name[130];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_true(registry_name_valid(REGISTRY_TENANTS, (struct bytes){name, 64}));
    assert_false(registry_name_valid(REGISTRY_TENANTS, (struct bytes){name, 65}));
    name[64] = '.';
    assert_true(registry_name_valid(REGISTRY_SOURCES, (struct bytes){name, 129}));
    assert_false(registry_name_valid(REGISTRY_SOURCES, (struct bytes){name, 130}));
    assert_int_equal(REGISTRY_NAME_SIZE_MAX, 129);
}

static const struct registry_record some[] = {
    {.kind = REGISTRY_LEASES,  .name = BYTES("merge"), .text = BYTES("m"),   .version = 90                           },
    {.kind = REGISTRY_TENANTS, .name = BYTES("b"),     .text = BYTES("2"),   .version = 8                            },
    {.kind = REGISTRY_SHARDS,  .name = BYTES("b"),     .text = BYTES(""),    .version = 7,                             .missing = true},
    {.kind = REGISTRY_TENANTS,                        .name = BYTES("ab"),                       .text = BYTES("1"), .version = 3},
};

static void test_a_snapshot_is_sorted_and_has_copies(void **state)
{
    struct registry_record records[COUNT_OF(some)];
    struct registry_snapshot *snapshot;
    size_t first, end;

    (void)state;
    memcpy(records, some, sizeof(some));
    snapshot = registry_snapshot_new(records, COUNT_OF(records));
    assert_non_null(snapshot);
    memset(records, 0, sizeof(records));
    assert_int_equal(snapshot->count, 4);
    assert_int_equal(snapshot->missing_count, 1);
    assert_int_equal(snapshot->version, 8); /* leases do not count */
    assert_true(bytes_equal(snapshot->records[0].name, BYTES("ab")));
    assert_true(bytes_equal(snapshot->records[1].text, BYTES("2")));
    registry_range(snapshot, REGISTRY_TENANTS, &first, &end);
    assert_int_equal(first, 0);
    assert_int_equal(end, 2);
    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    assert_int_equal(first, 3);
    assert_int_equal(end, 3);
    registry_range(snapshot, REGISTRY_LEASES, &first, &end);
    assert_int_equal(first, 3);
    assert_int_equal(end, 4);
    registry_snapshot_put(snapshot);
}

static void test_a_record_is_found_by_kind_and_name(void **state)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(some, COUNT_OF(some));
    const struct registry_record *record;

    (void)state;
    assert_non_null(snapshot);
    record = registry_find(snapshot, REGISTRY_SHARDS, BYTES("b"));
    assert_non_null(record);
    assert_true(record->missing && record->version == 7);
    assert_null(registry_find(snapshot, REGISTRY_SHARDS, BYTES("ab")));
    assert_null(registry_find(snapshot, REGISTRY_LEASES, BYTES("zzz")));
    assert_null(registry_find(snapshot, REGISTRY_TENANTS, BYTES("")));
    registry_snapshot_put(snapshot);
    registry_snapshot_put(NULL);
}

static void test_none_is_a_snapshot_as_well(void **state)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(NULL, 0);

    (void)state;
    assert_non_null(snapshot);
    assert_null(registry_find(snapshot, REGISTRY_TENANTS, BYTES("a")));
    assert_int_equal(snapshot->version, 0);
    registry_snapshot_put(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_of_their_kinds),
        cmocka_unit_test(test_a_part_of_a_name_has_1_to_64_bytes),
        cmocka_unit_test(test_a_snapshot_is_sorted_and_has_copies),
        cmocka_unit_test(test_a_record_is_found_by_kind_and_name),
        cmocka_unit_test(test_none_is_a_snapshot_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
