#include "tests/unit/ingest/pull/puller_ground.h"

#include "ingest/deposit.h"
#include "ingest/pull/writing.h"

/* The day before yesterday, and the one before that; all of it is asked again by each pull. */
#define SOURCE(more)                                                                               \
    "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, "         \
    "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'overlap': 'P9D', 'format': 'date', "  \
    "'missing': 'retract'}, 'tags': {'id': {'path': 'id'}}, 'retry': {'max': 0}, "                 \
    "'values': [{'path': 'v', 'field': 'v'}, {'path': 'w', 'field': 'w', 'type': 'text'}, "        \
    "{'path': 'n', 'field': 'n', 'type': 'integer'}, {'path': 'k', 'field': 'k', 'type': "         \
    "'bool'}]" more

enum { DAY = -2 };

static char bodies[8][4096];

/* As SITE_ANSWERS(), of what is made while the test runs. */
static void answers(const struct site_rule *rules, size_t count)
{
    static struct site_rule kept[64][3];
    static size_t used;

    assert_true(used < COUNT_OF(kept) && count <= COUNT_OF(kept[0]));
    memcpy(kept[used], rules, count * sizeof(*rules));
    site_answers(&it.site, kept[used++], count);
}

#define ANSWERS(...)                                                                               \
    answers((const struct site_rule[]){__VA_ARGS__},                                               \
            COUNT_OF(((const struct site_rule[]){__VA_ARGS__})))

/* "a1=5 b2=7x" are rows of the series a and b at 1 and 2 o'clock of that day, with v alone, or
 * (x) with values of all types. */
static const char *rows(int index, int day, const char *text, const char *more)
{
    char date[TIMESTAMP_TEXT_SIZE];
    struct buf body = BUF_INIT(sizeof(bodies[0]) - 1);
    const char *comma = "";

    buf_put_text(&body, "{'data': [");
    it_day(day, date);
    while (*text != '\0') {
        char id = *text++;
        int hour = (int)strtol(text, (char **)(uintptr_t)&text, 10);
        double value = strtod(text + 1, (char **)(uintptr_t)&text);

        buf_printf(&body, "%s{'id': '%c', 'at': '%.10sT%02d:00:00Z', 'v': %.17g", comma, id, date,
                   hour, value);
        if (*text == 'x')
            buf_printf(&body, ", 'w': 'text of %c', 'n': -%d, 'k': true", id, hour);
        buf_put_text(&body, "}");
        text += strspn(text, " x");
        comma = ", ";
    }
    buf_printf(&body, "]%s}", more);
    buf_put_char(&body, '\0');
    assert_false(body.failed);
    memcpy(bodies[index], body.data, body.size);
    buf_release(&body);
    return bodies[index];
}

static void declare(const char *more, int from, int until)
{
    char blocks[2048], first[TIMESTAMP_TEXT_SIZE], end[TIMESTAMP_TEXT_SIZE];
    int size =
        snprintf(blocks, sizeof(blocks), SOURCE(""), it_day(from, first), it_day(until, end));

    (void)snprintf(blocks + size, sizeof(blocks) - (size_t)size, "%s", more);
    it_declares(blocks);
}

static void answer(const char *text)
{
    ANSWERS({.when = "GET", .body = rows(0, DAY, text, "")});
}

static void pull(const char *text)
{
    answer(text);
    it_pulls(1);
}

/* How many rows are there, and the sum of their v. */
static void expect(size_t count, double sum)
{
    struct it_found found = it_rows("m");

    if (found.count != count || found.sum != sum)
        fail_msg("%zu rows with %g, want %zu with %g", found.count, found.sum, count, sum);
}

