#include "store/delivery/delivered.h"

#include "tests/unit/store/house.h"

/* An index with nothing else. */
static int open_house(void **state)
{
    static struct house house;

    house_init(&house);
    house_open_index(&house);
    *state = &house;
    return 0;
}

static int close_house(void **state)
{
    struct house *house = *state;

    index_lmdb_close(house->index);
    fs_posix_close(house->fs.inner);
    house_remove(house);
    return 0;
}

static struct chain_pack pack_of(uint64_t number)
{
    return (struct chain_pack){
        .entry = {.number = number,
                  .incarnation = {{7}},
                  .hash = {{(uint8_t)number}},
                  .bytes = 1000,
                  .settled = INT64_MIN,
                  .floor = INT64_MIN},
        .parts = (uint32_t)number + 2,
    };
}

static void change(struct house *house, enum index_table table, struct bytes key,
                   struct bytes value)
{
    const struct index_operations *index = house->index->operations;
    struct index_transaction *transaction;

    assert_int_equal(index->begin(house->index, true, &transaction, NULL), OK);
    if (value.data == NULL)
        assert_int_equal(index->remove(transaction, table, key, NULL), OK);
    else
        assert_int_equal(index->put(transaction, table, key, value, NULL), OK);
    assert_int_equal(index->commit(transaction, NULL), OK);
}

static void set_live(struct house *house, const char *tenant, uint64_t number, bool live)
{
    struct buf key = BUF_INIT(100), value = BUF_INIT(1000);
    struct chain_pack pack = pack_of(number);

    index_key_u64(bytes_of(tenant), number, &key);
    manifest_entry_encode(&pack.entry, &value);
    change(house, INDEX_MANIFEST, buf_bytes(&key), live ? buf_bytes(&value) : (struct bytes){0});
    buf_release(&key);
    buf_release(&value);
}

/* "1a 2k 5r": numbers with their kinds (add, begun, keep, remove, discard, elsewhere). */
static void expect_diff(struct house *house, const char *shard, const char *want)
{
    static const char letters[] = {[DIFF_ADD] = 'a',
                                   [DIFF_KEEP] = 'k',
                                   [DIFF_REMOVE] = 'r',
                                   [DIFF_DISCARD] = 'd',
                                   [DIFF_ELSEWHERE] = 'e'};
    char text[400] = "";
    struct diff diff;
    struct error err = {0};
    size_t size = 0, counts = 0;

    if (delivered_compare(house->index, BYTES("acme"), bytes_of(shard), &diff, &err) != OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < diff.count; i++) {
        char letter = letters[diff.packs[i].kind];

        if (diff.packs[i].kind == DIFF_ADD && diff.packs[i].begun)
            letter = 'b';
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%llu%c", i > 0 ? " " : "",
                                 (unsigned long long)diff.packs[i].pack.entry.number, letter);
    }
    assert_string_equal(text, want);
    for (size_t i = 0; i < COUNT_OF(diff.counts); i++)
        counts += diff.counts[i];
    assert_int_equal(counts, diff.count);
    diff_release(&diff);
}

static void apply(struct house *house, const char *shard, uint64_t number, bool checkpoint,
                  const uint64_t *adds, size_t add_count, const uint64_t *removes,
                  size_t remove_count)
{
    struct chain_pack packs[10];
    struct chain_removed removed[10];
    struct chain_entry entry = {.tenant = BYTES("acme"),
                                .number = number,
                                .checkpoint = checkpoint,
                                .through = (int64_t)number * 100,
                                .adds = packs,
                                .add_count = add_count,
                                .removes = removed,
                                .remove_count = remove_count};

    for (size_t i = 0; i < add_count; i++)
        packs[i] = pack_of(adds[i]);
    for (size_t i = 0; i < remove_count; i++)
        removed[i] = (struct chain_removed){removes[i], {{7}}};
    assert_int_equal(delivered_apply(house->index, bytes_of(shard), &entry, NULL), OK);
}

static void expect_entry(struct bytes former, uint8_t version)
{
    struct delivered want = {DELIVERED_REMOVED, BYTES("north"), former, pack_of(9)}, got;
    struct buf out = BUF_INIT(1000);

    delivered_encode(&want, &out);
    assert_int_equal(out.data[0], version);
    assert_int_equal(delivered_decode(buf_bytes(&out), &got, NULL), OK);
    assert_int_equal(got.state, DELIVERED_REMOVED);
    assert_true(bytes_equal(got.shard, BYTES("north")));
    assert_true(bytes_equal(got.former, former));
    assert_int_equal(got.pack.parts, 11);
    assert_int_equal(got.pack.entry.number, 9);
    for (size_t cut = 0; cut < out.size; cut++)
        assert_int_equal(delivered_decode(bytes_slice(buf_bytes(&out), 0, cut), &got, NULL),
                         E_CORRUPT);
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(delivered_decode(buf_bytes(&out), &got, NULL), E_CORRUPT);
        out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (uint8_t bad = 0; bad < 5; bad++) { /* states, with a CRC that is right */
        out.data[1] = (char)bad;
        out.size -= 4;
        buf_put_u32(&out, crc32c(0, buf_bytes(&out)));
        assert_int_equal(delivered_decode(buf_bytes(&out), &got, NULL),
                         bad >= 1 && bad <= 3 ? OK : E_CORRUPT);
    }
    buf_release(&out);
}

