#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/query/fixture.c"

#include "query/deletions.h"
#include "query/watch.h"

#define ASK "measurement=cpu&epoch=ns&format=csv"

static void test_what_a_deletion_hides(void **state)
{
    static const struct matcher host_a = {BYTES("host"), MATCH_EQUAL, BYTES("a")};
    static const struct matcher host_like = {BYTES("host"), MATCH_REGEX, BYTES("[b-z]")};
    static const struct bytes only_n = BYTES("n"), other = BYTES("other");
    static const struct {
        const char *name;
        struct tombstone tombstone;
        const char *want;
    } cases[] = {
        {"all of a range, [start, end)",
         {200, false, {BYTES("cpu"), NULL, 0}, 10, 20, NULL, 0},
         "time,host,n,v\n20,a,2,2.0\n20,b,2,2.0\n"                        },
        {"one field of it",
         {200, false, {BYTES("cpu"), NULL, 0}, 10, 20, &only_n, 1},
         "time,host,n,v\n10,a,,1.0\n20,a,2,2.0\n10,b,,1.0\n20,b,2,2.0\n"  },
        {"a field that nobody asked for",
         {200, false, {BYTES("cpu"), NULL, 0}, 0, 90, &other, 1},
         "time,host,n,v\n10,a,1,1.0\n20,a,2,2.0\n10,b,1,1.0\n20,b,2,2.0\n"},
        {"the selected series only",
         {200, false, {BYTES("cpu"), &host_a, 1}, 0, 90, NULL, 0},
         "time,host,n,v\n10,b,1,1.0\n20,b,2,2.0\n"                        },
        {"series selected by a pattern",
         {200, false, {BYTES("cpu"), &host_like, 1}, 0, 90, NULL, 0},
         "time,host,n,v\n10,a,1,1.0\n20,a,2,2.0\n"                        },
        {"another measurement",
         {200, false, {BYTES("mem"), NULL, 0}, 0, 90, NULL, 0},
         "time,host,n,v\n10,a,1,1.0\n20,a,2,2.0\n10,b,1,1.0\n20,b,2,2.0\n"},
        {"not what is as new as itself, or newer",
         {100, false, {BYTES("cpu"), NULL, 0}, 0, 90, NULL, 0},
         "time,host,n,v\n10,a,1,1.0\n20,a,2,2.0\n10,b,1,1.0\n20,b,2,2.0\n"},
        {"nothing when it comes after S",
         {FIXTURE_NOW + 1, false, {BYTES("cpu"), NULL, 0}, 0, 90, NULL, 0},
         "time,host,n,v\n10,a,1,1.0\n20,a,2,2.0\n10,b,1,1.0\n20,b,2,2.0\n"},
        {"everything, at S itself",
         {FIXTURE_NOW, false, {BYTES("cpu"), NULL, 0}, 0, 90, NULL, 0},
         "time,host,n,v\n"                                                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tombstone tombstone = cases[i].tombstone;
        const struct series *series[2];
        struct fixture fixture;

        fixture_init(&fixture);
        series[0] = fixture_series(&fixture, "cpu", "host=a");
        series[1] = fixture_series(&fixture, "cpu", "host=b");
        for (int s = 0; s < 2; s++) {
            fixture_put(&fixture, series[s], 10, 100, "v=1 n=1i");
            fixture_put(&fixture, series[s], 20, 100, "v=2 n=2i");
        }
        fixture.store.tombstones = &tombstone;
        fixture.store.tombstone_count = 1;
        /* Each host by itself, so that the order of ids does not matter. */
        if (fixture_ask(&fixture, ASK))
            fail_msg("%s: %s", cases[i].name, fixture.err.text);
        for (const char *line = cases[i].want; *line; line += strcspn(line, "\n") + 1)
            if (!memmem(fixture.sink.body.data, fixture.sink.body.size, line,
                        strcspn(line, "\n") + 1))
                fail_msg("%s: %.*s lacks %s", cases[i].name,
                         BYTES_ARG(buf_bytes(&fixture.sink.body)), line);
        assert_int_equal(fixture.sink.body.size, strlen(cases[i].want));
        fixture_release(&fixture);
    }
}

static void test_a_later_row_stands_in_a_deleted_range_whatever_its_revision(void **state)
{
    struct tombstone tombstone = {
        200, false, {BYTES("cpu"), NULL, 0},
          0, 90, NULL, 0
    };
    struct fixture fixture;
    uint32_t late;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 10, 100, "v=1");
    late = fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 10, 300, "v=2");
    fixture.store.rows[late].revision = 50; /* older than what was deleted */
    fixture.store.tombstones = &tombstone;
    fixture.store.tombstone_count = 1;
    fixture_expect(&fixture, ASK, "time,v\n10,2.0\n");
    fixture_expect(&fixture, ASK "&as_of=250", "time,v\n");
    fixture_expect(&fixture, ASK "&as_of=150", "time,v\n10,1.0\n");
    fixture_release(&fixture);
}

