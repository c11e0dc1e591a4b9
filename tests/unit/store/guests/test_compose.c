#include "store/guests/guests_inside.h"
#include "tests/unit/store/guests/inn.h"

static struct ward *ward_of(struct inn *inn)
{
    return inn->guests->wards[inn->house.tenant->ordinal];
}

/* Members are told as the registry has them, and how far their chains are known. */
static void test_members_are_told(void **state)
{
    const struct guest_member *members;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.authors[2] = (struct guest_author){7, {{7}}, false};
    inn.author_count = 3;
    inn.shard_count = 2;
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    assert_int_equal(inn_guests(&inn)->member_count, 2);
    members = inn_guests(&inn)->members;
    assert_true(members[0].unread && members[1].unread);
    assert_int_equal(members[0].number, 1);
    assert_int_equal(members[1].number, 7);
    assert_true(members[0].active && !members[1].active);
    inn_read(&inn);
    inn_read(&inn); /* of who has left it takes one more look to know that it was the last */
    members = inn_guests(&inn)->members;
    assert_false(members[0].unread || members[1].unread);
    assert_true(members[0].through > 0);
    assert_int_equal(members[1].through, INT64_MIN);
    inn_release(&inn);
}

/* What was put together earlier does not come in place of what was later. */
static void test_an_older_picture_does_not_replace_a_newer_one(void **state)
{
    struct guest_list *before;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    before = guest_list_ref(inn_guests(&inn));
    ward_of(&inn)->published += 10;
    assert_true(ward_compose(inn.guests, ward_of(&inn)));
    assert_ptr_equal(inn_guests(&inn), before);
    ward_of(&inn)->published -= 10;
    assert_true(ward_compose(inn.guests, ward_of(&inn)));
    assert_ptr_not_equal(inn_guests(&inn), before);
    assert_int_equal(inn_guests(&inn)->mark, before->mark);
    guest_list_unref(before);
    inn_release(&inn);
}

/* Where nothing but a member's word goes on, packs stay as they were; a picture that somebody takes
 * at the same time is not lost by it. */
static void test_a_word_alone_changes_nothing_else(void **state)
{
    struct guest_list *before;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_add_pack(&inn.author, 2, 0);
    inn_pass(&inn);
    before = guest_list_ref(inn_guests(&inn));
    ward_of(&inn)->watches[0]->vouched = before->members[0].through + 5;
    assert_true(ward_renew(inn.guests, ward_of(&inn)));
    assert_ptr_not_equal(inn_guests(&inn), before);
    assert_int_equal(inn_guests(&inn)->members[0].through, before->members[0].through + 5);
    assert_int_equal(inn_packs(&inn), 2);
    assert_int_equal(inn_guests(&inn)->mark, before->mark);
    assert_int_equal(inn_guests(&inn)->newest, before->newest);
    assert_int_equal(inn_guests(&inn)->seen_count, 1);
    assert_int_equal(inn_guests(&inn)->seen[0].next, before->seen[0].next);
    assert_ptr_equal(inn_guests(&inn)->parts[0].chain, before->parts[0].chain);
    guest_chain_unref(ward_of(&inn)->watches[0]->chain);
    ward_of(&inn)->watches[0]->chain = NULL; /* what somebody who has not published it yet knows */
    ward_of(&inn)->sequence++;
    assert_true(ward_renew(inn.guests, ward_of(&inn)));
    assert_int_equal(inn_packs(&inn), 0);
    guest_list_unref(before);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_told),
        cmocka_unit_test(test_an_older_picture_does_not_replace_a_newer_one),
        cmocka_unit_test(test_a_word_alone_changes_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
