#include "store/guests/guests_inside.h"
#include "tests/unit/store/guests/inn.h"

/* What replaces packs comes when all of it is here; until then readers have what there was. */
static void test_readers_never_have_half_of_a_change(void **state)
{
    static struct read_row rows[100];
    struct inn inn;
    uint64_t calls;
    bool done = false;

    (void)state;
    inn_init(&inn);
    for (int64_t i = 0; i < 6; i++)
        depot_add_pack(&inn.author, 1, i * 10);
    inn_pass(&inn);
    assert_int_equal(inn_packs(&inn), 6);
    (void)house_compact(&inn.author.house, true);
    depot_drain(&inn.author);
    calls = inn.author.north.calls;
    for (uint64_t n = 1; !done; n++) {
        inn.author.north.fail_at = inn.author.north.calls + n;
        inn.author.north.fail_on = true;
        inn.house.clock.monotonic_more += 60000000000;
        (void)guests_step(inn.guests);
        done = inn.author.north.failed == 0 || inn_packs(&inn) < 6;
        assert_int_equal(house_read(&inn.house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 60);
        fake_heal(&inn.author.north);
        assert_true(n < 100);
    }
    assert_true(inn.author.north.calls > calls);
    inn_release(&inn);
}

/* A chain with much that is new does not keep another from its turn. */
static void test_a_turn_ends_after_some_bytes(void **state)
{
    struct inn inn;
    struct post *post;

    (void)state;
    inn_init(&inn);
    for (uint64_t i = 0; i < 3; i++) {
        house_put_noise(&inn.author.house, (uint32_t)i + 1, i);
        house_seal(&inn.author.house);
    }
    depot_drain(&inn.author);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    assert_false(guests_step(inn.guests)); /* these are below the limit */
    assert_int_equal(inn_packs(&inn), 3);
    post = ((struct guests *)inn.guests)->posts;
    assert_non_null(post);
    assert_int_equal(post->pack_count, 3);
    assert_false(((struct watch *)post->watches)->waits);
    assert_true(((struct watch *)post->watches)->whole);
    inn_release(&inn);
}

/* Who has left may have listed more before that than was seen when its packs were being brought. */
static void test_the_last_look_begins_when_its_author_has_left(void **state)
{
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct inn inn;
        struct view *view;
        size_t missing;

        inn_init(&inn);
        depot_add_pack(&inn.author, 1, 0);
        depot_drain(&inn.author);
        assert_int_equal(guests_look(inn.guests, NULL), OK);
        inn.author.north.fail_at = inn.author.north.calls + n;
        inn.author.north.fail_on = true;
        (void)guests_step(inn.guests);
        failed = inn.author.north.failed > 0;
        fake_heal(&inn.author.north);
        depot_add_pack(&inn.author, 1, 10);
        depot_drain(&inn.author);
        inn.authors[0].active = false;
        assert_int_equal(guests_look(inn.guests, NULL), OK);
        for (int i = 0; i < 3; i++) {
            inn.house.clock.monotonic_more += 60000000000;
            (void)guests_step(inn.guests);
            assert_int_equal(store_view(inn.house.store, inn.house.tenant,
                                        inn.author.house.store->durable, &view, NULL),
                             OK);
            (void)view_missing(view, &missing);
            if (missing == 0)
                assert_int_equal(inn_packs(&inn), 2);
            view_free(view);
        }
        assert_int_equal(missing, 0);
        inn_release(&inn);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_never_have_half_of_a_change),
        cmocka_unit_test(test_a_turn_ends_after_some_bytes),
        cmocka_unit_test(test_the_last_look_begins_when_its_author_has_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