static void test_an_entry_comes_back_and_damage_is_seen(void **state)
{
    (void)state;
    expect_entry((struct bytes){0}, 1); /* as it was before there were former ones */
    expect_entry(BYTES("south"), 2);
}

/* The life of a pack at a shard, and packs of other tenants and shards beside it. */
static void test_a_pack_goes_through_its_states(void **state)
{
    struct house *house = *state;
    struct chain_pack begun[] = {pack_of(1), pack_of(3)};
    struct diff diff;

    expect_diff(house, "north", "");
    set_live(house, "acm", 1, true);
    set_live(house, "acme-2", 1, true);
    for (uint64_t i = 1; i <= 3; i++)
        set_live(house, "acme", i, true);
    expect_diff(house, "north", "1a 2a 3a");
    assert_int_equal(delivered_begin(house->index, BYTES("acme"), BYTES("north"), begun, 2, NULL),
                     OK);
    expect_diff(house, "north", "1b 2a 3b");
    expect_diff(house, "south", "1a 2a 3a");
    apply(house, "north", 0, true, (uint64_t[]){1, 2}, 2, NULL, 0);
    expect_diff(house, "north", "1k 2k 3b");
    set_live(house, "acme", 1, false);
    set_live(house, "acme", 3, false);
    set_live(house, "acme", 4, true);
    expect_diff(house, "north", "1r 2k 3r 4a");
    apply(house, "north", 1, false, (uint64_t[]){4}, 1, (uint64_t[]){1, 3}, 2);
    expect_diff(house, "north", "1d 2k 3d 4k");
    assert_int_equal(delivered_compare(house->index, BYTES("acme"), BYTES("north"), &diff, NULL),
                     OK);
    assert_int_equal(diff.next, 2);
    assert_true(diff.through == 100);
    assert_false(diff.returns);
    assert_int_equal(diff.packs[2].pack.parts, 5); /* known since it was begun */
    diff_release(&diff);
    assert_int_equal(delivered_forget(house->index, BYTES("acme"), (uint64_t[]){1, 3}, 2, NULL),
                     OK);
    expect_diff(house, "north", "2k 4k");
}

/* A checkpoint says what the list is; what it does not name is out of it. */
static void test_a_checkpoint_takes_the_rest_out(void **state)
{
    struct house *house = *state;
    struct chain_pack begun = pack_of(5);

    for (uint64_t i = 1; i <= 5; i++)
        set_live(house, "acme", i, i > 2);
    apply(house, "north", 0, true, (uint64_t[]){1, 2, 3}, 3, NULL, 0);
    assert_int_equal(delivered_begin(house->index, BYTES("acme"), BYTES("north"), &begun, 1, NULL),
                     OK);
    expect_diff(house, "north", "1r 2r 3k 4a 5b");
    apply(house, "north", 256, true, (uint64_t[]){3, 4}, 2, NULL, 0);
    expect_diff(house, "north", "1d 2d 3k 4k 5b");
}

/* From one shard to another, and back. */
static void test_a_shard_that_was_left_is_told(void **state)
{
    struct house *house = *state;
    struct diff diff;

    for (uint64_t i = 1; i <= 3; i++)
        set_live(house, "acme", i, true);
    apply(house, "north", 0, true, (uint64_t[]){1, 2, 3}, 3, NULL, 0);
    set_live(house, "acme", 1, false);
    expect_diff(house, "south", "1e 2a 3a");
    apply(house, "south", 0, true, (uint64_t[]){2}, 1, NULL, 0);
    expect_diff(house, "south", "1e 2k 3a");
    assert_int_equal(delivered_compare(house->index, BYTES("acme"), BYTES("north"), &diff, NULL),
                     OK);
    assert_true(diff.returns);
    assert_int_equal(diff.next, 1);
    diff_release(&diff);
    expect_diff(house, "north", "1r 2a 3k");
    assert_int_equal(delivered_compare(house->index, BYTES("acme"), BYTES("south"), &diff, NULL),
                     OK);
    assert_false(diff.returns);
    diff_release(&diff);
}