/* The row has versions of 100, 300 and 500; another one, of 100, is out of the erased range. */
static void test_what_is_erased_was_never_there(void **state)
{
    static const struct bytes only_n = BYTES("n");
    static const struct {
        const char *name;
        int64_t erased;
        const struct bytes *field;
        const char *question, *want;
    } cases[] = {
        {"now",                              400, NULL,    "",              "10,5,5.0\n20,1,1.0\n"          },
        {"before it was erased",             400, NULL,    "&as_of=350",    "20,1,1.0\n"                    },
        {"before any later version",         400, NULL,    "&as_of=450",    "20,1,1.0\n"                    },
        {"when it was first written",        400, NULL,    "&as_of=100",    "20,1,1.0\n"                    },
        {"all of it, by what comes after S", 600, NULL,    "&as_of=550",    "20,1,1.0\n"                    },
        {"one field",                        400, &only_n, "&as_of=350",    "10,,3.0\n20,1,1.0\n"           },
        {"not what is newer",                300, NULL,    "&as_of=350",    "10,3,3.0\n20,1,1.0\n"          },
        {"no state of it is told",           400, NULL,    "&versions=all", "10,500,,5,5.0\n20,100,,1,1.0\n"},
        {"and none when all is gone",        600, NULL,    "&versions=all", "20,100,,1,1.0\n"               },
        {"nor of the field",                 400, &only_n, "&versions=all",
         "10,100,300,,1.0\n10,300,500,,3.0\n10,500,,5,5.0\n20,100,,1,1.0\n"                                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tombstone tombstone = {.ingest = cases[i].erased,
                                      .erase = true,
                                      .selector.measurement = BYTES("cpu"),
                                      .start = 0,
                                      .end = 20,
                                      .fields = cases[i].field,
                                      .field_count = cases[i].field != NULL};
        bool all = strstr(cases[i].question, "versions") != NULL;
        char question[128], want[256];
        const struct series *series;
        struct fixture fixture;

        fixture_init(&fixture);
        series = fixture_series(&fixture, "cpu", "");
        fixture_put(&fixture, series, 10, 100, "v=1 n=1i");
        fixture_put(&fixture, series, 10, 300, "v=3 n=3i");
        fixture_put(&fixture, series, 10, 500, "v=5 n=5i");
        fixture_put(&fixture, series, 20, 100, "v=1 n=1i");
        fixture.store.tombstones = &tombstone;
        fixture.store.tombstone_count = 1;
        (void)snprintf(question, sizeof(question), ASK "%s", cases[i].question);
        (void)snprintf(want, sizeof(want), "time,%sn,v\n%s", all ? "known_from,known_to," : "",
                       cases[i].want);
        fixture_expect(&fixture, question, want);
        fixture_release(&fixture);
    }
}

/* A deletion of before leaves its mark as if only what was not erased had been there. */
static void test_a_deletion_beside_what_is_erased(void **state)
{
    struct tombstone tombstones[] = {
        {.ingest = 200,  .selector.measurement = BYTES("cpu"), .start = 0, .end = 90},
        { .ingest = 400, .erase = true, .selector.measurement = BYTES("cpu"), .start = 0, .end = 15},
    };
    const struct series *series;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "cpu", "");
    for (int64_t time = 10; time < 30; time += 10) {
        fixture_put(&fixture, series, time, 100, "v=1");
        fixture_put(&fixture, series, time, 300, "v=3");
    }
    fixture.store.tombstones = tombstones;
    fixture.store.tombstone_count = COUNT_OF(tombstones);
    fixture_expect(&fixture, ASK "&versions=all",
                   "time,known_from,known_to,v\n20,100,200,1.0\n20,300,,3.0\n");
    fixture_release(&fixture);
}

