/* What answers carry, over a real server. */
#include "tests/unit/http/served.h"

#include "http/compress.h"

#define HOST "Host: a\r\n"

static void test_every_answer_carries_what_all_must(void **state)
{
    struct served *served = *state;
    static const char *const requests[] = {
        "GET /ping HTTP/1.1\r\n" HOST "\r\n",
        "GET /empty HTTP/1.1\r\n" HOST "\r\n",
        "GET /nothing HTTP/1.1\r\n" HOST "\r\n",
        "GET /secret HTTP/1.1\r\n" HOST "\r\n",
        "GET /stream?bytes=10 HTTP/1.1\r\n" HOST "\r\n",
        "GET /park HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%00 HTTP/1.1\r\n" HOST "\r\n",
        "POST /refuse_piece HTTP/1.1\r\n" HOST "Content-Length: 900000\r\n\r\na",
    };

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct answer answer = ask(served, requests[i]);

        if (answer_header(&answer, "X-Request-Id") == NULL)
            fail_msg("no id: %s", answer.text);
        assert_string_equal(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
        assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
        assert_null(answer_header(&answer, "Server"));
        answer_release(&answer);
    }
}

static void test_a_handlers_headers_win_and_cannot_break_the_head(void **state)
{
    struct answer answer = ask(*state, "GET /odd HTTP/1.1\r\n" HOST "\r\n");

    assert_string_equal(answer_header(&answer, "X-Odd"), "a??Set-Cookie: b");
    assert_null(answer_header(&answer, "Set-Cookie"));
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-cache");
    assert_string_equal(answer_header(&answer, "Vary"), "Accept");
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
}

static void test_problems_have_their_headers(void **state)
{
    struct served *served = *state;

    for (int code = 1; code < CODE_COUNT; code++) {
        unsigned status = problem_status((enum code)code);
        struct answer answer;
        const char *retry;
        char text[128];

        snprintf(text, sizeof(text), "GET /problem?code=%d HTTP/1.1\r\n" HOST "\r\n", code);
        answer = ask(served, text);
        assert_int_equal(answer.status, status);
        assert_string_equal(answer_header(&answer, "Content-Type"), "application/problem+json");
        assert_non_null(strstr(answer.text, code_row((enum code)code)->slug));
        assert_non_null(strstr(answer.text, "\"detail\":\"a \\\"quoted\\\" text\""));
        assert_non_null(strstr(answer.text, "\"line\":7,\"parameter\":\"start\",\"errors\":[]}"));
        retry = answer_header(&answer, "Retry-After");
        if ((retry != NULL) != (status == 503 || status == 429))
            fail_msg("code %d: status %u and Retry-After %s", code, status, retry);
        if (retry != NULL && (strtoul(retry, NULL, 10) < 1 || strtoul(retry, NULL, 10) > 60))
            fail_msg("Retry-After: %s", retry);
        retry = answer_header(&answer, "WWW-Authenticate");
        assert_true((retry != NULL) == (status == 401));
        answer_release(&answer);
    }
}

/* What the one who refused knows, or somewhat more, but never above a minute. */
static void test_a_known_time_is_told(void **state)
{
    static const struct {
        unsigned retry, least, most;
    } cases[] = {
        {0,   1,  3 },
        {1,   1,  3 },
        {8,   8,  12},
        {40,  40, 52},
        {60,  46, 60},
        {900, 46, 60},
    };
    struct served *served = *state;

    for (size_t i = 0; i < COUNT_OF(cases) * 8; i++) {
        struct answer answer;
        unsigned long retry;
        char text[128];

        snprintf(text, sizeof(text), "GET /problem?code=%d&retry=%u HTTP/1.1\r\n" HOST "\r\n",
                 E_BUSY, cases[i / 8].retry);
        answer = ask(served, text);
        retry = strtoul(answer_header(&answer, "Retry-After"), NULL, 10);
        assert_in_range(retry, cases[i / 8].least, cases[i / 8].most);
        answer_release(&answer);
    }
}

