#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/moment.h"
#include "ingest/pull/answer_headers.h"
#include "tests/unit/base/times.h"

static const char now_text[] = "2026-11-22T12:00:00Z";

static void test_dates_in_the_three_forms(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: none */
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT",     "1994-11-06T08:49:37Z"},
        {"  Sun, 06 Nov 1994 08:49:37 GMT\t", "1994-11-06T08:49:37Z"},
        {"Sunday, 06-Nov-94 08:49:37 GMT",    "1994-11-06T08:49:37Z"},
        {"Sunday, 06-Nov-76 08:49:37 GMT",    "2076-11-06T08:49:37Z"}, /* 50 years ahead */
        {"Sunday, 06-Nov-77 08:49:37 GMT",    "1977-11-06T08:49:37Z"},
        {"Sunday, 06-Nov-00 08:49:37 GMT",    "2000-11-06T08:49:37Z"},
        {"Sun Nov  6 08:49:37 1994",          "1994-11-06T08:49:37Z"},
        {"Sun Nov 16 08:49:37 1994",          "1994-11-16T08:49:37Z"},
        {"Thu, 29 Feb 2024 23:59:60 GMT",     "2024-03-01T00:00:00Z"},
        {"Thu, 29 Feb 2023 00:00:00 GMT",     NULL                  },
        {"Sun, 06 Nov 1994 24:00:00 GMT",     NULL                  },
        {"Sun, 06 Nov 1994 08:60:37 GMT",     NULL                  },
        {"Sun, 06 Nov 1994 08:49:37 UTC",     NULL                  },
        {"Sun, 06 Nov 1994 08:49:37",         NULL                  },
        {"Sun, 6 Nov 1994 08:49:37 GMT",      NULL                  },
        {"Sun, 06 nov 1994 08:49:37 GMT",     NULL                  },
        {"Sun, 00 Nov 1994 08:49:37 GMT",     NULL                  },
        {"Sun, 06 Nov 9999 08:49:37 GMT",     NULL                  },
        {"Sun, 06 Nov 0000 08:49:37 GMT",     NULL                  },
        {"1994-11-06T08:49:37Z",              NULL                  },
        {"Sun, ",                             NULL                  },
        {"",                                  NULL                  },
        {"0",                                 NULL                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ns = 0;
        bool is = http_date_parse(bytes_of(cases[i].text), time_of(now_text), &ns);

        if (is != (cases[i].want != NULL) || (is && ns != time_of(cases[i].want)))
            fail_msg("%s: got %d, %lld", cases[i].text, is, (long long)ns);
    }
}

/* "name: value" lines. */
static size_t headers_of(const char *text, struct answer_header headers[8])
{
    size_t count = 0;

    while (*text != '\0') {
        const char *colon = strchr(text, ':'), *end = strchr(text, '\n');

        headers[count++] = (struct answer_header){
            {text,      (size_t)(colon - text)   },
            {colon + 1, (size_t)(end - colon - 1)}
        };
        text = end + 1;
    }
    return count;
}

