#include "tests/unit/handlers/one_serving.h"

static int setup(void **state)
{
    (void)serving_open(state);
    expect(&serving, "POST /v1/points", "cpu,host=a,dc=x user=1,sys=2i 1\ncpu,host=b user=\"\" 1\n",
           400, "line 2");
    expect(&serving, "POST /v1/points",
           "cpu,host=a,dc=x user=1,sys=2i 1\ncpu,host=b user=2,sys=3u 1\nmem,host=c on=t 1\n", 204,
           "");
    return 0;
}

static void test_what_was_written_is_listed(void **state)
{
    static const struct {
        const char *what, *text;
    } cases[] = {
        {"GET /v1/measurements",                                       "{\"items\":[\"cpu\",\"mem\"],\"next\":null}\n"  },
        {"GET /v1/fields?measurement=cpu",
         "{\"items\":[{\"field\":\"sys\",\"kind\":\"number\",\"types\":[\"i64\",\"u64\"]},"
         "{\"field\":\"user\",\"kind\":\"number\",\"types\":[\"f64\"]}],\"next\":null}\n"                               },
        {"GET /v1/fields?measurement=mem",
         "{\"items\":[{\"field\":\"on\",\"kind\":\"bool\",\"types\":[\"bool\"]}],\"next\":null}\n"                      },
        {"GET /v1/tags",                                               "{\"items\":[\"dc\",\"host\"],\"next\":null}\n"  },
        {"GET /v1/tags?measurement=mem",                               "{\"items\":[\"host\"],\"next\":null}\n"         },
        {"GET /v1/tags/host/values",                                   "{\"items\":[\"a\",\"b\",\"c\"],\"next\":null}\n"},
        {"GET /v1/tags/h%6Fst/values?measurement=cpu",                 "{\"items\":[\"a\",\"b\"],\"next\":null}\n"      },
        {"GET /v1/tags/none/values",                                   "{\"items\":[],\"next\":null}\n"                 },
        {"GET /v1/series?measurement=mem",
         "{\"items\":[{\"measurement\":\"mem\",\"tags\":{\"host\":\"c\"}}],\"next\":null}\n"                            },
        {"GET /v1/series?measurement=cpu&match=host%3Da&match=dc%3Dx",
         "{\"items\":[{\"measurement\":\"cpu\",\"tags\":{\"dc\":\"x\",\"host\":\"a\"}}],"
         "\"next\":null}\n"                                                                                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, NULL, 200, cases[i].text);
}

/* One item a page gives the same items as one page. */
static void test_pages_are_the_list(void **state)
{
    static const char *const lists[] = {"/v1/measurements?", "/v1/fields?measurement=cpu&",
                                        "/v1/tags/host/values?", "/v1/series?measurement=cpu&"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct buf whole = BUF_INIT(1 << 16), paged = BUF_INIT(1 << 16);
        char what[256], cursor[128] = "";

        snprintf(what, sizeof(what), "GET %slimit=10000", lists[i]);
        expect(&serving, what, NULL, 200, "{\"items\":[");
        buf_put_text(&whole, strstr(serving.answer, "{\"items\":["));
        buf_put_text(&paged, "{\"items\":[");
        for (int page = 0; page == 0 || cursor[0] != '\0'; page++) {
            const char *first, *end;

            snprintf(what, sizeof(what), "GET %slimit=1%s%s", lists[i],
                     cursor[0] == '\0' ? "" : "&cursor=", cursor);
            expect(&serving, what, NULL, 200, "{\"items\":[");
            first = strstr(serving.answer, "{\"items\":[") + strlen("{\"items\":[");
            end = strstr(first, "],\"next\":");
            assert_non_null(end);
            if (page > 0)
                buf_put_char(&paged, ',');
            buf_put(&paged, (struct bytes){first, (size_t)(end - first)});
            cursor[0] = '\0';
            (void)sscanf(end, "],\"next\":\"%127[^\"]\"", cursor);
            assert_true((cursor[0] != '\0') == (strstr(serving.answer, "Link: <") != NULL));
        }
        buf_put_text(&paged, "],\"next\":null}\n");
        assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&paged)));
        buf_release(&whole);
        buf_release(&paged);
    }
}

static void test_parameters_are_checked(void **state)
{
    static const struct {
        const char *what;
        int status;
        const char *text;
    } cases[] = {
        {"GET /v1/fields",                              400, "missing_parameter"},
        {"GET /v1/series",                              400, "missing_parameter"},
        {"GET /v1/measurements?limit=0",                400, "bad_parameter"    },
        {"GET /v1/measurements?limit=10001",            400, "bad_parameter"    },
        {"GET /v1/measurements?limit=1&limit=2",        400, "bad_parameter"    },
        {"GET /v1/measurements?cursor=",                400, "bad_cursor"       },
        {"GET /v1/measurements?cursor=b",               400, "bad_cursor"       },
        {"GET /v1/measurements?cursor=a",               400, "bad_cursor"       },
        {"GET /v1/measurements?cursor=a!!",             400, "bad_cursor"       },
        {"GET /v1/series?measurement=cpu&cursor=aY3B1", 400, "bad_cursor"       },
        {"GET /v1/series?measurement=cpu&match=host",   400, "bad_parameter"    },
        {"GET /v1/tags?match=host%3Da",                 400, "unknown_parameter"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, NULL, cases[i].status, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_listed),
        cmocka_unit_test(test_pages_are_the_list),
        cmocka_unit_test(test_parameters_are_checked),
    };

    return cmocka_run_group_tests(tests, setup, serving_close);
}
