#include "tests/unit/handlers/one_serving.h"

#include "handlers/turn.h"

static uint64_t running(void)
{
    return metric_value(metrics_get(serving.app.metrics, "weir_queries_running", "", METRIC_GAUGE,
                                    "tenant=\"default\""));
}

static void test_there_are_as_many_turns_as_the_limit_says(void **state)
{
    struct tenant_settings settings = {.limits = serving.ground.limits};
    struct session session = {.settings = &settings};
    struct request request = {.app = &serving.app, .session = &session};
    struct turn turns[4] = {{NULL}};
    struct error err = {0};

    (void)state;
    session.tenant = serving.ground.tenant;
    settings.limits.queries_max = 3;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(turn_take(&turns[i], &request, &err), OK);
        assert_int_equal(turn_is_alone(&turns[0]), i == 0);
    }
    assert_int_equal(turn_take(&turns[3], &request, &err), E_QUERIES_MANY);
    assert_non_null(strstr(err.text, "3 queries and lists"));
    assert_in_range(err.retry_s, 1, 60);
    assert_int_equal(running(), 3);
    turn_end(&turns[3]); /* it has none */
    turn_end(&turns[1]);
    assert_int_equal(running(), 2);
    assert_int_equal(turn_take(&turns[3], &request, &err), OK);
    for (size_t i = 0; i < 4; i++)
        turn_end(&turns[i]);
    assert_int_equal(running(), 0);
}

static void test_lists_take_turns_too(void **state)
{
    static const char *const lists[] = {
        "GET /v1/measurements", "GET /v1/series?measurement=m", "GET /v1/fields?measurement=m",
        "GET /v1/tags",         "GET /v1/tags/host/values",     "GET /v1/query?measurement=m",
    };
    static struct serving narrow;

    (void)state;
    serving_init(&narrow);
    narrow.ground.limits.queries_max = 0;
    serving_start(&narrow, NULL);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        expect(&serving, lists[i], NULL, 200, "HTTP/1.1");
        expect(&narrow, lists[i], NULL, 429, "Retry-After: ");
    }
    serving_stop(&narrow);
    assert_int_equal(running(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_are_as_many_turns_as_the_limit_says),
        cmocka_unit_test(test_lists_take_turns_too),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
