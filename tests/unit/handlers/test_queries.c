#include "tests/unit/handlers/one_serving.h"

static int setup(void **state)
{
    (void)serving_open(state);
    expect(&serving, "POST /v1/points", "m,t=a f=1 1\nm,t=b f=2 2\n", 204, "");
    return 0;
}

static void test_the_head_of_an_answer_says_what_it_is(void **state)
{
    char etag[64] = "", headers[128];

    (void)state;
    expect(&serving, "GET /v1/query?measurement=m&epoch=ns", NULL, 200, "\"rows\":[[1,1.0]]");
    assert_non_null(strstr(serving.answer, "Vary: Accept, Accept-Encoding, Authorization\r\n"));
    assert_non_null(strstr(serving.answer, "Weir-As-Of: 20"));
    assert_non_null(strstr(serving.answer, "Cache-Control: no-cache\r\n"));
    assert_int_equal(sscanf(strstr(serving.answer, "ETag: "), "ETag: %63s", etag), 1);

    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", etag);
    assert_int_equal(ask(&serving, "GET /v1/query?measurement=m&epoch=ns", headers, NULL), 304);
    assert_non_null(strstr(serving.answer, etag));
    assert_int_equal(ask(&serving, "GET /v1/query?measurement=m", headers, NULL), 200);
    /* Compressed bytes are other bytes. */
    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\nAccept-Encoding: gzip\r\n", etag);
    assert_int_equal(ask(&serving, "GET /v1/query?measurement=m&epoch=ns", headers, NULL), 200);
}

static void test_a_form_is_a_question_too(void **state)
{
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";

    (void)state;
    assert_int_equal(
        ask(&serving, "POST /v1/query", form, "measurement=m&epoch=ns&match=t%3Db&format=csv"),
        200);
    assert_non_null(strstr(serving.answer, "time,t,f\n2,b,2.0\n"));
    assert_int_equal(ask(&serving, "POST /v1/query", form, "measurement=m&what=1"), 400);
}

static void test_json_is_a_question_too(void **state)
{
    static const char json[] = "Content-Type: Application/JSON ; charset=utf-8\r\n";

    (void)state;
    assert_int_equal(ask(&serving, "POST /v1/query", json,
                         "{\"measurement\":\"m\",\"epoch\":\"ns\",\"match\":{\"t\":\"b\"},"
                         "\"format\":\"csv\"}"),
                     200);
    assert_non_null(strstr(serving.answer, "time,t,f\n2,b,2.0\n"));
    assert_int_equal(ask(&serving, "POST /v1/query", json, "{\"measurement\":\"m\",\"what\":1}"),
                     400);
    assert_non_null(strstr(serving.answer, "\"/what\""));
    assert_int_equal(ask(&serving, "POST /v1/query?measurement=m", json, "{}"), 400);
    assert_int_equal(ask(&serving, "POST /v1/query", "Content-Type: text/csv\r\n", "{}"), 415);
    assert_non_null(strstr(serving.answer, "Accept-Post: application/json, "));
}

static void test_faults_are_problems(void **state)
{
    static const struct {
        const char *what;
        int status;
        const char *text;
    } cases[] = {
        {"GET /v1/query",                                400, "missing_parameter"     },
        {"GET /v1/query?measurement=m&start=noon",       400, "bad_parameter"         },
        {"GET /v1/query?measurement=m&as_of=now%2B1h",   400, "as_of_in_future"       },
        {"GET /v1/query?measurement=m&as_of=1970-01-02", 410, "before_history"        },
        {"GET /v1/query?measurement=m&cursor=x",         400, "bad_cursor"            },
        {"GET /v1/query?measurement=m&downsample=100",   400, "bad_parameter"         },
        {"HEAD /v1/query?measurement=m",                 200, "ETag: "                },
        {"PUT /v1/query?measurement=m",                  405, "Allow: GET, HEAD, POST"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, NULL, cases[i].status, cases[i].text);
    assert_int_equal(ask(&serving, "GET /v1/query?measurement=m", "Accept: image/png\r\n", NULL),
                     406);
}

/* Whatever became of them, no query counts as running afterwards; of one whose client has all it
 * wants (HEAD) that is a moment later. */
static void test_queries_that_ended_do_not_count_as_running(void **state)
{
    static const char none[] = "weir_queries_running{tenant=\"default\"} 0\n";

    (void)state;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(ask(&serving, "GET /metrics", "", NULL), 200);
        if (strstr(serving.answer, none))
            break;
        usleep(1000);
    }
    assert_non_null(strstr(serving.answer, none));
    assert_non_null(strstr(serving.answer, "weir_query_scanned_rows_total"));
}

