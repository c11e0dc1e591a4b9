#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/registry_files.h"
#include "server/membership.h"
#include "store/identity.h"
#include "tests/unit/store/house.h"

static char place[160];

static struct registry *registry_beside(struct house *house)
{
    const struct registry_rules rules = {.fs = NULL};
    struct registry *registry = NULL;
    struct error err = {0};

    (void)snprintf(place, sizeof(place), "%s/registry", house->directory);
    if (registry_files_open(place, &rules, &registry, &err))
        fail_msg("%s", err.text);
    return registry;
}

static void expect_record(struct registry *registry, const char *name, const char *incarnation)
{
    struct registry_snapshot *records = registry_get(registry);
    const struct registry_record *record = registry_find(records, REGISTRY_MEMBERS, bytes_of(name));
    char want[128];

    (void)snprintf(want, sizeof(want), "{\"state\":\"active\",\"incarnation\":\"%s\"}",
                   incarnation);
    assert_non_null(record);
    assert_true(bytes_equal(record->text, bytes_of(want)));
    registry_snapshot_put(records);
}

static void wal_remove(const struct house *house)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/wal", house->directory);
    assert_int_equal(nftw(path, house_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Its own number, by its own incarnation; also that of a store that was renewed: another one. */
static void test_a_store_enters_under_its_incarnation(void **state)
{
    static const struct delivery_rules rules; /* nobody leaves */
    struct member_hands hands = {.roll = NULL};
    char incarnation[HASH128_TEXT_SIZE];
    struct hash128 drawn;
    struct house house;

    (void)state;
    house_init(&house);
    house.joins = true;
    for (unsigned start = 0; start < 3; start++) {
        struct membership *membership = NULL;
        struct registry *registry;
        struct error err = {0};
        unsigned want = start < 2 ? 1 : 2;
        int64_t ingest;

        house_open(&house);
        assert_int_equal(membership_new(&membership, NULL), OK);
        registry = registry_beside(&house);
        if (store_enter(membership, registry, NULL, house.store, &rules, &hands, &err))
            fail_msg("%s", err.text);
        assert_int_equal(store_member(house.store), want);
        assert_int_equal(house_put(&house, 1, start, 1, &ingest), OK);
        assert_int_equal(ingest % STAMP_STEP, want);
        store_incarnation(house.store, incarnation);
        expect_record(registry, want == 1 ? "1" : "2", incarnation);
        membership_stop(membership);
        registry_close(registry);
        membership_free(membership);
        if (start == 1) { /* whose wal is sealed, as a backup has none */
            house_seal(&house);
            assert_int_equal(identity_renew(house.index, &drawn, NULL), OK);
        }
        house_close(&house);
        if (start == 1)
            wal_remove(&house);
    }
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_enters_under_its_incarnation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
