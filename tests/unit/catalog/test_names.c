#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "codec/series_key.h"

struct names {
    struct catalog *catalog;
    const struct tenant *tenant;
};

static void names_init(struct names *names)
{
    struct series_tag tag = {BYTES("floor"), BYTES("1")};
    struct buf key = BUF_INIT(1000);
    struct series *series;

    assert_int_equal(catalog_new(&names->catalog, NULL), OK);
    names->tenant = catalog_tenant(names->catalog, BYTES("acme"));
    assert_int_equal(series_key_encode(BYTES("room"), &tag, 1, &key, NULL), OK);
    assert_int_equal(
        catalog_series(names->catalog, names->tenant, buf_bytes(&key), 9, &series, NULL), OK);
    buf_release(&key);
    assert_int_equal(catalog_claim(names->catalog, names->tenant, BYTES("room"),
                                   BYTES("temperature"), TYPE_F64, 9, NULL),
                     OK);
    /* By a request that brought no series in the end. */
    assert_int_equal(catalog_claim(names->catalog, names->tenant, BYTES("rook"), BYTES("wind"),
                                   TYPE_F64, 9, NULL),
                     OK);
}

static void test_what_is_known_and_what_is_near(void **state)
{
    static const struct {
        enum noun noun;
        const char *measurement, *name;
        bool known;
        const char *nearest;
    } cases[] = {
        {NOUN_MEASUREMENT, "",     "room",        true,  "room"       },
        {NOUN_MEASUREMENT, "",     "rooms",       false, "room"       },
        {NOUN_MEASUREMENT, "",     "rook",        false, "room"       },
        {NOUN_MEASUREMENT, "",     "weather",     false, ""           },
        {NOUN_FIELD,       "room", "temperature", true,  "temperature"},
        {NOUN_FIELD,       "room", "temprature",  false, "temperature"},
        {NOUN_FIELD,       "room", "floor",       false, ""           },
        {NOUN_FIELD,       "none", "temperature", false, ""           },
        {NOUN_TAG,         "room", "floor",       true,  "floor"      },
        {NOUN_TAG,         "room", "flor",        false, "floor"      },
        {NOUN_TAG,         "room", "temperature", false, ""           },
        {NOUN_TAG,         "none", "floor",       false, ""           },
    };
    struct names names;

    (void)state;
    names_init(&names);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes measurement = bytes_of(cases[i].measurement), name = bytes_of(cases[i].name);
        bool known = catalog_knows(names.catalog, names.tenant, cases[i].noun, measurement, name);
        struct bytes nearest =
            catalog_nearest(names.catalog, names.tenant, cases[i].noun, measurement, name);

        if (known != cases[i].known || !bytes_equal(nearest, bytes_of(cases[i].nearest)))
            fail_msg("%s: %s, \"%.*s\"", cases[i].name, known ? "known" : "not known",
                     BYTES_ARG(nearest));
    }
    catalog_free(names.catalog);
}

static void test_tenants_do_not_know_each_other(void **state)
{
    struct names names;
    const struct tenant *other;

    (void)state;
    names_init(&names);
    other = catalog_tenant(names.catalog, BYTES("other"));
    assert_false(catalog_knows(names.catalog, other, NOUN_MEASUREMENT, BYTES(""), BYTES("room")));
    assert_int_equal(
        catalog_nearest(names.catalog, other, NOUN_MEASUREMENT, BYTES(""), BYTES("room")).size, 0);
    catalog_free(names.catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_and_what_is_near),
        cmocka_unit_test(test_tenants_do_not_know_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
