#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/pull_inside.h"

static const struct fetch_header headers[] = {
    {{"date", 4},         {"Thu, 01 Jan 2026 00:00:00 GMT", 29}},
    {{"location", 8},     {"/b", 2}                            },
    {{"retry-after", 11}, {"7", 1}                             },
};

static void test_what_an_answer_s_head_says(void **state)
{
    struct fetch_answer answer = {.headers = headers, .header_count = COUNT_OF(headers)};
    const struct moment now = {1000 * MOMENT_SECOND, 5};
    int64_t until_ns = 0;

    (void)state;
    assert_true(bytes_equal(answer_header_of(&answer, "location"), BYTES("/b")));
    assert_int_equal(answer_header_of(&answer, "etag").size, 0);
    assert_true(answer_retry_after(&answer, &now, &until_ns));
    assert_int_equal(until_ns, 1007 * MOMENT_SECOND);
    answer.header_count = 2;
    assert_false(answer_retry_after(&answer, &now, &until_ns));
}

static void test_which_answers_lead_on_and_which_are_final(void **state)
{
    static const unsigned on[] = {301, 302, 303, 307, 308}, not_on[] = {200, 300, 304, 305, 404};
    static const enum code final[] = {E_ADDRESS, E_CONFIG, E_BODY_LARGE},
                           again[] = {OK, E_TIMEOUT, E_IO, E_NOT_READY};
    struct fetch_answer answer = {.headers = headers, .header_count = COUNT_OF(headers)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(on); i++) {
        answer.status = on[i];
        assert_true(answer_leads_on(&answer));
        answer.header_count = 1; /* nowhere */
        assert_false(answer_leads_on(&answer));
        answer.header_count = COUNT_OF(headers);
        answer.status = not_on[i];
        assert_false(answer_leads_on(&answer));
    }
    for (size_t i = 0; i < COUNT_OF(final); i++) {
        answer.code = final[i];
        assert_true(answer_is_final(&answer));
    }
    for (size_t i = 0; i < COUNT_OF(again); i++) {
        answer.code = again[i];
        assert_false(answer_is_final(&answer));
    }
}

static void test_a_request_has_the_source_s_times_and_the_smaller_body(void **state)
{
    static const uint64_t sizes[][3] = {
        {10, 20, 10},
        {30, 20, 20},
    };
    struct source source = {
        .timeouts = {1, 2, 3, 4}
    };
    const struct asking asking = {.method = "GET", .url = "http://a/", .body = BYTES("b")};
    struct puller puller = {.source_count = 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct fetch_request request;

        source.limits.body_bytes_max = sizes[i][0];
        puller.parts.body_bytes_max = sizes[i][1];
        request = pull_request(&puller, &source, &asking);
        assert_int_equal(request.body_bytes_max, sizes[i][2]);
        assert_int_equal(request.connect_ns, 1);
        assert_int_equal(request.first_byte_ns, 2);
        assert_int_equal(request.idle_ns, 3);
        assert_int_equal(request.total_ns, 4);
        assert_string_equal(request.url, "http://a/");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_answer_s_head_says),
        cmocka_unit_test(test_which_answers_lead_on_and_which_are_final),
        cmocka_unit_test(test_a_request_has_the_source_s_times_and_the_smaller_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
