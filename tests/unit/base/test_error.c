#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"

static void test_every_code_has_a_row_and_slugs_are_unique(void **state)
{
    (void)state;
    for (int code = OK; code < CODE_COUNT; code++) {
        const struct code_row *row = code_row((enum code)code);

        if (row->slug == NULL || row->title == NULL)
            fail_msg("code %d has no row", code);
        if (strspn(row->slug, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(row->slug))
            fail_msg("%s is not snake_case", row->slug);
        if (row->title[0] == '\0' || row->title[strlen(row->title) - 1] == '.')
            fail_msg("%s: the title is empty or ends with a full stop", row->slug);
        for (int other = OK; other < code; other++) {
            if (strcmp(row->slug, code_row((enum code)other)->slug) == 0)
                fail_msg("%s stands for %d and %d", row->slug, other, code);
        }
    }
}

static void test_slugs_that_clients_know_stay(void **state)
{
    static const struct {
        enum code code;
        const char *slug;
        bool retry_helps;
    } known[] = {
        {E_BUSY,                  "overloaded",            true },
        {E_DISK_FULL,             "disk_full",             true },
        {E_CONFLICT,              "conflict",              false},
        {E_PRECONDITION,          "precondition_failed",   false},
        {E_CLOCK_SKEW,            "clock_skew",            true },
        {E_DRAINING,              "shutting_down",         true },
        {E_NO_MEMBER,             "not_a_member",          true },
        {E_SHARD,                 "shard_unavailable",     true },
        {E_UNERASED,              "erase_unfinished",      true },
        {E_BODY_LARGE,            "body_too_large",        false},
        {E_NOT_SUPPORTED,         "not_supported",         false},
        {E_FIELD_KIND,            "field_type_conflict",   false},
        {E_SERIES_LIMIT,          "series_limit",          false},
        {E_AS_OF_FUTURE,          "as_of_in_future",       true },
        {E_BEFORE_HISTORY,        "before_history",        false},
        {E_INVALID_POINTS,        "invalid_points",        false},
        {E_SYNTAX,                "bad_syntax",            false},
        {E_NOT_FINITE,            "not_finite",            false},
        {E_IDEMPOTENCY_MISMATCH,  "idempotency_mismatch",  false},
        {E_IDEMPOTENCY_IN_FLIGHT, "idempotency_in_flight", true },
        {E_OUTBOX_FULL,           "outbox_full",           true },
        {E_NOT_DELIVERED,         "not_delivered",         true },
        {E_ACKS_MANY,             "too_many_shard_acks",   true },
        {E_ADDRESS,               "address_refused",       false},
        {E_TLS,                   "tls_failed",            true },
        {E_SOURCES_MANY,          "too_many_sources",      false},
        {E_TRIALS_MANY,           "too_many_trials",       true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        assert_string_equal(code_row(known[i].code)->slug, known[i].slug);
        assert_int_equal(code_row(known[i].code)->retry_helps, known[i].retry_helps);
    }
}

static void test_context_goes_in_front(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(error_set(&err, E_CORRUPT, "block %d: crc", 7), E_CORRUPT);
    error_context(&err, "pack %s", "17/004.pack");
    assert_int_equal(err.code, E_CORRUPT);
    assert_string_equal(err.text, "pack 17/004.pack: block 7: crc");
    assert_int_equal(error_set(&err, E_SYNTAX, "again: %s", err.text), E_SYNTAX);
    assert_string_equal(err.text, "again: pack 17/004.pack: block 7: crc");
}

static void test_errno_has_its_text_and_code(void **state)
{
    static const struct {
        int number;
        enum code code;
        const char *text;
    } cases[] = {
        {ENOSPC, E_DISK_FULL, "write x: No space left on device"},
        {EMFILE, E_MEMORY,    "write x: Too many open files"    },
        {EDQUOT, E_DISK_FULL, "write x: Disk quota exceeded"    },
        {EFBIG,  E_DISK_FULL, "write x: File too large"         },
        {ENOMEM, E_MEMORY,    "write x: Cannot allocate memory" },
        {EIO,    E_IO,        "write x: Input/output error"     },
        {99999,  E_IO,        "write x: error 99999"            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        assert_int_equal(error_set_errno(&err, cases[i].number, "write %s", "x"), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void test_texts_are_safe_to_show(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"control bytes",     "a\x1b[31m\nb\x7f",                        "a?[31m?b?"},
        {"characters stay",   "\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80"                                  },
        {"lone continuation", "a\x80z",                                  "a?z"      },
        {"overlong",          "\xc0\xaf",                                "??"       },
        {"surrogate",         "\xed\xa0\x80",                            "???"      },
        {"C1 control",        "\xc2\x9b",                                "??"       },
        {"cut by the end",    "a\xe2\x82",                               "a??"      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        error_set(&err, E_SYNTAX, "%s", cases[i].text);
        if (strcmp(err.text, cases[i].want) != 0)
            fail_msg("%s: got \"%s\"", cases[i].name, err.text);
    }
}

static void test_long_texts_are_cut_at_a_character(void **state)
{
    struct error err = {0};
    char text[1001];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i += 2)
        memcpy(&text[i], "\xc2\xb5", 2);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, E_SYNTAX, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 2); /* 383 would be half of one */
    error_set_errno(&err, EIO, "%s", text);                  /* the reason is not what is cut */
    assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
    assert_string_equal(err.text + ERROR_TEXT_SIZE - 21, ": Input/output error");
    error_set(&err, E_SYNTAX, "the core");
    error_context(&err, "%s", text);
    assert_string_equal(err.text + ERROR_TEXT_SIZE / 2, ": the core");
    error_set(&err, E_SYNTAX, "%s", text);
    error_context(&err, "in front");
    assert_memory_equal(err.text, "in front: \xc2\xb5", 12);
    error_point(&err, (struct bytes){text, sizeof(text) - 1});
    assert_int_equal(strlen(err.pointer), ERROR_POINTER_SIZE - 2);
    error_point(&err, BYTES("/a\0b"));
    assert_string_equal(err.pointer, "/a?b");
}

static void test_nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, E_SYNTAX, "x"), E_SYNTAX);
    assert_int_equal(error_set_errno(NULL, ENOSPC, "x"), E_DISK_FULL);
    error_context(NULL, "x");
    error_point(NULL, BYTES("x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_row_and_slugs_are_unique),
        cmocka_unit_test(test_slugs_that_clients_know_stay),
        cmocka_unit_test(test_context_goes_in_front),
        cmocka_unit_test(test_errno_has_its_text_and_code),
        cmocka_unit_test(test_texts_are_safe_to_show),
        cmocka_unit_test(test_long_texts_are_cut_at_a_character),
        cmocka_unit_test(test_nobody_has_to_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
