#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static char output[200000];

/* What `write_it` sends to stderr, as a text. */
static const char *captured(void (*write_it)(void))
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    size_t size;

    assert_non_null(file);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    write_it();
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(file);
    size = fread(output, 1, sizeof(output) - 1, file);
    output[size] = '\0';
    (void)fclose(file);
    return output;
}

static void write_fields(void)
{
    log_event(LOG_INFO, "fields come", LOG_TEXT("plain", BYTES("a/b_1")),
              LOG_TEXT("quoted", BYTES("a \"b\"\n\x1b\xff \xc2\xb5")), LOG_INT("int", -5),
              LOG_UINT("uint", UINT64_MAX), LOG_REAL("real", 0.25), LOG_REAL("odd", NAN),
              LOG_CSTR("empty", ""));
}

static void test_logfmt_quotes_what_needs_it(void **state)
{
    const char *line;

    (void)state;
    log_setup(LOG_INFO, LOG_LOGFMT);
    line = captured(write_fields);
    assert_memory_equal(line, "time=20", 7);
    line = strstr(line, " level=");
    assert_non_null(line);
    assert_string_equal(line, " level=info msg=\"fields come\" plain=a/b_1 "
                              "quoted=\"a \\\"b\\\"\\u000a\\u001b\\u00ff \xc2\xb5\" int=-5 "
                              "uint=18446744073709551615 real=0.25 odd=nan empty=\"\"\n");
}

static void test_json_is_one_object_a_line(void **state)
{
    const char *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    line = captured(write_fields);
    assert_memory_equal(line, "{\"time\":\"20", 11);
    line = strstr(line, ",\"level\"");
    assert_non_null(line);
    assert_string_equal(line, ",\"level\":\"info\",\"msg\":\"fields come\",\"plain\":\"a/b_1\","
                              "\"quoted\":\"a \\\"b\\\"\\u000a\\u001b\\u00ff \xc2\xb5\",\"int\":-5,"
                              "\"uint\":18446744073709551615,\"real\":0.25,\"odd\":\"nan\","
                              "\"empty\":\"\"}\n");
    log_setup(LOG_INFO, LOG_LOGFMT);
}

static void write_below(void)
{
    log_event(LOG_DEBUG, "not shown", LOG_INT("n", 1));
}

static void write_long(void)
{
    static char text[1000];

    memset(text, 'a', sizeof(text));
    text[255] = '\xc2'; /* the cut would go through it */
    text[256] = '\xb5';
    log_event(LOG_WARN, "long", LOG_TEXT("text", ((struct bytes){text, sizeof(text)})));
}

static void test_level_and_length_are_limited(void **state)
{
    const char *text;

    (void)state;
    assert_string_equal(captured(write_below), "");
    text = strstr(captured(write_long), "text=");
    assert_int_equal(strspn(text + 5, "a"), 255);
    assert_string_equal(text + 5 + 255, "\n");
}

static void write_error(void)
{
    struct error err = {0};

    (void)error_set(&err, E_SYNTAX, "want a tag");
    err.line = 7;
    error_point(&err, BYTES("/points/6"));
    log_error(LOG_ERROR, "refused", &err);
}

static void test_an_error_brings_code_place_and_text(void **state)
{
    (void)state;
    assert_non_null(strstr(captured(write_error),
                           " level=error msg=refused code=bad_syntax error=\"want a tag\" "
                           "pointer=/points/6 line=7\n"));
}

static void write_repeats(void)
{
    for (int i = 0; i < 50; i++) {
        log_event(LOG_INFO, "again", LOG_INT("n", i));
        log_event(LOG_WARN, "again", LOG_INT("n", i)); /* another level counts for itself */
    }
    for (int i = 0; i < 64; i++) { /* others need the counters: what was held back is told */
        static char names[64][24];

        (void)snprintf(names[i], sizeof(names[i]), "other %d", i);
        log_event(LOG_INFO, names[i], LOG_INT("n", i));
    }
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void test_repeats_are_counted_and_told_once(void **state)
{
    const char *text;

    (void)state;
    text = captured(write_repeats);
    assert_int_equal(count_of(text, "level=info msg=again n="), 20);
    assert_int_equal(count_of(text, "level=warn msg=again n="), 20);
    assert_int_equal(count_of(text, "level=info msg=again suppressed=30\n"), 1);
    assert_int_equal(count_of(text, "level=warn msg=again suppressed=30\n"), 1);
    assert_int_equal(count_of(text, "msg=\"other "), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logfmt_quotes_what_needs_it),
        cmocka_unit_test(test_json_is_one_object_a_line),
        cmocka_unit_test(test_level_and_length_are_limited),
        cmocka_unit_test(test_an_error_brings_code_place_and_text),
        cmocka_unit_test(test_repeats_are_counted_and_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
