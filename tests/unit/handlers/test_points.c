#include "tests/unit/handlers/serving.h"

static struct serving serving;

static int setup(void **state)
{
    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    serving_stop(&serving);
    return 0;
}

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
        {"POST /v1/points?ack=shard",                "m f=1 1\n",          400, "\"code\":\"not_supported\""                     },
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
    assert_non_null(strstr(serving.answer, "Accept-Post: text/plain, application/json"));
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
        cmocka_unit_test(test_nothing_is_taken_while_draining),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
