#include "tests/unit/handlers/one_serving.h"

static void test_answers(void **state)
{
    static const struct {
        const char *what, *body;
        int status;
        const char *text;
    } cases[] = {
        {"GET /ping",                      NULL, 204, "X-Influxdb-Version: 1.8.10-weir\r\nX-Influxdb-Build: OSS\r\n"},
        {"HEAD /ping",                     NULL, 204, "X-Influxdb-Version: 1.8.10-weir\r\n"                         },
        {"GET /ping?verbose=false",        NULL, 204, ""                                                            },
        {"GET /ping?verbose=0",            NULL, 204, ""                                                            },
        {"GET /ping?verbose=true&u=a&p=b", NULL, 200, "{\"version\":\"1.8.10-weir\"}"                               },
        {"GET /health",                    NULL, 200,
         "{\"name\":\"weir\",\"message\":\"ready for queries and "
         "writes\",\"status\":\"pass\",\"checks\":[],"
         "\"version\":\"0.0.1\"}"                                                                                   },
        {"GET /ready",                     NULL, 200, "{\"status\":\"ready\"}"                                      },
        {"GET /api/v2/buckets?name=b",     NULL, 501,
         "{\"code\":\"not implemented\",\"message\":\"Weir has no /api/v2/b"                                        },
        {"POST /api/v2/buckets",           "{}", 501, "not implemented"                                             },
        {"POST /api/v2/query?org=o",       "{}", 501, "not implemented"                                             },
        {"POST /api/v2/delete?bucket=b",   "{}", 501, "not implemented"                                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, cases[i].body, cases[i].status, cases[i].text);
}

static void test_while_draining_health_fails_and_ping_does_not(void **state)
{
    (void)state;
    serving.app.draining = true;
    expect(&serving, "GET /health", NULL, 503, "\"status\":\"fail\"");
    expect(&serving, "GET /ready", NULL, 503, "{\"code\":\"unavailable\"");
    expect(&serving, "GET /ping", NULL, 204, "");
    serving.app.draining = false;
    expect(&serving, "GET /health", NULL, 200, "\"status\":\"pass\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_while_draining_health_fails_and_ping_does_not),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
