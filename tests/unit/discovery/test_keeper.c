#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/keeper.h"

#define SECOND INT64_C(1000000000)
#define OWN "00112233445566778899aabbccddeeff"
#define SECOND_ONE "11112222333344445555666677778888"
#define THIRD "99990000aaaabbbbccccddddeeeeffff"
#define FOURTH "aaaa0000bbbbccccddddeeeeffff1111"
#define TEXT(state, incarnation) "{\"state\":\"" state "\",\"incarnation\":\"" incarnation "\"}"
#define MEMBER(number, of)                                                                         \
    {                                                                                              \
        .kind = REGISTRY_MEMBERS, .name = BYTES(number), .text = BYTES(of), .version = 1           \
    }

static struct registry_snapshot of(struct registry_record *records, size_t count)
{
    return (struct registry_snapshot){.records = records, .count = count};
}

/* The number that a record is put under at this moment; 0: none.  *state is what it says. */
static unsigned due(struct keeper *keeper, const struct registry_snapshot *records, int64_t now_ns,
                    struct bytes *incarnation, enum member_state *state)
{
    static char text[64];
    struct member_document document;
    struct arena arena;
    unsigned number = 0;

    arena_init(&arena, SIZE_MAX, NULL);
    (void)keeper_look(keeper, records, BYTES(OWN), now_ns);
    if (keeper_next(keeper, records, now_ns, &arena, &number, &document)) {
        assert_true(document.incarnation.size < sizeof(text));
        memcpy(text, document.incarnation.data, document.incarnation.size);
        *incarnation = (struct bytes){text, document.incarnation.size};
        *state = document.state;
    }
    arena_release(&arena);
    return number;
}

static void test_what_is_gone_is_put_where_its_node_does_not(void **state)
{
    struct registry_record all[] = {MEMBER("1", TEXT("active", OWN)),
                                    MEMBER("2", TEXT("active", SECOND_ONE)), MEMBER("3", "{")};
    struct registry_snapshot records = of(all, COUNT_OF(all));
    struct keeper keeper = {.count = 0};
    struct bytes incarnation;
    enum member_state says;

    (void)state;
    assert_false(keeper_look(&keeper, &records, BYTES(OWN), 0));
    all[0].missing = all[1].missing = all[2].missing = true;
    assert_true(keeper_look(&keeper, &records, BYTES(OWN), SECOND));
    assert_int_equal(due(&keeper, &records, 3 * SECOND - 1, &incarnation, &says), 0);
    assert_int_equal(due(&keeper, &records, 3 * SECOND, &incarnation, &says), 2);
    assert_true(bytes_equal(incarnation, BYTES(SECOND_ONE)) && says == MEMBER_ACTIVE);
    assert_int_equal(due(&keeper, &records, 4 * SECOND, &incarnation, &says), 0);
    assert_int_equal(due(&keeper, &records, 5 * SECOND, &incarnation, &says), 2); /* not done */
    all[1].missing = false;
    assert_false(keeper_look(&keeper, &records, BYTES(OWN), 6 * SECOND));
    assert_int_equal(due(&keeper, &records, 90 * SECOND, &incarnation, &says), 0);
    all[1].missing = true; /* a later time has its own patience */
    assert_int_equal(due(&keeper, &records, 91 * SECOND, &incarnation, &says), 0);
    assert_int_equal(due(&keeper, &records, 93 * SECOND, &incarnation, &says), 2);
    keeper_release(&keeper);
    keeper_release(&keeper);
}