static unsigned long answered_at_once(void)
{
    static const char name[] = "\nweir_query_at_once_total ";
    const char *found;

    assert_int_equal(ask(&serving, "GET /metrics", "", NULL), 200);
    found = strstr(serving.answer, name);
    return found == NULL ? 0 : strtoul(found + sizeof(name) - 1, NULL, 10);
}

/* Within its millisecond in one of some tries: a machine that is busy has none to give. */
static void expect_at_once(const char *question, const char *rows)
{
    unsigned long before = answered_at_once();

    for (int i = 0; i < 200 && answered_at_once() == before; i++)
        expect(&serving, question, NULL, 200, rows);
    assert_int_equal(answered_at_once(), before + 1);
}

/* By the thread of the connection as by a worker: the same answer. */
static void test_a_small_question_needs_no_worker(void **state)
{
    static const char question[] = "GET /v1/query?measurement=m&fields=f&epoch=ns&format=csv";
    static const char rows[] = "time,t,f\n2,b,2.0\n1,a,1.0\n"; /* by series */
    unsigned long before;

    (void)state;
    expect_at_once(question, rows);
    serving.app.at_once_values_max = 2;
    expect_at_once(question, rows);
    before = answered_at_once();
    serving.app.at_once_values_max = 1;
    expect(&serving, question, NULL, 200, rows);
    serving.app.at_once_values_max = 0; /* none at all */
    expect(&serving, question, NULL, 200, rows);
    serving.app.at_once_values_max = 65536;
    expect(&serving, "GET /v1/query?measurement=m&start=noon", NULL, 400, "bad_parameter");
    expect(&serving, "GET /v1/query?measurement=m&explain=true", NULL, 200, "rows_at_most");
    assert_int_equal(answered_at_once(), before);
}

/* It differs from one request to the next. */
static void blank_date(void)
{
    char *found = strstr(serving.answer, "Date: ");

    assert_non_null(found);
    memset(found, '-', strcspn(found, "\r"));
}

/* The same status, headers and bytes, whoever answers. */
static void test_both_ways_give_the_same_answer(void **state)
{
    static const char *const questions[] = {
        "GET /v1/query?measurement=m",
        "HEAD /v1/query?measurement=m",
        "GET /v1/query?measurement=m&format=csv&limit=1",
        "GET /v1/query?measurement=m&agg=max&every=1ns&group_by=t",
        "GET /v1/query?measurement=m&fields=nothing",
        "GET /v1/query?measurement=m&agg=median,p95",
        "GET /v1/query?measurement=m&downsample=m4&points=10",
        "GET /v1/stats?measurement=m",
        "GET /v1/changes?measurement=m&since=0",
        "GET /v1/query?measurement=m&top=1,nothing&agg=max",
    };
    static const char *const headers[] = {"X-Request-Id: a\r\n",
                                          "X-Request-Id: a\r\nAccept-Encoding: gzip\r\n",
                                          "X-Request-Id: a\r\nIf-None-Match: *\r\n"};
    static char before[sizeof(serving.answer)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(questions) * COUNT_OF(headers); i++) {
        const char *question = questions[i / COUNT_OF(headers)];
        const char *header = headers[i % COUNT_OF(headers)];
        int status;

        serving.app.at_once_values_max = 65536;
        status = ask(&serving, question, header, NULL);
        blank_date();
        memcpy(before, serving.answer, sizeof(before));
        serving.app.at_once_values_max = 0;
        assert_int_equal(ask(&serving, question, header, NULL), status);
        blank_date();
        assert_string_equal(serving.answer, before);
    }
    serving.app.at_once_values_max = 65536;
}

static void test_too_many_queries_at_once_are_429(void **state)
{
    static struct serving narrow;

    (void)state;
    serving_init(&narrow);
    narrow.ground.limits.queries_max = 0;
    serving_start(&narrow, NULL);
    for (int i = 0; i < 2; i++)
        expect(&narrow, "GET /v1/query?measurement=m", NULL, 429, "too_many_queries");
    assert_non_null(strstr(narrow.answer, "Retry-After: "));
    serving_stop(&narrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_of_an_answer_says_what_it_is),
        cmocka_unit_test(test_a_form_is_a_question_too),
        cmocka_unit_test(test_json_is_a_question_too),
        cmocka_unit_test(test_faults_are_problems),
        cmocka_unit_test(test_queries_that_ended_do_not_count_as_running),
        cmocka_unit_test(test_a_small_question_needs_no_worker),
        cmocka_unit_test(test_both_ways_give_the_same_answer),
        cmocka_unit_test(test_too_many_queries_at_once_are_429),
    };

    return cmocka_run_group_tests(tests, setup, serving_close);
}
