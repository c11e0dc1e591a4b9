/* Writes whose memory others hold: those that want little of it wait, the others are refused. */
#include "handlers/admission.h"
#include "tests/unit/handlers/one_serving.h"

#include "base/thread.h"

static int64_t value_of(const char *name, const char *labels)
{
    return (int64_t)metric_value(metrics_get(serving.ground.metrics, name, "",
                                             labels[0] == '\0' ? METRIC_GAUGE : METRIC_COUNTER,
                                             labels));
}

/* Gives the memory back once somebody waits for it, and ends a request, which is what tells it. */
static void give_later(void *context)
{
    static struct serving other;

    while (value_of("weir_http_waiting", "") == 0)
        usleep(1000);
    budget_give(&serving.ground.promises, *(size_t *)context);
    other.port = serving.port;
    assert_int_equal(ask(&other, "GET /v1/points", "", NULL), 405);
}

static void test_who_waits_and_who_is_refused(void **state)
{
    size_t all = serving.ground.promises.bytes_max, part = serving.ground.budget.bytes_max / 16 / 4;
    const struct {
        const char *name, *what;
        size_t size, held;
        bool waits;
        int status;
    } cases[] = {
        {"a small one does not need a promise", "POST /v1/points",  65536,    all, false, 204},
        {"a larger one waits",                  "POST /v1/points",  65537,    all, true,  204},
        {"so do other doors",                   "POST /write?db=m", 65537,    all, true,  204},
        {"a sixteenth of the memory",           "POST /v1/points",  part,     all, true,  204},
        {"more than that",                      "POST /v1/points",  part + 1, all, false, 503},
        {"there is room",                       "POST /v1/points",  part + 1, 0,   false, 204},
    };
    static char body[1 << 20];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t held = cases[i].held;
        struct thread *giver = NULL;
        struct error err = {0};
        int status;

        assert_true(cases[i].size + 1 < sizeof(body));
        memset(body, '\n', cases[i].size);
        memcpy(body, "m f=1 1\n", 8);
        body[cases[i].size] = '\0';
        assert_true(budget_take(&serving.ground.promises, held));
        if (cases[i].waits)
            assert_int_equal(thread_start("giver", give_later, &held, &giver, &err), OK);
        status = ask(&serving, cases[i].what, "", body);
        if (cases[i].waits)
            thread_join(giver);
        else
            budget_give(&serving.ground.promises, held);
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].name, serving.answer);
        assert_int_equal(value_of("weir_http_waiting", ""), 0);
    }
    /* Waiting is no refusal. */
    assert_int_equal(
        value_of("weir_points_refused_total", "tenant=\"default\",reason=\"overloaded\""), 1);
}

static int setup(void **state)
{
    (void)state;
    serving_init(&serving);
    serving.ground.budget.bytes_max = serving.ground.promises.bytes_max = 16 << 20;
    serving_start(&serving, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_and_who_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, serving_close);
}
