#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/scan.h"

struct scanning {
    struct fixture fixture;
    const struct series *series;
    struct watch watch;
    struct scan_setting setting;
    struct missing missing;
    struct deletions deletions;
    struct view *view;
    struct scan scan;
    struct bytes fields[1];
};

static void scanning_init(struct scanning *scanning, bool descending)
{
    *scanning = (struct scanning){.fields = {BYTES("v")}};
    fixture_init(&scanning->fixture);
    scanning->series = fixture_series(&scanning->fixture, "cpu", "");
    scanning->missing.arena = &scanning->fixture.store.arena;
    watch_init(&scanning->watch, &scanning->fixture.limits, &scanning->fixture.clock.clock,
               &scanning->fixture.sink.sink);
    scanning->setting = (struct scan_setting){.as_of = FIXTURE_NOW,
                                              .fields = scanning->fields,
                                              .field_count = 1,
                                              .descending = descending,
                                              .deletions = &scanning->deletions,
                                              .watch = &scanning->watch,
                                              .missing = &scanning->missing};
}

static void scanning_open(struct scanning *scanning, int64_t start, int64_t end)
{
    assert_int_equal(store_view(&scanning->fixture.store, NULL, VIEW_LATEST, &scanning->view, NULL),
                     OK);
    scanning->setting.view = scanning->view;
    assert_int_equal(
        scan_open(&scanning->scan, &scanning->setting, scanning->series, start, end, NULL, 0, NULL),
        OK);
}

static void scanning_release(struct scanning *scanning)
{
    scan_release(&scanning->scan);
    scan_setting_release(&scanning->setting);
    view_free(scanning->view);
    assert_int_equal(budget_used(&scanning->watch.memory), 0);
    fixture_release(&scanning->fixture);
}

static void put(struct scanning *scanning, int64_t first, int64_t end, int64_t step)
{
    uint32_t row = scanning->fixture.store.row_count;

    for (int64_t time = first; time < end; time += step)
        (void)fixture_row(&scanning->fixture, scanning->series, time, 100 + row, "v=1");
    (void)twin_place(&scanning->fixture.store, row, scanning->fixture.store.row_count);
}

/* "10-19 20*2 ..." : stretches by first and last time, versions by time and number. */
static void expect(struct scanning *scanning, const char *want)
{
    struct buf got = BUF_INIT(1 << 16);
    struct stretch stretch;
    enum code code;

    while ((code = scan_next(&scanning->scan, &stretch, NULL)) == OK) {
        const int64_t *time = stretch.place ? stretch.place->rows.time : NULL;

        buf_put_text(&got, got.size ? " " : "");
        if (time)
            buf_printf(&got, "%lld-%lld", (long long)time[stretch.first],
                       (long long)time[stretch.end - 1]);
        else
            buf_printf(&got, "%lld*%zu", (long long)stretch.time, stretch.version_count);
        scan_forget(&scanning->scan);
    }
    assert_int_equal(code, E_END);
    if (!bytes_equal(buf_bytes(&got), bytes_of(want)))
        fail_msg("got %.*s, want %s", BYTES_ARG(buf_bytes(&got)), want);
    buf_release(&got);
}

static void test_places_that_do_not_overlap_come_whole(void **state)
{
    struct scanning scanning;

    (void)state;
    for (int descending = 0; descending < 2; descending++) {
        scanning_init(&scanning, descending);
        put(&scanning, 20, 30, 1);
        put(&scanning, 0, 10, 1);
        put(&scanning, 10, 20, 1);
        scanning_open(&scanning, 5, 25);
        expect(&scanning, descending ? "20-24 10-19 5-9" : "5-9 10-19 20-24");
        assert_int_equal(scanning.watch.rows_scanned, 20);
        scanning_release(&scanning);
    }
}

static void test_overlapping_places_meet_only_where_they_share_a_time(void **state)
{
    struct scanning scanning;

    (void)state;
    for (int descending = 0; descending < 2; descending++) {
        scanning_init(&scanning, descending);
        put(&scanning, 0, 100, 10);
        put(&scanning, 45, 46, 1);
        put(&scanning, 70, 72, 1);
        scanning_open(&scanning, INT64_MIN, INT64_MAX);
        expect(&scanning, descending ? "80-90 71-71 70*2 50-60 45-45 0-40"
                                     : "0-40 45-45 50-60 70*2 71-71 80-90");
        scanning_release(&scanning);
    }
}

static void test_places_are_opened_late_and_freed_early(void **state)
{
    struct scanning scanning;
    struct stretch stretch;
    size_t most = 0;

    (void)state;
    scanning_init(&scanning, false);
    for (int64_t i = 0; i < 50; i++)
        put(&scanning, i * 100, i * 100 + 100, 1);
    scanning_open(&scanning, INT64_MIN, INT64_MAX);
    for (uint32_t i = 1; scan_next(&scanning.scan, &stretch, NULL) == OK; i++) {
        size_t used = budget_used(&scanning.watch.memory);

        most = used > most ? used : most;
        assert_int_equal(scanning.fixture.store.places_read, i);
        scan_forget(&scanning.scan);
    }
    assert_true(most < 128 << 10); /* one place and the list */
    scanning_release(&scanning);
}

