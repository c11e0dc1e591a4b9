#include "store/guest_list.h"

#include "tests/unit/store/house.h"

enum { PACKS = 6 };

static const struct hash128 first = {{1}}, second = {{2}};
static const struct guest_member members[] = {
    {.number = 1,   .incarnation = {{1}}, .active = true, .through = 5},
    {.number = 2, .incarnation = {{2}}                    },
};

/* Packs of two rows each, with a deletion in front of each. */
static const struct pack_list *fill(struct house *house)
{
    house_init(house);
    house_open(house);
    for (int64_t i = 0; i < PACKS; i++) {
        struct posting posting;

        posting_init(&posting, house);
        posting.tombstone =
            (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = i, .end = i + 1};
        assert_int_equal(posting_submit(&posting, house, NULL), OK);
        house_steps(house);
        posting_release(&posting);
        assert_int_equal(house_put(house, 1, i * 10, 2, NULL), OK);
        house_seal(house);
    }
    assert_int_equal(house->store->holdings[house->tenant->ordinal]->packs->count, PACKS);
    return house->store->holdings[house->tenant->ordinal]->packs;
}

/* Of the packs [begin, end). */
static struct guest_chain *chain_of(const struct pack_list *packs, const struct hash128 *member,
                                    size_t begin, size_t end, int64_t through)
{
    struct guest_chain *chain = guest_chain_new(1, member, PACKS);

    assert_non_null(chain);
    for (size_t i = end; i-- > begin;)
        assert_int_equal(guest_chain_add(chain, pack_ref(packs->packs[i]), NULL), OK);
    guest_chain_finish(chain);
    chain->through = through;
    return chain;
}

static struct guest_list *list_of(struct guest_chain **chains, size_t count,
                                  const struct pack_list *own)
{
    struct guest_list *list = guest_list_new(chains, count, members, COUNT_OF(members), own);

    assert_non_null(list);
    for (size_t i = 0; i < count; i++)
        guest_chain_unref(chains[i]);
    return list;
}

static void test_a_chain_has_packs_and_their_deletions(void **state)
{
    struct house house;
    const struct pack_list *packs = fill(&house);
    struct guest_chain *chain = chain_of(packs, &first, 0, PACKS, 0);

    (void)state;
    assert_int_equal(chain->count, PACKS);
    assert_int_equal(chain->tombstone_count, PACKS);
    for (size_t i = 0; i < PACKS; i++)
        assert_int_equal(chain->tombstones[i].start, i); /* ascending by ingest */
    assert_int_equal(chain->newest, pack_about(packs->packs[PACKS - 1]).ingest_last);
    assert_int_equal(guest_chain_fault(chain, BYTES("something"), NULL), OK);
    assert_int_equal(chain->fault_count, 1);
    guest_chain_unref(chain);
    house_close(&house);
    house_remove(&house);
}

/* A deletion that several packs carry is one. */
static void test_deletions_count_once(void **state)
{
    struct house house;
    const struct pack_list *packs = fill(&house);
    struct guest_chain *chain = guest_chain_new(1, &first, 2);

    (void)state;
    assert_int_equal(guest_chain_add(chain, pack_ref(packs->packs[0]), NULL), OK);
    assert_int_equal(guest_chain_add(chain, pack_ref(packs->packs[0]), NULL), OK);
    guest_chain_finish(chain);
    assert_int_equal(chain->tombstone_count, 1);
    guest_chain_unref(chain);
    house_close(&house);
    house_remove(&house);
}

/* ... and so are packs: our own, and those that two chains list (a restored directory's does). */
static void test_packs_count_once(void **state)
{
    struct house house;
    const struct pack_list *packs = fill(&house);
    struct guest_chain *chains[] = {chain_of(packs, &first, 0, 3, 0),
                                    chain_of(packs, &second, 1, 5, 0)};
    struct guest_list *list = list_of(chains, 2, NULL);

    (void)state;
    assert_int_equal(list->count, 2);
    assert_int_equal(list->parts[0].count, 3);
    assert_int_equal(list->parts[1].count, 2);
    assert_int_equal(list->member_count, 2);
    assert_int_equal(list->members[0].through, 5);
    guest_list_unref(list);
    chains[0] = chain_of(packs, &first, 0, 3, 0);
    list = list_of(chains, 1, packs);
    assert_int_equal(list->parts[0].count, 0);
    assert_int_equal(list->tombstone_count, 3);
    guest_list_unref(list);
    house_close(&house);
    house_remove(&house);
}

/* At a former shard a member's chain stays as it was; what the other one says it has is not read
 * there, and what it does not say is. */
static void test_a_chain_that_another_has_all_of_is_left_out(void **state)
{
    struct house house;
    const struct pack_list *packs = fill(&house);
    int64_t newest = pack_about(packs->packs[2]).ingest_last;
    const struct {
        const char *name;
        const struct hash128 *member;
        int64_t through;
        size_t want;
    } cases[] = {
        {"it says so",                                &first,  newest,     1},
        {"not of all",                                &first,  newest - 1, 2},
        {"nothing",                                   &first,  INT64_MIN,  2},
        {"of another directory's of the same number", &second, newest,     2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct guest_chain *chains[] = {
            chain_of(packs, &first, 0, 3, 10),
            chain_of(packs, cases[i].member, 3, 5, cases[i].through),
        };
        struct guest_list *list = list_of(chains, 2, NULL);

        if (list->count != cases[i].want)
            fail_msg("%s: %zu chains", cases[i].name, list->count);
        guest_list_unref(list);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_the_mark_is_of_what_there_is(void **state)
{
    struct house house;
    const struct pack_list *packs = fill(&house);
    uint64_t marks[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct guest_chain *chains[] = {chain_of(packs, &first, 0, 3 + i / 2, 0)};
        struct guest_list *list = list_of(chains, 1, NULL);

        marks[i] = list->mark;
        guest_list_unref(list);
    }
    assert_int_equal(marks[0], marks[1]);
    assert_int_not_equal(marks[0], marks[2]);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_has_packs_and_their_deletions),
        cmocka_unit_test(test_deletions_count_once),
        cmocka_unit_test(test_packs_count_once),
        cmocka_unit_test(test_a_chain_that_another_has_all_of_is_left_out),
        cmocka_unit_test(test_the_mark_is_of_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
