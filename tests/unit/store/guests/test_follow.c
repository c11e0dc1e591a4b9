#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/guests/follow.h"
#include "tests/unit/store/delivery/listed_archive.h"

static const struct hash128 ours = {{1}};

static void put_entry(struct listed_archive *listed, uint64_t number)
{
    struct chain_pack add = {
        .entry = {.number = number, .incarnation = ours, .bytes = 100, .row_count = 10},
        .parts = 2,
    };
    struct chain_removed remove = {number - 1, ours};
    struct chain_entry entry = {
        .incarnation = ours,
        .tenant = BYTES("acme"),
        .number = number,
        .checkpoint = number % CHAIN_CHECKPOINT_EVERY == 0,
        .through = (int64_t)number * 1000,
        .adds = &add,
        .add_count = 1,
        .removes = &remove,
    };

    add.entry.settled = add.entry.floor = INT64_MIN;
    entry.remove_count = !entry.checkpoint;
    listed_put_entry(listed, &entry);
}

static bool step(struct follow *follow, struct listed_archive *listed)
{
    struct error err = {0};
    bool changed;

    if (follow_step(follow, &listed->archive, &changed, &err) != OK)
        fail_msg("%s", err.text);
    return changed;
}

static void expect(const struct follow *follow, uint64_t last)
{
    assert_true(follow->read);
    assert_int_equal(follow->next, last + 1);
    assert_int_equal(follow->through, last * 1000);
    assert_int_equal(follow->list.count, 1);
    assert_int_equal(follow->list.packs[0].entry.number, last);
}

static void test_no_chain_is_known_to_be_none_until_it_begins(void **state)
{
    struct listed_archive listed;
    struct follow follow;

    (void)state;
    listed_init(&listed);
    follow_init(&follow, BYTES("acme"), &ours);
    assert_true(step(&follow, &listed));
    assert_true(follow.read);
    assert_int_equal(follow.through, INT64_MIN);
    assert_false(step(&follow, &listed));
    put_entry(&listed, 0);
    assert_true(step(&follow, &listed));
    expect(&follow, 0);
    follow_release(&follow);
    listed_release(&listed);
}

static void test_at_rest_a_chain_costs_one_look(void **state)
{
    struct listed_archive listed;
    struct follow follow;
    unsigned gets;

    (void)state;
    listed_init(&listed);
    for (uint64_t n = 0; n < 300; n++)
        put_entry(&listed, n);
    follow_init(&follow, BYTES("acme"), &ours);
    assert_true(step(&follow, &listed));
    expect(&follow, 299);
    gets = listed.gets;
    for (int i = 0; i < 10; i++)
        assert_false(step(&follow, &listed));
    assert_int_equal(listed.gets - gets, 10);
    follow_release(&follow);
    listed_release(&listed);
}

/* Over checkpoints, and in more than one step where many came. */
static void test_entries_since_are_applied(void **state)
{
    struct listed_archive listed;
    struct follow follow;
    uint64_t number = 0;

    (void)state;
    listed_init(&listed);
    put_entry(&listed, number++);
    follow_init(&follow, BYTES("acme"), &ours);
    assert_true(step(&follow, &listed));
    for (unsigned more = 1; number < 700; more += 40) {
        for (unsigned i = 0; i < more; i++)
            put_entry(&listed, number++);
        while (step(&follow, &listed))
            ;
        expect(&follow, number - 1);
    }
    follow_release(&follow);
    listed_release(&listed);
}

static void test_what_fails_leaves_what_was_known(void **state)
{
    struct listed_archive listed;
    struct follow follow;
    struct error err = {0};
    struct buf body = BUF_INIT(100);
    char id[CHAIN_ID_SIZE];
    bool changed;

    (void)state;
    listed_init(&listed);
    put_entry(&listed, 0);
    follow_init(&follow, BYTES("acme"), &ours);
    assert_true(step(&follow, &listed));
    put_entry(&listed, 1);
    listed.code = E_TIMEOUT;
    listed.failures = 1;
    assert_int_equal(follow_step(&follow, &listed.archive, &changed, &err), E_TIMEOUT);
    assert_false(changed);
    expect(&follow, 0);
    assert_true(step(&follow, &listed));
    expect(&follow, 1);
    /* One that is no entry: told with its number, and all is read anew. */
    buf_put_text(&body, "what is no entry");
    chain_entry_id(&ours, 2, id);
    listed_put_one(&listed, BYTES("acme"), ARCHIVE_MANIFESTS, id, buf_bytes(&body));
    assert_int_equal(follow_step(&follow, &listed.archive, &changed, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "chain entry 2"));
    assert_int_equal(follow.list.count, 1);
    assert_int_equal(follow_step(&follow, &listed.archive, &changed, &err), E_CORRUPT);
    assert_int_equal(follow.list.count, 1);
    buf_release(&body);
    follow_release(&follow);
    listed_release(&listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_chain_is_known_to_be_none_until_it_begins),
        cmocka_unit_test(test_at_rest_a_chain_costs_one_look),
        cmocka_unit_test(test_entries_since_are_applied),
        cmocka_unit_test(test_what_fails_leaves_what_was_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
