#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/thread.h"
#include "catalog/catalog.h"
#include "codec/series_key.h"

static struct catalog *catalog_open(void)
{
    struct catalog *catalog = NULL;
    struct error err = {0};

    if (catalog_new(&catalog, &err))
        fail_msg("%s", err.text);
    return catalog;
}

/* The key of `measurement` with up to two tags. */
static void key_of(struct buf *key, const char *measurement, const char *host, const char *dc)
{
    struct series_tag tags[2] = {
        {BYTES("host"), bytes_of(host)},
        {BYTES("dc"),   bytes_of(dc)  }
    };

    buf_clear(key);
    assert_int_equal(series_key_encode(bytes_of(measurement), tags, 2, key, NULL), OK);
}

static struct series *series_of(struct catalog *catalog, const struct tenant *tenant,
                                const char *measurement, const char *host, const char *dc)
{
    struct buf key = BUF_INIT(1000);
    struct series *series = NULL;
    struct error err = {0};

    key_of(&key, measurement, host, dc);
    if (catalog_series(catalog, tenant, buf_bytes(&key), UINT64_MAX, &series, &err))
        fail_msg("%s", err.text);
    buf_release(&key);
    return series;
}

static void test_a_tenant_is_made_once_and_found_again(void **state)
{
    struct catalog *catalog = catalog_open();
    char name[] = "acme";
    const struct tenant *acme, *other;

    (void)state;
    assert_null(catalog_tenant_find(catalog, BYTES("acme")));
    acme = catalog_tenant(catalog, bytes_of(name));
    assert_non_null(acme);
    name[0] = 'x'; /* the catalog has its own copy */
    other = catalog_tenant(catalog, BYTES("other"));
    assert_ptr_equal(catalog_tenant(catalog, BYTES("acme")), acme);
    assert_ptr_equal(catalog_tenant_find(catalog, BYTES("acme")), acme);
    assert_true(bytes_equal(acme->name, BYTES("acme")));
    assert_int_equal(acme->ordinal, 0);
    assert_int_equal(other->ordinal, 1);
    catalog_free(catalog);
}

static void test_a_series_is_made_once_whole_and_found_by_key_and_by_id(void **state)
{
    struct catalog *catalog = catalog_open();
    struct series_registry *registry = catalog_registry(catalog);
    const struct tenant *tenant = registry->tenant(registry, BYTES("acme"));
    struct series *series = series_of(catalog, tenant, "cpu", "a", "eu");
    struct series *same = NULL;

    (void)state;
    assert_ptr_equal(series_of(catalog, tenant, "cpu", "a", "eu"), series);
    assert_int_equal(registry->series(registry, tenant, series->key, &same, NULL), OK);
    assert_ptr_equal(same, series);
    assert_ptr_equal(registry->series_by_id(registry, tenant, series->id), series);
    assert_null(registry->series_by_id(registry, tenant, (struct series_id){1, 2}));
    assert_int_equal(series_id_compare(series->id, series_key_id(series->key)), 0);
    assert_ptr_equal(series->tenant, tenant);
    assert_true(bytes_equal(series->measurement, BYTES("cpu")));
    assert_int_equal(series->tag_count, 2);
    assert_true(bytes_equal(series->tags[0].key, BYTES("dc")));
    assert_true(bytes_equal(series->tags[0].value, BYTES("eu")));
    assert_true(bytes_equal(series->tags[1].key, BYTES("host")));
    assert_false(series->stored);
    assert_int_equal(catalog_series_count(catalog, tenant), 1);
    catalog_free(catalog);
}

static void test_ordinals_are_dense_over_tenants_and_tenants_share_nothing(void **state)
{
    struct catalog *catalog = catalog_open();
    const struct tenant *one = catalog_tenant(catalog, BYTES("one"));
    const struct tenant *two = catalog_tenant(catalog, BYTES("two"));
    struct series *a = series_of(catalog, one, "cpu", "a", "eu");
    struct series *b = series_of(catalog, two, "cpu", "a", "eu");

    (void)state;
    assert_ptr_not_equal(a, b);
    assert_int_equal(a->ordinal, 0);
    assert_int_equal(b->ordinal, 1);
    assert_int_equal(series_of(catalog, one, "cpu", "b", "eu")->ordinal, 2);
    assert_int_equal(catalog_series_count(catalog, one), 2);
    assert_int_equal(catalog_series_count(catalog, two), 1);
    catalog_free(catalog);
}

