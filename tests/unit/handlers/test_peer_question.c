#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/peer_question.h"

static struct peer_question question;

static enum code read_erasure(const char *text, struct error *err)
{
    struct arena arena;
    enum code code;

    arena_init(&arena, 1 << 20, NULL);
    code = peer_question_read_erasure(bytes_of(text), &arena, &question, err);
    arena_release(&arena);
    return code;
}

/* What is asked is what is understood. */
static void test_an_erasure_is_read_as_it_was_written(void **state)
{
    static const struct matcher matchers[] = {
        {BYTES("ho\"st"), MATCH_EQUAL,     BYTES("a")     },
        {BYTES("b"),      MATCH_NOT_REGEX, BYTES("[\\d]+")},
        {BYTES("c"),      MATCH_NOT_EQUAL, BYTES("")      },
    };
    static const struct bytes fields[] = {BYTES("f,g"), BYTES("\x7f\xc3\xa4")};
    const struct tombstone erases = {
        .ingest = 1700000000000000001,
        .erase = true,
        .selector = {BYTES("c\\pu"), matchers, COUNT_OF(matchers)},
        .start = INT64_MIN,
        .end = INT64_MAX,
        .fields = fields,
        .field_count = COUNT_OF(fields),
    };
    struct buf text = BUF_INIT(1 << 20);
    struct arena arena;
    struct error err = {0};

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(peer_question_print_erasure(BYTES("acme"), &erases, &text, NULL), OK);
    if (peer_question_read_erasure(buf_bytes(&text), &arena, &question, &err) != OK)
        fail_msg("%s", err.text);
    assert_true(bytes_equal(question.tenant, BYTES("acme")));
    assert_true(bytes_equal(question.measurement, erases.selector.measurement));
    assert_int_equal(question.matcher_count, COUNT_OF(matchers));
    for (size_t i = 0; i < COUNT_OF(matchers); i++) {
        assert_int_equal(question.matchers[i].op, matchers[i].op);
        assert_true(bytes_equal(question.matchers[i].key, matchers[i].key));
        assert_true(bytes_equal(question.matchers[i].value, matchers[i].value));
    }
    assert_int_equal(question.field_count, COUNT_OF(fields));
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_true(bytes_equal(question.fields[i], fields[i]));
    assert_int_equal(question.start, INT64_MIN);
    assert_int_equal(question.end, INT64_MAX);
    assert_int_equal(question.moment, erases.ingest);
    buf_release(&text);
    arena_release(&arena);
}

/* A part of it would be more than what is to be erased. */
static void test_what_cannot_be_told_is_not_told_in_part(void **state)
{
    static struct matcher many[PEER_MATCHERS_MAX + 1];
    static char large[PEER_QUESTION_BYTES_MAX + 1];
    static const struct bytes strange[] = {BYTES("\xff"), BYTES("a\0b")};
    struct tombstone erases = {.ingest = 1, .selector = {.measurement = BYTES("m")}, .end = 1};
    struct buf text = BUF_INIT(1 << 20);
    size_t size;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        struct tombstone other = erases;
        const struct matcher key = {strange[i], MATCH_EQUAL, BYTES("")},
                             value = {BYTES("k"), MATCH_EQUAL, strange[i]};

        other.selector.measurement = strange[i];
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &other, &text, NULL),
                         E_NOT_SUPPORTED);
        other = erases;
        other.fields = &strange[i];
        other.field_count = 1;
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &other, &text, NULL),
                         E_NOT_SUPPORTED);
        other = erases;
        other.selector.matcher_count = 1;
        other.selector.matchers = &key;
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &other, &text, NULL),
                         E_NOT_SUPPORTED);
        other.selector.matchers = &value;
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &other, &text, NULL),
                         E_NOT_SUPPORTED);
    }
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct matcher){BYTES("k"), MATCH_EQUAL, BYTES("v")};
    erases.selector.matchers = many;
    for (uint32_t count = PEER_MATCHERS_MAX - 1; count <= PEER_MATCHERS_MAX + 1; count++) {
        erases.selector.matcher_count = count;
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &erases, &text, NULL),
                         count > PEER_MATCHERS_MAX ? E_NOT_SUPPORTED : OK);
    }
    memset(large, 'x', sizeof(large));
    erases.selector.matcher_count = 0;
    buf_clear(&text);
    assert_int_equal(peer_question_print_erasure(BYTES("t"), &erases, &text, NULL), OK);
    size = PEER_QUESTION_BYTES_MAX - text.size + 1; /* of a measurement that just fits */
    for (size_t more = 0; more <= 2; more++) {
        buf_clear(&text);
        erases.selector.measurement = (struct bytes){large, size + more - 1};
        assert_int_equal(peer_question_print_erasure(BYTES("t"), &erases, &text, NULL),
                         more > 1 ? E_NOT_SUPPORTED : OK);
    }
    buf_release(&text);
}

