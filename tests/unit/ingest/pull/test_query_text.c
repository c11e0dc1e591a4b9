#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/query_text.h"

static void expect(const struct buf *out, const char *address, const char *want)
{
    assert_false(out->failed);
    if (!bytes_equal(buf_bytes(out), bytes_of(want)))
        fail_msg("%s: got %.*s", address, BYTES_ARG(buf_bytes(out)));
}

static void test_what_a_log_shows(void **state)
{
    static const struct {
        const char *address, *name, *want;
    } cases[] = {
        {"https://a/b",                                                          "",      "https://a/b"                  },
        {"https://a/b?x=1&y=2",                                                  "",      "https://a/b?x=1&y=2"          },
        {"https://a/b?x=1&appid=secret&y=2",                                     "appid", "https://a/b?x=1&appid=***&y=2"},
        {"https://a/b?%61pp%69d=secret",                                         "appid", "https://a/b?%61pp%69d=***"    },
        {"https://a/b?a+b=secret",                                               "a b",   "https://a/b?a+b=***"          },
        {"https://a/b?appids=1",                                                 "appid", "https://a/b?appids=1"         },
        {"https://a/b?api_key=s&x-amz-Signature=s&SECURITYTOKEN=s&pass%77ord=s", "",
         "https://a/b?api_key=***&x-amz-Signature=***&SECURITYTOKEN=***&pass%77ord=***"                                  },
        {"https://a/b?secret",                                                   "",      "https://a/b?***"              },
        {"https://a/b?key=",                                                     "",      "https://a/b?key="             },
        {"https://a/b?x=a=b",                                                    "",      "https://a/b?x=a=b"            },
        {"https://a/b?x=?key=s",                                                 "",      "https://a/b?x=?key=s"         },
        {"https://a/b?&x=1&",                                                    "",      "https://a/b?***&x=1"          },
        {"https://a/b?",                                                         "",      "https://a/b"                  },
        {"https://a/b?key%",                                                     "",      "https://a/b?***"              },
        {"https://a/b?%zz=1",                                                    "",      "https://a/b?%zz=1"            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1 << 12);

        query_text_shown(bytes_of(cases[i].address), bytes_of(cases[i].name), &out);
        expect(&out, cases[i].address, cases[i].want);
        buf_release(&out);
    }
}

static void test_names_too_long_to_look_at_are_hidden(void **state)
{
    struct buf address = BUF_INIT(1 << 12), out = BUF_INIT(1 << 12);

    (void)state;
    buf_put_text(&address, "https://a/?");
    for (int i = 0; i < 300; i++)
        buf_put_char(&address, 'x');
    buf_put_text(&address, "key=secret");
    query_text_shown(buf_bytes(&address), BYTES(""), &out);
    assert_null(memmem(out.data, out.size, "secret", 6));
    buf_release(&address);
    buf_release(&out);
}

static void test_a_parameter_is_left_out_however_it_is_written(void **state)
{
    static const struct {
        const char *address, *name, *value, *want;
    } cases[] = {
        {"https://a/b?x=1&appid=s&y=2", "appid", NULL, "https://a/b?x=1&y=2"},
        {"https://a/b?appid=s",         "appid", NULL, "https://a/b"        },
        {"https://a/b?%41ppid=s&a=%41", "Appid", NULL, "https://a/b?a=%41"  },
        {"https://a/b?appid&appid=&x",  "appid", NULL, "https://a/b?x"      },
        {"https://a/b?t=1&t=s%2F&t=s/", "t",     "s/", "https://a/b?t=1"    },
        {"https://a/b?t=1",             "t",     "s",  "https://a/b?t=1"    },
        {"https://a/b",                 "t",     NULL, "https://a/b"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1 << 12);
        struct bytes value = bytes_of(cases[i].value ? cases[i].value : "");

        query_text_without(bytes_of(cases[i].address), bytes_of(cases[i].name),
                           cases[i].value ? &value : NULL, &out);
        expect(&out, cases[i].address, cases[i].want);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_log_shows),
        cmocka_unit_test(test_names_too_long_to_look_at_are_hidden),
        cmocka_unit_test(test_a_parameter_is_left_out_however_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