static void expect_where(struct house *house, const char *want)
{
    char shard[DELIVERED_SHARD_SIZE] = "";
    enum code code = delivered_where(house->index, BYTES("acme"), 1, shard, NULL);

    assert_int_equal(code, want[0] == '\0' ? E_NOT_FOUND : OK);
    assert_string_equal(shard, want);
}

static void begin(struct house *house, const char *shard)
{
    struct chain_pack pack = pack_of(1);

    assert_int_equal(delivered_begin(house->index, BYTES("acme"), bytes_of(shard), &pack, 1, NULL),
                     OK);
}

/* However often it is begun elsewhere: who listed it last has it, until another one does. */
static void test_the_last_that_had_all_of_a_pack_stays_known(void **state)
{
    struct house *house = *state;

    set_live(house, "acme", 1, true);
    expect_where(house, "");
    begin(house, "north");
    expect_where(house, "");
    apply(house, "north", 0, true, (uint64_t[]){1}, 1, NULL, 0);
    expect_where(house, "north");
    begin(house, "south");
    expect_where(house, "north");
    expect_diff(house, "south", "1b");
    apply(house, "south", 0, true, (uint64_t[]){1}, 1, NULL, 0);
    expect_where(house, "south");
    for (int i = 0; i < 2; i++) {
        begin(house, "east");
        expect_where(house, "south");
        begin(house, "west");
        expect_where(house, "south");
        expect_diff(house, "west", "1b");
        expect_diff(house, "south", "1a");
    }
    assert_int_equal(delivered_give_up(house->index, BYTES("acme"), 1, NULL), OK);
    expect_where(house, "south");
    expect_diff(house, "south", "1k");
    begin(house, "west");
    set_live(house, "acme", 1, false);
    apply(house, "west", 0, true, NULL, 0, NULL, 0);
    apply(house, "west", 1, false, NULL, 0, (uint64_t[]){1}, 1);
    expect_where(house, "");
    expect_diff(house, "west", "1d");
    assert_int_equal(delivered_give_up(house->index, BYTES("acme"), 1, NULL), OK);
    assert_int_equal(delivered_give_up(house->index, BYTES("acme"), 1, NULL), OK);
    expect_diff(house, "west", "");
}

/* One by one the same is told as by a comparison of all. */
static void test_one_pack_is_looked_up_as_all_are(void **state)
{
    static const char *const shards[] = {"north", "south"};
    struct house *house = *state;

    for (uint64_t i = 1; i <= 6; i++)
        set_live(house, "acme", i, i != 3);
    for (int step = 0; step < 4; step++) {
        if (step == 1)
            apply(house, "north", 0, true, (uint64_t[]){1, 2, 3, 4}, 4, NULL, 0);
        if (step == 2)
            begin(house, "south");
        if (step == 3)
            apply(house, "south", 0, true, (uint64_t[]){1, 2}, 2, NULL, 0);
        for (size_t s = 0; s < COUNT_OF(shards); s++) {
            struct diff diff;

            assert_int_equal(
                delivered_compare(house->index, BYTES("acme"), bytes_of(shards[s]), &diff, NULL),
                OK);
            for (uint64_t i = 1; i <= 7; i++) {
                const struct diff_pack *found = diff_find(&diff, i);
                bool listed = found != NULL && found->kind == DIFF_KEEP && !diff.returns;
                struct chain_pack pack;
                uint64_t next;

                assert_int_equal(delivered_listed(house->index, BYTES("acme"), bytes_of(shards[s]),
                                                  i, &pack, &next, NULL),
                                 listed ? OK : E_NOT_FOUND);
                if (!listed)
                    continue;
                assert_int_equal(next, diff.next);
                assert_int_equal(pack.parts, found->pack.parts);
                assert_memory_equal(&pack.entry.hash, &found->pack.entry.hash,
                                    sizeof(pack.entry.hash));
            }
            diff_release(&diff);
        }
    }
}

struct standing {
    uint64_t next;
    int64_t through;
    bool moved, returns;
};

static void expect_standing(struct house *house, const char *shard, struct standing want)
{
    struct diff diff;

    assert_int_equal(delivered_compare(house->index, BYTES("acme"), bytes_of(shard), &diff, NULL),
                     OK);
    if (diff.next != want.next || diff.through != want.through || diff.moved != want.moved ||
        diff.returns != want.returns)
        fail_msg("%s: next %llu, through %lld, moved %d, returns %d", shard,
                 (unsigned long long)diff.next, (long long)diff.through, diff.moved, diff.returns);
    diff_release(&diff);
}

/* The next one comes behind it; what it names is known no better, and nobody else's chain is
 * touched: neither where the tenant is now, nor of another tenant. */
