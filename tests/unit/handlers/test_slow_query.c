#include "tests/unit/handlers/one_serving.h"

#include "handlers/slow_query.h"
#include "query/query.h"

static uint64_t slow(void)
{
    return metric_value(
        metrics_get(serving.app.metrics, "weir_slow_queries_total", "", METRIC_COUNTER, ""));
}

/* Just below it, at it; and never with 0. */
static void test_what_takes_as_long_as_the_setting_is_slow(void **state)
{
    static const struct {
        uint64_t setting;
        int64_t ns;
        uint64_t want;
    } cases[] = {
        {1000, 999999999,   0},
        {1000, 1000000000,  1},
        {1,    60000000000, 1},
        {0,    60000000000, 0},
    };
    struct tenant_settings settings = {.limits = serving.ground.limits};
    struct session session = {.settings = &settings, .tenant = serving.ground.tenant};
    struct request request = {.app = &serving.app, .session = &session, .id = BYTES("r-1")};
    const struct query_outcome outcome = {.rows_scanned = 5, .bytes_out = 7, .series = 2};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t before = slow();

        serving.app.slow_query_ms = cases[i].setting;
        slow_query_note(&request, BYTES("measurement=m"), &outcome, OK, cases[i].ns);
        assert_int_equal(slow() - before, cases[i].want);
    }
}

static void test_a_question_is_cut(void **state)
{
    static char text[2 * SLOW_QUESTION_BYTES_MAX];
    struct buf question = BUF_INIT(SLOW_QUESTION_BYTES_MAX);
    struct request request = {.app = &serving.app};

    (void)state;
    memset(text, 'x', sizeof(text));
    slow_query_question(&request, BYTES("{\"measurement\":\"m\"}"), &question);
    assert_true(bytes_equal(buf_bytes(&question), BYTES("{\"measurement\":\"m\"}")));
    slow_query_question(&request, (struct bytes){text, sizeof(text)}, &question);
    assert_false(question.failed);
    assert_int_equal(question.size, SLOW_QUESTION_BYTES_MAX);
    buf_release(&question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_takes_as_long_as_the_setting_is_slow),
        cmocka_unit_test(test_a_question_is_cut),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