static void test_the_series_limit_stops_new_ones_and_names_the_widest_tag(void **state)
{
    struct catalog *catalog = catalog_open();
    const struct tenant *tenant = catalog_tenant(catalog, BYTES("acme"));
    struct buf key = BUF_INIT(1000);
    struct series *series = NULL;
    struct error err = {0};
    char host[16];

    (void)state;
    for (int i = 0; i < 5; i++) {
        snprintf(host, sizeof(host), "h%d", i);
        series_of(catalog, tenant, "cpu", host, i % 2 ? "eu" : "us");
    }
    key_of(&key, "cpu", "h9", "eu");
    assert_int_equal(catalog_series(catalog, tenant, buf_bytes(&key), 5, &series, &err),
                     E_SERIES_LIMIT);
    assert_null(series);
    assert_string_equal(err.text, "the tenant has its 5 series (series_max) already; tag \"host\" "
                                  "of measurement \"cpu\" has the most distinct values, 5");
    key_of(&key, "cpu", "h3", "eu"); /* a known one passes */
    assert_int_equal(catalog_series(catalog, tenant, buf_bytes(&key), 5, &series, NULL), OK);
    assert_int_equal(catalog_series_count(catalog, tenant), 5);
    buf_release(&key);
    catalog_free(catalog);
}

static void test_many_keys_find_what_one_by_one_finds(void **state)
{
    enum { KEYS = 100 };
    struct catalog *catalog = catalog_open();
    const struct tenant *tenant = catalog_tenant(catalog, BYTES("acme"));
    struct buf keys[KEYS];
    struct bytes spans[KEYS];
    struct series *want[KEYS], *found[KEYS];
    char host[16];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        keys[i] = BUF_INIT(1000);
        snprintf(host, sizeof(host), "h%d", i);
        key_of(&keys[i], "cpu", host, "eu");
        spans[i] = buf_bytes(&keys[i]);
        found[i] = (struct series *)&catalog;
    }
    catalog_series_known(catalog, tenant, spans, KEYS, found); /* of no table at all */
    for (int i = 0; i < KEYS; i++) {
        assert_null(found[i]);
        snprintf(host, sizeof(host), "h%d", i);
        want[i] = i % 3 == 0 ? NULL : series_of(catalog, tenant, "cpu", host, "eu");
    }
    for (size_t count = 0; count <= KEYS; count++) {
        memset(found, 0xff, sizeof(found));
        catalog_series_known(catalog, tenant, spans, count, found);
        for (size_t i = 0; i < count; i++)
            assert_ptr_equal(found[i], want[i]);
    }
    assert_int_equal(catalog_series_count(catalog, tenant), KEYS - (KEYS + 2) / 3);
    for (int i = 0; i < KEYS; i++)
        buf_release(&keys[i]);
    catalog_free(catalog);
}

static void test_a_key_that_is_not_canonical_is_refused(void **state)
{
    struct catalog *catalog = catalog_open();
    const struct tenant *tenant = catalog_tenant(catalog, BYTES("acme"));
    struct series *series = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(catalog_series(catalog, tenant,
                                    BYTES("\x09"
                                          "cpu"),
                                    UINT64_MAX, &series, &err),
                     E_CORRUPT);
    assert_int_equal(catalog_series_count(catalog, tenant), 0);
    catalog_free(catalog);
}

enum { THREADS = 4, HOSTS = 60, ROUNDS = 400 };

struct crowd {
    struct catalog *catalog;
    _Atomic int seed;
    struct series *seen[THREADS][HOSTS];
};

