#include "store/delivery/leaving.h"

#include "store/member.h"
#include "tests/unit/store/delivery/delivery_sample.h"

static bool deleted;

static bool lives(void *context, const struct tenant *tenant)
{
    (void)context, (void)tenant;
    return !deleted;
}

static struct leaving leaving_of(struct depot *depot)
{
    return (struct leaving){.store = depot->house.store, .rules = &depot->rules, .lives = lives};
}

static void expect_waits(struct leaving *leaving, const char *want)
{
    struct error err = {0};
    enum code code = leaving_step(leaving, &err);

    if (code != E_BUSY || strstr(err.text, want) == NULL)
        fail_msg("%d %s, and not: %s", code, err.text, want);
}

static void leave_store(struct depot *depot)
{
    struct error why = {0};

    error_set(&why, E_NO_MEMBER, "it leaves");
    store_part(depot->house.store, &why);
}

static void test_all_is_sealed_and_delivered_before_one_has_left(void **state)
{
    struct leaving leaving;
    struct depot depot;
    struct error err = {0};

    (void)state;
    depot_init(&depot);
    leaving = leaving_of(&depot);
    assert_int_equal(house_put(&depot.house, 1, 0, 10, NULL), OK);
    expect_waits(&leaving, "taken before are not done"); /* they go on */
    leave_store(&depot);
    assert_int_equal(house_put(&depot.house, 1, 0, 10, NULL), E_NO_MEMBER);
    expect_waits(&leaving, "not sealed yet");
    expect_waits(&leaving, "not sealed yet"); /* asked once */
    house_seal(&depot.house);
    expect_waits(&leaving, "shard north does not have all of tenant acme yet");
    depot_drain(&depot);
    assert_int_equal(leaving_step(&leaving, &err), OK);
    depot_expect(&depot, BYTES("acme"), "north", false);

    assert_int_equal(store_member_note(depot.house.store, 1, &err), OK);
    store_join(depot.house.store); /* it stays after all */
    assert_int_equal(house_put(&depot.house, 1, 100, 10, NULL), OK);
    expect_waits(&leaving, "taken before are not done");
    leave_store(&depot);
    expect_waits(&leaving, "not sealed yet");
    depot_restart(&depot);
    leaving = leaving_of(&depot);
    leave_store(&depot);
    expect_waits(&leaving, "not sealed yet"); /* it was in the wal */
    house_seal(&depot.house);
    expect_waits(&leaving, "shard north");
    depot_drain(&depot);
    assert_int_equal(leaving_step(&leaving, &err), OK);
    depot_release(&depot);
}

static void test_what_has_no_shard_cannot_leave(void **state)
{
    struct leaving leaving;
    struct depot depot;
    struct error err = {0};

    (void)state;
    depot_init(&depot);
    leaving = leaving_of(&depot);
    depot.everybody = "";
    depot_add_pack(&depot, 1, 0);
    leave_store(&depot);
    expect_waits(&leaving, "tenant acme has no shard: its rows are here alone");
    deleted = true; /* nobody asks for them */
    assert_int_equal(leaving_step(&leaving, &err), OK);
    deleted = false;
    depot.everybody = "south";
    expect_waits(&leaving, "shard south");
    depot_drain(&depot);
    assert_int_equal(leaving_step(&leaving, &err), OK);
    depot_release(&depot);
}

/* A pack that cannot be opened, the only one of its tenant: its rows are nowhere else. */
static void test_what_cannot_be_read_is_not_delivered(void **state)
{
    struct leaving leaving;
    struct depot depot;
    struct error err = {0};
    char path[160], away[176];

    (void)state;
    depot_init(&depot);
    house_put_noise(&depot.house, 1, 1);
    house_seal(&depot.house);
    depot_close(&depot);
    assert_true(house_path(&depot.house, "packs/acme/0000000000000001.pack", path));
    (void)snprintf(away, sizeof(away), "%s-away", path);
    assert_int_equal(rename(path, away), 0);
    depot_open(&depot);
    leaving = leaving_of(&depot);
    leave_store(&depot);
    expect_waits(&leaving, "rows that it acknowledged are missing: pack acme/0000000000000001");
    depot_close(&depot);
    assert_int_equal(rename(away, path), 0);
    depot_open(&depot);
    assert_true(store_add_missing(depot.house.store, NULL, "wal segment 12: torn"));
    leaving = leaving_of(&depot);
    leave_store(&depot);
    expect_waits(&leaving, "wal segment 12: torn");
    depot_restart(&depot); /* and that was mended */
    leaving = leaving_of(&depot);
    leave_store(&depot);
    expect_waits(&leaving, "shard north does not have all");
    depot_drain(&depot);
    assert_int_equal(leaving_step(&leaving, &err), OK);
    depot_release(&depot);
}

static void delete_all(struct depot *depot, bool erase)
{
    struct posting posting;

    posting_init(&posting, &depot->house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("cpu")}, .start = 0, .end = 1000, .erase = erase};
    assert_int_equal(posting_submit(&posting, &depot->house, NULL), OK);
    house_steps(&depot->house);
    posting_release(&posting);
    house_seal(&depot->house);
    (void)house_compact(&depot->house, true);
}

/* Also where nothing is left of the tenant.  Nobody else deletes those documents. */
static void test_what_was_erased_goes_at_the_shard_first(void **state)
{
    (void)state;
    for (int erase = 0; erase < 2; erase++) {
        struct leaving leaving;
        struct depot depot;
        struct error err = {0};

        depot_init(&depot);
        depot.house.store->members = MEMBERS_SOME; /* whose rows a deletion is kept for */
        leaving = leaving_of(&depot);
        depot_add_pack(&depot, 1, 0);
        depot_drain(&depot);
        delete_all(&depot, erase);
        leave_store(&depot);
        expect_waits(&leaving, "shard north does not have all of tenant acme yet");
        depot_drain(&depot);
        if (erase)
            expect_waits(&leaving, "in which something was erased: they go ten minutes after");
        else
            assert_int_equal(leaving_step(&leaving, &err), OK);
        depot_drain_all(&depot);
        assert_int_equal(leaving_step(&leaving, &err), OK);
        depot_release(&depot);
    }
}

/* Others go on without what it has: it is not to come up later. */
static void test_who_is_given_up_delivers_nothing(void **state)
{
    _Atomic bool given_up = false;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot.rules.given_up = &given_up;
    depot_add_pack(&depot, 1, 0);
    given_up = true;
    depot_drain(&depot);
    assert_int_equal(depot_documents(&depot, BYTES("acme"), "north"), 0);
    given_up = false;
    depot_drain(&depot);
    assert_true(depot_documents(&depot, BYTES("acme"), "north") > 0);
    depot_release(&depot);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_sealed_and_delivered_before_one_has_left),
        cmocka_unit_test(test_what_has_no_shard_cannot_leave),
        cmocka_unit_test(test_what_cannot_be_read_is_not_delivered),
        cmocka_unit_test(test_what_was_erased_goes_at_the_shard_first),
        cmocka_unit_test(test_who_is_given_up_delivers_nothing),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
