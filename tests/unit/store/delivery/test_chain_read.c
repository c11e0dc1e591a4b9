#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/delivery/chain_read.h"
#include "tests/unit/store/delivery/listed_archive.h"

static const struct hash128 ours = {{1}}, theirs = {{2}};

static struct chain_pack pack_of(uint64_t number)
{
    return (struct chain_pack){
        .entry = {.number = number,
                  .incarnation = ours,
                  .row_count = 10,
                  .bytes = 100,
                  .settled = INT64_MIN,
                  .floor = INT64_MIN},
        .parts = 2,
    };
}

/* Entries first .. first + count - 1, each of which adds the pack of its number; from the fourth on
 * the one three before it goes.  Those of number % 256 == 0 are checkpoints. */
static void put_entries(struct listed_archive *listed, const struct hash128 *incarnation,
                        uint64_t first, uint64_t count)
{
    for (uint64_t n = first; n < first + count; n++) {
        struct chain_pack adds[4];
        struct chain_removed removed = {n - 3, ours};
        struct chain_entry entry = {
            .incarnation = *incarnation,
            .tenant = BYTES("acme"),
            .number = n,
            .checkpoint = n % CHAIN_CHECKPOINT_EVERY == 0,
            .through = (int64_t)n * 1000,
            .adds = adds,
            .removes = &removed,
        };

        for (uint64_t p = entry.checkpoint && n >= 2 ? n - 2 : n; p <= n; p++)
            adds[entry.add_count++] = pack_of(p);
        entry.remove_count = !entry.checkpoint && n >= 3;
        listed_put_entry(listed, &entry);
    }
}

static void test_a_chain_of_any_length_comes_to_its_newest_list(void **state)
{
    static const uint64_t lengths[] = {1,   2,   3,   4,   5,   7,   8,   9,   127,
                                       128, 255, 256, 257, 258, 511, 512, 513, 1000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct listed_archive listed;
        struct chain_list list = {.count = 0};
        struct chain_about about;
        struct error err = {0};
        uint64_t last = lengths[i] - 1, want = lengths[i] < 3 ? lengths[i] : 3;

        listed_init(&listed);
        put_entries(&listed, &ours, 0, lengths[i]);
        if (chain_read(&listed.archive, BYTES("acme"), &ours, &list, &about, &err))
            fail_msg("%llu entries: %s", (unsigned long long)lengths[i], err.text);
        assert_int_equal(about.last, last);
        assert_int_equal(about.through, last * 1000);
        assert_int_equal(about.packs, want);
        assert_int_equal(about.rows, want * 10);
        assert_int_equal(about.bytes, want * 100);
        assert_int_equal(list.count, want);
        for (size_t p = 0; p < want; p++)
            assert_int_equal(list.packs[p].entry.number, last + 1 - want + p);
        /* By doubling and halving, and not one after another. */
        assert_true(listed.gets <= 2 * 10 + 2 + last % CHAIN_CHECKPOINT_EVERY + 1);
        chain_list_release(&list);
        listed_release(&listed);
    }
}

static void test_no_chain_is_not_found(void **state)
{
    struct listed_archive listed;
    struct chain_list list = {.count = 0};
    struct chain_about about;
    struct error err = {0};

    (void)state;
    listed_init(&listed);
    put_entries(&listed, &theirs, 0, 3);
    assert_int_equal(chain_read(&listed.archive, BYTES("acme"), &ours, &list, &about, &err),
                     E_NOT_FOUND);
    assert_non_null(strstr(err.text, "weir_acme"));
    assert_int_equal(chain_read(&listed.archive, BYTES("other"), &theirs, &list, &about, &err),
                     E_NOT_FOUND);
    listed_release(&listed);
}

