#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/random.h"
#include "codec/json_doc.h"
#include "codec/json_scan.h"

enum { DEPTH = 12 };

/* Scans a copy that ends where its slack does. */
static enum code scan_all(struct bytes text, struct error *err)
{
    char *copy = calloc(1, text.size + JSON_SCAN_SLACK);
    struct json_scan scan = {
        .at = copy, .start = copy, .end = copy + text.size, .depth_max = DEPTH};
    struct arena arena;
    enum code code;

    arena_init(&arena, 1 << 20, NULL);
    scan.arena = &arena;
    memcpy(copy, text.data, text.size);
    code = json_scan_skip(&scan, err);
    if (code == OK)
        code = json_scan_finish(&scan, err);
    arena_release(&arena);
    free(copy);
    return code;
}

static void put_value(struct buf *out, struct random *random, unsigned depth)
{
    static const char *const scalars[] = {"0",
                                          "-1",
                                          "12.5e-3",
                                          "true",
                                          "false",
                                          "null",
                                          "\"\"",
                                          "\"a\\n\\u00e9\\ud83d\\ude00\"",
                                          "\"\xc3\xa9 plain text\"",
                                          "123456789",
                                          "\"long enough for a word or two\""};
    uint64_t count, kind = random_below(random, depth > 5 ? 2 : 4);

    if (kind < 2) {
        buf_put_text(out, scalars[random_below(random, COUNT_OF(scalars))]);
        return;
    }
    count = random_below(random, 4);
    buf_put_char(out, kind == 2 ? '[' : '{');
    for (uint64_t i = 0; i < count; i++) {
        buf_put_text(out, i == 0 ? "" : random_chance(random, 3) ? " , " : ",");
        if (kind == 3)
            buf_printf(out, "\"k%llu\"%s", (unsigned long long)i,
                       random_chance(random, 3) ? "\t: " : ":");
        put_value(out, random, depth + 1);
    }
    buf_put_char(out, kind == 2 ? ']' : '}');
}

static void damage(struct buf *text, struct random *random)
{
    static const char bytes[] = "{}[]\",:\\0123456789eE+-.tfnu \n\x01\x80\xc3\xed\xff";
    size_t at = (size_t)random_below(random, text->size);

    if (random_chance(random, 3)) {
        memmove(text->data + at, text->data + at + 1, text->size - at - 1);
        text->size--;
    } else {
        text->data[at] = bytes[random_below(random, sizeof(bytes))];
    }
}

/* Where the two may differ: numbers and names jansson cannot hold. */
static bool jansson_alone(const struct error *err)
{
    return strstr(err->text, "too big") != NULL || strstr(err->text, "real number overflow") ||
           strstr(err->text, "duplicate") != NULL || strstr(err->text, "NUL byte") != NULL;
}

static void test_it_takes_exactly_what_jansson_takes(void **state)
{
    uint64_t seed = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) : 5;
    struct random random;
    unsigned good = 0;

    (void)state;
    printf("seed %llu\n", (unsigned long long)seed);
    random_seed(&random, seed);
    for (int round = 0; round < 30000; round++) {
        struct buf text = BUF_INIT(1 << 20);
        struct error ours = {0}, theirs = {0};
        struct json *root = NULL;
        enum code code_ours, code_theirs;

        put_value(&text, &random, 0);
        for (uint64_t i = random_below(&random, 3); i > 0 && text.size > 1; i--)
            damage(&text, &random);
        code_ours = scan_all(buf_bytes(&text), &ours);
        code_theirs = json_doc_parse(buf_bytes(&text), DEPTH, &root, &theirs);
        json_doc_free(root);
        if ((code_ours == OK) != (code_theirs == OK) && !jansson_alone(&theirs))
            fail_msg("%.*s\nours: %s\ntheirs: %s", BYTES_ARG(buf_bytes(&text)), ours.text,
                     theirs.text);
        good += code_ours == OK;
        buf_release(&text);
    }
    assert_in_range(good, 5000, 25000);
}

static void test_texts_are_unescaped(void **state)
{
    static const struct {
        const char *json;
        struct bytes want;
    } cases[] = {
        {"\"\"",                                    BYTES("")                               },
        {"\"plain\"",                               BYTES("plain")                          },
        {"\"0123456789abcdef\\\"\"",                BYTES("0123456789abcdef\"")             },
        {"\"\\u0041\\u0000\\uFFFD\\ud800\\udc00\"", BYTES("A\0\xef\xbf\xbd\xf0\x90\x80\x80")},
        {"\"\\\\\\/\\b\\f\\n\\r\\t\"",              BYTES("\\/\b\f\n\r\t")                  },
        {"\"h\xc3\xa9\\nll\xc3\xb6\"",              BYTES("h\xc3\xa9\nll\xc3\xb6")          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = strlen(cases[i].json);
        char *copy = calloc(1, size + JSON_SCAN_SLACK);
        struct json_scan scan = {.at = copy, .start = copy, .end = copy + size};
        struct error err = {0};
        struct arena arena;
        struct bytes text;

        arena_init(&arena, 1 << 20, NULL);
        scan.arena = &arena;
        memcpy(copy, cases[i].json, size);
        assert_int_equal(OK, json_scan_text(&scan, &text, &err));
        assert_true(bytes_equal(text, cases[i].want));
        assert_ptr_equal(scan.at, scan.end);
        arena_release(&arena);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_takes_exactly_what_jansson_takes),
        cmocka_unit_test(test_texts_are_unescaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
