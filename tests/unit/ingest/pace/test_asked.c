#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ingest/pace/asked.h"
#include "tests/unit/store/memory_place.h"

#define SECOND MOMENT_SECOND

enum { LIMIT = 3, KEPT = 2 * 86400 + 3600 };

/* A start of the process: the file, and a limiter with one key of 3 in a minute. */
struct world {
    char place[64];
    struct fs *fs;
    struct asked *asked;
    struct limiter_notes notes;
    struct limiter *limiter;
    struct limiter_key *key;
};

static struct source_rate rate = {LIMIT, 60 * SECOND};
static const struct source_limits limits = {.concurrency = 9, .rates = &rate, .rate_count = 1};

/* `seconds` behind the first moment, by both clocks. */
static struct moment at(int64_t seconds)
{
    return (struct moment){(1000000 + seconds) * SECOND, (5000 + seconds) * SECOND};
}

static void world_open(struct world *world, const char *name, struct moment now)
{
    struct error err = {0};

    if (fs_posix_open(world->place, &world->fs, &err) != OK ||
        asked_open(world->fs, "pull", &now, &world->asked, &err) != OK)
        fail_msg("%s", err.text);
    world->notes = asked_notes(world->asked);
    assert_int_equal(limiter_new(&world->notes, &world->limiter, &err), OK);
    assert_int_equal(limiter_join(world->limiter, bytes_of(name), &limits, &now, &world->key, &err),
                     OK);
    asked_recall(world->asked, bytes_of(name), world->key, &now);
}

static void world_close(struct world *world)
{
    limiter_free(world->limiter);
    asked_close(world->asked);
    fs_posix_close(world->fs);
}