static void test_rows_that_need_thought_come_by_time(void **state)
{
    struct scanning scanning;
    uint32_t row;

    (void)state;
    scanning_init(&scanning, false);
    row = fixture_row(&scanning.fixture, scanning.series, 1, 100, "v=1");
    (void)fixture_row(&scanning.fixture, scanning.series, 1, 200, "v=2");
    (void)fixture_row(&scanning.fixture, scanning.series, 2, 100, "v=1");
    (void)twin_place(&scanning.fixture.store, row, row + 3);
    fixture_put(&scanning.fixture, scanning.series, 3, 100, "v=null");
    fixture_put(&scanning.fixture, scanning.series, 4, FIXTURE_NOW, "v=1");
    fixture_put(&scanning.fixture, scanning.series, 5, FIXTURE_NOW + 1, "v=1"); /* not seen */
    scanning_open(&scanning, INT64_MIN, INT64_MAX);
    expect(&scanning, "1*2 2*1 3*1 4-4");
    scanning_release(&scanning);
}

/* Slices of a scan of versions: places without a row in one are not read, and a place that several
 * touch is read once. */
static void test_slices_read_what_they_touch_alone(void **state)
{
    static const struct {
        int64_t slices[4][2];
        uint32_t want_read;
        const char *want[2]; /* ascending, descending */
    } cases[] = {
        {{{12, 13}, {17, 17}, {18, 21}},
         2,                                 {"12*1 13*1 17*1 18*1 19*1 20*1 21*1", "21*1 20*1 19*1 18*1 17*1 13*1 12*1"}},
        {{{3, 3}, {33, 33}},             2, {"3*1 33*1", "33*1 3*1"}                                                    },
 /* Both places have 25; the second begins there. */
        {{{24, 26}},                     2, {"24*1 25*2 26*2", "26*2 25*2 24*1"}                                        },
        {{{28, 29}},                     2, {"28*2 29*2", "29*2 28*2"}                                                  },
        {{{30, 35}},                     1, {"30*1 31*1 32*1 33*1 34*1", "34*1 33*1 32*1 31*1 30*1"}                    },
        {{{40, 90}},                     0, {"", ""}                                                                    },
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        bool descending = i % 2;
        const char *want = cases[i / 2].want[descending];
        struct scanning scanning;
        size_t count = 0;
        char got[512] = "";

        scanning_init(&scanning, descending);
        scanning.setting.versions = true;
        put(&scanning, 0, 10, 1);
        put(&scanning, 10, 20, 1);
        put(&scanning, 20, 30, 1);
        put(&scanning, 25, 35, 1);
        scanning_open(&scanning, 0, 100);
        while (count < 4 && cases[i / 2].slices[count][1] > 0)
            count++;
        for (size_t k = 0; k < count; k++) {
            const int64_t *slice = cases[i / 2].slices[descending ? count - 1 - k : k];
            struct stretch stretch;

            scan_seek(&scanning.scan, slice[0], slice[1]);
            while (scan_next(&scanning.scan, &stretch, NULL) == OK) {
                (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%lld*%zu",
                               *got ? " " : "", (long long)stretch.time, stretch.version_count);
                scan_forget(&scanning.scan);
            }
        }
        if (strcmp(got, want) != 0 || scanning.fixture.store.places_read != cases[i / 2].want_read)
            fail_msg("case %zu: got %s, %u places; want %s, %u", i, got,
                     scanning.fixture.store.places_read, want, cases[i / 2].want_read);
        scanning_release(&scanning);
    }
}

static void test_a_corrupt_place_is_noted_once(void **state)
{
    struct scanning scanning;

    (void)state;
    scanning_init(&scanning, false);
    put(&scanning, 0, 5, 1);
    put(&scanning, 5, 10, 1);
    scanning.fixture.store.places[0].corrupt = true;
    scanning_open(&scanning, INT64_MIN, INT64_MAX);
    expect(&scanning, "5-9");
    scan_release(&scanning.scan);
    assert_int_equal(
        scan_open(&scanning.scan, &scanning.setting, scanning.series, 0, 10, NULL, 0, NULL), OK);
    expect(&scanning, "5-9");
    assert_int_equal(scanning.missing.count, 1);
    assert_true(bytes_equal(scanning.missing.texts[0], BYTES("pack 7 block 0: crc")));
    scanning_release(&scanning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_that_do_not_overlap_come_whole),
        cmocka_unit_test(test_overlapping_places_meet_only_where_they_share_a_time),
        cmocka_unit_test(test_places_are_opened_late_and_freed_early),
        cmocka_unit_test(test_rows_that_need_thought_come_by_time),
        cmocka_unit_test(test_slices_read_what_they_touch_alone),
        cmocka_unit_test(test_a_corrupt_place_is_noted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
