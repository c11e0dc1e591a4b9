/* Turns of one tenant at the shard north, by hand, for tests of what its chain lists. */
#ifndef WEIR_TESTS_UNIT_STORE_DELIVERY_LISTING_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_DELIVERY_LISTING_SAMPLE_H

#include "store/delivery/turn.h"
#include "tests/unit/store/delivery/delivery_sample.h"

static const struct bytes acme = BYTES("acme");

static const int64_t month_ns = INT64_C(31) * 86400 * 1000000000;

static inline struct recipient *recipient_of(struct depot *depot)
{
    static const _Atomic int64_t looked = 0;
    struct recipient *recipient =
        recipient_new(depot->house.tenant, &depot->house.clock.clock, &looked);

    assert_non_null(recipient);
    recipient_move(recipient, "north");
    return recipient;
}

/* Whether it did anything. */
static inline bool turn_of(struct depot *depot, struct recipient *recipient, uint64_t bytes)
{
    struct archive *archive = fake_open(&depot->north);
    struct turn turn = {.store = depot->house.store,
                        .archive = archive,
                        .recipient = recipient,
                        .bytes_max = bytes};

    assert_int_equal(turn_deliver(&turn, NULL), OK);
    archive->operations->close(archive);
    return turn.acted;
}

/* How many packs the shard lists. */
static inline size_t listed(struct depot *depot)
{
    struct chain_list list = {0};
    int64_t through;
    size_t count;

    (void)depot_chain(depot, acme, "north", &list, &through);
    count = list.count;
    chain_list_release(&list);
    return count;
}

#endif
