#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/problem.h"
#include "http/reply.h"

#include <stdio.h>

/* A code without a row would have status 0. */
static void test_every_code_has_a_status(void **state)
{
    (void)state;
    for (int code = 1; code < CODE_COUNT; code++) {
        unsigned status = problem_status((enum code)code);

        if (status < 400 || status > 504)
            fail_msg("code %d (%s) has status %u", code, code_row((enum code)code)->slug, status);
    }
}

/* 503 and 429 tell a client to come again: the table of codes must agree.  A 4xx says that the
 * request is wrong, so a repeat must not help, but where time alone can cure it. */
static void test_status_and_retry_agree(void **state)
{
    (void)state;
    for (int code = 1; code < CODE_COUNT; code++) {
        const struct code_row *row = code_row((enum code)code);
        unsigned status = problem_status((enum code)code);

        if ((status == 503 || status == 429) && !row->retry_helps)
            fail_msg("%s: status %u, but a repeat does not help", row->slug, status);
        if ((status == 413 || status == 415 || status == 404) && row->retry_helps)
            fail_msg("%s: status %u, but a repeat helps", row->slug, status);
    }
}

static void test_statuses_that_the_design_fixes(void **state)
{
    static const struct {
        enum code code;
        unsigned status;
    } cases[] = {
        {E_DISK_FULL,             503},
        {E_CLOCK_SKEW,            503},
        {E_NO_MEMBER,             503},
        {E_BUSY,                  503},
        {E_TIMEOUT,               504},
        {E_AS_OF_FUTURE,          400},
        {E_BEFORE_HISTORY,        410},
        {E_NOT_SUPPORTED,         400},
        {E_SERIES_LIMIT,          422},
        {E_IDEMPOTENCY_MISMATCH,  422},
        {E_INVALID_POINTS,        400},
        {E_IDEMPOTENCY_IN_FLIGHT, 409},
        {E_UNAUTHORIZED,          401},
        {E_FORBIDDEN,             403},
        {E_METHOD,                405},
        {E_NOT_ACCEPTABLE,        406},
        {E_SLOW_CLIENT,           408},
        {E_BODY_LARGE,            413},
        {E_UNSUPPORTED_TYPE,      415},
        {E_RATE_LIMIT,            429},
        {E_RECORD_LARGE,          413},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(problem_status(cases[i].code), cases[i].status);
}

static void test_a_problem_says_what_the_error_says(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct error err = {0};

    (void)state;
    error_set(&err, E_BAD_TIME, "'now-' is no time");
    problem_print(&out, &err, BYTES("id-1"), BYTES(""));
    buf_put_char(&out, '\0');
    assert_string_equal(out.data, "{\"type\":\"/docs/errors#bad_time\",\"title\":\"This is not a "
                                  "time\",\"status\":400,\"detail\":\"'now-' is no "
                                  "time\",\"instance\":\"id-1\",\"code\":\"bad_time\"}\n");
    buf_clear(&out);
    err.line = 3;
    error_point(&err, BYTES("start"));
    problem_print(&out, &err, BYTES("id-1"), BYTES(",\"errors\":[]"));
    buf_put_char(&out, '\0');
    assert_non_null(strstr(
        out.data, "\"code\":\"bad_time\",\"line\":3,\"parameter\":\"start\",\"errors\":[]}"));
    buf_clear(&out);
    error_point(&err, BYTES("/points/0/time"));
    problem_print(&out, &err, BYTES("id-1"), BYTES(""));
    buf_put_char(&out, '\0');
    assert_non_null(strstr(out.data, "\"pointer\":\"/points/0/time\"}"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_status),
        cmocka_unit_test(test_status_and_retry_agree),
        cmocka_unit_test(test_statuses_that_the_design_fixes),
        cmocka_unit_test(test_a_problem_says_what_the_error_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