static void test_what_is_wrong_with_a_chain_is_told_with_its_entry(void **state)
{
    static const struct {
        const char *name, *told;
        struct chain_entry put; /* under the id of entry 2 of ours */
    } cases[] = {
        {"of another tenant",
         "says of itself", {.incarnation = {{1}}, .tenant = BYTES("other"), .number = 2}},
        {"another number",
         "says of itself", {.incarnation = {{1}}, .tenant = BYTES("acme"), .number = 3} },
        {"another chain",
         "says of itself", {.incarnation = {{9}}, .tenant = BYTES("acme"), .number = 2} },
    };

    (void)state;
    for (size_t i = 0; i <= COUNT_OF(cases); i++) {
        struct listed_archive listed;
        struct chain_list list = {.count = 0};
        struct chain_about about;
        struct error err = {0};
        struct buf body = BUF_INIT(1 << 20);
        char id[CHAIN_ID_SIZE];

        listed_init(&listed);
        put_entries(&listed, &ours, 0, 2);
        if (i < COUNT_OF(cases))
            chain_entry_encode(&cases[i].put, &body);
        else
            buf_put_text(&body, "what is no entry at all");
        chain_entry_id(&ours, 2, id);
        listed_put_one(&listed, BYTES("acme"), ARCHIVE_MANIFESTS, id, buf_bytes(&body));
        assert_int_equal(chain_read(&listed.archive, BYTES("acme"), &ours, &list, &about, &err),
                         E_CORRUPT);
        if (!strstr(err.text, "chain entry 2") ||
            !strstr(err.text, i < COUNT_OF(cases) ? cases[i].told : "CRC"))
            fail_msg("%s", err.text);
        chain_list_release(&list);
        buf_release(&body);
        listed_release(&listed);
    }
}

static void test_a_shard_that_fails_is_no_chain_that_ends(void **state)
{
    enum code code = E_TIMEOUT;
    unsigned n;

    (void)state;
    for (n = 1; code != OK; n++) {
        struct listed_archive listed;
        struct chain_list list = {.count = 0};
        struct chain_about about;
        struct error err = {0};

        listed_init(&listed);
        put_entries(&listed, &ours, 0, 11);
        listed.fail_at = n;
        listed.failures = 1;
        listed.code = E_TIMEOUT;
        code = chain_read(&listed.archive, BYTES("acme"), &ours, &list, &about, &err);
        assert_int_equal(code, listed.failures == 0 ? E_TIMEOUT : OK);
        if (code == OK)
            assert_int_equal(about.last, 10);
        chain_list_release(&list);
        listed_release(&listed);
    }
    assert_true(n > 11);
}

static void test_all_chains_are_found_the_farthest_first(void **state)
{
    struct listed_archive listed;
    struct chain_about *chains;
    struct error err = {0};
    size_t count;

    (void)state;
    listed_init(&listed);
    assert_int_equal(chain_survey(&listed.archive, BYTES("acme"), &chains, &count, &err), OK);
    assert_int_equal(count, 0);
    assert_null(chains);
    put_entries(&listed, &ours, 0, 5);
    put_entries(&listed, &theirs, 0, 300);
    listed_put_one(&listed, BYTES("acme"), ARCHIVE_MANIFESTS, "somebody's own", BYTES("x"));
    if (chain_survey(&listed.archive, BYTES("acme"), &chains, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 2);
    assert_memory_equal(&chains[0].incarnation, &theirs, sizeof(theirs));
    assert_memory_equal(&chains[1].incarnation, &ours, sizeof(ours));
    assert_int_equal(chains[0].last, 299);
    assert_int_equal(chains[1].last, 4);
    assert_int_equal(chains[1].rows, 30);
    free(chains);
    listed.failures = 1;
    listed.code = E_NOT_READY;
    assert_int_equal(chain_survey(&listed.archive, BYTES("acme"), &chains, &count, &err),
                     E_NOT_READY);
    assert_null(chains);
    listed_release(&listed);
}

static void test_one_entry_is_read_by_itself(void **state)
{
    struct listed_archive listed;
    struct chain_entry entry;
    struct error err = {0};
    struct arena arena;

    (void)state;
    listed_init(&listed);
    put_entries(&listed, &ours, 0, 3);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(
        chain_entry_read(&listed.archive, BYTES("acme"), &ours, 2, &arena, &entry, &err), OK);
    assert_int_equal(entry.number, 2);
    assert_int_equal(entry.through, 2000);
    assert_int_equal(
        chain_entry_read(&listed.archive, BYTES("acme"), &ours, 3, &arena, &entry, &err),
        E_NOT_FOUND);
    assert_int_equal(
        chain_entry_read(&listed.archive, BYTES("acme"), &theirs, 2, &arena, &entry, &err),
        E_NOT_FOUND);
    arena_release(&arena);
    listed_release(&listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_of_any_length_comes_to_its_newest_list),
        cmocka_unit_test(test_no_chain_is_not_found),
        cmocka_unit_test(test_what_is_wrong_with_a_chain_is_told_with_its_entry),
        cmocka_unit_test(test_a_shard_that_fails_is_no_chain_that_ends),
        cmocka_unit_test(test_one_entry_is_read_by_itself),
        cmocka_unit_test(test_all_chains_are_found_the_farthest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