static void world_make(struct world *world)
{
    *world = (struct world){.limiter = NULL};
    memory_place_make(world->place, sizeof(world->place));
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void world_remove(struct world *world)
{
    (void)nftw(world->place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(struct world *world, struct moment now)
{
    struct error err = {0};

    if (limiter_begin(world->limiter, world->key, 1, &now, &err) != OK)
        fail_msg("%s", err.text);
    limiter_sent(world->key, 1, &now);
    limiter_end(world->key, &now);
}

/* Seconds until `count` may begin. */
static int64_t wait_of(const struct world *world, uint32_t count, struct moment now)
{
    int64_t ns = limiter_when(world->key, count, &now) - now.boot_ns;

    return ns < 0 ? 0 : ns / SECOND;
}

static FILE *file_of(const struct world *world, const char *mode)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/pull/asked", world->place);
    file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void append(const struct world *world, const char *text)
{
    FILE *file = file_of(world, "a");

    fputs(text, file);
    fclose(file);
}

static struct stat stat_of(const struct world *world)
{
    FILE *file = file_of(world, "r");
    struct stat stat;

    assert_int_equal(fstat(fileno(file), &stat), 0);
    fclose(file);
    return stat;
}

static void test_a_span_goes_on_over_a_restart(void **state)
{
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    begin(&world, at(10));
    world_close(&world);
    for (int start = 0; start < 2; start++) { /* the second reads what the first wrote anew */
        world_open(&world, "a", at(20));
        assert_int_equal(wait_of(&world, 1, at(20)), 0);
        assert_int_equal(wait_of(&world, 2, at(20)), 40);
        assert_int_equal(wait_of(&world, 3, at(20)), 50);
        world_close(&world);
    }
    world_open(&world, "b", at(20)); /* nobody else's */
    assert_int_equal(wait_of(&world, LIMIT, at(20)), 0);
    world_close(&world);
    world_remove(&world);
}

/* What began since the start is in the limiter already. */
static void test_what_is_known_is_recalled_once(void **state)
{
    struct moment now = at(20);
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    world_close(&world);
    world_open(&world, "a", now);
    begin(&world, now);
    asked_recall(world.asked, BYTES("a"), world.key, &now);
    assert_int_equal(wait_of(&world, 1, now), 0);
    world_close(&world);
    world_remove(&world);
}

static void test_a_weight_is_kept(void **state)
{
    struct moment now = at(0);
    struct error err = {0};
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", now);
    assert_int_equal(limiter_begin(world.limiter, world.key, LIMIT, &now, &err), OK);
    world_close(&world);
    world_open(&world, "a", at(15));
    assert_int_equal(wait_of(&world, 1, at(15)), 45);
    world_close(&world);
    world_remove(&world);
}

static void test_a_wait_that_was_ordered_outlives_the_process(void **state)
{
    const struct moment begun = at(0);
    struct error err = {0};
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    assert_int_equal(asked_wait(world.asked, BYTES("a"), &begun, at(7200).wall_ns, &err), OK);
    world_close(&world);
    for (int start = 0; start < 2; start++) {
        struct moment now = at(200);

        world_open(&world, "a", now);
        assert_int_equal(limiter_waits_until(world.key, &now), at(7200).wall_ns);
        assert_int_equal(wait_of(&world, 1, now), 7000);
        world_close(&world);
    }
    world_remove(&world);
}

static void test_a_wait_is_as_long_whatever_the_wall_clock_says_at_the_next_start(void **state)
{
    static const int64_t jumps[] = {-3600, 86400};
    const struct moment begun = at(0);
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(jumps); i++) {
        struct moment now = at(200);
        struct world world;

        now.wall_ns += jumps[i] * SECOND;
        world_make(&world);
        world_open(&world, "a", begun);
        assert_int_equal(asked_wait(world.asked, BYTES("a"), &begun, at(7200).wall_ns, &err), OK);
        world_close(&world);
        world_open(&world, "a", now);
        assert_int_equal(wait_of(&world, 1, now), 7000);
        world_close(&world);
        world_remove(&world);
    }
}

/* One of another boot, and one that a version before noted: the wall clock alone tells its end. */
static void test_a_wait_of_another_boot_ends_by_the_wall_clock(void **state)
{
    static const char *const words[] = {"wait", "wait=00000000-0000-0000-0000-000000000000"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct world world;
        char line[128];

        world_make(&world);
        world_open(&world, "a", at(0));
        world_close(&world);
        snprintf(line, sizeof(line), "%s 7 %lld 0 a\n", words[i], (long long)at(7200).wall_ns);
        append(&world, line);
        for (int start = 0; start < 2; start++) {
            world_open(&world, "a", at(200));
            assert_int_equal(wait_of(&world, 1, at(200)), 7000);
            world_close(&world);
        }
        world_remove(&world);
    }
}

/* The boot clock began anew: the wall clock alone tells how long ago it was. */
static void test_what_another_boot_noted_counts_by_the_wall_clock(void **state)
{
    struct world world;
    char line[128];

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    world_close(&world);
    snprintf(line, sizeof(line),
             "00000000-0000-0000-0000-000000000000 999999999999999999 %lld 3 a\n",
             (long long)at(0).wall_ns);
    append(&world, line);
    for (int start = 0; start < 2; start++) {
        world_open(&world, "a", at(15));
        assert_int_equal(wait_of(&world, 1, at(15)), 45);
        world_close(&world);
    }
    world_remove(&world);
}

static void test_a_line_that_is_none_is_passed_over(void **state)
{
    static const char *const lines[] = {
        "\n",
        "x\n",
        "- 0 1000000000000000 3\n",
        "- 0 1000000000000000 3 \n",
        "- x 1000000000000000 3 a\n",
        "- 0 x 3 a\n",
        "- 0 1000000000000000 -3 a\n",
        "- 0 1000000000000000 1000001 a\n", /* no source weighs more */
        "- 0 1000000000000000 3 a",         /* the last one: was being written */
    };
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    world_close(&world);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        append(&world, lines[i]);
    world_open(&world, "a", at(10));
    assert_int_equal(wait_of(&world, 2, at(10)), 0);
    assert_int_equal(wait_of(&world, 3, at(10)), 50);
    begin(&world, at(10)); /* does not run on in the line that was cut */
    world_close(&world);
    world_open(&world, "a", at(20));
    assert_int_equal(wait_of(&world, 2, at(20)), 40);
    world_close(&world);
    world_remove(&world);
}

static void test_what_no_limit_looks_back_to_is_left_out(void **state)
{
    struct world world;
    long long before;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    begin(&world, at(3 * 3600));
    world_close(&world);
    before = stat_of(&world).st_size;
    world_open(&world, "a", at(KEPT - 1));
    world_close(&world);
    assert_int_equal(stat_of(&world).st_size, before);
    world_open(&world, "a", at(KEPT));
    world_close(&world);
    assert_in_range(stat_of(&world).st_size, 1, before - 1);
    world_open(&world, "a", at(3 * 86400));
    world_close(&world);
    assert_int_equal(stat_of(&world).st_size, 0);
    world_remove(&world);
}

/* Which was set forward since, by less than what is kept longer than that. */
static void test_the_longest_span_holds_over_a_restart_whatever_the_wall_clock_says(void **state)
{
    struct moment now = at(2 * 86400 - 60);
    struct world world;

    (void)state;
    now.wall_ns += 1800 * SECOND;
    rate.span_ns = SOURCE_RATE_SPAN_MAX_NS;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    world_close(&world);
    world_open(&world, "a", now);
    assert_int_equal(wait_of(&world, LIMIT - 1, now), 0);
    assert_int_equal(wait_of(&world, LIMIT, now), 60);
    world_close(&world);
    world_remove(&world);
    rate.span_ns = 60 * SECOND;
}

/* Enough to have the file written anew, of so many names. */
static void fill(struct world *world, struct moment now, int names)
{
    char name[4001];
    struct error err = {0};

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < 1100; i++) {
        (void)snprintf(name, 8, "%07d", i % names);
        name[7] = 'n';
        assert_int_equal(world->notes.note(world->notes.context, bytes_of(name), &now, 1, &err),
                         OK);
    }
}

/* More of two days than the file is to hold: it is not written anew for each request. */
static void test_a_file_of_what_is_young_is_not_written_anew_each_time(void **state)
{
    struct world world;
    unsigned changes = 0;
    ino_t inode;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    fill(&world, at(0), 1100);
    inode = stat_of(&world).st_ino;
    for (int i = 0; i < 10; i++) {
        begin(&world, at(60 * i));
        changes += stat_of(&world).st_ino != inode;
        inode = stat_of(&world).st_ino;
    }
    assert_in_range(changes, 0, 1);
    world_close(&world);
    world_open(&world, "a", at(541));
    assert_int_equal(wait_of(&world, LIMIT, at(541)), 59);
    world_close(&world);
    world_remove(&world);
}

/* A name of which nothing was left, and that somebody else joins later. */
static void test_what_began_since_the_start_is_never_recalled(void **state)
{
    struct moment now = at(10);
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    world_close(&world);
    world_open(&world, "a", at(3 * 86400)); /* it is forgotten by now */
    now = at(3 * 86400);
    begin(&world, now);
    asked_recall(world.asked, BYTES("a"), world.key, &now);
    assert_int_equal(wait_of(&world, LIMIT - 1, now), 0);
    world_close(&world);
    world_remove(&world);
}

/* Two days of ten requests a second. */
static void test_what_was_asked_without_end_takes_little_and_counts_whole(void **state)
{
    const int requests = 2 * 86400 * 10;
    struct moment now;
    struct world world;

    (void)state;
    world_make(&world);
    rate.count = 40;
    world_open(&world, "a", at(0));
    for (int i = 0; i < requests; i++) {
        struct error err = {0};

        now = at(0);
        now.wall_ns += i * (SECOND / 10);
        now.boot_ns += i * (SECOND / 10);
        assert_int_equal(world.notes.note(world.notes.context, BYTES("a"), &now, 1, &err), OK);
    }
    world_close(&world);
    world_open(&world, "a", now);
    assert_in_range(stat_of(&world).st_size, 1, 1100 * 100);
    /* The last 40 began in 4 s; each is taken to be 3 % younger at most. */
    assert_in_range(limiter_when(world.key, 1, &now) - now.boot_ns, 56 * SECOND, 59 * SECOND);
    world_close(&world);
    world_remove(&world);
    rate.count = LIMIT;
}

/* So far that the notes would be older than any limit looks back, if it were right. */
static void test_a_wall_clock_that_is_days_ahead_takes_no_note_away(void **state)
{
    struct moment now = at(10);
    struct world world;

    (void)state;
    now.wall_ns += 30 * MOMENT_DAY;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    world_close(&world);
    for (int start = 0; start < 2; start++) {
        world_open(&world, "a", now);
        assert_int_equal(wait_of(&world, LIMIT, now), 50);
        world_close(&world);
    }
    world_remove(&world);
}

static void test_a_long_wait_takes_no_note_away(void **state)
{
    const struct moment begun = at(0);
    struct error err = {0};
    struct world world;

    (void)state;
    world_make(&world);
    world_open(&world, "a", at(0));
    begin(&world, at(0));
    fill(&world, at(0), 1100);
    assert_int_equal(asked_wait(world.asked, BYTES("b"), &begun, at(30 * 86400).wall_ns, &err), OK);
    world_close(&world);
    world_open(&world, "a", at(10));
    assert_int_equal(wait_of(&world, LIMIT, at(10)), 50);
    world_close(&world);
    world_remove(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_goes_on_over_a_restart),
        cmocka_unit_test(test_what_is_known_is_recalled_once),
        cmocka_unit_test(test_a_weight_is_kept),
        cmocka_unit_test(test_a_wait_that_was_ordered_outlives_the_process),
        cmocka_unit_test(test_a_wait_is_as_long_whatever_the_wall_clock_says_at_the_next_start),
        cmocka_unit_test(test_a_wait_of_another_boot_ends_by_the_wall_clock),
        cmocka_unit_test(test_what_another_boot_noted_counts_by_the_wall_clock),
        cmocka_unit_test(test_a_line_that_is_none_is_passed_over),
        cmocka_unit_test(test_the_longest_span_holds_over_a_restart_whatever_the_wall_clock_says),
        cmocka_unit_test(test_what_no_limit_looks_back_to_is_left_out),
        cmocka_unit_test(test_a_file_of_what_is_young_is_not_written_anew_each_time),
        cmocka_unit_test(test_what_began_since_the_start_is_never_recalled),
        cmocka_unit_test(test_what_was_asked_without_end_takes_little_and_counts_whole),
        cmocka_unit_test(test_a_wall_clock_that_is_days_ahead_takes_no_note_away),
        cmocka_unit_test(test_a_long_wait_takes_no_note_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
