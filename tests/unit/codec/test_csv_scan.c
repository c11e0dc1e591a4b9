#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "codec/csv_scan.h"

static struct error err;

static struct csv_scan scan_of(const char *text)
{
    err = (struct error){0};
    return (struct csv_scan){.text = bytes_of(text), .err = &err};
}

static void test_a_part_has_so_many_digits_within_its_bounds(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        int value;
        size_t at;
    } cases[] = {
        {"07:",  OK,         7,  2},
        {"7:",   OK,         7,  1},
        {"1234", OK,         12, 2},
        {"00",   E_BAD_TIME, 0,  0},
        {"13",   E_BAD_TIME, 0,  0},
        {":",    E_BAD_TIME, 0,  0},
        {"",     E_BAD_TIME, 0,  0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct csv_scan scan = scan_of(cases[i].text);
        int value = 0;

        if (csv_scan_part(&scan, 1, 2, 1, 12, "want a month", &value) != cases[i].want ||
            value != cases[i].value || scan.at != cases[i].at)
            fail_msg("\"%s\": %d, at %zu: %s", cases[i].text, value, scan.at, err.text);
    }
    assert_non_null(strstr(err.text, "time \"\": at byte 1: want a month"));
}

static void test_a_name_is_whole_or_its_first_three_letters(void **state)
{
    static const char *const names[] = {"june", "july"};
    static const struct {
        const char *text;
        int index; /* 0: it is none */
        size_t at;
    } cases[] = {
        {"June 1", 1, 4},
        {"JUL 1",  2, 3},
        {"july",   2, 4},
        {"ju",     0, 0},
        {"may",    0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct csv_scan scan = scan_of(cases[i].text);
        int index = 0;
        enum code code = csv_scan_name(&scan, names, COUNT_OF(names), "want a month", &index);

        if ((code == OK) != (cases[i].index > 0) || index != cases[i].index ||
            scan.at != cases[i].at)
            fail_msg("\"%s\": %d, at %zu", cases[i].text, index, scan.at);
    }
}

static void test_a_fraction_has_up_to_nine_digits(void **state)
{
    struct csv_scan scan = scan_of("000000001Z");

    (void)state;
    assert_int_equal(csv_scan_fraction(&scan), OK);
    assert_int_equal(scan.ns, 1);
    assert_int_equal(csv_scan_peek(&scan), 'Z');
    scan = scan_of("5");
    assert_int_equal(csv_scan_fraction(&scan), OK);
    assert_int_equal(scan.ns, 500000000);
    assert_int_equal(csv_scan_peek(&scan), '\0');
    scan = scan_of("0000000001");
    assert_int_equal(csv_scan_fraction(&scan), E_BAD_TIME);
    scan = scan_of("Z");
    assert_int_equal(csv_scan_fraction(&scan), E_BAD_TIME);
}

static void test_an_offset_is_of_hours_and_minutes(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        int64_t offset_s;
    } cases[] = {
        {"Z",      OK,         0    },
        {"+01",    OK,         3600 },
        {"-0130",  OK,         -5400},
        {"+23:59", OK,         86340},
        {"+24",    E_BAD_TIME, 0    },
        {"+01:60", E_BAD_TIME, 0    },
        {"01",     E_BAD_TIME, 0    },
        {"+",      E_BAD_TIME, 0    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct csv_scan scan = scan_of(cases[i].text);

        if (csv_scan_offset(&scan) != cases[i].want || scan.offset_s != cases[i].offset_s)
            fail_msg("%s: %lld", cases[i].text, (long long)scan.offset_s);
    }
}

static void test_what_is_no_second_and_no_day_is_refused(void **state)
{
    struct csv_scan scan = scan_of("60");

    (void)state;
    assert_int_equal(csv_scan_second(&scan, 2), E_BAD_TIME);
    assert_non_null(strstr(err.text, "a leap second"));
    scan = scan_of("59");
    assert_int_equal(csv_scan_second(&scan, 2), OK);
    assert_int_equal(scan.second, 59);
    scan.year = 2026;
    scan.month = 2;
    scan.day = 29;
    assert_int_equal(csv_scan_date_holds(&scan), E_BAD_TIME);
    scan.year = 2024;
    assert_int_equal(csv_scan_date_holds(&scan), OK);
    assert_int_equal(csv_scan_char(&scan, 'T', "want 'T'"), E_BAD_TIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_has_so_many_digits_within_its_bounds),
        cmocka_unit_test(test_a_name_is_whole_or_its_first_three_letters),
        cmocka_unit_test(test_a_fraction_has_up_to_nine_digits),
        cmocka_unit_test(test_an_offset_is_of_hours_and_minutes),
        cmocka_unit_test(test_what_is_no_second_and_no_day_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
