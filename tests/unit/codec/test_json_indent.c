#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_indent.h"

#define LONG "0123456789012345678901234567890123456789"

static void expect(const char *json, const char *wanted)
{
    struct buf out = BUF_INIT(1 << 16);

    buf_put_text(&out, "before\n");
    json_indent(bytes_of(json), &out);
    buf_put_char(&out, '\0');
    assert_string_equal(out.data + 7, wanted);
    buf_release(&out);
}

static void test_what_fits_a_line_is_on_one(void **state)
{
    (void)state;
    expect("{}", "{}");
    expect("[ ]", "[]");
    expect(" \"a\" ", "\"a\"");
    expect("-1.5e3", "-1.5e3");
    expect("{\"a\":1,\"b\" : [true,null]}", "{\"a\": 1, \"b\": [true, null]}");
    expect("{\n  \"a\": 1\n}", "{\"a\": 1}");
}

static void test_what_is_longer_is_indented(void **state)
{
    (void)state;
    expect("{\"a\":\"" LONG LONG "\",\"b\":{\"c\":[1,2],\"d\":\"" LONG LONG "\"},\"e\":[]}",
           "{\n  \"a\": \"" LONG LONG "\",\n  \"b\": {\n    \"c\": [1, 2],\n    \"d\": \"" LONG LONG
           "\"\n  },\n  \"e\": []\n}");
}

/* Marks within are none. */
static void test_texts_stay_as_they_are(void **state)
{
    (void)state;
    expect("[\"{a, b: [\\\"  \\\\\",\"}\"]", "[\"{a, b: [\\\"  \\\\\", \"}\"]");
    expect("[\"" LONG LONG "\",\"{a, b: [\\\"  \\\\\",\"}\"]",
           "[\n  \"" LONG LONG "\",\n  \"{a, b: [\\\"  \\\\\",\n  \"}\"\n]");
}

/* An answer that was cut, say: it goes out, and nothing is read behind its end. */
static void test_what_is_no_json_ends(void **state)
{
    static const char *const texts[] = {"", "]", "{", "[1,", "\"", "\"a\\", "}{", "[}", "{\"a\":"};
    struct buf out = BUF_INIT(1 << 16);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        json_indent(bytes_of(texts[i]), &out);
    assert_false(out.failed);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits_a_line_is_on_one),
        cmocka_unit_test(test_what_is_longer_is_indented),
        cmocka_unit_test(test_texts_stay_as_they_are),
        cmocka_unit_test(test_what_is_no_json_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