static void test_how_long_to_wait(void **state)
{
    static const struct {
        const char *headers;
        int64_t want_s; /* below 0: nothing is said */
    } cases[] = {
        {"",                                                          -1   },
        {"retry-after: 120\n",                                        120  },
        {"retry-after:0\n",                                           0    },
        {"retry-after: 000007\n",                                     7    },
        {"retry-after: 86401\n",                                      86400},
        {"retry-after: 99999999999999999999999999\n",                 86400},
        {"retry-after: -1\n",                                         -1   },
        {"retry-after: +1\n",                                         -1   },
        {"retry-after: 1.5\n",                                        -1   },
        {"retry-after: 1e3\n",                                        -1   },
        {"retry-after: soon\n",                                       -1   },
        {"retry-after:\n",                                            -1   },
        {"retry-after: Sun, 22 Nov 2026 12:05:00 GMT\n",              300  },
        {"retry-after: Sunday, 22-Nov-26 12:05:00 GMT\n",             300  },
        {"retry-after: Sun Nov 22 12:05:00 2026\n",                   300  },
        {"retry-after: Sun, 22 Nov 2026 11:05:00 GMT\n",              0    },
        {"retry-after: Sun, 22 Nov 2226 11:05:00 GMT\n",              86400},
        {"date: Sun, 22 Nov 2026 18:00:00 GMT\n"
         "retry-after: Sun, 22 Nov 2026 18:01:00 GMT\n",     60   }, /* its clock, not ours */
        {"date: never\nretry-after: Sun, 22 Nov 2026 12:01:00 GMT\n", 60   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer_header headers[8];
        size_t count = headers_of(cases[i].headers, headers);
        int64_t now_ns = time_of(now_text), until_ns = 0;
        bool said = retry_after_of(headers, count, now_ns, &until_ns);

        if (said != (cases[i].want_s >= 0) ||
            (said && until_ns != now_ns + cases[i].want_s * MOMENT_SECOND))
            fail_msg("%s: got %d, %lld s", cases[i].headers, said,
                     (long long)((until_ns - now_ns) / MOMENT_SECOND));
    }
}

static void test_how_long_an_answer_is_fresh(void **state)
{
    static const struct {
        const char *headers;
        int64_t want_s;
    } cases[] = {
        {"",                                                                   -1      },
        {"cache-control: max-age=600\n",                                       600     },
        {"cache-control: public, Max-Age=\"600\"\n",                           600     },
        {"cache-control: max-age=600\nage: 100\n",                             500     },
        {"cache-control: max-age=600\nage: 1000\n",                            0       },
        {"cache-control: max-age=600\nage: x\n",                               600     },
        {"cache-control: max-age=600, max-age=60\n",                           60      },
        {"cache-control: max-age=60\ncache-control: no-cache\n",               0       },
        {"cache-control: no-store\nexpires: Sun, 22 Nov 2026 12:10:00 GMT\n",  0       },
        {"cache-control: x=\"a, max-age=5\", max-age=9\n",                     9       },
        {"cache-control: s-maxage=60, private\n",                              -1      },
        {"cache-control: max-age\n",                                           -1      },
        {"cache-control: max-age=-5\n",                                        -1      },
        {"cache-control: max-age=99999999999999999999\n",                      31536000},
        {"cache-control: max-age=x\nexpires: Sun, 22 Nov 2026 12:10:00 GMT\n", 600     },
        {"expires: Sun, 22 Nov 2026 12:10:00 GMT\n",                           600     },
        {"expires: Sun, 22 Nov 2026 18:10:00 GMT\n"
         "date: Sun, 22 Nov 2026 18:00:00 GMT\n",                     600     },
        {"expires: Sun, 22 Nov 2026 10:10:00 GMT\n",                           0       },
        {"expires: 0\n",                                                       0       },
        {"expires: -1\n",                                                      0       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer_header headers[8];
        size_t count = headers_of(cases[i].headers, headers);
        int64_t now_ns = time_of(now_text), until_ns = 0;
        bool said = expires_of(headers, count, now_ns, &until_ns);

        if (said != (cases[i].want_s >= 0) ||
            (said && until_ns != now_ns + cases[i].want_s * MOMENT_SECOND))
            fail_msg("%s: got %d, %lld s", cases[i].headers, said,
                     (long long)((until_ns - now_ns) / MOMENT_SECOND));
    }
}

static void test_the_link_to_the_next(void **state)
{
    static const struct {
        const char *headers, *want; /* NULL: none */
    } cases[] = {
        {"",                                                            NULL        },
        {"link: </a>; rel=\"next\"\n",                                  "/a"        },
        {"link: </a>;rel=next\n",                                       "/a"        },
        {"link:   < /a > ; REL = NEXT \n",                              "/a"        },
        {"link: </a>; rel=\"prev\", </b>; rel=\"next\"\n",              "/b"        },
        {"link: </a>; rel=\"prev next last\"\n",                        "/a"        },
        {"link: </a>; rel=\"nextish\"\n",                               NULL        },
        {"link: </a>; rel=\"http://x/next\"\n",                         NULL        },
        {"link: </a>; rel=prev\nlink: </b>; rel=next\n",                "/b"        },
        {"link: </a?x=1,2;3>; rel=next\n",                              "/a?x=1,2;3"},
        {"link: </a>; title=\"x, </evil>; rel=next\"; rel=prev\n",      NULL        },
        {"link: </a>; title=\"x \\\", </evil>; rel=next\"; rel=next\n", "/a"        },
        {"link: </a>; rel=prev; rel=next\n",                            NULL        },
        {"link: </a>; rel=next; anchor=\"/other\"\n",                   NULL        },
        {"link: </a>; anchor=\"/other\"; rel=next, </b>; rel=next\n",   "/b"        },
        {"link: </a>\n",                                                NULL        },
        {"link: </a\n",                                                 NULL        },
        {"link: /a; rel=next\n",                                        NULL        },
        {"link: <>; rel=next\n",                                        ""          },
        {"link: , </a>; rel=next\n",                                    NULL        },
        {"link: </a>; rel=prev,, </b>; rel=next,\n",                    "/b"        },
        {"link: </a>; rel=\"next\n",                                    NULL        },
        {"linked: </a>; rel=next\n",                                    NULL        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer_header headers[8];
        size_t count = headers_of(cases[i].headers, headers);
        struct bytes target = {0};
        bool found = link_find(headers, count, BYTES("next"), &target);

        if (found != (cases[i].want != NULL) ||
            (found && !bytes_equal(target, bytes_of(cases[i].want))))
            fail_msg("%s: got %d, %.*s", cases[i].headers, found, BYTES_ARG(target));
    }
}

static void test_a_header_is_the_first_of_its_name(void **state)
{
    struct answer_header headers[8];
    size_t count = headers_of("etag: \t a \netag:b\n", headers);
    struct bytes value;

    (void)state;
    assert_true(answer_header_find(headers, count, BYTES("etag"), &value));
    assert_true(bytes_equal(value, BYTES("a")));
    assert_false(answer_header_find(headers, count, BYTES("age"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_in_the_three_forms),
        cmocka_unit_test(test_how_long_to_wait),
        cmocka_unit_test(test_how_long_an_answer_is_fresh),
        cmocka_unit_test(test_the_link_to_the_next),
        cmocka_unit_test(test_a_header_is_the_first_of_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
