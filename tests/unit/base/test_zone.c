#include "tests/unit/base/times.h"

#include "base/buf.h"
#include "base/text_file.h"

enum { HOUR = 3600 };

static int64_t seconds_of(const char *text)
{
    return time_of(text) / 1000000000;
}

static void test_offsets(void **state)
{
    static const struct {
        const char *zone, *utc;
        int32_t offset_s;
    } cases[] = {
        {"UTC",              "2024-07-01T00:00:00Z", 0                     },
        {"Z",                "2024-07-01T00:00:00Z", 0                     },
        {"+10:00",           "2024-07-01T00:00:00Z", 10 * HOUR             },
        {"-03:30",           "1700-07-01T00:00:00Z", -(3 * HOUR + HOUR / 2)},
        {"Europe/London",    "2024-01-01T00:00:00Z", 0                     },
        {"Europe/London",    "2024-03-31T00:59:59Z", 0                     },
        {"Europe/London",    "2024-03-31T01:00:00Z", HOUR                  },
        {"Europe/London",    "2024-10-27T00:59:59Z", HOUR                  },
        {"Europe/London",    "2024-10-27T01:00:00Z", 0                     },
        {"Europe/London",    "1970-01-01T00:00:00Z", HOUR                  },
        {"Europe/London",    "1800-01-01T00:00:00Z", -75                   },
        {"Europe/London",    "2200-07-01T00:00:00Z", HOUR                  },
        {"Europe/London",    "2262-04-11T00:00:00Z", HOUR                  },
        {"Europe/Dublin",    "2100-07-01T00:00:00Z", HOUR                  },
        {"Europe/Dublin",    "2100-12-01T00:00:00Z", 0                     },
        {"America/New_York", "2024-03-10T06:59:59Z", -5 * HOUR             },
        {"America/New_York", "2024-03-10T07:00:00Z", -4 * HOUR             },
        {"America/New_York", "2024-11-03T05:59:59Z", -4 * HOUR             },
        {"America/New_York", "2024-11-03T06:00:00Z", -5 * HOUR             },
        {"America/New_York", "2150-07-01T00:00:00Z", -4 * HOUR             },
        {"Australia/Sydney", "2024-04-06T15:59:59Z", 11 * HOUR             },
        {"Australia/Sydney", "2024-04-06T16:00:00Z", 10 * HOUR             },
        {"Australia/Sydney", "2024-10-05T15:59:59Z", 10 * HOUR             },
        {"Australia/Sydney", "2024-10-05T16:00:00Z", 11 * HOUR             },
        {"Australia/Sydney", "2101-01-01T00:00:00Z", 11 * HOUR             },
        {"Australia/Sydney", "2101-07-01T00:00:00Z", 10 * HOUR             },
        {"Asia/Kathmandu",   "2024-07-01T00:00:00Z", 5 * HOUR + 45 * 60    },
        {"Asia/Tokyo",       "2200-07-01T00:00:00Z", 9 * HOUR              },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int32_t got = zone_offset(zone_of(cases[i].zone, &arena), seconds_of(cases[i].utc));

        if (got != cases[i].offset_s)
            fail_msg("%s at %s: got %d", cases[i].zone, cases[i].utc, got);
    }
    arena_release(&arena);
}

