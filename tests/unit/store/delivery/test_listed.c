#include "store/delivery/listed.h"

#include "tests/unit/store/delivery/delivery_sample.h"

/* What the chains of the tenant list, as a text: packs | shard=entry ... */
static void expect(struct depot *depot, const char *tenant, const char *want, int64_t through)
{
    struct listed listed;
    struct error err = {0};
    char text[512] = "";
    size_t size = 0;

    if (listed_read(depot->house.index, bytes_of(tenant), &listed, &err) != OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < listed.count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%llu ",
                                 (unsigned long long)listed.numbers[i]);
        assert_true(listed_has(&listed, listed.numbers[i]));
        assert_true(i == 0 || listed.numbers[i - 1] < listed.numbers[i]);
    }
    size += (size_t)snprintf(text + size, sizeof(text) - size, "|");
    for (size_t i = 0; i < listed.chain_count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, " %s=%llu",
                                 listed.chains[i].shard, (unsigned long long)listed.chains[i].last);
    assert_true(size < sizeof(text));
    if (strcmp(text, want) != 0 || listed.through != through)
        fail_msg("%s: \"%s\" up to %lld, and not \"%s\" up to %lld", tenant, text,
                 (long long)listed.through, want, (long long)through);
    assert_false(listed_has(&listed, 99) || listed_has(&listed, 0));
    listed_release(&listed);
    assert_false(listed_has(&listed, 1));
}

static void test_what_was_delivered_is_listed_and_nothing_else(void **state)
{
    struct depot depot;
    int64_t first, second;

    (void)state;
    depot_init(&depot);
    expect(&depot, "acme", "|", INT64_MIN);
    depot_add_pack(&depot, 1, 0);
    expect(&depot, "acme", "|", INT64_MIN);
    first = store_sealed(depot.house.store);
    depot_drain(&depot);
    expect(&depot, "acme", "1 | north=0", first);
    depot_add_pack(&depot, 1, 100);
    expect(&depot, "acme", "1 | north=0", first); /* the second one is not */
    second = store_sealed(depot.house.store);
    depot_drain(&depot);
    expect(&depot, "acme", "1 2 | north=1", second);
    expect(&depot, "acm", "|", INT64_MIN); /* others with such names */
    expect(&depot, "acme2", "|", INT64_MIN);
    (void)house_compact(&depot.house, true); /* a pair, in place of both */
    expect(&depot, "acme", "1 2 | north=1", second);
    depot_drain_all(&depot);
    expect(&depot, "acme", "3 | north=2", second);
    depot_release(&depot);
}

/* What the former shard lists stays listed until the new one lists it, and nobody knows up to where
 * meanwhile. */
static void test_a_tenant_that_moves_keeps_what_is_listed(void **state)
{
    struct depot depot;
    int64_t first, second;

    (void)state;
    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    first = store_sealed(depot.house.store);
    depot_drain(&depot);
    depot.everybody = "south";
    depot.south.fail_at = 1;
    depot.south.fail_on = true;
    depot_add_pack(&depot, 1, 100);
    second = store_sealed(depot.house.store);
    expect(&depot, "acme", "1 | north=0", first);
    for (int i = 0; i < 5; i++) {
        (void)depot_step(&depot);
        depot_time(&depot, 60);
    }
    expect(&depot, "acme", "1 | north=0", INT64_MIN); /* begun there, and still here */
    fake_heal(&depot.south);
    depot_drain(&depot);
    expect(&depot, "acme", "1 2 | north=0 south=0", second);
    depot_release(&depot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_delivered_is_listed_and_nothing_else),
        cmocka_unit_test(test_a_tenant_that_moves_keeps_what_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
