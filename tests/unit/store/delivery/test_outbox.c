#include "store/delivery/outbox.h"

#include "tests/unit/store/house.h"

struct waiter {
    struct delivery_ack ack; /* first */
    int told;
    enum code code;
};

static _Atomic uint64_t undelivered;
static _Atomic int64_t looked;
static const struct tenant acme = {.name = BYTES("acme"), .undelivered = &undelivered};
static const struct bytes north = BYTES("north"), south = BYTES("south");

static void note_told(struct delivery_ack *ack, enum code code, const struct error *err)
{
    struct waiter *waiter = (struct waiter *)ack;

    assert_true((code == OK) == (err == NULL));
    assert_true(code == OK || err->code == code);
    waiter->told++;
    waiter->code = code;
}

static struct waiter waiter_of(int64_t ingest)
{
    return (struct waiter){
        .ack = {.tenant = &acme, .ingest = ingest, .done = note_told, .due_ns = INT64_MAX}
    };
}

static struct diff_pack pack_of(enum diff_kind kind, int64_t first, int64_t last, uint64_t bytes)
{
    return (struct diff_pack){
        .kind = kind,
        .pack.entry = {.ingest_first = first, .ingest_last = last, .bytes = bytes, .row_count = 1}
    };
}

static void note(struct outbox *outbox, uint64_t changes, struct bytes shard,
                 const struct diff *diff)
{
    struct outbox_look look = outbox_look(outbox, changes);

    outbox_note(outbox, &look, shard, diff);
}

/* A row is there when it is sealed and no pack that the shard lacks can have it. */
static void test_who_waits_is_told_when_the_row_is_there(void **state)
{
    struct diff_pack packs[] = {pack_of(DIFF_KEEP, 1, 10, 100), pack_of(DIFF_ADD, 20, 30, 7),
                                pack_of(DIFF_REMOVE, 1, 90, 100), pack_of(DIFF_ADD, 50, 60, 7)};
    static const struct {
        int64_t ingest;
        bool there, returns;
    } cases[] = {
        {10,  true,  false},
        {19,  true,  false},
        {20,  false, false},
        {30,  false, false},
        {31,  true,  false},
        {50,  true,  false}, /* what sources note may wait */
        {100, true,  false},
        {101, false, false}, /* not sealed */
        {10,  false, true }, /* the chain is to be made anew */
    };

    (void)state;
    packs[3].notes = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct diff diff = {.packs = packs,
                            .count = COUNT_OF(packs),
                            .ingest_last = 100,
                            .returns = cases[i].returns};
        struct waiter waiter = waiter_of(cases[i].ingest);
        struct error err = {.code = E_DRAINING};
        struct outbox outbox;

        outbox_init(&outbox, &acme, clock_system(), &looked);
        assert_true(outbox_await(&outbox, &waiter.ack));
        assert_true(outbox_asked(&outbox));
        note(&outbox, 1, north, &diff);
        assert_false(outbox_asked(&outbox));
        if (waiter.told != cases[i].there || waiter.code != OK)
            fail_msg("case %zu: told %d times, code %d", i, waiter.told, waiter.code);
        outbox_close(&outbox, &err);
        assert_int_equal(waiter.told, 1);
        assert_int_equal(waiter.code, cases[i].there ? OK : E_DRAINING);
        assert_false(outbox_await(&outbox, &waiter.ack)); /* closed */
        outbox_release(&outbox);
    }
}

/* What a look found that began before somebody came says nothing of whom it could not know. */
static void test_who_comes_during_a_look_asks_for_another(void **state)
{
    struct diff diff = {.ingest_last = 100};
    struct waiter waiter = waiter_of(50);
    struct outbox_look look;
    struct outbox outbox;

    (void)state;
    outbox_init(&outbox, &acme, clock_system(), &looked);
    look = outbox_look(&outbox, 1);
    assert_true(outbox_await(&outbox, &waiter.ack));
    outbox_note(&outbox, &look, north, &diff); /* may serve it, but the next is to come */
    assert_true(outbox_asked(&outbox));
    note(&outbox, 1, north, &diff);
    assert_int_equal(waiter.told, 1);
    assert_false(outbox_asked(&outbox));
    outbox_release(&outbox);
}

static void test_patience_ends(void **state)
{
    struct waiter waiters[] = {waiter_of(1), waiter_of(2), waiter_of(3)};
    struct outbox outbox;

    (void)state;
    outbox_init(&outbox, &acme, clock_system(), &looked);
    assert_true(outbox_expire(&outbox, INT64_MAX - 1) == INT64_MAX);
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        waiters[i].ack.due_ns = (int64_t[]){300, 100, 200}[i];
        assert_true(outbox_await(&outbox, &waiters[i].ack));
    }
    assert_int_equal(outbox_expire(&outbox, 99), 100);
    assert_int_equal(waiters[0].told + waiters[1].told + waiters[2].told, 0);
    assert_int_equal(outbox_expire(&outbox, 100), 200);
    assert_int_equal(waiters[1].told, 1);
    assert_int_equal(waiters[1].code, E_NOT_DELIVERED);
    assert_true(outbox_expire(&outbox, 300) == INT64_MAX);
    assert_int_equal(waiters[0].code, E_NOT_DELIVERED);
    assert_int_equal(waiters[2].code, E_NOT_DELIVERED);
    assert_true(outbox_await(&outbox, &waiters[0].ack)); /* the list's end is where it was */
    outbox_clear(&outbox);
    assert_int_equal(waiters[0].told, 2);
    outbox_release(&outbox);
}

