#include "tests/unit/handlers/one_serving.h"

#include "handlers/influx_shape.h"
#include "http/reply.h"

static int setup(void **state)
{
    (void)state;
    serving_init(&serving);
    serving.ground.limits.body_bytes_max = 1000;
    serving_start(&serving, NULL);
    return 0;
}

/* Telegraf gives a batch up after such an answer. */
static void test_what_means_later_is_never_a_4xx(void **state)
{
    (void)state;
    for (int code = 1; code < CODE_COUNT; code++) {
        unsigned status = influx_status((enum code)code);

        if (code_row((enum code)code)->retry_helps && status < 500)
            fail_msg("%s is %u", code_row((enum code)code)->slug, status);
        assert_int_not_equal(status, 429);
    }
    assert_int_equal(influx_status(E_RATE_LIMIT), 503);
    assert_int_equal(influx_status(E_SLOW_CLIENT), 503);
    assert_int_equal(influx_status(E_BODY_LARGE), 413);
    assert_int_equal(influx_status(E_POINTS_MANY), 413);
    assert_int_equal(influx_status(E_UNAUTHORIZED), 401);
    assert_int_equal(influx_status(E_NOT_SUPPORTED), 501);
}

/* Also where no handler has seen the request. */
static void test_every_refusal_has_the_shape_of_its_version(void **state)
{
    static char large[2000];
    static const char strange[] = "Origin: http://evil.example\r\n";
    static const struct {
        const char *what, *headers, *body;
        int status;
        const char *text;
    } cases[] = {
        {"PUT /write",                  "",                            NULL,    405, "{\"error\":\"PUT is not"                       },
        {"GET /api/v2/write",           "",                            NULL,    405,
         "{\"code\":\"method not allowed\",\"message\":\"GET is not"                                                                 },
        {"GET /api/v3/write_lp",        "",                            NULL,    405, "{\"error\":\"GET is not"                       },
        {"GET /api/v2/orgs",            "",                            NULL,    404, "{\"code\":\"not found\",\"message\":\"there is"},
        {"GET /api/v3/configure",       "",                            NULL,    404, "{\"error\":\"there is"                         },
        {"POST /write",                 strange,                       "m f=1", 403, "{\"error\":\"without a tenants file"           },
        {"POST /api/v2/write",          strange,                       "m f=1", 403,
         "{\"code\":\"forbidden\",\"message\":\"without"                                                                             },
        {"POST /api/v3/write_lp",       strange,                       "m f=1", 403, "{\"error\":\"without a tenants file"           },
        {"POST /write",                 "Via: x\r\n",                  "m f=1", 401, "{\"error\":\"without a tenants file"           },
        {"POST /api/v2/write",          "Via: x\r\n",                  "m f=1", 401, "{\"code\":\"unauthorized\""                    },
        {"POST /write",                 "",                            large,   413, "{\"error\":\"the body has 1001 bytes"          },
        {"POST /api/v2/write",          "",                            large,   413, "{\"code\":\"request too large\""               },
        {"POST /api/v3/write_lp",       "",                            large,   413, "{\"error\":\"the body has 1001 bytes"          },
        {"POST /write?pecision=s",      "",                            "m f=1", 400, "did you mean 'precision'?\"}"                  },
        {"POST /api/v2/write?buckte=s", "",                            "m f=1", 400,
         "{\"code\":\"invalid\",\"message\":\"parameter"                                                                             },
        {"POST /write",                 "Content-Encoding: br\r\n",    "m f=1", 415, "{\"error\":\"Content-Encoding"                 },
        {"POST /api/v2/write",          "Content-Encoding: br\r\n",    "m f=1", 415,
         "\"unsupported media type\""                                                                                                },
        {"POST /write",                 "Transfer-Encoding: gzip\r\n", NULL,    400, "{\"error\":\"Transfer-Encoding"                },
        {"POST /api/v2/write?a=%00",    "",                            "m f=1", 400, "{\"code\":\"invalid\""                         },
        {"GET /health?x=1",             "",                            NULL,    400, "{\"code\":\"invalid\""                         },
        {"GET /ping",                   "",                            "x",     400, "{\"error\":\"/ping takes no body"              },
    };

    (void)state;
    memset(large, 'x', 1001);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int got = ask(&serving, cases[i].what, cases[i].headers, cases[i].body);

        if (got != cases[i].status || strcasestr(serving.answer, cases[i].text) == NULL ||
            strstr(serving.answer, "Content-Type: application/json\r\n") == NULL ||
            strstr(serving.answer, "X-Influxdb-Version: " INFLUX_VERSION "\r\n") == NULL)
            fail_msg("%s: want %d with %s, got:\n%s", cases[i].what, cases[i].status, cases[i].text,
                     serving.answer);
        if ((strstr(serving.answer, "{\"error\"") != NULL && strstr(cases[i].what, "v3") == NULL) !=
            (strstr(serving.answer, "X-Influxdb-Error: ") != NULL))
            fail_msg("%s: X-Influxdb-Error is of version 1 alone:\n%s", cases[i].what,
                     serving.answer);
    }
}

static void test_our_own_routes_keep_problems(void **state)
{
    (void)state;
    expect(&serving, "GET /v1/points", NULL, 405, "application/problem+json");
    expect(&serving, "GET /api/v2", NULL, 404, "application/problem+json");
    expect(&serving, "GET /writes", NULL, 404, "application/problem+json");
    assert_null(strstr(serving.answer, "X-Influxdb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_means_later_is_never_a_4xx),
        cmocka_unit_test(test_every_refusal_has_the_shape_of_its_version),
        cmocka_unit_test(test_our_own_routes_keep_problems),
    };

    return cmocka_run_group_tests(tests, setup, serving_close);
}
