#include "store/guests/unerased.h"

#include "store/guests/guests_inside.h"
#include "store/member.h"
#include "tests/unit/store/guests/inn.h"

static struct arena arena;
static struct unerased *list;
static struct member_deletion own; /* of the author, once it was asked */
static size_t count, own_count;

/* A deletion that erases [start, end), written by the house; it tells its ingest time. */
static struct tombstone erase_at(struct house *house, int64_t start, int64_t end)
{
    struct posting posting;

    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("cpu")}, .start = start, .end = end, .erase = true};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting.tombstone.ingest = posting.submission.ingest;
    posting_release(&posting);
    return (struct tombstone){.ingest = posting.tombstone.ingest,
                              .selector = {.measurement = BYTES("cpu")},
                              .start = start,
                              .end = end,
                              .erase = true};
}

static size_t look(struct inn *inn, const struct tombstone *tombstone)
{
    const struct unerased_question question = {inn->house.tenant, tombstone, &own, own_count};

    arena_release(&arena);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(guests_unerased(inn->guests, &question, &arena, &list, &count, NULL), OK);
    return count;
}

static void expect_one(struct inn *inn, const struct tombstone *tombstone, uint32_t member,
                       bool active, const char *why)
{
    if (look(inn, tombstone) != 1)
        fail_msg("%zu and not one with: %s", count, why);
    if (list[0].member != member || list[0].active != active || !strstr(list[0].why, why))
        fail_msg("member %u (%d): %s", list[0].member, list[0].active, list[0].why);
}

/* The author erases when it is asked, above the moment of who asks; it tells its ingest time. */
static int64_t erase_there(struct inn *inn, const struct tombstone *tombstone)
{
    int64_t moment = tombstone->ingest, ingest;

    assert_int_equal(store_go_above(inn->author.house.store, &moment, NULL), OK);
    ingest = erase_at(&inn->author.house, tombstone->start, tombstone->end).ingest;
    house_seal(&inn->author.house);
    return ingest;
}

static void test_packs_have_it_until_their_author_replaced_them(void **state)
{
    struct tombstone tombstone, elsewhere;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_add_pack(&inn.author, 1, 100);
    inn_pass(&inn);
    tombstone = erase_at(&inn.house, 0, 10);
    elsewhere = tombstone;
    elsewhere.start = 50;
    elsewhere.end = 60;
    expect_one(&inn, &tombstone, 1, true, "packs of it at shard north may have some");
    /* None is of these times, but it has not said that these are all. */
    expect_one(&inn, &elsewhere, 1, true, "shard north does not have all of it");
    (void)erase_there(&inn, &tombstone);
    inn_pass(&inn); /* the deletion is there, the packs are as they were */
    expect_one(&inn, &tombstone, 1, true, "packs of it at shard north may have some");
    assert_int_equal(look(&inn, &elsewhere), 0);
    (void)house_compact(&inn.author.house, false);
    depot_drain(&inn.author);
    expect_one(&inn, &tombstone, 1, true, "packs of it at shard north may have some");
    inn_read(&inn);
    assert_int_equal(look(&inn, &tombstone), 0);
    inn_release(&inn);
}

/* Between the deletion of who asks and its own: what it rewrote then stands for the first, and has
 * the rows still. */
static void test_what_its_author_rewrote_meanwhile_has_it_still(void **state)
{
    struct tombstone tombstone;
    struct view *view;
    struct inn inn;
    int64_t moment;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    tombstone = erase_at(&inn.house, 0, 10);
    moment = tombstone.ingest;
    assert_int_equal(store_go_above(inn.author.house.store, &moment, NULL), OK);
    depot_add_pack(&inn.author, 1, 100);
    (void)house_compact(&inn.author.house, true);
    inn_pass(&inn);
    inn_read(&inn);
    own = (struct member_deletion){inn.author.house.store->incarnation,
                                   erase_there(&inn, &tombstone)};
    assert_int_equal(look(&inn, &tombstone), 0); /* by the first alone */
    own_count = 1;
    expect_one(&inn, &tombstone, 1, true, "packs of it at shard north may have some");
    tombstone.start = 500; /* of other times nothing is, but that has to be said */
    tombstone.end = 600;
    expect_one(&inn, &tombstone, 1, true, "shard north does not have all of it");
    tombstone.start = 0;
    tombstone.end = 10;
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    (void)house_compact(&inn.author.house, false);
    inn_pass(&inn);
    expect_one(&inn, &tombstone, 1, true, "answers under way here still read");
    view_free(view);
    assert_int_equal(look(&inn, &tombstone), 0);
    own.incarnation.bytes[0] ^= 1; /* of somebody else it says nothing */
    own.ingest = INT64_MAX;
    assert_int_equal(look(&inn, &tombstone), 0);
    own_count = 0;
    inn_release(&inn);
}