static void test_an_entry_is_passed_over(void **state)
{
    struct house *house = *state;
    struct chain_entry lost = {.tenant = BYTES("acme"), .number = 0, .through = 500};

    for (uint64_t i = 1; i <= 3; i++)
        set_live(house, "acme", i, true);
    expect_standing(house, "south", (struct standing){0, INT64_MIN, false, false});
    apply(house, "north", 0, true, (uint64_t[]){1, 2}, 2, NULL, 0);
    apply(house, "north", 1, false, (uint64_t[]){3}, 1, NULL, 0);
    expect_standing(house, "north", (struct standing){2, 100, false, false});
    expect_standing(house, "south", (struct standing){0, INT64_MIN, true, false});
    assert_int_equal(delivered_pass(house->index, BYTES("south"), &lost, INT64_MIN, NULL), OK);
    expect_standing(house, "south", (struct standing){1, INT64_MIN, true, true});
    expect_standing(house, "north", (struct standing){2, 100, false, false});
    expect_diff(house, "north", "1k 2k 3k");
    expect_diff(house, "south", "1a 2a 3a");
    lost.number = 1;
    assert_int_equal(delivered_pass(house->index, BYTES("south"), &lost, 7, NULL), OK);
    expect_standing(house, "south", (struct standing){2, 7, true, true});
    apply(house, "south", 2, true, (uint64_t[]){1, 2, 3}, 3, NULL, 0);
    expect_standing(house, "south", (struct standing){3, 200, false, false});
    expect_standing(house, "north", (struct standing){2, 100, true, true});
    expect_diff(house, "south", "1k 2k 3k");
}

static void test_another_pack_of_the_number_is_a_contradiction(void **state)
{
    struct house *house = *state;
    struct chain_pack other = pack_of(1);
    struct error err = {0};
    struct diff diff;

    set_live(house, "acme", 1, true);
    other.entry.hash.bytes[3] ^= 1;
    assert_int_equal(delivered_begin(house->index, BYTES("acme"), BYTES("north"), &other, 1, NULL),
                     OK);
    assert_int_equal(delivered_compare(house->index, BYTES("acme"), BYTES("north"), &diff, &err),
                     E_CORRUPT);
    assert_non_null(strstr(err.text, "pack 1 of acme"));
    assert_null(diff.packs);
}

static enum code count_one(void *context, struct bytes key, struct bytes value, struct error *err)
{
    (void)key, (void)value, (void)err;
    ++*(size_t *)context;
    return OK;
}

static void test_a_new_incarnation_knows_of_nothing(void **state)
{
    struct house *house = *state;
    const struct index_operations *index = house->index->operations;
    struct index_transaction *transaction;
    struct bytes value;
    size_t left = 0;

    change(house, INDEX_META, BYTES("chains of nobody"), BYTES("x"));
    change(house, INDEX_META, BYTES("sealed_lsn"), BYTES("x"));
    for (uint64_t i = 1; i <= 9; i++)
        set_live(house, "acme", i, true);
    apply(house, "north", 0, true, (uint64_t[]){1, 2, 3}, 3, NULL, 0);
    apply(house, "south", 0, true, (uint64_t[]){4}, 1, NULL, 0);
    assert_int_equal(index->begin(house->index, true, &transaction, NULL), OK);
    assert_int_equal(delivered_clear(house->index, transaction, NULL), OK);
    assert_int_equal(
        index->walk(transaction, INDEX_DELIVERED, (struct bytes){0}, count_one, &left, NULL), OK);
    assert_int_equal(left, 0);
    assert_int_equal(
        index->walk(transaction, INDEX_META, (struct bytes){0}, count_one, &left, NULL), OK);
    assert_int_equal(left, 2);
    assert_int_equal(index->get(transaction, INDEX_META, BYTES("sealed_lsn"), &value, NULL), OK);
    assert_int_equal(index->commit(transaction, NULL), OK);
    expect_diff(house, "north", "1a 2a 3a 4a 5a 6a 7a 8a 9a");
}

#define OVER_AN_INDEX(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_comes_back_and_damage_is_seen),
        OVER_AN_INDEX(test_a_pack_goes_through_its_states),
        OVER_AN_INDEX(test_a_checkpoint_takes_the_rest_out),
        OVER_AN_INDEX(test_a_shard_that_was_left_is_told),
        OVER_AN_INDEX(test_the_last_that_had_all_of_a_pack_stays_known),
        OVER_AN_INDEX(test_one_pack_is_looked_up_as_all_are),
        OVER_AN_INDEX(test_an_entry_is_passed_over),
        OVER_AN_INDEX(test_another_pack_of_the_number_is_a_contradiction),
        OVER_AN_INDEX(test_a_new_incarnation_knows_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
