#include "tests/unit/codec/outcome.h"

static void decode(struct outcome *outcome, struct bytes body, size_t first, size_t piece,
                   const struct limits *limits)
{
    struct decode_options options = {.now_ns = 1000, .limits = limits};

    outcome_init(outcome, limits);
    outcome_decode(outcome, &decoder_ndjson, &options, body, first, piece);
}

#define GOOD(value, time) "{\"measurement\":\"m\",\"fields\":{\"f\":" value "},\"time\":" time "}"

static void test_lines(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"nothing",                                                                                "",                                ""                                                                                                                               },
        {"blank lines",                                                                            "\n\r\n \t\n",                     ""                                                                                                                               },
        {"two",                                                                                    GOOD("1",                          "7") "\n" GOOD("\"a\\nb\"",                                                                                                        "8") "\n",
         "1: m f=1i @7\n2: m f=\"a\nb\" @8\n"},
        {"no line end",                                                     GOOD("1",                                                                                      "7"),                                                                                                                                                                                                           "1: m f=1i @7\n"},
        {"CR LF, spaces",                                                                                    " " GOOD("1",                "7") " \r\n\r\n" GOOD("2","8") "\r\n",
         "1: m f=1i @7\n3: m f=2i @8\n"},
        {"a bad point",GOOD("[]","7") "\n" GOOD("2",                                                                                                                                                                  "8"),
         "2: m f=2i @8\n1! bad_syntax /fields/f: a field's value is a number, a text, true, false "
         "or null\n"},
        {"a bad time",                                                                                        GOOD("1",                                                                                                             "\"noon\""),
         "1! bad_time /time: time \"noon\": at byte 1: want a year of four digits, as in "
         "2024-02-29T12:00:00Z\n"},
        {"bad JSON",                                                                                    GOOD("1",                                                                                                                 "7") "\n{\"measurement\":\n" GOOD("2",                                                                                                                                                                                                                                                  "8"),
         "1: m f=1i @7\n3: m f=2i @8\n2! bad_syntax column 16: the line ends; expected a value\n"},
        {"something behind",GOOD("1","7") GOOD("2",                                                                                                                                                                                                                                       "8") "\n",
         "1! bad_syntax column 46: expected nothing more\n"},
        {"no object",                                                                               "5\n[]\n\"x\"\n",
         "1! bad_syntax a point is an object\n2! bad_syntax a point is an object\n3! bad_syntax a "
         "point is an object\n"},
        {"an array of points", "[" GOOD("1",                                  "7") "]\n",                                                                                                                                                  "1! bad_syntax a point is an object\n"},
        {"no measurement",                                                                           "{\"fields\":{\"f\":1}}\n",
         "1! bad_syntax the point has no measurement\n"                                                                                                                                                                                                            },
    };
    struct limits limits;

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes body = bytes_of(cases[i].body);

        for (size_t first = 1; first <= body.size + 3; first++) {
            bool small = first > body.size;
            size_t piece = small ? first - body.size : SIZE_MAX / 2;
            struct outcome outcome;

            decode(&outcome, body, small ? piece : first, piece, &limits);
            if (outcome.code != OK || strcmp(outcome.text.data, cases[i].want) != 0)
                fail_msg("%s, cut at %zu: %d (%s)\n got: %s\nwant: %s", cases[i].name, first,
                         (int)outcome.code, outcome.err.text, outcome.text.data, cases[i].want);
            outcome_release(&outcome);
        }
    }
}

/* A line at the limit, one below and one above; the one behind it is taken. */
static void test_long_lines(void **state)
{
    static const char body[] = GOOD("1", "7") "\n" GOOD("2", "8");

    (void)state;
    for (uint64_t most = 44; most <= 46; most++)
        for (size_t piece = 1; piece < 200; piece += 9) {
            struct outcome outcome;
            struct limits limits;

            limits_init(&limits);
            limits.line_bytes_max = most;
            decode(&outcome, bytes_of(body), piece, piece, &limits);
            assert_int_equal(outcome.code, OK);
            assert_int_equal(outcome.batch.row_count, most < 45 ? 0 : 2);
            if (most < 45)
                assert_string_equal(
                    outcome.text.data,
                    "1! line_too_long the line is longer than the 44 bytes allowed\n"
                    "2! line_too_long the line is longer than the 44 bytes allowed\n");
            outcome_release(&outcome);
        }
}

static void test_points_have_their_maximum(void **state)
{
    static const char body[] = GOOD("1", "7") "\n\n{\n" GOOD("2", "8") "\n\n";

    (void)state;
    for (uint64_t most = 2; most <= 4; most++) {
        struct outcome outcome;
        struct limits limits;

        limits_init(&limits);
        limits.points_max = most;
        decode(&outcome, bytes_of(body), 10, 10, &limits);
        assert_int_equal(outcome.code, most < 3 ? E_POINTS_MANY : OK);
        if (most < 3)
            assert_non_null(strstr(outcome.err.text, "line 4: more than the 2 points"));
        outcome_release(&outcome);
    }
}

static void test_depth_is_of_a_line(void **state)
{
    struct outcome outcome;
    struct limits limits;

    (void)state;
    limits_init(&limits);
    limits.json_depth_max = 4;
    decode(&outcome, BYTES("{\"x\":[[[1]]]}\n{\"x\":[[[[1]]]]}\n" GOOD("1", "7")), 5, 5, &limits);
    assert_int_equal(outcome.code, OK);
    assert_non_null(strstr(outcome.text.data, "1! bad_syntax /x: unknown member"));
    assert_non_null(strstr(outcome.text.data, "2! nested_too_deep "));
    assert_non_null(strstr(outcome.text.data, "3: m f=1i @7\n"));
    outcome_release(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_points_have_their_maximum),
        cmocka_unit_test(test_depth_is_of_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
