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

    (void)state;
    assert_true(bytes_equal(answer_header_of(&answer, "location"), BYTES("/b")));
    assert_int_equal(answer_header_of(&answer, "etag").size, 0);
}

static void test_a_retry_after_holds_all_who_share_the_limits(void **state)
{
    static const struct {
        unsigned status;
        size_t headers; /* of those above */
        bool kept_to;
        int64_t wait_s;
    } cases[] = {
        {429, 3, true,  7},
        {403, 3, true,  7},
        {503, 3, true,  7},
        {503, 2, true,  0},
        {503, 3, false, 0},
        {200, 3, true,  0},
    };
    static const struct source_limits limits = {.concurrency = 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct puller puller = {.parts.clock = clock_system()};
        struct source source = {.retry.retry_after = cases[i].kept_to};
        const struct fetch_answer answer = {
            .status = cases[i].status, .headers = headers, .header_count = cases[i].headers};
        const struct moment now = pull_now(&puller);
        struct limiter_key *key = NULL;
        struct error err = {0};

        assert_int_equal(limiter_new(NULL, &puller.limiter, &err), OK);
        assert_int_equal(limiter_join(puller.limiter, BYTES("h"), &limits, &now, &key, &err), OK);
        answer_heed(&answer, &puller, &source, BYTES("h"), key, &now);
        assert_in_range(limiter_when(key, 1, &now) - now.boot_ns + MOMENT_SECOND / 2,
                        cases[i].wait_s * MOMENT_SECOND, (cases[i].wait_s + 1) * MOMENT_SECOND);
        limiter_free(puller.limiter);
    }
}

/* Behind five of them nobody asks at once. */
static void test_which_answers_say_that_a_host_is_down_or_up(void **state)
{
    enum says { NOTHING, DOWN, UP };
    static const struct {
        enum code code;
        unsigned status;
        size_t headers;
        enum says says;
    } cases[] = {
        {E_NOT_READY, 0,   0, DOWN   },
        {E_TLS,       0,   0, DOWN   },
        {E_TIMEOUT,   0,   0, DOWN   },
        {E_IO,        200, 0, DOWN   },
        {OK,          500, 0, DOWN   },
        {OK,          503, 3, DOWN   },
        {OK,          200, 0, UP     },
        {OK,          304, 0, UP     },
        {OK,          404, 0, UP     },
        {OK,          429, 0, UP     },
        {OK,          302, 0, UP     },
        {OK,          302, 3, NOTHING}, /* it leads on */
        {E_ADDRESS,   0,   0, NOTHING},
        {E_CONFIG,    0,   0, NOTHING},
        {E_CANCELLED, 0,   0, NOTHING},
        {E_DISK_FULL, 200, 0, NOTHING},
        {E_MEMORY,    0,   0, NOTHING},
    };
    static const struct source_limits limits = {.concurrency = 1};
    static const struct source_retry retry = {.base_ns = MOMENT_SECOND, .cap_ns = MOMENT_SECOND};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct puller puller = {.parts.clock = clock_system()};
        const struct moment now = pull_now(&puller);
        struct fetch_answer answer = {.code = cases[i].code,
                                      .status = cases[i].status,
                                      .headers = headers,
                                      .header_count = cases[i].headers};
        const struct fetch_answer refused = {.code = E_NOT_READY};
        struct limiter_key *key = NULL;
        struct error err = {0};
        bool down;

        random_seed(&puller.random, 1);
        assert_int_equal(limiter_new(NULL, &puller.limiter, &err), OK);
        assert_int_equal(limiter_join(puller.limiter, BYTES("h"), &limits, &now, &key, &err), OK);
        for (int fault = 0; fault < 4; fault++)
            answer_weigh(&refused, &puller, &retry, key, &now, false);
        answer_weigh(&answer, &puller, &retry, key, &now, false);
        down = limiter_try_when(key) > INT64_MIN;
        answer_weigh(&refused, &puller, &retry, key, &now, false);
        if (down != (cases[i].says == DOWN) ||
            (limiter_try_when(key) > INT64_MIN) != (cases[i].says != UP))
            fail_msg("case %zu", i);
        limiter_free(puller.limiter);
    }
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
        cmocka_unit_test(test_a_retry_after_holds_all_who_share_the_limits),
        cmocka_unit_test(test_which_answers_say_that_a_host_is_down_or_up),
        cmocka_unit_test(test_which_answers_lead_on_and_which_are_final),
        cmocka_unit_test(test_a_request_has_the_source_s_times_and_the_smaller_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
