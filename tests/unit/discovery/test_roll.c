#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/roll.h"

#define SECOND INT64_C(1000000000)
#define WALL (1000 * SECOND) /* less the boot clock, for as long as nothing jumps */

static void answer(struct roll *roll, unsigned number, int64_t lead_ns, bool known, int64_t at_ns)
{
    const struct pulse pulse = {
        .number = number, .peer_known = known, .wall_ns = WALL + at_ns - lead_ns};

    roll_answered(roll, &pulse, WALL + at_ns, at_ns);
}

static void test_only_who_is_ahead_of_the_others_is(void **state)
{
    static const struct {
        size_t count;
        int64_t leads[4]; /* over each of the others */
        int64_t want;
    } cases[] = {
        {1, {0},              0  },
        {1, {30},             30 }, /* of two the one that is ahead */
        {1, {-30},            0  }, /* .. and not the other */
        {2, {30, 30},         30 },
        {2, {0, 30},          0  }, /* one of three is behind */
        {2, {0, -30},         0  }, /* or ahead */
        {2, {-30, -30},       -30},
        {3, {0, 0, 30},       0  },
        {3, {0, 30, 30},      30 }, /* two and two: those that are ahead */
        {3, {-30, -30, 0},    0  },
        {4, {0, 0, 30, 30},   0  },
        {4, {1, 30, 30, -30}, 1  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct roll *roll = NULL;
        int64_t lead_ns = 7;

        assert_int_equal(roll_new(&roll, NULL), OK);
        assert_false(roll_lead(roll, WALL + SECOND, SECOND, &lead_ns));
        for (size_t n = 0; n < cases[i].count; n++)
            answer(roll, (unsigned)n + 2, cases[i].leads[n], true, SECOND);
        roll_asked(roll, 1, NULL, 0);
        assert_true(roll_lead(roll, WALL + 6 * SECOND, 6 * SECOND, &lead_ns));
        if (lead_ns != cases[i].want)
            fail_msg("%zu: %lld", i, (long long)lead_ns);
        /* Of ours that has jumped since they answered, to behind all. */
        assert_true(roll_lead(roll, WALL + 6 * SECOND - 1000, 6 * SECOND, &lead_ns));
        assert_true(lead_ns <= 0);
        assert_false(
            roll_lead(roll, WALL + 6 * SECOND, 6 * SECOND + 1, &lead_ns)); /* they are old */
        roll_free(roll);
    }
}

static const struct registry_record members[] = {
    {.kind = REGISTRY_MEMBERS,
     .name = BYTES("1"),
     .text = BYTES("{\"address\":\"a:1\"}"),
     .version = 1                                                                   },
    {.kind = REGISTRY_MEMBERS,
     .name = BYTES("2"),
     .text = BYTES("{\"address\":\"b:1\"}"),
     .version = 2                                                                   },
    {.kind = REGISTRY_MEMBERS,
     .name = BYTES("3"),
     .text = BYTES("{\"address\":\"c:1\"}"),
     .version = 3                                                                   },
    {.kind = REGISTRY_MEMBERS,
     .name = BYTES("4"),
     .text = BYTES("{\"state\":\"draining\",\"address\":\"d:1\"}"),
     .version = 4                                                                   },
    {.kind = REGISTRY_MEMBERS,
     .name = BYTES("5"),
     .text = BYTES("{\"state\":\"lost\",\"address\":\"e:1\"}"),
     .version = 5                                                                   },
    {.kind = REGISTRY_MEMBERS, .name = BYTES("6"), .text = BYTES("{}"), .version = 6},
    {.kind = REGISTRY_MEMBERS, .name = BYTES("7"), .text = BYTES("{"),  .version = 7},
    {.kind = REGISTRY_ALIVE,   .name = BYTES("1"), .text = BYTES("{}"), .version = 8},
    {.kind = REGISTRY_ALIVE,   .name = BYTES("2"), .text = BYTES("{}"), .version = 8},
    {.kind = REGISTRY_ALIVE,   .name = BYTES("5"), .text = BYTES("{}"), .version = 9},
    {.kind = REGISTRY_ALIVE,   .name = BYTES("6"), .text = BYTES("{}"), .version = 9},
};
static const struct registry_snapshot records = {.records = members, .count = COUNT_OF(members)};

static void test_who_may_have_rows_and_an_address_is_asked(void **state)
{
    struct roll_target targets[8];

    (void)state;
    assert_int_equal(roll_targets(&records, 1, targets, COUNT_OF(targets)), 3);
    assert_int_equal(targets[0].number, 2);
    assert_string_equal(targets[0].address, "b:1");
    assert_true(targets[0].alive);
    assert_int_equal(targets[1].number, 3);
    assert_false(targets[1].alive);
    assert_int_equal(targets[2].number, 4);
    assert_int_equal(roll_targets(&records, 1, targets, 2), 2);
    assert_int_equal(roll_targets(&records, 0, targets, COUNT_OF(targets)), 4);
}

static void test_who_cannot_be_asked_is_another_one_all_the_same(void **state)
{
    static const struct registry_record foreign = {
        .kind = REGISTRY_MEMBERS, .name = BYTES("x"), .text = BYTES("{}"), .version = 1};
    const size_t want[] = {1, 1, 1, 1, 0, 1, 1}; /* 5 is lost; 7 cannot be read */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct registry_snapshot one = {.records = &members[i], .count = 1};

        assert_int_equal(roll_has_others(&one, 9), want[i]);
        assert_false(roll_has_others(&one, (unsigned)i + 1)); /* ourselves */
    }
    assert_true(roll_has_others(&records, 1));
    assert_false(roll_has_others(&(struct registry_snapshot){.records = &foreign, .count = 1}, 9));
}