static void test_a_stored_pattern_that_gives_up_is_no_answer(void **state)
{
    static const struct matcher matcher = {BYTES("host"), MATCH_REGEX, BYTES("(a|aa)+[xy]")};
    struct tombstone tombstone = {
        200, false, {BYTES("cpu"), &matcher, 1},
          0, 90, NULL, 0
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture,
                fixture_series(&fixture, "cpu", "host=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), 10,
                100, "v=1");
    fixture.store.tombstones = &tombstone;
    fixture.store.tombstone_count = 1;
    fixture_refuse(&fixture, ASK, E_INTERNAL, "", "a stored deletion");
    fixture_release(&fixture);
}

/* As many as there are, a few selections. */
static void test_deletions_of_a_series_are_those_that_touch_its_places(void **state)
{
    enum { COUNT = 5000 };
    static const struct matcher matchers[] = {
        {BYTES("host"), MATCH_EQUAL,     BYTES("a")},
        {BYTES("host"), MATCH_NOT_EQUAL, BYTES("a")},
        {BYTES("host"), MATCH_REGEX,     BYTES("a")},
        {BYTES("host"), MATCH_EQUAL,     BYTES("b")},
    };
    static const struct place places[] = {
        {.time_first = 100,  .time_last = 4000},
        {.time_first = 200,  .time_last = 300 },
        {.time_first = 4500, .time_last = 4500},
    };
    struct tombstone *tombstones = calloc(COUNT, sizeof(*tombstones));
    struct deletions deletions;
    struct deletion_list list;
    const struct series *series;
    struct fixture fixture;
    struct watch watch;
    struct arena arena;
    uint32_t want = 0;

    (void)state;
    assert_non_null(tombstones);
    fixture_init(&fixture);
    arena_init(&arena, 1 << 24, NULL);
    series = fixture_series(&fixture, "cpu", "host=a");
    watch_init(&watch, &fixture.limits, &fixture.clock.clock, &fixture.sink.sink);
    for (int i = 0; i < COUNT; i++) {
        int64_t start = (int64_t)i * 7919 % COUNT, end = start + 2;
        int match = i % 5;

        tombstones[i] = (struct tombstone){
            .ingest = i + 1,
            .selector = {BYTES("cpu"), match < 4 ? &matchers[match] : NULL, match < 4},
            .start = start,
            .end = end
        };
        want += (match == 0 || match == 2 || match == 4) &&
                ((end > 100 && start <= 4000) || (end > 4500 && start <= 4500));
    }
    assert_int_equal(deletions_init(&deletions, tombstones, COUNT, BYTES("cpu"), INT64_MAX, 0,
                                    COUNT + 2, NULL, 0, &watch, &arena, NULL),
                     OK);
    assert_int_equal(deletions.list.count, COUNT);
    assert_int_equal(deletions.matchset_count, 5);
    assert_int_equal(
        deletions_of(&deletions, series, places, COUNT_OF(places), &watch, &arena, &list, NULL),
        OK);
    assert_int_equal(list.count, want);
    assert_int_equal(deletions_of(&deletions, series, NULL, 0, &watch, &arena, &list, NULL), OK);
    assert_int_equal(list.count, 0);
    deletions_release(&deletions);
    /* Whoever asked has left: neither step goes on to its end. */
    fixture.sink.cancel_at = 1;
    watch_init(&watch, &fixture.limits, &fixture.clock.clock, &fixture.sink.sink);
    assert_int_equal(deletions_init(&deletions, tombstones, COUNT, BYTES("cpu"), INT64_MAX, 0,
                                    COUNT + 2, NULL, 0, &watch, &arena, NULL),
                     E_CANCELLED);
    assert_true(deletions.list.count < COUNT);
    deletions_release(&deletions);
    arena_release(&arena);
    fixture_release(&fixture);
    free(tombstones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_deletion_hides),
        cmocka_unit_test(test_a_later_row_stands_in_a_deleted_range_whatever_its_revision),
        cmocka_unit_test(test_what_is_erased_was_never_there),
        cmocka_unit_test(test_a_deletion_beside_what_is_erased),
        cmocka_unit_test(test_a_stored_pattern_that_gives_up_is_no_answer),
        cmocka_unit_test(test_deletions_of_a_series_are_those_that_touch_its_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