static void test_so_it_is_with_what_an_earlier_process_saw(void **state)
{
    struct registry_record all[] = {MEMBER("2", TEXT("active", SECOND_ONE)),
                                    MEMBER("4", TEXT("active", SECOND_ONE))};
    struct registry_snapshot records = of(all, 1);
    struct keeper keeper = {.count = 0};
    struct bytes incarnation;
    enum member_state says;

    (void)state;
    all[0].missing = true;
    assert_true(keeper_look(&keeper, &records, BYTES(OWN), 0));
    assert_int_equal(due(&keeper, &records, SECOND, &incarnation, &says), 0);
    assert_int_equal(due(&keeper, &records, 2 * SECOND, &incarnation, &says), 2);
    records.count = 2; /* it is there under another number */
    assert_int_equal(due(&keeper, &records, 9 * SECOND, &incarnation, &says), 0);
    keeper_release(&keeper);
}

/* Before its node is back, and takes itself for what it was. */
static void test_who_has_left_is_put_at_once(void **state)
{
    static const char *const texts[] = {TEXT("drained", SECOND_ONE), TEXT("lost", SECOND_ONE)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct registry_record all[] = {MEMBER("2", TEXT("active", SECOND_ONE))};
        struct registry_snapshot records = of(all, 1);
        struct keeper keeper = {.count = 0};
        struct bytes incarnation;
        enum member_state says = MEMBER_ACTIVE;

        assert_false(keeper_look(&keeper, &records, BYTES(OWN), 0));
        all[0].text = bytes_of(texts[i]);
        all[0].version++;
        assert_false(keeper_look(&keeper, &records, BYTES(OWN), 0));
        all[0].missing = true;
        assert_int_equal(due(&keeper, &records, 1, &incarnation, &says), 2);
        assert_int_equal(says, i == 0 ? MEMBER_DRAINED : MEMBER_LOST);
        keeper_release(&keeper);
    }
}

static void test_whose_number_another_got_gets_a_new_one(void **state)
{
    struct registry_record all[] = {MEMBER("2", TEXT("active", SECOND_ONE)),
                                    MEMBER("3", TEXT("joining", THIRD))};
    struct registry_snapshot records = of(all, 1);
    struct keeper keeper = {.count = 0};
    struct bytes incarnation;
    enum member_state says;

    (void)state;
    assert_false(keeper_look(&keeper, &records, BYTES(OWN), 0));
    all[0].text = BYTES(TEXT("joining", THIRD));
    all[0].version++;
    assert_int_equal(due(&keeper, &records, 1, &incarnation, &says), 0);
    assert_int_equal(due(&keeper, &records, 1 + 2 * SECOND, &incarnation, &says), 1);
    assert_true(bytes_equal(incarnation, BYTES(SECOND_ONE)) && says == MEMBER_ACTIVE);
    all[1] = (struct registry_record)MEMBER("3", TEXT("active", SECOND_ONE)); /* as it found */
    records.count = 2;
    assert_int_equal(due(&keeper, &records, 9 * SECOND, &incarnation, &says), 0);
    keeper_release(&keeper);
}

/* Who puts one at a time comes to all, also where two cannot be put. */
static void test_one_that_cannot_be_put_keeps_no_other_waiting(void **state)
{
    struct registry_record all[] = {MEMBER("2", TEXT("active", SECOND_ONE)),
                                    MEMBER("3", TEXT("active", THIRD)),
                                    MEMBER("4", TEXT("lost", FOURTH))};
    struct registry_snapshot records = of(all, COUNT_OF(all));
    struct keeper keeper = {.count = 0};
    struct bytes incarnation;
    enum member_state says;

    (void)state;
    all[0].missing = all[1].missing = all[2].missing = true;
    assert_true(keeper_look(&keeper, &records, BYTES(OWN), 0));
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(due(&keeper, &records, (2 + i) * SECOND, &incarnation, &says), 2 + i % 3);
    keeper_release(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_gone_is_put_where_its_node_does_not),
        cmocka_unit_test(test_so_it_is_with_what_an_earlier_process_saw),
        cmocka_unit_test(test_who_has_left_is_put_at_once),
        cmocka_unit_test(test_whose_number_another_got_gets_a_new_one),
        cmocka_unit_test(test_one_that_cannot_be_put_keeps_no_other_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
