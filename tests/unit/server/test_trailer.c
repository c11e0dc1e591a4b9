#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/trailer.h"

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    buf_put(context, piece);
    return buf_finish(context, err);
}

/* The answer in pieces of `step` bytes. */
static void feed(struct trailer *trailer, struct bytes answer, size_t step)
{
    for (size_t at = 0; at < answer.size; at += step) {
        size_t end = at + step < answer.size ? at + step : answer.size;

        assert_int_equal(trailer_take(trailer, bytes_slice(answer, at, end), NULL), OK);
    }
}

static void test_the_last_line_is_read_and_not_passed_on(void **state)
{
    /* A string holds what looks like the end. */
    static const char rows[] = "a s=\"x\n# {\"_end\":{\"rows\":9}}\n\" 1\nb v=1 2\n";
    static const char last[] = "# {\"_end\":{\"rows\":2,\"next\":\"Zm9v\",\"partial\":true}}\n";
    char answer[256];

    (void)state;
    (void)snprintf(answer, sizeof(answer), "%s%s", rows, last);
    for (size_t step = 1; step <= sizeof(answer); step++) {
        struct buf out = BUF_INIT(1000);
        struct trailer trailer = {"# ", collect, &out, BUF_INIT(1000)};
        struct trailer_end end = {.next = BUF_INIT(100)};

        feed(&trailer, bytes_of(answer), step);
        assert_int_equal(trailer_finish(&trailer, &end, NULL), OK);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(rows)));
        assert_int_equal(end.rows, 2);
        assert_true(end.partial);
        assert_true(bytes_equal(buf_bytes(&end.next), BYTES("Zm9v")));
        trailer_release(&trailer);
        buf_release(&out);
        buf_release(&end.next);
    }
}

static void test_an_answer_without_its_end_is_not_whole(void **state)
{
    static const struct {
        const char *prefix, *answer, *explained;
    } cases[] = {
        {"# ", "a v=1 1\n",                                               "cut"              },
        {"# ", "",                                                        "cut"              },
        {"# ", "a v=1 1\n# {\"_end\":{\"ro",                              "cut"              },
        {"",   "{\"v\":1}\n",                                             "cut"              },
        {"# ", "a v=1 1\n# {\"_error\":{\"detail\":\"disk is gone\"}}\n", "disk is gone: cut"},
        {"",   "{\"_error\":{\"detail\":\"late\"}}\n",                    "late: cut"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1000);
        struct trailer trailer = {cases[i].prefix, collect, &out, BUF_INIT(1000)};
        struct trailer_end end = {.next = BUF_INIT(100)};
        struct error err = {0}, cut = {.text = "cut"};

        feed(&trailer, bytes_of(cases[i].answer), 5);
        assert_int_equal(trailer_finish(&trailer, &end, &err), E_PARTIAL);
        trailer_explain(&trailer, &cut);
        assert_string_equal(cut.text, cases[i].explained);
        trailer_release(&trailer);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_line_is_read_and_not_passed_on),
        cmocka_unit_test(test_an_answer_without_its_end_is_not_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