/* Somebody else writes m,id=ID FIELD=value at that hour. */
static void write_by_hand(char id, int hour, const char *field, double value)
{
    static const _Atomic bool stop;
    const struct deposit_terms terms = {.environment = &it.ground.environment,
                                        .tenant = it.ground.tenant,
                                        .limits = &it.ground.limits,
                                        .stop = &stop};
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    struct point point;
    struct bytes duplicate;
    uint32_t series;
    int64_t ingest;

    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 1);
    point_init(&point, &batch, &it.ground.limits);
    point_clear(&point);
    point.measurement = BYTES("m");
    *point_add_tag(&point) = (struct series_tag){
        BYTES("id"), {&id, 1}
    };
    *point_add_field(&point) =
        (struct point_field){.name = bytes_of(field), .type = TYPE_F64, .cell.f64 = value};
    point.timed = true;
    point.time = it_day_ns(DAY) + hour * INT64_C(3600000000000);
    assert_int_equal(point_find_series(&point, &series, &err), OK);
    assert_int_equal(point_find_table(&point, &duplicate), OK);
    assert_int_equal(point_put_row(&point, series, 1, point.time), OK);
    if (deposit(&terms, &batch, &ingest, &err) != OK)
        fail_msg("%s", err.text);
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
}

static void test_what_a_window_has_no_more_goes(void **state)
{
    (void)state;
    answer("a1=1 a2=2x b1=4 b3=8x");
    declare("", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    expect(4, 15);
    pull("a1=1 b1=4 b3=8x");
    expect(3, 13);
    assert_int_equal(it_count("retracted"), 1);
    pull("a1=1 b1=4");
    expect(2, 5);
    assert_int_equal(it_count("retracted"), 2);
    pull("a1=1 b1=4"); /* once is enough */
    assert_int_equal(it_count("retracted"), 2);
    assert_int_equal(it_count("written"), 4);
}

static void test_a_row_that_comes_back_is_written_again(void **state)
{
    static const char *const claims[] = {"", ", 'versions': {'known_at': '/known'}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
        ANSWERS({.when = "GET",
                 .body = rows(0, DAY, "a1=1 a2=2x", ", 'known': '2020-01-01T00:00:00Z'")});
        declare(claims[i], DAY, DAY + 1);
        if (i == 0)
            UNTIL(it_count("windows") == 1 && it_is_resting());
        else
            it_pulls(1);
        expect(2, 3);
        ANSWERS({.when = "GET", .body = rows(0, DAY, "a1=1", ", 'known': '2020-01-01T00:00:00Z'")});
        it_pulls(1);
        expect(1, 1);
        /* Also with a time of long ago, which the retraction is behind. */
        ANSWERS({.when = "GET",
                 .body = rows(0, DAY, "a1=1 a2=2x", ", 'known': '2020-01-01T00:00:00Z'")});
        it_pulls(1);
        expect(2, 3);
    }
}

static void test_what_somebody_has_corrected_stays(void **state)
{
    (void)state;
    answer("a1=1 a2=2 a3=4x a4=8x");
    declare("", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    write_by_hand('a', 2, "v", 2.5);
    write_by_hand('a', 4, "other", 0); /* no field of ours: ours go */
    pull("a1=1");
    expect(3, 3.5);
    assert_int_equal(it_count("retracted"), 2);
    pull("a1=1 a2=2"); /* nor does it take the correction back */
    expect(3, 3.5);
}

static void test_what_others_wrote_stays(void **state)
{
    (void)state;
    write_by_hand('a', 5, "v", 16);
    write_by_hand('c', 1, "v", 32);
    answer("a1=1 a2=2");
    declare("", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    pull("a1=1");
    expect(3, 49);
}

/* Its value is null now: what the row was is no more, as far as it is a row. */
static void test_of_a_row_with_other_fields_nothing_goes(void **state)
{
    char date[TIMESTAMP_TEXT_SIZE];

    (void)state;
    answer("a1=1 a2=2x");
    declare("", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    (void)snprintf(bodies[1], sizeof(bodies[1]),
                   "{'data': [{'id': 'a', 'at': '%.10sT01:00:00Z', 'v': 1}, "
                   "{'id': 'a', 'at': '%.10sT02:00:00Z', 'w': 'text of a'}]}",
                   it_day(DAY, date), date);
    ANSWERS({.when = "GET", .body = bodies[1]});
    it_pulls(1);
    expect(2, 3);
    assert_int_equal(it_count("retracted"), 0);
}

#define CURSOR ", 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}"

static void test_all_pages_of_a_window_count(void **state)
{
    (void)state;
    ANSWERS({.when = "c=b", .body = rows(1, DAY, "a3=4 a4=8", "")},
            {.when = "GET", .body = rows(0, DAY, "a1=1 a2=2", ", 'next': 'b'")});
    declare(CURSOR, DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    ANSWERS({.when = "c=b", .body = rows(1, DAY, "a4=8", "")},
            {.when = "GET", .body = rows(0, DAY, "a1=1", ", 'next': 'b'")});
    it_pulls(1);
    expect(2, 9);
    /* The last one has none: nor does the window begin anew. */
    ANSWERS({.when = "c=b", .body = rows(1, DAY, "", "")},
            {.when = "GET", .body = rows(0, DAY, "a1=1", ", 'next': 'b'")});
    it_pulls(1);
    expect(1, 1);
}

/* A page that fails on its way is read once more; a window that fails tells nothing. */
static void test_a_window_that_did_not_come_whole_tells_nothing(void **state)
{
    (void)state;
    ANSWERS({.when = "c=b", .body = rows(1, DAY, "a3=4", "")},
            {.when = "GET", .body = rows(0, DAY, "a1=1 a2=2", ", 'next': 'b'")});
    declare(CURSOR, DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    ANSWERS({.when = "c=b", .status = "500 No"},
            {.when = "GET", .body = rows(0, DAY, "a1=1", ", 'next': 'b'")});
    it_asks_for_a_pull();
    UNTIL(it_count("failures") == 1 && it_is_resting());
    expect(3, 7);
}

static void test_faults_and_no_rows_at_all_tell_nothing(void **state)
{
    char date[TIMESTAMP_TEXT_SIZE];

    (void)state;
    answer("a1=1 a2=2");
    declare(", 'faults_max': 5, 'outcomes': [{'body_has': 'nothing found', 'do': 'empty'}]", DAY,
            DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    pull("");
    ANSWERS({.when = "GET", .body = "nothing found"});
    it_pulls(1);
    (void)snprintf(bodies[1], sizeof(bodies[1]),
                   "{'data': [{'id': 'a', 'at': '%.10sT01:00:00Z', 'v': 1}, {'at': 'noon'}]}",
                   it_day(DAY, date));
    ANSWERS({.when = "GET", .body = bodies[1]});
    it_pulls(1);
    expect(2, 3);
    assert_int_equal(it_count("retracted"), 0);
    pull("a1=1");
    expect(1, 1);
}

static void test_a_fault_on_any_page_tells_nothing(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        ANSWERS({.when = "c=b", .body = rows(1, DAY, "a3=4", "")},
                {.when = "GET", .body = rows(0, DAY, "a1=1 a2=2", ", 'next': 'b'")});
        if (wrong == 0)
            declare(CURSOR ", 'faults_max': 5", DAY, DAY + 1);
        UNTIL(it_count("windows") >= 1 && it_is_resting());
        ANSWERS({.when = "c=b", .body = rows(1, DAY, wrong == 0 ? "a3=4" : "a3=4 a99=0", "")},
                {.when = "GET",
                 .body = rows(0, DAY, wrong == 0 ? "a1=1 a99=0" : "a1=1", ", 'next': 'b'")});
        it_pulls(1);
        expect(3, 7);
    }
    assert_int_equal(it_count("faulty"), 2);
}

/* What the first page had is known to nobody any more. */
static void test_a_window_begins_anew_after_a_restart(void **state)
{
    (void)state;
    ANSWERS({.when = "c=b", .held = true},
            {.when = "GET", .body = rows(0, DAY, "a1=1", ", 'next': 'b'")});
    declare(CURSOR, DAY, DAY + 1);
    UNTIL(site_asked(&it.site, "c=b") == 1);
    it_restarts();
    ANSWERS({.when = "c=b", .body = rows(1, DAY, "a2=2", "")},
            {.when = "GET", .body = rows(0, DAY, "a1=1", ", 'next': 'b'")});
    declare(CURSOR, DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    expect(2, 3);
    assert_int_equal(it.site.asked_count, 2);
}

/* And what a window knows outlives one: it is in what was delivered. */
static void test_what_was_delivered_before_a_restart_goes(void **state)
{
    (void)state;
    answer("a1=1 a2=2x");
    declare("", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    it_restarts();
    answer("a1=1");
    declare("", DAY, DAY + 1);
    it_pulls(1);
    expect(1, 1);
}

/* Of other windows nothing goes, nor of what lies outside of a window in its answer. */
static void test_each_window_is_by_itself(void **state)
{
    char first[TIMESTAMP_TEXT_SIZE], second[TIMESTAMP_TEXT_SIZE], of_first[32], of_second[32];

    (void)state;
    (void)snprintf(of_first, sizeof(of_first), "a=%.10s", it_day(DAY - 1, first));
    (void)snprintf(of_second, sizeof(of_second), "a=%.10s", it_day(DAY, second));
    ANSWERS({.when = of_first, .body = rows(0, DAY - 1, "a1=1 a2=2", "")},
            {.when = of_second, .body = rows(1, DAY, "a0=4 a23=8", "")});
    declare("", DAY - 1, DAY + 1);
    UNTIL(it_count("windows") == 2 && it_is_resting());
    expect(4, 15);
    ANSWERS({.when = of_first, .body = rows(0, DAY - 1, "a2=2", "")},
            {.when = of_second, .body = rows(0, DAY - 1, "a2=2", "")});
    it_pulls(2);
    expect(3, 14); /* the second window had none within it: it tells nothing */
}

static void test_halves_of_a_window_are_by_themselves(void **state)
{
    char blocks[2048], first[TIMESTAMP_TEXT_SIZE], end[TIMESTAMP_TEXT_SIZE], whole[64], half[64];

    (void)state;
    answer("a1=1 a2=2 a13=4 a14=8");
    (void)snprintf(
        blocks, sizeof(blocks),
        "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, "
        "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'overlap': 'P9D', 'format': "
        "'%%Y%%m%%d%%H', 'missing': 'retract'}, 'tags': {'id': {'path': 'id'}}, "
        "'outcomes': [{'body_has': 'too much', 'do': 'split'}]",
        it_day(DAY, first), it_day(DAY + 1, end));
    it_declares(blocks);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    (void)snprintf(whole, sizeof(whole), "a=%.4s%.2s%.2s00&b=%.4s%.2s%.2s00", first, first + 5,
                   first + 8, end, end + 5, end + 8);
    (void)snprintf(half, sizeof(half), "a=%.4s%.2s%.2s00", first, first + 5, first + 8);
    ANSWERS({.when = whole, .body = "too much"},
            {.when = half, .body = rows(0, DAY, "a1=1 a13=4 a14=8", "")},
            {.when = "GET", .body = rows(1, DAY, "a1=1 a14=8", "")});
    it_pulls(2);
    expect(2, 9);
}

enum { COUNT = 40000, RECORD_ROWS = 32768 };

/* All rows of the window are found to be missing, and the process ends behind the first record. */
static void retract_half_of_it(void)
{
    static const struct bytes measurement = BYTES("m");
    static const _Atomic bool stop;
    const struct source_partition none = {NULL, 0};
    char partition[PARTITION_ID_SIZE];
    struct seen_rows seen = {0};
    struct writing *writing;
    struct error err = {0};
    const struct writing_terms terms = {
        .deposit = {.environment = &it.ground.environment,
                    .tenant = it.ground.tenant,
                    .limits = &it.ground.limits,
                    .stop = &stop},
        .recall = &it.recall,
        .source = BYTES("s"),
        .partition = {partition,                         PARTITION_ID_SIZE - 1           },
        .seen = &seen,
    };

    partition_id(&none, partition);
    assert_int_equal(writing_open(&terms, &writing, &err), OK);
    if (writing_retract(writing, &measurement, 1, it_day_ns(DAY), it_day_ns(DAY + 1), &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(writing_counts(writing)->retracted, RECORD_ROWS);
    writing_close(writing);
    expect(COUNT - RECORD_ROWS, COUNT - RECORD_ROWS);
}

/* More than are looked at together, and than a record has. */
static void pull_a_great_many(bool killed)
{
    static char text[COUNT * 26 + 64];
    size_t size = 0;

    puller_close(it.puller);
    it.body_bytes_max = 4 << 20;
    it_start();
    size = (size_t)snprintf(text, sizeof(text), "{'data': [");
    for (int i = 0; i < COUNT; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s{'at':%lld,'v':1}",
                                 i > 0 ? "," : "", (long long)(it_day_ns(DAY) / 1000000000 + i));
    (void)snprintf(text + size, sizeof(text) - size, "]}");
    ANSWERS({.when = "GET", .body = text});
    declare(", 'time': {'path': 'at', 'format': 'unix_s'}", DAY, DAY + 1);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    expect(COUNT, COUNT);
    (void)snprintf(bodies[1], sizeof(bodies[1]), "{'data': [{'at':%lld,'v':1}]}",
                   (long long)(it_day_ns(DAY) / 1000000000));
    ANSWERS({.when = "GET", .body = bodies[1]});
    if (killed)
        retract_half_of_it();
    it_pulls(1);
    expect(1, 1);
    assert_int_equal(it_count("retracted"), COUNT - (killed ? RECORD_ROWS : 1));
}

static void test_a_great_many_rows_go_too(void **state)
{
    (void)state;
    pull_a_great_many(false);
}

/* What went in the first record is known to have, and what is there comes back. */
static void test_a_kill_between_two_records_is_made_good_by_the_next_pull(void **state)
{
    (void)state;
    pull_a_great_many(true);
}

/* Without what each hash is of, which rows were is not known: it is written beside them. */
static void test_what_was_delivered_before_it_was_wanted_goes_too(void **state)
{
    char blocks[2048], first[TIMESTAMP_TEXT_SIZE], end[TIMESTAMP_TEXT_SIZE], *missing;

    (void)state;
    answer("a1=1 a2=2x");
    (void)snprintf(blocks, sizeof(blocks), SOURCE(""), it_day(DAY, first), it_day(DAY + 1, end));
    missing = strstr(blocks, "retract");
    memcpy(missing, "keep'  ", 7);
    missing[7] = ' ';
    it_declares(blocks);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    pull("a1=1");
    expect(2, 3);
    it_takes_away("s");
    UNTIL(it_count("windows") == -1);
    answer("a1=1 a2=2x");
    declare("", DAY, DAY + 1);
    it_pulls(1);
    assert_int_equal(it_count("written"), 0); /* no row is */
    pull("a1=1");
    expect(1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_what_a_window_has_no_more_goes),
        IT_TEST(test_a_row_that_comes_back_is_written_again),
        IT_TEST(test_what_somebody_has_corrected_stays),
        IT_TEST(test_what_others_wrote_stays),
        IT_TEST(test_of_a_row_with_other_fields_nothing_goes),
        IT_TEST(test_all_pages_of_a_window_count),
        IT_TEST(test_a_window_that_did_not_come_whole_tells_nothing),
        IT_TEST(test_faults_and_no_rows_at_all_tell_nothing),
        IT_TEST(test_a_fault_on_any_page_tells_nothing),
        IT_TEST(test_a_window_begins_anew_after_a_restart),
        IT_TEST(test_what_was_delivered_before_a_restart_goes),
        IT_TEST(test_each_window_is_by_itself),
        IT_TEST(test_halves_of_a_window_are_by_themselves),
        IT_TEST(test_a_great_many_rows_go_too),
        IT_TEST(test_a_kill_between_two_records_is_made_good_by_the_next_pull),
        IT_TEST(test_what_was_delivered_before_it_was_wanted_goes_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
