#include "http/waiters.h"
#include "tests/unit/handlers/one_serving.h"

/* Each writes a measurement of its own, whose only time is then asked for. */
static void test_precision_has_the_names_of_each_version(void **state)
{
    static const struct {
        const char *what, *time;
        int64_t want; /* 0: 400 */
    } cases[] = {
        {"/write?db=d",                            "1700000000000000001", 1700000000000000001},
        {"/write?db=d&precision=",                 "1700000000000000001", 1700000000000000001},
        {"/write?precision=n",                     "1700000000000000001", 1700000000000000001},
        {"/write?precision=ns",                    "1700000000000000001", 1700000000000000001},
        {"/write?precision=u",                     "1700000000000001",    1700000000000001000},
        {"/write?precision=us",                    "1700000000000001",    1700000000000001000},
        {"/write?precision=%C2%B5",                "1700000000000001",    1700000000000001000},
        {"/write?precision=ms",                    "1700000000001",       1700000000001000000},
        {"/write?precision=s",                     "1700000000",          1700000000000000000},
        {"/write?precision=m",                     "28333333",            1699999980000000000},
        {"/write?precision=h",                     "472222",              1699999200000000000},
        {"/write?precision=d",                     "1",                   0                  },
        {"/write?precision=second",                "1",                   0                  },
        {"/write?precision=auto",                  "1",                   0                  },
        {"/api/v2/write?bucket=b",                 "1700000000000000001", 1700000000000000001},
        {"/api/v2/write?precision=ns",             "1700000000000000001", 1700000000000000001},
        {"/api/v2/write?precision=us",             "1700000000000001",    1700000000000001000},
        {"/api/v2/write?precision=ms",             "1700000000001",       1700000000001000000},
        {"/api/v2/write?precision=s",              "1700000000",          1700000000000000000},
        {"/api/v2/write?precision=m",              "1",                   0                  },
        {"/api/v2/write?precision=n",              "1",                   0                  },
        {"/api/v3/write_lp?db=d",                  "1700000000",          1700000000000000000},
        {"/api/v3/write_lp?precision=auto",        "1700000000001",       1700000000001000000},
        {"/api/v3/write_lp?precision=auto",        "1700000000000001",    1700000000000001000},
        {"/api/v3/write_lp?precision=auto",        "1700000000000000001", 1700000000000000001},
        {"/api/v3/write_lp?precision=nanosecond",  "1700000000000000001", 1700000000000000001},
        {"/api/v3/write_lp?precision=microsecond", "1700000000000001",    1700000000000001000},
        {"/api/v3/write_lp?precision=millisecond", "1700000000001",       1700000000001000000},
        {"/api/v3/write_lp?precision=second",      "1700000000",          1700000000000000000},
        {"/api/v3/write_lp?precision=s",           "1700000000",          1700000000000000000},
        {"/api/v3/write_lp?precision=hour",        "1",                   0                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char what[128], body[128], want[64];

        snprintf(what, sizeof(what), "POST %s", cases[i].what);
        snprintf(body, sizeof(body), "p%zu f=1 %s\n", i, cases[i].time);
        if (cases[i].want == 0) {
            expect(&serving, what, body, 400, "invalid precision");
            continue;
        }
        expect(&serving, what, body, 204, "X-Influxdb-Version: ");
        snprintf(what, sizeof(what), "GET /v1/query?measurement=p%zu&epoch=ns", i);
        snprintf(want, sizeof(want), "[[%lld,1.0]]", (long long)cases[i].want);
        expect(&serving, what, NULL, 200, want);
    }
}

static void test_answers(void **state)
{
    static const struct {
        const char *what, *body;
        int status;
        const char *text;
    } cases[] = {
        {"POST /write?db=a&rp=b&u=c&p=d&consistency=one",   "a f=1 1",                   204, ""                                                   },
        {"POST /write",                                     NULL,                        204, ""                                                   },
        {"POST /write",                                     "a f=1 2\na f=x 3\na g=y 4", 400,
         "dropped=2\",\"accepted\":1,\"rejected\":2,\"errors\":[{\"line\":2,\"code\":\"bad_"
         "number\","                                                                                                                               },
        {"POST /write",                                     "a f=1 2\na f=x 3",          400, "{\"error\":\"partial write: line 2: "               },
        {"POST /write",                                     "a f=x 3",                   400, "{\"error\":\"unable to parse 'line 1': "            },
        {"POST /write",                                     "a f=\"s\" 3",               400, "{\"error\":\"partial write: line 1: field \\\"f\\\""},
        {"POST /write?accept_partial=false",                "z f=1 2\nz f=x 3",          400, "nothing was stored"                                 },
        {"GET /v1/query?measurement=z",                     NULL,                        200, "\"series\":[]"                                      },
        {"POST /write?accept_partial=no",                   "a f=1",                     400, "invalid accept_partial"                             },
        {"POST /write?db=a&db=b",                           "a f=1",                     400, "db= is given twice"                                 },
        {"POST /api/v2/write?org=o&orgID=i&bucket=b",       "a f=1 5",                   204, ""                                                   },
        {"POST /api/v2/write",                              "a f=1 2\n\na f=x 3",        400,
         "{\"code\":\"invalid\",\"message\":\"partial write: line 3: "                                                                             },
        {"POST /api/v2/write",                              "a f=1 2\n\na f=x 3",        400,
         " dropped=1\",\"line\":3,\"accepted\":1,"                                                                                                 },
        {"POST /api/v2/write?accept_partial=false",         "y f=1 2\ny f=x 3",          400,
         "\"line\":2,\"accepted\":0,\"rejected\":1,\"errors\":["                                                                                   },
        {"GET /v1/query?measurement=y",                     NULL,                        200, "\"series\":[]"                                      },
        {"POST /api/v3/write_lp?db=d&no_sync=true",         "a f=1 6",                   204, ""                                                   },
        {"POST /api/v3/write_lp?db=d&no_sync=maybe",        "a f=1 6",                   400, "invalid no_sync"                                    },
        {"POST /api/v3/write_lp?db=d",                      "v3 f=1 2\nv3 f=x 3",        400,
         "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"line_number\":2,"
         "\"error_message\":\"line 2: column 6: "                                                                                                  },
        {"GET /v1/query?measurement=v3",                    NULL,                        200, "1.0]]"                                              },
        {"POST /api/v3/write_lp?db=d&accept_partial=false", "x f=1 2\nx f=x 3",          400,
         "nothing was stored; the first is line 2: "                                                                                               },
        {"GET /v1/query?measurement=x",                     NULL,                        200, "\"series\":[]"                                      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, cases[i].body, cases[i].status, cases[i].text);
}

static void test_the_type_of_the_body_is_not_asked_for(void **state)
{
    (void)state;
    assert_int_equal(ask(&serving, "POST /write", "Content-Type: application/json\r\n", "t f=1 1"),
                     204);
    assert_int_equal(
        ask(&serving, "POST /api/v2/write", "Content-Type: application/octet-stream\r\n", "t f=1"),
        204);
}

static void test_nothing_is_taken_while_draining(void **state)
{
    (void)state;
    serving.app.draining = true;
    expect(&serving, "POST /api/v2/write", "m f=1 1", 503, "{\"code\":\"unavailable\"");
    assert_non_null(strstr(serving.answer, "Retry-After: "));
    expect(&serving, "POST /write", "m f=1 1", 503, "Retry-After: ");
    serving.app.draining = false;
    expect(&serving, "POST /write", "m f=1 1", 204, "");
}

/* A request that waits for memory has waited long enough. */
static void expect_given_up(const char *what, const char *text)
{
    struct metric *waiting =
        metrics_get(serving.ground.metrics, "weir_http_waiting", "", METRIC_GAUGE, "");
    int fd = ask_begin(&serving, what, "", "m f=1 1"), status;

    for (int i = 0; i < 20000 && metric_value(waiting) == 0; i++)
        usleep(1000);
    assert_int_equal(metric_value(waiting), 1);
    serving.clock.monotonic_more += (int64_t)WAIT_MS_MAX * 1000000;
    status = ask_end(&serving, fd, what);
    if (status != 503 || strstr(serving.answer, text) == NULL)
        fail_msg("%s: want 503 with %s, got:\n%s", what, text, serving.answer);
}

static void test_a_full_memory_is_503(void **state)
{
    struct budget *budget = serving.app.intake.budget;
    size_t rest = budget->bytes_max - budget_used(budget);

    (void)state;
    assert_true(budget_take(budget, rest));
    expect_given_up("POST /write", "Retry-After: ");
    expect_given_up("POST /api/v2/write", "{\"code\":\"unavailable\"");
    expect_given_up("POST /api/v3/write_lp", "{\"error\":\"");
    budget_give(budget, rest);
    expect(&serving, "POST /write", "m f=1 1", 204, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precision_has_the_names_of_each_version),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_the_type_of_the_body_is_not_asked_for),
        cmocka_unit_test(test_nothing_is_taken_while_draining),
        cmocka_unit_test(test_a_full_memory_is_503),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