static void expect_waits(struct roll *roll, unsigned own, bool joins, const char *want)
{
    struct error why = {0};
    enum code code = roll_confirm(roll, &records, own, joins, &why);

    if (code != (want ? E_NOT_READY : OK) || (want && !strstr(why.text, want)))
        fail_msg("%d: %s", code, why.text);
}

static void test_who_joins_is_known_to_all_that_are_alive(void **state)
{
    /* 1 itself; and one that starts, too: it has no address yet, nor is it alive */
    const struct registry_snapshot alone = {.records = members, .count = 1};
    const struct registry_snapshot beside = {.records = &members[5], .count = 1};
    struct roll *roll = NULL;
    struct error why = {0};

    (void)state;
    assert_int_equal(roll_new(&roll, NULL), OK);
    expect_waits(roll, 1, false, "not compared its clock");
    expect_waits(roll, 1, true, "not compared its clock");
    roll_asked(roll, 1, NULL, 0); /* and nobody answered */
    expect_waits(roll, 1, false, NULL);
    assert_int_equal(roll_confirm(roll, &alone, 1, true, NULL), OK);
    assert_int_equal(roll_confirm(roll, &beside, 1, true, &why), E_NOT_READY);
    assert_non_null(strstr(why.text, "which others see within a second"));
    roll_asked(roll, 1, NULL, 0);
    assert_int_equal(roll_confirm(roll, &beside, 1, true, NULL), OK);
    expect_waits(roll, 1, true, "joins as member 1 of its registry, and member 2, which is alive");
    answer(roll, 2, 0, true, SECOND);
    expect_waits(roll, 1, true, "member 2");
    answer(roll, 2, 0, false, SECOND); /* of a registry that was put back */
    answer(roll, 2, 0, true, SECOND);
    expect_waits(roll, 1, true, "member 2");
    answer(roll, 2, 0, true, SECOND);
    expect_waits(roll, 1, true, NULL); /* 3 is dead, 6 cannot be asked */
    roll_silent(roll, 2);
    expect_waits(roll, 1, true, "member 2");
    answer(roll, 2, 0, true, SECOND);
    answer(roll, 2, 0, true, SECOND);
    answer(roll, 3, 0, false, SECOND); /* its session is over, and it serves: it is cut off */
    expect_waits(roll, 1, true, "member 3, which answers though the registry does not have it");
    answer(roll, 3, 0, true, SECOND);
    answer(roll, 3, 0, true, SECOND);
    expect_waits(roll, 1, true, NULL);
    answer(roll, 3, 0, false, SECOND);
    roll_silent(roll, 3); /* it was stopped */
    expect_waits(roll, 1, true, NULL);
    expect_waits(roll, 9, true, "not compared its clock");
    roll_asked(roll, 9, NULL, 0); /* it was another one that they knew */
    answer(roll, 1, 0, true, SECOND);
    answer(roll, 1, 0, true, SECOND);
    expect_waits(roll, 9, true, "member 2");
    roll_free(roll);
    roll_free(NULL);
}

static void test_what_was_heard_last_is_kept(void **state)
{
    struct roll *roll = NULL;
    struct roll_entry entry;

    (void)state;
    assert_int_equal(roll_new(&roll, NULL), OK);
    assert_false(roll_entry(roll, 2, &entry));
    assert_false(roll_entry(roll, 0, &entry));
    assert_false(roll_entry(roll, 1024, &entry));
    assert_int_equal(roll_next(roll, 1), 0);
    roll_silent(roll, 2);
    assert_true(roll_entry(roll, 2, &entry));
    assert_true(!entry.answered && entry.boot_ns == 0);
    answer(roll, 1023, -5, true, SECOND);
    roll_silent(roll, 1023);
    assert_true(roll_entry(roll, 1023, &entry));
    assert_true(!entry.answered && entry.boot_ns == SECOND && entry.lead_ns == -5);
    assert_int_equal(roll_next(roll, 1), 2);
    assert_int_equal(roll_next(roll, 3), 1023);
    assert_int_equal(roll_next(roll, 1024), 0);
    answer(roll, 1023, -5, true, SECOND);
    roll_asked(roll, 1, &(struct roll_target){.number = 1023}, 1);
    assert_true(roll_entry(roll, 1023, &entry) && entry.answered);
    roll_asked(roll, 1, &(struct roll_target){.number = 2}, 1); /* it has left */
    assert_true(roll_entry(roll, 1023, &entry) && !entry.answered);
    roll_free(roll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_who_is_ahead_of_the_others_is),
        cmocka_unit_test(test_who_may_have_rows_and_an_address_is_asked),
        cmocka_unit_test(test_who_cannot_be_asked_is_another_one_all_the_same),
        cmocka_unit_test(test_who_joins_is_known_to_all_that_are_alive),
        cmocka_unit_test(test_what_was_heard_last_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
