#include "codec/csv_options.h"
#include "handlers/points.h"
#include "tests/unit/handlers/one_serving.h"

static void test_answers(void **state)
{
    static const struct {
        const char *what, *body;
        int status;
        const char *text;
    } cases[] = {
        {"POST /v1/points",                          "m f=1 1\n",          204, "Cache-Control: no-store"                        },
        {"POST /v1/points?precision=s",              "m f=1 1\n",          204, ""                                               },
        {"POST /v1/points",                          "m f=x 1\n",          400, "\"errors\":[{\"line\":1,\"code\":\"bad_number\""},
        {"POST /v1/points?on_error=skip",            "m f=1 1\nm f=x 1\n", 200,
         "{\"accepted\":1,\"rejected\":1,"                                                                                       },
        {"POST /v1/points?on_error=fail&ack=wal",    "m f=1 1\n",          204, ""                                               },
        {"POST /v1/points?on_error=what",            "m f=1 1\n",          400, "\"parameter\":\"on_error\""                     },
        {"POST /v1/points?precision=h",              "m f=1 1\n",          400, "\"parameter\":\"precision\""                    },
        {"POST /v1/points?precision=s&precision=ms", "m f=1 1\n",          400,
         "\"code\":\"bad_parameter\""                                                                                            },
        {"POST /v1/points?ack=shard",                "m f=1 1\n",          400, "\"code\":\"bad_parameter\""                     },
        {"POST /v1/points?pre=s",                    "m f=1 1\n",          400, "\"code\":\"unknown_parameter\""                 },
        {"POST /v1/points",                          NULL,                 204, ""                                               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, cases[i].body, cases[i].status, cases[i].text);
}

static void test_an_idempotency_key_is_quoted_or_bare_and_of_a_bounded_size(void **state)
{
    char header[400];

    (void)state;
    assert_int_equal(ask(&serving, "POST /v1/points", "Idempotency-Key: a1\r\n", "m f=1 1"), 204);
    assert_null(strstr(serving.answer, "Idempotency-Replayed"));
    assert_int_equal(ask(&serving, "POST /v1/points", "Idempotency-Key: \"a1\"\r\n", "m f=1 1"),
                     204);
    assert_non_null(strstr(serving.answer, "Idempotency-Replayed: true"));
    assert_int_equal(ask(&serving, "POST /v1/points", "Idempotency-Key: a1\r\n", "m f=2 1"), 422);
    for (int size = 254; size < 258; size++) {
        snprintf(header, sizeof(header), "Idempotency-Key: %0*d\r\n", size, 1);
        assert_int_equal(ask(&serving, "POST /v1/points", header, "m f=1 1"),
                         size <= 255 ? 204 : 400);
    }
    assert_int_equal(ask(&serving, "POST /v1/points", "Idempotency-Key: \"\"\r\n", "m f=1 1"), 400);
}

static void test_a_type_that_is_refused_is_told_with_those_that_are_not(void **state)
{
    (void)state;
    assert_int_equal(ask(&serving, "POST /v1/points", "Content-Type: image/png\r\n", "x"), 415);
    assert_non_null(strstr(serving.answer,
                           "Accept-Post: text/plain, application/json, application/x-ndjson, "
                           "application/jsonl, text/csv"));
}

static void test_csv_has_its_parameters(void **state)
{
    static const struct {
        const char *what, *type, *body;
        int status;
        const char *text;
    } cases[] = {
        {"?measurement=m",                                "text/csv; charset=utf-8", "time,f\n2024-01-01,1\n",                         204, ""                                      },
        {"?measurement=m&null=x&null=y",                  "text/csv",                "time,f\n2024-01-01,1\n",                         204, ""                                      },
        {"?measurement=m&time_format=epoch&precision=ms", "text/csv",                "time,f\n1,1\n",                                  204, ""                                      },
        {"",                                              "text/csv",                "time,f\n",                                       400, "\"code\":\"missing_parameter\""        },
        {"?measurement=m&precision=s",                    "text/csv",                "time,f\n",                                       400,
         "precision= has a meaning for time_format=epoch alone"                                                                                                                     },
        {"?measurement=m&tags=f&tags=g",                  "text/csv",                "time,f\n",                                       400, "\"parameter\":\"tags\""                },
        {"?measurement=m&tz=Nowhere",                     "text/csv",                "time,f\n",                                       400, "\"parameter\":\"tz\""                  },
        {"?measurement=m&tags=x",                         "text/csv",                "time,f\n",                                       400, "\"parameter\":\"tags\""                },
        {"?time_format=excel",                            "text/plain",              "m f=1 1",                                        400,
         "time_format= has a meaning for text/csv alone"                                                                                                                            },
        {"?null=x",                                       "application/json",        "[]",                                             400, "null= has a meaning for text/csv alone"},
        {"?measurement=m",                                "application/jsonl",       "",                                               400, "\"parameter\":\"measurement\""         },
        {"",                                              "application/x-ndjson",    "{\"measurement\":\"m\",\"fields\":{\"f\":1}}\n", 204, ""                                      },
        {"?measurement=m",                                "image/png",               "x",                                              415, "Accept-Post: "                         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char what[200], header[100];

        snprintf(what, sizeof(what), "POST /v1/points%s", cases[i].what);
        snprintf(header, sizeof(header), "Content-Type: %s\r\n", cases[i].type);
        if (ask(&serving, what, header, cases[i].body) != cases[i].status ||
            strstr(serving.answer, cases[i].text) == NULL)
            fail_msg("%s %s: %s", cases[i].what, cases[i].type, serving.answer);
    }
}

/* What the router lets through is what the options know. */
static void test_every_option_of_csv_is_a_parameter(void **state)
{
    size_t known = 0;

    (void)state;
    for (const char *const *name = points_parameter_names; *name != NULL; name++)
        known += csv_option_known(bytes_of(*name));
    assert_int_equal(known, 16);
    assert_true(csv_option_known(bytes_of(csv_option_repeatable)));
}

static void test_a_key_with_other_options_is_another_request(void **state)
{
    static const char key[] = "Content-Type: text/csv\r\nIdempotency-Key: csv\r\n";

    (void)state;
    assert_int_equal(ask(&serving, "POST /v1/points?measurement=k&time=", key, "h,f\n1,2\n"), 204);
    assert_int_equal(ask(&serving, "POST /v1/points?measurement=k&time=", key, "h,f\n1,2\n"), 204);
    assert_non_null(strstr(serving.answer, "Idempotency-Replayed: true"));
    assert_int_equal(ask(&serving, "POST /v1/points?measurement=k&time=&tags=h", key, "h,f\n1,2\n"),
                     422);
}

static void test_nothing_is_taken_while_draining(void **state)
{
    (void)state;
    serving.app.draining = true;
    expect(&serving, "POST /v1/points", "m f=1 1", 503, "\"code\":\"shutting_down\"");
    assert_non_null(strstr(serving.answer, "Retry-After: "));
    serving.app.draining = false;
    expect(&serving, "POST /v1/points", "m f=1 1", 204, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_an_idempotency_key_is_quoted_or_bare_and_of_a_bounded_size),
        cmocka_unit_test(test_a_type_that_is_refused_is_told_with_those_that_are_not),
        cmocka_unit_test(test_csv_has_its_parameters),
        cmocka_unit_test(test_every_option_of_csv_is_a_parameter),
        cmocka_unit_test(test_a_key_with_other_options_is_another_request),
        cmocka_unit_test(test_nothing_is_taken_while_draining),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