static void test_an_erasure_that_is_none_is_told_what_would_be(void **state)
{
#define HEAD "{\"tenant\":\"t\",\"measurement\":\"m\","
#define ALL HEAD "\"start\":1,\"end\":2,\"after\":3"
    static const struct {
        const char *text, *told; /* NULL: it is one */
    } cases[] = {
        {ALL "}",                                                                     NULL                },
        {ALL ",\"match\":[],\"fields\":[\"f\"]}",                                     NULL                },
        {"",                                                                          ""                  },
        {"{",                                                                         ""                  },
        {"[]",                                                                        "must be an object" },
        {"{}",                                                                        "\"tenant\""        },
        {HEAD "\"start\":1,\"end\":2}",                                               "\"after\""         },
        {HEAD "\"start\":1,\"after\":2}",                                             "\"end\""           },
        {HEAD "\"end\":1,\"after\":2}",                                               "\"start\""         },
        {HEAD "\"start\":2,\"end\":2,\"after\":3}",                                   "must be before"    },
        {HEAD "\"start\":1,\"end\":2,\"after\":0}",                                   "time of a deletion"},
        {HEAD "\"start\":1,\"end\":2,\"after\":-1}",                                  "time of a deletion"},
        {HEAD "\"start\":1,\"end\":2,\"after\":1.5}",                                 "whole number"      },
        {HEAD "\"start\":1,\"end\":2,\"after\":\"3\"}",                               "whole number"      },
        {ALL ",\"as_of\":3}",                                                         "as_of"             },
        {ALL ",\"erase\":true}",                                                      "erase"             },
        {ALL ",\"after\":3}",                                                         ""                  },
        {ALL ",\"fields\":[]}",                                                       "names no field"    },
        {ALL ",\"fields\":\"f\"}",                                                    "must be"           },
        {ALL ",\"fields\":{\"f\":1}}",                                                "must be"           },
        {ALL ",\"fields\":[\"\"]}",                                                   "must be 1 to 65536"},
        {ALL ",\"fields\":[7]}",                                                      "must be text"      },
        {ALL ",\"match\":[{\"key\":\"k\",\"op\":\"=\"}]}",                            "\"value\""         },
        {ALL ",\"match\":[{\"key\":\"k\",\"op\":\"==\",\"value\":\"\"}]}",            "op"                },
        {"{\"tenant\":\"\",\"measurement\":\"m\",\"start\":1,\"end\":2,\"after\":3}",
         "must be 1 to 65536"                                                                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        enum code code = read_erasure(cases[i].text, &err);

        if (code != (cases[i].told == NULL ? OK : E_BAD_REQUEST) || err.code != code ||
            (cases[i].told != NULL && strstr(err.text, cases[i].told) == NULL))
            fail_msg("%s: %d, %s", cases[i].text, code, err.text);
    }
#undef ALL
#undef HEAD
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_erasure_is_read_as_it_was_written),
        cmocka_unit_test(test_what_cannot_be_told_is_not_told_in_part),
        cmocka_unit_test(test_an_erasure_that_is_none_is_told_what_would_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