static void test_a_shape_holds_for_its_path_or_all_below_it(void **state)
{
    static const struct {
        const char *target;
        int status;
        bool shaped;
    } cases[] = {
        {"/teapot/a",   418, true },
        {"/teapot/",    418, true },
        {"/teapot",     404, false},
        {"/kettle",     418, true },
        {"/kettle?a=b", 418, true },
        {"/kettles",    404, false},
        {"/kettle/a",   404, false},
        {"/kettle%00",  400, false},
        {"/teapot/%00", 400, true }, /* the gate's refusal */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer;
        const char *slug;
        char text[128];

        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].target);
        answer = ask(*state, text);
        slug = answer_header(&answer, "X-Teapot");
        if (answer.status != cases[i].status || (slug != NULL) != cases[i].shaped)
            fail_msg("%s: %s", cases[i].target, answer.text);
        assert_string_equal(answer_header(&answer, "Content-Type"),
                            cases[i].shaped ? "application/json" : "application/problem+json");
        if (cases[i].shaped)
            assert_memory_equal(answer.body, "{\"tea\":true}", 12);
        answer_release(&answer);
    }
}

static void test_refusals_come_back_at_different_times(void **state)
{
    struct served *served = *state;
    bool seen[6] = {false};
    size_t kinds = 0;

    for (int i = 0; i < 60; i++) {
        struct answer answer = ask(served, "POST /refuse_start HTTP/1.1\r\n" HOST "\r\n");
        size_t after = strtoul(answer_header(&answer, "Retry-After"), NULL, 10);

        kinds += !seen[after];
        seen[after] = true;
        answer_release(&answer);
    }
    assert_true(kinds >= 3); /* all 60 among two values: below 10^-20 */
}

static void test_bodies_above_1_kib_are_compressed_when_asked(void **state)
{
    struct served *served = *state;
    static const struct {
        unsigned bytes;
        const char *accept, *coding;
    } cases[] = {
        {100000,  "gzip",       "gzip"},
        {100000,  "zstd, gzip", "zstd"},
        {100000,  "identity",   NULL  },
        {100000,  "gzip;q=0",   NULL  },
        {1025,    "zstd",       "zstd"},
        {1024,    "zstd",       NULL  },
        {3000000, "zstd",       "zstd"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer;
        const char *coding;
        char text[256];

        snprintf(text, sizeof(text),
                 "GET /big?bytes=%u HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 cases[i].bytes, cases[i].accept);
        answer = ask(served, text);
        assert_int_equal(answer.status, 200);
        assert_true(answer.whole);
        coding = answer_header(&answer, "Content-Encoding");
        if ((coding == NULL) != (cases[i].coding == NULL) ||
            (coding != NULL && strcmp(coding, cases[i].coding) != 0))
            fail_msg("%u bytes for '%s': %s", cases[i].bytes, cases[i].accept, coding);
        if (coding == NULL)
            assert_int_equal(answer.body_size, cases[i].bytes);
        else
            assert_true(answer.body_size < cases[i].bytes / 2);
        /* A cache must know that others would get another body. */
        if (cases[i].bytes > 1024)
            assert_string_equal(answer_header(&answer, "Vary"), "Accept-Encoding");
        assert_string_equal(answer_header(&answer, "ETag"), "\"big\"");
        answer_release(&answer);
    }
}

static void test_what_is_too_large_for_its_buf_is_a_problem(void **state)
{
    struct served *served = *state;
    struct answer answer = ask(served, "GET /big?bytes=99999999 HTTP/1.1\r\n" HOST "\r\n");

    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.text, "out_of_memory"));
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_carries_what_all_must),
        cmocka_unit_test(test_a_handlers_headers_win_and_cannot_break_the_head),
        cmocka_unit_test(test_problems_have_their_headers),
        cmocka_unit_test(test_a_known_time_is_told),
        cmocka_unit_test(test_a_shape_holds_for_its_path_or_all_below_it),
        cmocka_unit_test(test_refusals_come_back_at_different_times),
        cmocka_unit_test(test_bodies_above_1_kib_are_compressed_when_asked),
        cmocka_unit_test(test_what_is_too_large_for_its_buf_is_a_problem),
    };

    return cmocka_run_group_tests(tests, served_open, served_close);
}