/* Makes, finds, claims, selects and lists, as many requests would at once. */
static void crowd_member(void *context)
{
    struct crowd *crowd = context;
    int me = crowd->seed++;
    struct random random;

    random_seed(&random, (uint64_t)me);
    for (int round = 0; round < ROUNDS; round++) {
        const struct tenant *tenant =
            catalog_tenant(crowd->catalog, round % 2 ? BYTES("one") : BYTES("two"));
        unsigned host = (unsigned)random_below(&random, HOSTS);
        struct matcher matcher = {BYTES("host"), MATCH_REGEX, BYTES("h[0-4].*")};
        const struct selector selector = {BYTES("cpu"), &matcher, 1};
        struct series *series, **selected;
        enum code claimed;
        struct bytes *names;
        struct arena arena;
        size_t count;
        char text[16];

        snprintf(text, sizeof(text), "h%u", host);
        series = series_of(crowd->catalog, tenant, "cpu", text, "eu");
        if (round % 2)
            crowd->seen[me][host] = series;
        claimed = catalog_claim(crowd->catalog, tenant, BYTES("cpu"), bytes_of(text),
                                round % 3 ? TYPE_F64 : TYPE_STRING, 1000, NULL);
        assert_true(claimed == OK || claimed == E_FIELD_KIND);
        if (round % 8)
            continue;
        arena_init(&arena, SIZE_MAX, NULL);
        assert_int_equal(catalog_select(crowd->catalog, tenant, &selector, 1000, NULL, &arena,
                                        &selected, &count, NULL),
                         OK);
        assert_int_equal(catalog_tag_values(crowd->catalog, tenant, BYTES("cpu"), BYTES("host"),
                                            BYTES(""), 1000, &arena, &names, &count, NULL),
                         OK);
        arena_release(&arena);
    }
}

static void test_a_crowd_makes_each_series_once(void **state)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct thread *threads[THREADS];

    (void)state;
    crowd->catalog = catalog_open();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start("crowd", crowd_member, crowd, &threads[i], NULL), OK);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (int host = 0; host < HOSTS; host++) {
        struct series *series = NULL;

        for (int i = 0; i < THREADS; i++) {
            if (!crowd->seen[i][host])
                continue;
            if (series)
                assert_ptr_equal(crowd->seen[i][host], series);
            series = crowd->seen[i][host];
        }
    }
    assert_true(catalog_series_count(crowd->catalog,
                                     catalog_tenant_find(crowd->catalog, BYTES("one"))) <= HOSTS);
    catalog_free(crowd->catalog);
    free(crowd);
}

/* What comes from elsewhere has no right to a kind that is taken; what is stored here has. */
static void test_the_registry_claims_or_notes_a_kind(void **state)
{
    const struct bytes measurement = BYTES("cpu"), field = BYTES("v");
    struct series_registry *registry;
    const struct tenant *tenant;
    struct catalog *catalog;
    struct error err = {0};

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    registry = catalog_registry(catalog);
    tenant = catalog_tenant(catalog, BYTES("acme"));
    assert_int_equal(registry->claim(registry, tenant, measurement, field, TYPE_I64, &err), OK);
    assert_int_equal(registry->claim(registry, tenant, measurement, field, TYPE_F64, &err), OK);
    assert_int_equal(registry->claim(registry, tenant, measurement, field, TYPE_STRING, &err),
                     E_FIELD_KIND);
    assert_int_equal(registry->field(registry, tenant, measurement, field, TYPE_STRING, &err), OK);
    assert_int_equal(catalog_kind(catalog, tenant, measurement, field), KIND_NUMBER);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_is_made_once_and_found_again),
        cmocka_unit_test(test_a_series_is_made_once_whole_and_found_by_key_and_by_id),
        cmocka_unit_test(test_ordinals_are_dense_over_tenants_and_tenants_share_nothing),
        cmocka_unit_test(test_the_series_limit_stops_new_ones_and_names_the_widest_tag),
        cmocka_unit_test(test_many_keys_find_what_one_by_one_finds),
        cmocka_unit_test(test_a_key_that_is_not_canonical_is_refused),
        cmocka_unit_test(test_a_crowd_makes_each_series_once),
        cmocka_unit_test(test_the_registry_claims_or_notes_a_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