/* Its chain is looked at at once while somebody waits. */
static void test_who_waits_hurries_the_chains_that_matter(void **state)
{
    struct tombstone tombstone;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    tombstone = erase_at(&inn.house, 0, 10);
    assert_int_equal(look(&inn, &tombstone), 1);
    assert_int_equal(inn.guests->hurry_count, 1);
    assert_string_equal(inn.guests->hurries[0].shard, "north");
    inn_release(&inn);
}

/* Nobody replaces what it delivered, so that is told as it is. */
static void test_a_member_that_left_is_told_while_its_packs_may_have_it(void **state)
{
    struct tombstone tombstone, elsewhere;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn.authors[0].active = false;
    tombstone = elsewhere = erase_at(&inn.house, 0, 10);
    elsewhere.start = 50;
    elsewhere.end = 60;
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    expect_one(&inn, &elsewhere, 1, false, "could not all be read"); /* to its end, since it left */
    inn_read(&inn);
    assert_int_equal(look(&inn, &elsewhere), 0);
    expect_one(&inn, &tombstone, 1, false, "packs of it at shard north may have some");
    inn_release(&inn);
}

/* What is listed and cannot be read may have anything that its entry does not rule out. */
static void test_packs_that_cannot_be_read_may_have_it(void **state)
{
    struct tombstone tombstone, elsewhere;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    fake_damage(&inn.author.north, ARCHIVE_PACKS, 20);
    tombstone = elsewhere = erase_at(&inn.house, 0, 10);
    elsewhere.start = 50;
    elsewhere.end = 60;
    (void)erase_there(&inn, &tombstone);
    inn_pass(&inn);
    expect_one(&inn, &tombstone, 1, true, "packs of it at shard north may have some");
    assert_int_equal(look(&inn, &elsewhere), 0);
    inn_release(&inn);
}

static void test_nobody_knows_before_it_was_looked(void **state)
{
    struct tombstone tombstone;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    tombstone = erase_at(&inn.house, 0, 10);
    expect_one(&inn, &tombstone, 0, true, "not known here yet");
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    expect_one(&inn, &tombstone, 1, true, "at shard north could not all be read");
    inn_release(&inn);
    inn_init(&inn);
    inn.shard_count = 0; /* a tenant without one: members that live are asked, and that is all */
    tombstone = erase_at(&inn.house, 0, 10);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    assert_int_equal(look(&inn, &tombstone), 0);
    inn.author_count = 0; /* nor anybody else */
    inn_release(&inn);
    assert_int_equal(guests_unerased(NULL, NULL, &arena, &list, &count, NULL), OK);
    assert_int_equal(count, 0);
}

/* What was brought of a pack that was replaced is on this machine while a view has it. */
static void test_packs_that_were_replaced_are_told_while_they_are_read(void **state)
{
    struct tombstone tombstone;
    struct view *view;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    tombstone = erase_at(&inn.house, 0, 10);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    (void)erase_there(&inn, &tombstone);
    (void)house_compact(&inn.author.house, false);
    inn_pass(&inn);
    expect_one(&inn, &tombstone, 1, true, "answers under way here still read");
    tombstone.start = tombstone.end = 50; /* of another erasure it has nothing */
    tombstone.end++;
    assert_int_equal(look(&inn, &tombstone), 0);
    assert_non_null(inn.guests->replaced);
    view_free(view);
    assert_int_equal(look(&inn, &tombstone), 0);
    assert_null(inn.guests->replaced);
    inn_release(&inn);
}

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* It serves, and may have rows of a tenant that has no shard. */
static void test_who_has_a_record_that_cannot_be_read_is_told(void **state)
{
    struct tombstone tombstone;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.shard_count = 0;
    inn.authors[0] = (struct guest_author){1, {{0}}, true};
    tombstone = erase_at(&inn.house, 0, 10);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    assert_int_equal(look(&inn, &tombstone), 1);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packs_have_it_until_their_author_replaced_them),
        cmocka_unit_test(test_what_its_author_rewrote_meanwhile_has_it_still),
        cmocka_unit_test(test_who_has_a_record_that_cannot_be_read_is_told),
        cmocka_unit_test(test_who_waits_hurries_the_chains_that_matter),
        cmocka_unit_test(test_a_member_that_left_is_told_while_its_packs_may_have_it),
        cmocka_unit_test(test_packs_that_cannot_be_read_may_have_it),
        cmocka_unit_test(test_nobody_knows_before_it_was_looked),
        cmocka_unit_test(test_packs_that_were_replaced_are_told_while_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
