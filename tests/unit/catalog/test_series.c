/* What the face of the catalog cannot show: an id that collides, and memory that runs out at
 * every place it can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/tables.h"
#include "codec/series_key.h"

static void key_of(struct buf *key, unsigned number)
{
    char host[16], rack[16];
    struct series_tag tags[2] = {
        {BYTES("host"), {host, 0}},
        {BYTES("rack"), {rack, 0}}
    };

    tags[0].value.size = (size_t)snprintf(host, sizeof(host), "h%u", number);
    tags[1].value.size = (size_t)snprintf(rack, sizeof(rack), "r%u", number % 7);
    buf_clear(key);
    assert_int_equal(series_key_encode(BYTES("cpu"), tags, 2, key, NULL), OK);
}

static void test_a_known_id_with_another_key_is_refused_loudly(void **state)
{
    struct catalog *catalog = NULL;
    struct tenant_tables *tables;
    struct buf key = BUF_INIT(1000);
    struct series *series = NULL, *other = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    tables = tables_of(catalog_tenant(catalog, BYTES("acme")));
    key_of(&key, 1);
    assert_int_equal(catalog_series(catalog, &tables->tenant, buf_bytes(&key), 9, &series, NULL),
                     OK);
    key_of(&key, 2);
    assert_int_equal(series_make(catalog, tables, buf_bytes(&key), map_hash(buf_bytes(&key)),
                                 series->id, 9, &other, &err),
                     E_INTERNAL);
    assert_null(other);
    assert_non_null(strstr(err.text, "cpu,host=h2,rack=r2"));
    assert_non_null(strstr(err.text, "cpu,host=h1,rack=r1"));
    assert_null(series_find(tables, buf_bytes(&key), map_hash(buf_bytes(&key))));
    assert_int_equal(catalog_series_count(catalog, &tables->tenant), 1);
    buf_release(&key);
    catalog_free(catalog);
}

/* Every posting list holds exactly the series made. */
static void tables_check(struct tenant_tables *tables)
{
    const struct measurement *measurement = measurement_find(tables, BYTES("cpu"));

    assert_int_equal(tables->by_key.count, tables->by_id.count);
    assert_int_equal(measurement ? measurement->series_count : 0, tables->by_key.count);
    for (uint32_t place = 0; measurement && place < measurement->series_count; place++) {
        struct series *series = measurement->series[place];

        assert_ptr_equal(series_find_id(tables, series->id), series);
        assert_ptr_equal(series_find(tables, series->key, map_hash(series->key)), series);
        for (uint32_t t = 0; t < series->tag_count; t++) {
            const struct tag_value *value = tag_key_value(
                tags_key(&measurement->tags, series->tags[t].key), series->tags[t].value);
            uint32_t at = 0;

            while (at < value->count && tag_value_places(value)[at] != place)
                at++;
            assert_true(at < value->count);
            assert_true(value->count <= measurement->series_count);
        }
    }
}

static void test_a_series_for_which_memory_runs_out_is_not_there_at_all(void **state)
{
    enum { SERIES = 400 };
    struct catalog *catalog = NULL;
    struct tenant_tables *tables;
    struct buf key = BUF_INIT(1000);
    struct series *series = NULL;
    unsigned refused = 0;
    size_t room = 16;

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    tables = tables_of(catalog_tenant(catalog, BYTES("acme")));
    /* A little more room at each try: the arena fails at the first, second, ... nth allocation of
     * a series, then lets it pass. */
    tables->arena.bytes_max = tables->arena.used;
    for (unsigned i = 0; i < SERIES;) {
        enum code code;

        key_of(&key, i);
        code = catalog_series(catalog, &tables->tenant, buf_bytes(&key), UINT64_MAX, &series, NULL);
        tables_check(tables);
        assert_int_equal(catalog_series_count(catalog, &tables->tenant), code ? i : i + 1);
        if (!code) {
            i++;
            room = 16;
            continue;
        }
        assert_int_equal(code, E_MEMORY);
        tables->arena.bytes_max += room;
        room += 16;
        refused++;
    }
    assert_true(refused > SERIES);
    buf_release(&key);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_id_with_another_key_is_refused_loudly),
        cmocka_unit_test(test_a_series_for_which_memory_runs_out_is_not_there_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
