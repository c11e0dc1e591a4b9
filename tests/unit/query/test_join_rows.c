#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/query/twin.c"

#include "query/datum.h"
#include "query/join_rows.h"

enum { SELECTIONS = 3, TIMES_MAX = 40, SEEDS = 400, TIME_RANGE = 60 };

struct world {
    struct arena arena;
    struct watch watch;
    struct selection selections[SELECTIONS];
    struct table tables[SELECTIONS];
    struct join_source sources[SELECTIONS];
    bool at[SELECTIONS][TIME_RANGE]; /* has a row there */
};

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static void make(struct world *world, uint64_t *seed)
{
    *world = (struct world){.watch.memory.bytes_max = 1 << 20};
    arena_init(&world->arena, 1 << 20, &world->watch.memory);
    for (uint32_t i = 0; i < SELECTIONS; i++) {
        uint32_t gap = 1 + draw(seed, 8);

        world->selections[i].spread_ns = i == 0 || draw(seed, 2) ? 0
                                         : draw(seed, 2)         ? INT64_MAX
                                                                 : 1 + draw(seed, 20);
        table_init(&world->tables[i], 0, &world->arena, &world->watch);
        for (int64_t time = draw(seed, 10); time < TIME_RANGE; time += 1 + draw(seed, gap)) {
            assert_int_equal(table_put(&world->tables[i], 0, time, NULL, NULL), OK);
            world->at[i][time] = true;
        }
        world->sources[i] =
            (struct join_source){.table = &world->tables[i], .selection = &world->selections[i]};
    }
}

/* The time of the row that stands for a selection at `time`, looked for the long way; -1 = none. */
static int64_t expected(const struct world *world, uint32_t i, int64_t time)
{
    int64_t spread = world->selections[i].spread_ns;

    if (spread == 0)
        return world->at[i][time] ? time : -1;
    for (int64_t at = time; at >= 0 && time - at < spread; at--)
        if (world->at[i][at])
            return at;
    return -1;
}

static bool is_time_of(const struct world *world, enum join_kind kind, int64_t time)
{
    bool some = false, all = true;

    for (uint32_t i = 0; i < SELECTIONS; i++) {
        some |= world->selections[i].spread_ns == 0 && world->at[i][time];
        all &= expected(world, i, time) >= 0;
    }
    return kind == JOIN_LEFT ? world->at[0][time] : kind == JOIN_INNER ? some && all : some;
}

static void check(struct world *world, enum join_kind kind, bool descending, uint64_t seed)
{
    static const size_t picked[SELECTIONS] = {0, 0, 0};
    struct join_rows rows;
    size_t row[SELECTIONS];

    join_rows_init(&rows, kind, descending, world->sources, SELECTIONS, &world->watch);
    for (int again = 0; again < 2; again++) { /* a second group begins anew */
        join_rows_begin(&rows, picked);
        for (int64_t n = 0; n < TIME_RANGE; n++) {
            int64_t time = descending ? TIME_RANGE - 1 - n : n;

            if (!is_time_of(world, kind, time))
                continue;
            if (join_rows_next(&rows, row, NULL) != OK || rows.time != time)
                fail_msg("seed %llu: time %lld is not told", (unsigned long long)seed,
                         (long long)time);
            for (uint32_t i = 0; i < SELECTIONS; i++) {
                int64_t got = row[i] == SIZE_MAX ? -1 : table_time(&world->tables[i], row[i]);

                if (got != expected(world, i, time))
                    fail_msg("seed %llu, time %lld, selection %u: got %lld",
                             (unsigned long long)seed, (long long)time, i, (long long)got);
            }
        }
        assert_int_equal(join_rows_next(&rows, row, NULL), E_END);
        assert_int_equal(join_rows_next(&rows, row, NULL), E_END);
    }
}

static void test_rows_are_those_found_the_long_way(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= SEEDS; n++) {
        struct world world;
        uint64_t seed = n;

        make(&world, &seed);
        for (int kind = JOIN_OUTER; kind <= JOIN_INNER; kind++) {
            check(&world, (enum join_kind)kind, false, n);
            check(&world, (enum join_kind)kind, true, n);
        }
        arena_release(&world.arena);
    }
}

/* Many rows of the one and none of the other: nothing comes of it, and it takes its time. */
static void test_rows_that_come_to_nothing_are_work(void **state)
{
    enum { ROWS = 10000, TWO = 2 };
    static const size_t picked[TWO] = {0, SIZE_MAX};
    struct limits limits = {.query_ms_max = 1, .query_memory_bytes_max = 1 << 20};
    struct selection selections[TWO] = {0};
    struct join_source sources[TWO];
    struct table tables[TWO];
    struct join_rows rows;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;
    struct arena arena;
    size_t row[TWO];

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    arena_init(&arena, 1 << 20, &watch.memory);
    for (uint32_t i = 0; i < TWO; i++) {
        table_init(&tables[i], 0, &arena, &watch);
        sources[i] = (struct join_source){.table = &tables[i], .selection = &selections[i]};
    }
    for (int64_t time = 0; time < ROWS; time++)
        assert_int_equal(table_put(&tables[0], 0, time, NULL, NULL), OK);
    join_rows_init(&rows, JOIN_INNER, false, sources, TWO, &watch);
    join_rows_begin(&rows, picked);
    assert_int_equal(join_rows_next(&rows, row, NULL), E_END);
    assert_true(sink.asked > 0);
    clock.monotonic = 1000001;
    join_rows_begin(&rows, picked);
    assert_int_equal(join_rows_next(&rows, row, NULL), E_TIMEOUT);
    arena_release(&arena);
}