static void test_clocks_that_are_never_turned(void **state)
{
    static const struct {
        const char *zone;
        bool fixed;
    } cases[] = {
        {"UTC",           true },
        {"Etc/UTC",       true },
        {"+10:00",        true },
        {"Europe/London", false},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(zone_is_fixed(zone_of(cases[i].zone, &arena)), cases[i].fixed);
    arena_release(&arena);
}

static void test_wall_clocks_show_a_time_once_twice_or_never(void **state)
{
    static const struct {
        const char *zone, *local; /* as if it were UTC */
        enum zone_local want;
        const char *earlier, *later;
    } cases[] = {
        {"Europe/London",       "2024-03-31T00:59:59Z", ZONE_ONCE,  "2024-03-31T00:59:59Z",
         "2024-03-31T00:59:59Z"},
        {"Europe/London",       "2024-03-31T01:00:00Z", ZONE_NEVER, "2024-03-31T01:00:00Z",
         "2024-03-31T01:00:00Z"},
        {"Europe/London",       "2024-03-31T01:59:59Z", ZONE_NEVER, "2024-03-31T01:00:00Z",
         "2024-03-31T01:00:00Z"},
        {"Europe/London",       "2024-03-31T02:00:00Z", ZONE_ONCE,  "2024-03-31T01:00:00Z",
         "2024-03-31T01:00:00Z"},
        {"Europe/London",       "2024-10-27T00:59:59Z", ZONE_ONCE,  "2024-10-26T23:59:59Z",
         "2024-10-26T23:59:59Z"},
        {"Europe/London",       "2024-10-27T01:00:00Z", ZONE_TWICE, "2024-10-27T00:00:00Z",
         "2024-10-27T01:00:00Z"},
        {"Europe/London",       "2024-10-27T01:59:59Z", ZONE_TWICE, "2024-10-27T00:59:59Z",
         "2024-10-27T01:59:59Z"},
        {"Europe/London",       "2024-10-27T02:00:00Z", ZONE_ONCE,  "2024-10-27T02:00:00Z",
         "2024-10-27T02:00:00Z"},
        {"America/New_York",    "2024-03-10T01:59:59Z", ZONE_ONCE,  "2024-03-10T06:59:59Z",
         "2024-03-10T06:59:59Z"},
        {"America/New_York",    "2024-03-10T02:30:00Z", ZONE_NEVER, "2024-03-10T07:00:00Z",
         "2024-03-10T07:00:00Z"},
        {"America/New_York",    "2024-03-10T03:00:00Z", ZONE_ONCE,  "2024-03-10T07:00:00Z",
         "2024-03-10T07:00:00Z"},
        {"America/New_York",    "2024-11-03T01:30:00Z", ZONE_TWICE, "2024-11-03T05:30:00Z",
         "2024-11-03T06:30:00Z"},
        {"America/New_York",    "2155-11-02T01:30:00Z", ZONE_TWICE, "2155-11-02T05:30:00Z",
         "2155-11-02T06:30:00Z"},
        {"Australia/Sydney",    "2024-10-06T02:00:00Z", ZONE_NEVER, "2024-10-05T16:00:00Z",
         "2024-10-05T16:00:00Z"},
        {"Australia/Sydney",    "2024-10-06T03:00:00Z", ZONE_ONCE,  "2024-10-05T16:00:00Z",
         "2024-10-05T16:00:00Z"},
        {"Australia/Sydney",    "2024-04-07T01:59:59Z", ZONE_ONCE,  "2024-04-06T14:59:59Z",
         "2024-04-06T14:59:59Z"},
        {"Australia/Sydney",    "2024-04-07T02:00:00Z", ZONE_TWICE, "2024-04-06T15:00:00Z",
         "2024-04-06T16:00:00Z"},
        {"Australia/Sydney",    "2024-04-07T03:00:00Z", ZONE_ONCE,  "2024-04-06T17:00:00Z",
         "2024-04-06T17:00:00Z"},
 /* Half an hour of summer time; a day that was left out. */
        {"Australia/Lord_Howe", "2024-04-07T01:45:00Z", ZONE_TWICE, "2024-04-06T14:45:00Z",
         "2024-04-06T15:15:00Z"},
        {"Pacific/Apia",        "2011-12-30T12:00:00Z", ZONE_NEVER, "2011-12-30T10:00:00Z",
         "2011-12-30T10:00:00Z"},
        {"+10:00",              "2024-03-31T10:00:00Z", ZONE_ONCE,  "2024-03-31T00:00:00Z",
         "2024-03-31T00:00:00Z"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t earlier_s = 0, later_s = 0;
        enum zone_local got = zone_utc(zone_of(cases[i].zone, &arena), seconds_of(cases[i].local),
                                       &earlier_s, &later_s);

        if (got != cases[i].want || earlier_s != seconds_of(cases[i].earlier) ||
            later_s != seconds_of(cases[i].later))
            fail_msg("%s %s: got %d, %lld, %lld", cases[i].zone, cases[i].local, (int)got,
                     (long long)earlier_s, (long long)later_s);
    }
    arena_release(&arena);
}

/* Each half hour of ten years: what UTC shows on the wall is found again. */
static void test_there_and_back(void **state)
{
    static const char *const names[] = {"Europe/London", "America/New_York", "Australia/Sydney",
                                        "Africa/Casablanca", "America/Sao_Paulo"};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct zone *zone = zone_of(names[i], &arena);
        int64_t first_s = seconds_of("2030-01-01"), end_s = seconds_of("2040-01-01");

        for (int64_t utc_s = first_s; utc_s < end_s; utc_s += HOUR / 2) {
            int64_t earlier_s, later_s;
            enum zone_local got =
                zone_utc(zone, utc_s + zone_offset(zone, utc_s), &earlier_s, &later_s);

            if (got == ZONE_NEVER || (earlier_s != utc_s && later_s != utc_s))
                fail_msg("%s at %lld", names[i], (long long)utc_s);
        }
    }
    arena_release(&arena);
}

static void test_names_that_are_no_zone(void **state)
{
    static const char *const names[] = {
        "",           "Europe/Nowhere", "europe",      "../zoneinfo/UTC", "/etc/localtime",
        "Europe/",    "Europe",         "zone.tab",    "Europe//London",  "Europe/./London",
        "right/Zulu", "tzdata.zi",      "+10",         "+1000",           "+24:00",
        "+10:60",     "Europe/../UTC",  "leapseconds", "Europe/Lon\ndon", "-Europe",
    };
    struct arena arena;
    char long_name[200];

    (void)state;
    memset(long_name, 'a', sizeof(long_name));
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i <= COUNT_OF(names); i++) {
        struct bytes name =
            i < COUNT_OF(names) ? bytes_of(names[i]) : (struct bytes){long_name, sizeof(long_name)};
        const struct zone *zone = NULL;
        struct error err = {0};

        if (zone_open(name, &arena, &zone, &err) != E_BAD_PARAMETER)
            fail_msg("\"%.*s\" is taken", BYTES_ARG(name));
        assert_non_null(strstr(err.text, "is no time zone"));
    }
    arena_release(&arena);
}

