#include "tests/unit/handlers/one_serving.h"

#include "handlers/trial_turn.h"

static uint64_t running(void)
{
    return metric_value(metrics_get(serving.app.metrics, "weir_trials_running", "", METRIC_GAUGE,
                                    "tenant=\"default\""));
}

/* Of a tenant with that limit, as many turns as are given; then what the next one is told. */
static void expect_turns(uint64_t own_max, size_t count, enum code code, const char *text)
{
    struct tenant_settings settings = {.limits = serving.ground.limits};
    struct session session = {.settings = &settings, .tenant = serving.ground.tenant};
    struct request request = {.app = &serving.app, .session = &session};
    struct trial_turn turns[8] = {{NULL}};
    struct error err = {0};

    settings.limits.tenant_trials_max = own_max;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(trial_turn_take(&turns[i], &request, &err), OK);
    assert_int_equal(running(), count);
    assert_int_equal(trial_turn_take(&turns[count], &request, &err), code);
    assert_non_null(strstr(err.text, text));
    assert_int_equal(err.retry_s, 5);
    assert_int_equal(running(), count);
    assert_int_equal(serving.app.trials, count);
    if (count > 0) {
        trial_turn_end(&turns[0], &request);
        assert_int_equal(trial_turn_take(&turns[0], &request, &err), OK);
    }
    for (size_t i = 0; i < count; i++)
        trial_turn_end(&turns[i], &request);
    assert_int_equal(running(), 0);
    assert_int_equal(serving.app.trials, 0);
}

static void test_there_are_as_many_as_the_tenant_may_have(void **state)
{
    (void)state;
    expect_turns(3, 3, E_TRIALS_MANY, "3 pages of sources of this tenant");
    expect_turns(0, 0, E_TRIALS_MANY, "0 pages of sources of this tenant");
}

static void test_there_are_as_many_as_the_node_may_have(void **state)
{
    static struct limits node;

    (void)state;
    node = serving.ground.limits;
    node.trials_max = 2;
    serving.app.limits = &node;
    expect_turns(3, 2, E_BUSY, "2 pages of sources are tried already");
    serving.app.limits = &serving.ground.limits;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_are_as_many_as_the_tenant_may_have),
        cmocka_unit_test(test_there_are_as_many_as_the_node_may_have),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
