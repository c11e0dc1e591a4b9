/* Delivery whose allocations fail, at every one of them: the turn says so, and what is there in the
 * end is all, once each. */
#include "tests/loops/loop.h"

#include "store/delivery/turn.h"
#include "tests/unit/store/delivery/delivery_sample.h"

/* Turns until one fails or nothing is left to do. */
static enum code take_turns(struct depot *depot, struct recipient *recipient, struct error *err)
{
    struct archive *archive = fake_open(&depot->north);
    struct turn turn = {.store = depot->house.store,
                        .archive = archive,
                        .recipient = recipient,
                        .bytes_max = 1 << 20,
                        .acted = true};
    enum code code = OK;

    while (code == OK && turn.acted)
        ARMED(code = turn_deliver(&turn, err));
    archive->operations->close(archive);
    return code;
}

/* Packs, a compaction of them, the end of their documents. */
static enum code deliver_life(struct depot *depot, struct recipient *recipient, struct error *err)
{
    enum code code;

    depot_add_pack(depot, 1, 0);
    depot_add_pack(depot, 1, 10);
    house_put_noise(&depot->house, 2, 1);
    house_seal(&depot->house);
    code = take_turns(depot, recipient, err);
    if (code)
        return code;
    (void)house_compact(&depot->house, true);
    code = take_turns(depot, recipient, err);
    if (code)
        return code;
    depot_time(depot, 700);
    return take_turns(depot, recipient, err);
}

static enum code loop_life(struct error *err)
{
    static const _Atomic int64_t looked = 0;
    struct recipient *recipient;
    struct depot depot;
    enum code code;

    depot_init(&depot);
    ARMED(recipient = recipient_new(depot.house.tenant, &depot.house.clock.clock, &looked));
    if (recipient == NULL) {
        depot_release(&depot);
        return error_set(err, E_MEMORY, "no memory for a recipient");
    }
    recipient_move(recipient, "north");
    code = deliver_life(&depot, recipient, err);
    assert_false(recipient->stopped);
    recipient_free(recipient);
    if (depot.house.store->failed)
        depot_restart(&depot);
    depot_drain_all(&depot);
    (void)depot_expect(&depot, BYTES("acme"), "north", true);
    house_expect(&depot.house, 1, 0, 20);
    depot_release(&depot);
    return code;
}

/* As the threads do it: what fails is tried again. */
static enum code loop_steps(struct error *err)
{
    struct depot depot;
    enum code code = OK;

    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    for (int i = 0; i < 4 && code == OK; i++) {
        bool did;

        depot_time(&depot, 60);
        ARMED(code = delivery_step(depot.delivery, &did, err);
              (void)!delivery_look(depot.delivery));
    }
    if (depot.house.store->failed)
        depot_restart(&depot);
    depot_drain(&depot);
    (void)depot_expect(&depot, BYTES("acme"), "north", true);
    depot_release(&depot);
    return code;
}

static void test_what_is_delivered_is_whole(void **state)
{
    static const struct loop loops[] = {
        {"delivery: the life of packs", loop_life,  {E_IO}},
        {"delivery: steps",             loop_steps, {E_IO}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_delivered_is_whole),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
