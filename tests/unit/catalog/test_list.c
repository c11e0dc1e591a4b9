#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "codec/series_key.h"

struct lists {
    struct catalog *catalog;
    const struct tenant *tenant;
    struct arena arena;
};

static void add(struct lists *lists, const char *measurement, const char *key, const char *value)
{
    struct series_tag tag = {bytes_of(key), bytes_of(value)};
    struct buf text = BUF_INIT(1000);
    struct series *series = NULL;

    assert_int_equal(series_key_encode(bytes_of(measurement), &tag, 1, &text, NULL), OK);
    assert_int_equal(
        catalog_series(lists->catalog, lists->tenant, buf_bytes(&text), UINT64_MAX, &series, NULL),
        OK);
    buf_release(&text);
}

static int setup(void **state)
{
    static struct lists lists;

    lists = (struct lists){0};
    if (catalog_new(&lists.catalog, NULL))
        return -1;
    lists.tenant = catalog_tenant(lists.catalog, BYTES("acme"));
    arena_init(&lists.arena, SIZE_MAX, NULL);
    add(&lists, "mem", "host", "b");
    add(&lists, "cpu", "host", "c");
    add(&lists, "cpu", "host", "a");
    add(&lists, "cpu", "dc", "eu");
    add(&lists, "disk", "rack", "r");
    /* Claimed by a request that brought no series in the end. */
    if (catalog_claim(lists.catalog, lists.tenant, BYTES("ghost"), BYTES("f"), TYPE_F64, 9, NULL))
        return -1;
    *state = &lists;
    return 0;
}

static int teardown(void **state)
{
    struct lists *lists = *state;

    arena_release(&lists->arena);
    catalog_free(lists->catalog);
    return 0;
}

static void same(const char *name, const struct bytes *got, size_t count, const char *want)
{
    struct buf text = BUF_INIT(1000);

    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%.*s", i ? " " : "", BYTES_ARG(got[i]));
    if (!bytes_equal(buf_bytes(&text), bytes_of(want)))
        fail_msg("%s: got \"%.*s\", wanted \"%s\"", name, BYTES_ARG(buf_bytes(&text)), want);
    buf_release(&text);
}

static void test_measurements_are_sorted_and_paged(void **state)
{
    struct lists *lists = *state;
    static const struct {
        const char *after;
        size_t limit;
        const char *want;
    } cases[] = {
        {"",     10, "cpu disk mem"},
        {"",     2,  "cpu disk"    },
        {"disk", 2,  "mem"         },
        {"d",    1,  "disk"        },
        {"mem",  9,  ""            },
        {"",     0,  ""            },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes *names;
        size_t count;

        assert_int_equal(catalog_measurements(lists->catalog, lists->tenant,
                                              bytes_of(cases[i].after), cases[i].limit,
                                              &lists->arena, &names, &count, NULL),
                         OK);
        same(cases[i].after, names, count, cases[i].want);
    }
}

static void test_tag_keys_and_values_are_of_one_measurement_or_of_all(void **state)
{
    struct lists *lists = *state;
    static const struct {
        const char *measurement, *key, *want;
    } cases[] = {
        {"cpu",  NULL,   "dc host"     },
        {"",     NULL,   "dc host rack"},
        {"none", NULL,   ""            },
        {"cpu",  "host", "a c"         },
        {"",     "host", "a b c"       },
        {"mem",  "host", "b"           },
        {"mem",  "dc",   ""            },
        {"none", "host", ""            },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes measurement = bytes_of(cases[i].measurement), *names;
        size_t count;

        if (cases[i].key)
            assert_int_equal(catalog_tag_values(lists->catalog, lists->tenant, measurement,
                                                bytes_of(cases[i].key), BYTES(""), 10,
                                                &lists->arena, &names, &count, NULL),
                             OK);
        else
            assert_int_equal(catalog_tag_keys(lists->catalog, lists->tenant, measurement, BYTES(""),
                                              10, &lists->arena, &names, &count, NULL),
                             OK);
        same(cases[i].measurement, names, count, cases[i].want);
    }
}

static void test_fields_are_sorted_and_tell_kind_and_types(void **state)
{
    struct lists *lists = *state;
    struct field_info *fields;
    size_t count;

    assert_int_equal(catalog_claim(lists->catalog, lists->tenant, BYTES("cpu"), BYTES("user"),
                                   TYPE_F64, 9, NULL),
                     OK);
    assert_int_equal(
        catalog_claim(lists->catalog, lists->tenant, BYTES("cpu"), BYTES("on"), TYPE_BOOL, 9, NULL),
        OK);
    assert_int_equal(catalog_fields(lists->catalog, lists->tenant, BYTES("cpu"), BYTES(""), 9,
                                    &lists->arena, &fields, &count, NULL),
                     OK);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(fields[0].name, BYTES("on")));
    assert_int_equal(fields[0].kind, KIND_BOOL);
    assert_int_equal(fields[1].types, 1 << TYPE_F64);
    assert_int_equal(catalog_fields(lists->catalog, lists->tenant, BYTES("cpu"), BYTES("on"), 9,
                                    &lists->arena, &fields, &count, NULL),
                     OK);
    assert_int_equal(count, 1);
}

static void test_a_full_arena_is_told(void **state)
{
    struct lists *lists = *state;
    struct error err = {0};
    struct bytes *names;
    struct arena small;
    size_t count;

    arena_init(&small, 16, NULL);
    assert_int_equal(catalog_measurements(lists->catalog, lists->tenant, BYTES(""), 9, &small,
                                          &names, &count, &err),
                     E_MEMORY);
    arena_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measurements_are_sorted_and_paged),
        cmocka_unit_test(test_tag_keys_and_values_are_of_one_measurement_or_of_all),
        cmocka_unit_test(test_fields_are_sorted_and_tell_kind_and_types),
        cmocka_unit_test(test_a_full_arena_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
