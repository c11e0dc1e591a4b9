#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time_text.h"
#include "handlers/source_work.h"
#include "tests/unit/ingest/source/source_fixture.h"

#define WINDOWS                                                                                    \
    "'request': {'url': 'https://api.example.org/?${window.start}'}, 'window': {'from': "          \
    "'2025-01-01', 'until': '2026-06-01', 'step': 'P1D'}"

static int64_t time_of(const char *text)
{
    int64_t ns;

    assert_int_equal(timestamp_parse(bytes_of(text), &ns, NULL), OK);
    return ns;
}

static void test_what_is_never_asked_is_refused(void **state)
{
    static const struct {
        const char *blocks, *start, *end;
        enum code code;
        const char *pointer, *text;
    } cases[] = {
        {"",              "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", E_NOT_SUPPORTED, "",
         "has no `window`"                                                                            },
        {WINDOWS,         "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", E_BAD_PARAMETER, "end",
         "(window.from) at 2025-01-01T00:00:00Z"                                                      },
        {WINDOWS,         "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", E_BAD_PARAMETER, "start",
         "(window.until) at 2026-06-01T00:00:00Z"                                                     },
        {WINDOWS,         "2024-01-01T00:00:00Z", "2025-01-01T00:00:01Z", OK,              "",      ""},
        {WINDOWS,         "2026-05-31T23:59:59Z", "2027-01-01T00:00:00Z", OK,              "",      ""},
        {"'nonsense': 1", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", OK,              "",      ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf document = BUF_INIT(1 << 16);
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        fixture_document(cases[i].blocks, "name", &document);
        code = source_backfill_check(BYTES("s"), buf_bytes(&document), time_of(cases[i].start),
                                     time_of(cases[i].end), &arena, &err);
        if (code != cases[i].code || strcmp(err.pointer, cases[i].pointer) != 0 ||
            strstr(err.text, cases[i].text) == NULL)
            fail_msg("%zu: %d %s %s", i, (int)code, err.pointer, err.text);
        buf_release(&document);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_never_asked_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
