#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/random.h"
#include "query/deletion_list.h"

enum { SEED = 1 };

/* Looks at each. */
static uint32_t plain_next(const struct deletion_list *list, uint32_t from, int64_t first,
                           int64_t last)
{
    while (from < list->count && (list->each[from].start > last || list->each[from].end <= first))
        from++;
    return from;
}

static void fill(struct deletion_list *list, uint32_t count, int64_t width_max,
                 struct random *random, struct arena *arena)
{
    *list =
        (struct deletion_list){.each = ARENA_ARRAY(arena, struct deletion, count), .count = count};
    assert_non_null(list->each);
    for (uint32_t i = 0; i < count; i++) {
        list->each[i].start = (int64_t)random_below(random, 100000) - 50000;
        list->each[i].end =
            list->each[i].start + 1 + (int64_t)random_below(random, (uint64_t)width_max);
        list->each[i].ingest = i;
    }
    assert_true(deletion_list_finish(list, arena));
    for (uint32_t i = 1; i < count; i++)
        assert_true(list->each[i - 1].start <= list->each[i].start);
}

/* Counts on both sides of each level; narrow ones, wide ones, and all of the range among them. */
static void test_those_of_a_time_are_those_that_looking_at_each_finds(void **state)
{
    static const uint32_t counts[] = {0, 1, 31, 32, 33, 1023, 1024, 1025, 4000, 33000};
    static const int64_t widths[] = {1, 20, 3000, 200000};
    struct random random;
    uint64_t found = 0;

    (void)state;
    random_seed(&random, SEED);
    for (size_t i = 0; i < COUNT_OF(counts) * COUNT_OF(widths); i++) {
        struct deletion_list list;
        struct arena arena;

        arena_init(&arena, 1 << 24, NULL);
        fill(&list, counts[i / COUNT_OF(widths)], widths[i % COUNT_OF(widths)], &random, &arena);
        for (int ask = 0; ask < 200; ask++) {
            int64_t first = (int64_t)random_below(&random, 120000) - 60000;
            int64_t last = first + (ask % 2 ? (int64_t)random_below(&random, 500) : 0);
            uint32_t at = ask % 3 ? 0 : (uint32_t)random_below(&random, list.count + 1);

            for (int n = 0; n < 50; n++) { /* of wide ones there are thousands */
                uint32_t want = plain_next(&list, at, first, last);

                at = deletion_list_next(&list, at, first, last);
                if (at != want)
                    fail_msg("seed %d, %u deletions: [%lld, %lld]: got %u, wanted %u", SEED,
                             list.count, (long long)first, (long long)last, at, want);
                if (at == list.count)
                    break;
                found++;
                at++;
            }
        }
        arena_release(&arena);
    }
    assert_true(found > 10000);
}

static void test_those_that_cover_a_time_are_found_again_and_again(void **state)
{
    struct covering covering = {0};
    struct deletion_list list;
    struct random random;
    struct arena arena;

    (void)state;
    random_seed(&random, SEED);
    arena_init(&arena, 1 << 24, NULL);
    fill(&list, 3000, 4000, &random, &arena);
    for (int64_t time = -51000; time < 55000; time += 251) {
        uint32_t want = 0;

        for (uint32_t i = 0; i < list.count; i++)
            want += list.each[i].start <= time && time < list.each[i].end;
        assert_true(covering_find(&covering, &list, time, &arena));
        assert_int_equal(covering.count, want);
        for (uint32_t i = 0; i < covering.count; i++)
            assert_true(covering.each[i]->start <= time && time < covering.each[i]->end);
    }
    arena_release(&arena);
}

static void test_the_ends_of_time(void **state)
{
    struct deletion_list list;
    struct random random;
    struct arena arena;

    (void)state;
    random_seed(&random, SEED);
    arena_init(&arena, 1 << 20, NULL);
    fill(&list, 3, 1, &random, &arena);
    list.each[0].start = INT64_MIN;
    list.each[0].end = INT64_MIN + 1;
    list.each[1].start = INT64_MIN;
    list.each[1].end = INT64_MAX;
    list.each[2].start = INT64_MAX - 1;
    list.each[2].end = INT64_MAX;
    assert_true(deletion_list_finish(&list, &arena));
    assert_int_equal(deletion_list_next(&list, 0, INT64_MIN, INT64_MIN), 0);
    assert_int_equal(deletion_list_next(&list, 0, 0, 0), 1);
    assert_int_equal(deletion_list_next(&list, 2, INT64_MAX - 1, INT64_MAX - 1), 2);
    assert_int_equal(deletion_list_next(&list, 0, INT64_MAX, INT64_MAX), 3);
    arena_release(&arena);
}

static void test_no_memory_is_told(void **state)
{
    struct deletion each = {0};
    struct deletion_list list = {.each = &each, .count = 1};
    struct arena arena;

    (void)state;
    arena_init(&arena, 0, NULL);
    assert_false(deletion_list_finish(&list, &arena));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_of_a_time_are_those_that_looking_at_each_finds),
        cmocka_unit_test(test_those_that_cover_a_time_are_found_again_and_again),
        cmocka_unit_test(test_the_ends_of_time),
        cmocka_unit_test(test_no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