static void test_a_name_is_one_zone_for_all(void **state)
{
    const struct zone *first = NULL, *again = NULL, *other = NULL;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(zone_open(BYTES("Europe/Berlin"), &arena, &first, NULL), OK);
    assert_int_equal(zone_open(BYTES("Europe/Lisbon"), &arena, &other, NULL), OK);
    assert_int_equal(zone_open(BYTES("Europe/Berlin"), &arena, &again, NULL), OK);
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    assert_int_equal(arena.used, 0);
    arena_release(&arena);
    assert_int_equal(zone_offset(first, seconds_of("2030-07-01")), 7200);
    assert_int_equal(zone_offset(other, seconds_of("2030-07-01")), 3600);
}

/* Every end of a real file, and every byte of it with another value, is taken or refused. */
static void test_damaged_files(void **state)
{
    struct buf file = BUF_INIT(1 << 16);
    struct error err = {0};
    size_t refused = 0;

    (void)state;
    assert_int_equal(text_file_read("/usr/share/zoneinfo/Europe/London", 1 << 16, &file, &err), OK);
    for (size_t i = 0; i < 2 * file.size; i++) {
        struct bytes bytes = {file.data, i < file.size ? i : file.size};
        char *at = &file.data[i % file.size], old = *at;
        const struct zone *zone = NULL;
        struct arena arena;
        int64_t earlier_s, later_s;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        if (i >= file.size)
            *at = (char)(old ^ 0x81);
        code = zone_parse(bytes, &arena, &zone, &err);
        refused += code != OK;
        if (code == OK)
            (void)zone_utc(zone, 1700000000, &earlier_s, &later_s);
        if (code == OK && i < file.size)
            fail_msg("a file cut at %zu is taken", i);
        *at = old;
        arena_release(&arena);
    }
    assert_true(refused >= file.size);
    buf_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_clocks_that_are_never_turned),
        cmocka_unit_test(test_wall_clocks_show_a_time_once_twice_or_never),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_a_name_is_one_zone_for_all),
        cmocka_unit_test(test_names_that_are_no_zone),
        cmocka_unit_test(test_damaged_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
