#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/progress.h"

static void test_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } cases[] = {
        {0,                 "0 B"     },
        {1023,              "1023 B"  },
        {1024,              "1.0 KiB" },
        {1536,              "1.5 KiB" },
        {1048576,           "1.0 MiB" },
        {UINT64_C(3) << 40, "3.0 TiB" },
        {UINT64_MAX,        "16.0 EiB"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(100);

        progress_print_size(&text, cases[i].bytes);
        if (!bytes_equal(buf_bytes(&text), bytes_of(cases[i].want)))
            fail_msg("%llu: %.*s", (unsigned long long)cases[i].bytes, BYTES_ARG(buf_bytes(&text)));
        buf_release(&text);
    }
}

static void test_rate_and_time_left(void **state)
{
    static const struct {
        uint64_t done, total, skipped;
        int64_t ms;
        const char *want;
    } cases[] = {
        {1024, 0,    0,    100,  "1.0 KiB"                                     },
        {1024, 2048, 0,    100,  "50 %  1.0 KiB of 2.0 KiB"                    },
        {1024, 0,    0,    1000, "1.0 KiB  1.0 KiB/s"                          },
        {1024, 4096, 0,    1000, "25 %  1.0 KiB of 4.0 KiB  1.0 KiB/s  4s left"},
        {4096, 4096, 0,    1000, "100 %  4.0 KiB of 4.0 KiB  4.0 KiB/s"        },
        {2048, 4096, 1024, 1000, "50 %  2.0 KiB of 4.0 KiB  1.0 KiB/s  3s left"},
        {1024, 4096, 1024, 1000, "25 %  1.0 KiB of 4.0 KiB"                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(200);

        progress_print(&text, cases[i].done, cases[i].total, cases[i].skipped,
                       cases[i].ms * 1000000);
        if (!bytes_equal(buf_bytes(&text), bytes_of(cases[i].want)))
            fail_msg("%zu: %.*s", i, BYTES_ARG(buf_bytes(&text)));
        buf_release(&text);
    }
}

static void test_a_line_is_rewritten_rarely_and_wiped(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct progress progress;

    (void)state;
    progress_begin(&progress, out);
    progress_tell(&progress, 1, 2, "early"); /* what is done in a blink needs no line */
    progress_wipe(&progress);
    progress.begun_ns -= INT64_C(1000000000);
    progress_tell(&progress, 1500, 3000, "first");
    progress_tell(&progress, 1, 2, "too soon");
    progress_wipe(&progress);
    progress_wipe(&progress);
    fclose(out);
    assert_string_equal(text,
                        "\r\033[K50 %  1.5 KiB of 2.9 KiB  1.5 KiB/s  2s left  first\r\033[K");
    free(text);
    progress_begin(&progress, NULL);
    progress_tell(&progress, 1, 2, "");
    progress_wipe(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_rate_and_time_left),
        cmocka_unit_test(test_a_line_is_rewritten_rarely_and_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