/* Groups of "a" by x and y, of "b" by y and x; "c" is not grouped. */
struct groups {
    struct arena arena;
    struct watch watch;
    struct query *query;
    struct plan plan[SELECTIONS], answer;
    const struct plan *plans[SELECTIONS];
    struct table tables[SELECTIONS];
    const size_t *picked;
};

static void make_groups(struct groups *groups, const char *join, bool rows)
{
    static const struct series_tag xy[] = {
        {BYTES("x"), BYTES("1")},
        {BYTES("y"), BYTES("2")}
    };
    static const struct series_tag yx[] = {
        {BYTES("y"), BYTES("2")},
        {BYTES("x"), BYTES("1")}
    };
    static const struct series_tag x[] =
        {
            {BYTES("x"), BYTES("0")}
    },
                                   y[] = {{BYTES("y"), BYTES("9")}};
    static struct group of_a[] =
        {
            {x,  1, 0, 0},
            {xy, 2, 0, 0}
    },
                        of_b[] = {{yx, 2, 0, 0}, {y, 1, 0, 0}}, of_c[] = {{NULL, 0, 0, 0}};
    struct group *const of[] = {of_a, of_b, of_c};
    char text[1024];
    struct error err = {0};

    *groups = (struct groups){.watch.memory.bytes_max = 1 << 20};
    arena_init(&groups->arena, 1 << 20, &groups->watch.memory);
    arena_init(&groups->answer.arena, 1 << 20, &groups->watch.memory);
    (void)snprintf(text, sizeof(text),
                   "{\"join\":\"%s\",\"selections\":{"
                   "\"a\":{\"measurement\":\"m\",\"agg\":\"sum\",\"group_by\":[\"x\",\"y\"]},"
                   "\"b\":{\"measurement\":\"m\",\"agg\":\"sum\",\"group_by\":[\"y\",\"x\"]},"
                   "\"c\":{\"measurement\":\"m\",\"agg\":\"sum\"}}}",
                   join);
    if (query_parse_json(bytes_of(text), BYTES(""), 0, &groups->arena, &groups->query, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < SELECTIONS; i++) {
        groups->plan[i].groups = of[i];
        groups->plans[i] = &groups->plan[i];
        table_init(&groups->tables[i], 0, &groups->arena, &groups->watch);
        for (size_t g = 0; g < (i == 2 ? 1 : 2) && (rows || i == 2); g++)
            assert_int_equal(table_put(&groups->tables[i], g, 5, NULL, NULL), OK);
    }
    assert_true(join_groups_make(groups->query->join, groups->plans, groups->tables,
                                 &groups->answer, &groups->picked));
}

static void expect_groups(const char *join, bool rows, const char *want)
{
    struct groups groups;
    struct buf got = BUF_INIT(4096);

    make_groups(&groups, join, rows);
    assert_int_equal(groups.answer.tag_key_count, 2);
    assert_true(bytes_equal(groups.answer.tag_keys[0], BYTES("x")));
    for (size_t g = 0; g < groups.answer.group_count; g++) {
        const struct group *group = &groups.answer.groups[g];

        for (uint32_t t = 0; t < group->tag_count; t++)
            buf_printf(&got, "%.*s=%.*s ", BYTES_ARG(group->tags[t].key),
                       BYTES_ARG(group->tags[t].value));
        for (uint32_t i = 0; i < SELECTIONS; i++) {
            size_t picked = groups.picked[g * SELECTIONS + i];

            buf_put_char(&got, picked == SIZE_MAX ? '-' : (char)('0' + picked));
        }
        buf_put_char(&got, ';');
    }
    if (!bytes_equal(buf_bytes(&got), bytes_of(want)))
        fail_msg("%s: got %.*s", join, BYTES_ARG(buf_bytes(&got)));
    buf_release(&got);
    arena_release(&groups.answer.arena);
    arena_release(&groups.arena);
}

static void test_groups_join_by_their_tags(void **state)
{
    (void)state;
    expect_groups("outer", true, "y=9 -10;x=0 0-0;x=1 y=2 100;");
    expect_groups("left", true, "x=0 0-0;x=1 y=2 100;");
    expect_groups("inner", true, "x=1 y=2 100;");
    expect_groups("outer", false, "--0;"); /* what joins all groups is not lost for want of any */
    expect_groups("left", false, "");
    expect_groups("inner", false, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_those_found_the_long_way),
        cmocka_unit_test(test_rows_that_come_to_nothing_are_work),
        cmocka_unit_test(test_groups_join_by_their_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
