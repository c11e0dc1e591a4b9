#include "tests/unit/handlers/serving.h"

#include "codec/point.h"
#include "handlers/recall.h"
#include "ingest/deposit.h"

#define PARTITION "0123456789abcdef"

static struct serving serving;
static _Atomic bool stop;

struct recalled {
    struct progress_note notes[8]; /* without texts */
    struct buf partitions;         /* " ID ID" */
    unsigned count, fail_at;
};

static enum code take(void *context, const struct recalled_row *row, struct error *err)
{
    struct recalled *recalled = context;
    struct bytes partition;

    if (recalled->count + 1 == recalled->fail_at)
        return error_set(err, E_CANCELLED, "enough");
    assert_in_range(recalled->count, 0, 7);
    assert_true(progress_read(row, &recalled->notes[recalled->count], &partition));
    assert_true(bytes_equal(recalled->notes[recalled->count].etag, BYTES("\"e\"")));
    buf_put_char(&recalled->partitions, ' ');
    buf_put(&recalled->partitions, partition);
    recalled->count++;
    return OK;
}

static void write_note(int64_t time, int64_t end, const char *partition)
{
    const struct progress_note note = {
        .time_ns = time, .end_ns = end, .done = true, .etag = BYTES("\"e\"")};
    const struct deposit_terms terms = {.environment = &serving.app.intake,
                                        .tenant = serving.ground.tenant,
                                        .limits = &serving.ground.limits,
                                        .stop = &stop};
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    struct point point;
    int64_t ingest;

    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 1);
    point_init(&point, &batch, &serving.ground.limits);
    assert_int_equal(progress_put(&note, BYTES("\x01s"), bytes_of(partition), &point, &err), OK);
    if (deposit(&terms, &batch, &ingest, &err) != OK)
        fail_msg("%s", err.text);
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
}

static enum code recall(struct recalled *recalled, const char *tenant, const char *partition,
                        int64_t start, int64_t end)
{
    const struct recall how = recall_of(&serving.app);
    struct series_tag matched = {progress_partition_key, bytes_of(partition)};
    struct error err = {0};
    bool partial = true;
    enum code code;

    buf_release(&recalled->partitions);
    *recalled = (struct recalled){.partitions = BUF_INIT(1024), .fail_at = recalled->fail_at};
    code = how.rows(how.context, bytes_of(tenant), BYTES("\x01s"), &matched,
                    partition[0] == '\0' ? 0 : 1, start, end, take, recalled, &partial, &err);
    assert_false(partial);
    assert_true((code == OK) == (err.text[0] == '\0'));
    return code;
}

static void test_notes_that_were_written_are_read_as_they_are_now(void **state)
{
    struct recalled recalled = {.fail_at = 0};

    (void)state;
    write_note(1000, 2000, PARTITION);
    write_note(3000, 4000, PARTITION);
    write_note(1000, 9000, "other");
    write_note(1000, 2500, PARTITION); /* the window was asked again, and is longer */
    assert_int_equal(recall(&recalled, "default", PARTITION, INT64_MIN, INT64_MAX), OK);
    assert_int_equal(recalled.count, 2);
    assert_true(recalled.notes[0].time_ns == 1000 && recalled.notes[0].end_ns == 2500);
    assert_true(recalled.notes[1].time_ns == 3000 && recalled.notes[1].done);
    assert_true(bytes_equal(buf_bytes(&recalled.partitions), BYTES(" " PARTITION " " PARTITION)));
    assert_int_equal(recall(&recalled, "default", PARTITION, 1001, 3001), OK);
    assert_int_equal(recalled.count, 1);
    assert_int_equal(recall(&recalled, "default", PARTITION, 1001, 3000), OK);
    assert_int_equal(recalled.count, 0);
    assert_int_equal(recall(&recalled, "default", "", INT64_MIN, INT64_MAX), OK);
    assert_int_equal(recalled.count, 3);
    assert_int_equal(recall(&recalled, "default", "none", INT64_MIN, INT64_MAX), OK);
    assert_int_equal(recalled.count, 0);
    buf_release(&recalled.partitions);
}

static void test_quotas_of_questions_are_not_those_of_collectors(void **state)
{
    struct recalled recalled = {.fail_at = 0};

    (void)state;
    write_note(5000, 6000, "quota");
    write_note(6000, 7000, "quota");
    assert_int_equal(recall(&recalled, "default", "quota", 0, INT64_MAX), OK);
    assert_int_equal(recalled.count, 2);
    buf_release(&recalled.partitions);
}

static void test_who_takes_ends_it_and_nobody_is_no_tenant(void **state)
{
    struct recalled recalled = {.fail_at = 1};

    (void)state;
    write_note(5000, 6000, "ended");
    assert_int_equal(recall(&recalled, "default", "ended", 0, INT64_MAX), E_CANCELLED);
    assert_int_equal(recalled.count, 0);
    recalled.fail_at = 0;
    assert_int_equal(recall(&recalled, "nobody", "ended", 0, INT64_MAX), E_NOT_FOUND);
    assert_int_equal(recalled.count, 0);
    buf_release(&recalled.partitions);
}

static int close_it(void **state)
{
    (void)state;
    serving_stop(&serving);
    return 0;
}

/* Low quotas: what a collector reads is not held to them. */
static int open_with_quotas(void **state)
{
    (void)state;
    serving_init(&serving);
    serving.ground.limits.query_rows_max = 1;
    serving.ground.limits.page_rows_max = 1;
    serving_start(&serving, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_that_were_written_are_read_as_they_are_now),
        cmocka_unit_test(test_quotas_of_questions_are_not_those_of_collectors),
        cmocka_unit_test(test_who_takes_ends_it_and_nobody_is_no_tenant),
    };

    return cmocka_run_group_tests(tests, open_with_quotas, close_it);
}
