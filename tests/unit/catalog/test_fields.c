#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"

static void test_a_field_holds_the_kind_that_claimed_it(void **state)
{
    struct catalog *catalog = NULL;
    const struct tenant *tenant;
    struct series_registry *registry;
    struct field_info *fields = NULL;
    struct arena arena;
    struct error err = {0};
    size_t count = 0;
    static const struct {
        const char *measurement, *field;
        enum value_type type;
        uint64_t fields_max;
        enum code want;
    } steps[] = {
        {"cpu", "user", TYPE_F64,       2, OK           },
        {"cpu", "user", TYPE_I64,       2, OK           },
        {"cpu", "user", TYPE_STRING,    2, E_FIELD_KIND },
        {"cpu", "user", TYPE_BOOL,      2, E_FIELD_KIND },
        {"cpu", "user", TYPE_RETRACTED, 2, OK           },
        {"mem", "user", TYPE_STRING,    2, OK           },
        {"cpu", "none", TYPE_RETRACTED, 2, OK           },
        {"cpu", "note", TYPE_STRING,    2, OK           },
        {"cpu", "more", TYPE_F64,       2, E_FIELDS_MANY},
        {"cpu", "note", TYPE_STRING,    2, OK           },
    };

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    registry = catalog_registry(catalog);
    tenant = catalog_tenant(catalog, BYTES("acme"));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum code code =
            catalog_claim(catalog, tenant, bytes_of(steps[i].measurement), bytes_of(steps[i].field),
                          steps[i].type, steps[i].fields_max, &err);

        if (code != steps[i].want)
            fail_msg("step %zu: got %d (%s)", i, code, err.text);
        if (code == E_FIELD_KIND && steps[i].type == TYPE_STRING)
            assert_string_equal(err.text, "field \"user\" of measurement \"cpu\" holds number "
                                          "values, this one is string");
    }
    /* What the store holds is noted whatever its kind; the claim stays. */
    assert_int_equal(
        registry->field(registry, tenant, BYTES("cpu"), BYTES("user"), TYPE_BOOL, NULL), OK);
    assert_int_equal(registry->field(registry, tenant, BYTES("cpu"), BYTES("more"), TYPE_U64, NULL),
                     OK);
    assert_int_equal(
        catalog_claim(catalog, tenant, BYTES("cpu"), BYTES("user"), TYPE_BOOL, 9, NULL),
        E_FIELD_KIND);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(
        catalog_fields(catalog, tenant, BYTES("cpu"), BYTES(""), 10, &arena, &fields, &count, NULL),
        OK);
    assert_int_equal(count, 3);
    assert_true(bytes_equal(fields[0].name, BYTES("more")));
    assert_true(bytes_equal(fields[1].name, BYTES("note")));
    assert_true(bytes_equal(fields[2].name, BYTES("user")));
    assert_int_equal(fields[2].kind, KIND_NUMBER);
    assert_int_equal(fields[2].types, 1 << TYPE_F64 | 1 << TYPE_I64 | 1 << TYPE_BOOL);
    assert_int_equal(fields[1].types, 1 << TYPE_STRING);
    arena_release(&arena);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_holds_the_kind_that_claimed_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