static void test_what_waits_is_counted(void **state)
{
    struct diff_pack packs[] = {pack_of(DIFF_KEEP, 1, 10, 1000), pack_of(DIFF_ADD, 20, 30, 7),
                                pack_of(DIFF_ADD, 15, 90, 100)};
    struct diff diff = {.packs = packs, .count = COUNT_OF(packs), .ingest_last = 100};
    struct diff none = {.ingest_last = 100};
    struct outbox_look early;
    struct outbox outbox;

    (void)state;
    outbox_init(&outbox, &acme, clock_system(), &looked);
    assert_false(outbox_knows(&outbox, 1, north));
    early = outbox_look(&outbox, 0);
    note(&outbox, 1, north, &diff);
    assert_true(outbox_knows(&outbox, 1, north));
    assert_false(outbox_knows(&outbox, 2, north));
    assert_false(outbox_knows(&outbox, 1, south));
    assert_int_equal(outbox_lag(&outbox).packs, 2);
    assert_int_equal(outbox_lag(&outbox).bytes, 107);
    assert_int_equal(outbox_lag(&outbox).oldest, 15);
    assert_int_equal(undelivered, 107);
    outbox_note(&outbox, &early, south, &none); /* it is older than what is known */
    assert_int_equal(undelivered, 107);
    outbox_taken(&outbox, 7);
    assert_int_equal(undelivered, 100);
    outbox_taken(&outbox, 1000);
    assert_int_equal(undelivered, 0);
    outbox_except(&outbox, 60); /* of a pack that nobody will ever take */
    note(&outbox, 2, north, &diff);
    assert_int_equal(undelivered, 47);
    assert_int_equal(outbox_lag(&outbox).bytes, 107);
    outbox_clear(&outbox);
    assert_int_equal(undelivered, 0);
    assert_false(outbox_knows(&outbox, 2, north));
    outbox_release(&outbox);
}

/* Old packs of a tenant that gets a shard, its first or another one, refuse none of its writes:
 * what counts is what has come beyond the least that waited, until the shard has had all once. */
static void test_what_was_there_before_is_no_backlog(void **state)
{
    static const struct {
        bool moved;
        int64_t through, looked;
        uint64_t waits, taken, after, grown, full;
    } cases[] = {
        {false, INT64_MIN, 100, 0,    400, 0,   50,  600}, /* its first shard */
        {true,  INT64_MIN, 100, 0,    400, 0,   50,  600}, /* another one */
        {true,  60,        100, 0,    400, 0,   50,  600}, /* one that it had before */
        {false, 60,        100, 1000, 400, 600, 650, 600}, /* its own: it has had all */
        {false, INT64_MIN, 30,  700,  400, 300, 350, 600}, /* some came since the last look */
        {false, INT64_MIN, 0,   1000, 400, 600, 650, 600}, /* all of it */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct diff_pack packs[] = {pack_of(DIFF_ADD, 20, 30, 300), pack_of(DIFF_ADD, 15, 90, 700),
                                    pack_of(DIFF_ADD, 91, 95, 50)};
        struct diff diff = {.packs = packs,
                            .count = 2,
                            .ingest_last = 100,
                            .moved = cases[i].moved,
                            .through = cases[i].through};
        struct outbox outbox;

        looked = cases[i].looked;
        outbox_init(&outbox, &acme, clock_system(), &looked);
        note(&outbox, 1, north, &diff);
        assert_int_equal(outbox_lag(&outbox).bytes, 1000);
        assert_int_equal(undelivered, cases[i].waits);
        looked = 1000; /* of the next one, which is another moment's */
        outbox_taken(&outbox, cases[i].taken);
        assert_int_equal(undelivered, cases[i].after);
        packs[1].pack.entry.bytes = 300;
        diff.count = 3;
        note(&outbox, 2, north, &diff);
        assert_int_equal(undelivered, cases[i].grown);
        diff.moved = false; /* the shard has had all: whatever it lacks now counts */
        diff.through = 99;
        packs[2].pack.entry.bytes = 0;
        note(&outbox, 3, north, &diff);
        assert_int_equal(undelivered, cases[i].full);
        diff.moved = true;
        note(&outbox, 4, south, &diff);
        assert_int_equal(undelivered, 0);
        outbox_release(&outbox);
    }
    looked = 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_is_told_when_the_row_is_there),
        cmocka_unit_test(test_who_comes_during_a_look_asks_for_another),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_what_waits_is_counted),
        cmocka_unit_test(test_what_was_there_before_is_no_backlog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
