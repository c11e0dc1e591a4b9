#include "handlers/erasure.h"

#include "server/compaction.h"
#include "tests/unit/ingest/ground.h"
#include "tests/unit/store/waiting.h"

static struct ground ground;
static struct waiting was_written, was_carried_out;
static struct compaction_rules rules;

static void keep_all(void *context, const struct tenant *tenant, int64_t *retention_ns,
                     int64_t *history_ns)
{
    (void)context, (void)tenant;
    *retention_ns = *history_ns = INT64_MAX;
}

static int open_ground(void **state)
{
    (void)state;
    rules = compaction_rules_of(NULL);
    rules.ages = keep_all;
    ground_init(&ground);
    ground.rules = &rules;
    ground_open(&ground);
    waiting_init(&was_written);
    waiting_init(&was_carried_out);
    return 0;
}

static int close_ground(void **state)
{
    (void)state;
    ground_close(&ground);
    ground_remove(&ground);
    return 0;
}

static void written(struct erasure *erasure, enum code code, const struct error *err)
{
    (void)erasure;
    waiting_done(&was_written, code, err);
}

static void carried_out(struct erasure *erasure, enum code code, const struct error *err)
{
    (void)erasure;
    waiting_done(&was_carried_out, code, err);
}

static void test_it_is_written_and_then_carried_out(void **state)
{
    struct erasure erasure = {
        .store = ground.store,
        .tenant = ground.tenant,
        .tombstone = {.erase = true,
                      .selector = {.measurement = BYTES("m")},
                      .start = INT64_MIN,
                      .end = INT64_MAX},
        .written = written,
        .carried_out = carried_out,
    };

    (void)state;
    assert_int_equal(erasure_begin(&erasure, NULL), OK);
    assert_int_equal(waiting_for(&was_written, 1), OK);
    assert_int_equal(erasure.tombstone.ingest, store_stamp_newest(ground.store));
    erasure_carry_out(&erasure);
    assert_int_equal(waiting_for(&was_carried_out, 1), OK);
    assert_int_equal(was_written.done, 1);
    erasure_release(&erasure);
}

/* Limit - 1, limit, limit + 1 of what is written of one: nothing is called for what is refused. */
static void test_one_that_is_too_long_is_refused(void **state)
{
    enum { MOST = 1024 * 1024 };
    static char name[MOST + 1];
    struct erasure erasure = {.store = ground.store,
                              .tenant = ground.tenant,
                              .written = written,
                              .tombstone = {.end = 1}};
    unsigned before = was_written.done;
    size_t size;

    (void)state;
    memset(name, 'x', sizeof(name));
    erasure.tombstone.selector.measurement = (struct bytes){name, MOST / 2};
    assert_int_equal(erasure_begin(&erasure, NULL), OK);
    assert_int_equal(waiting_for(&was_written, ++before), OK);
    size = MOST / 2 + (MOST - erasure.payload.size);
    erasure_release(&erasure);
    for (int more = -1; more <= 1; more++) {
        enum code code;

        erasure.tombstone.selector.measurement = (struct bytes){name, size + (size_t)more};
        code = erasure_begin(&erasure, NULL);
        if ((code == OK) != (more <= 0))
            fail_msg("%d: %d", more, code);
        if (code == OK)
            assert_int_equal(waiting_for(&was_written, ++before), OK);
        erasure_release(&erasure);
    }
    assert_int_equal(was_written.done, before);
}

static void test_a_pattern_is_refused_at_once(void **state)
{
    static const struct matcher good = {BYTES("k"), MATCH_REGEX, BYTES("[ab]")},
                                bad = {BYTES("k"), MATCH_REGEX, BYTES("[")};
    struct selector selector = {BYTES("m"), &good, 1};

    (void)state;
    assert_int_equal(erasure_check(&selector, NULL), OK);
    selector.matchers = &bad;
    assert_int_not_equal(erasure_check(&selector, NULL), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_written_and_then_carried_out),
        cmocka_unit_test(test_one_that_is_too_long_is_refused),
        cmocka_unit_test(test_a_pattern_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, open_ground, close_ground);
}
