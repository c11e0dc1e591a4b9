#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define ROWS "measurement=cpu&epoch=ns&format=csv"

static void test_rows_that_pass(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {ROWS "&fields=user&where=user>2",                                      "time,host,user\n20,g,2.25\n10,b,10.0\n"     },
        {ROWS "&fields=user&where=user!=2.25",                                  "time,host,user\n10,g,1.5\n10,b,10.0\n"      },
        {ROWS "&fields=n&where=user>1",                                         "time,host,n\n10,g,1\n20,g,2\n"              },
        {ROWS "&fields=n&where=user>1&order=desc",                              "time,host,n\n20,g,2\n10,g,1\n"              },
        {ROWS "&fields=user&where=s=x",                                         "time,host,user\n10,b,10.0\n"                },
        {ROWS "&fields=user&where=s!=x",                                        "time,host,user\n"                           },
        {ROWS "&fields=user&where=user>1&where=n<2",                            "time,host,user\n10,g,1.5\n"                 },
        {ROWS "&fields=user&where=nope>1",                                      "time,host,user\n"                           },
        {ROWS "&fields=x,user&let=x=user*n-1&match=host=g",
         "time,host,x,user\n10,g,0.5,1.5\n20,g,3.5,2.25\n"                                                                   },
        {ROWS "&fields=x&let=x=user*n-1",                                       "time,host,x\n10,g,0.5\n20,g,3.5\n"          },
        {ROWS "&fields=n&let=x=user*n-1&where=x>1",                             "time,host,n\n20,g,2\n"                      },
        {ROWS "&fields=z&let=x=user*n&let=y=n/2&let=z=x-y&where=n<=1",          "time,host,z\n10,g,1.0\n"                    },
        {ROWS "&let=x=user/(n-1)&match=host=g",
         "time,host,n,s,user,x\n10,g,1,,1.5,\n20,g,2,,2.25,2.25\n30,g,3,,,\n"                                                },
        {ROWS "&agg=count,max&fields=user,x&let=x=n+n&where=n>=2",
         "time,count_user,max_user,count_x,max_x\n20,1,2.25,2,6.0\n"                                                         },
        {ROWS "&agg=sum&let=x=n+n&match=host=g",                                "time,sum_n,sum_user,sum_x\n10,6,3.75,12.0\n"},
        {ROWS "&fields=user&versions=all&where=user>=2&match=host=g",
         "time,known_from,known_to,host,user\n20,100,200,g,2.0\n20,200,,g,2.25\n30,100,300,g,3."
         "0\n"                                                                                                               },
        {ROWS "&fields=n&versions=all&where=user<3&match=host=g&start=20",
         "time,known_from,known_to,host,n\n20,100,,g,2\n"                                                                    },
        {ROWS "&fields=x&versions=all&let=x=user*0&match=host=g&start=20",
         "time,known_from,known_to,host,x\n20,100,,g,0.0\n30,100,300,g,0.0\n"                                                },
        {ROWS "&fields=user&where=user>2&as_of=1970-01-01T00:00:00.000000199Z",
         "time,host,user\n30,g,3.0\n10,b,10.0\n"                                                                             },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

/* --- headers --- */

/* Blocks of one series: [10, 40], [50, 80], [90, 120] with v from 1 to 12; w is missing at 60. */
static void make_blocks(struct fixture *fixture)
{
    const struct series *series = fixture_series(fixture, "cpu", "");
    static char texts[13][32]; /* the rows borrow names */

    for (int block = 0; block < 3; block++) {
        uint32_t first = fixture->store.row_count;

        for (int i = 1; i <= 4; i++) {
            int at = 4 * block + i;
            char *fields = texts[at];

            (void)snprintf(fields, sizeof(texts[at]), at == 6 ? "v=%d" : "v=%d w=%di s=\"t\"", at,
                           100 + at);
            (void)fixture_row(fixture, series, 10 * at, 100, fields);
        }
        twin_place(&fixture->store, first, first + 4)->block = true;
    }
}

static void test_blocks_are_decoded_where_their_header_leaves_a_doubt(void **state)
{
    static const struct {
        const char *question;
        uint32_t decoded;
        const char *want;
    } cases[] = {
        {"&fields=w&where=v>12",                      0, "time,w\n"                        },
        {"&fields=w&where=v>=12",                     1, "time,w\n120,112\n"               },
        {"&fields=w&where=v>=12&order=desc",          1, "time,w\n120,112\n"               },
        {"&fields=v&where=v>=7&where=v<9",            1, "time,v\n70,7.0\n80,8.0\n"        },
        {"&fields=v&where=v>=7&where=v<9&order=desc", 1, "time,v\n80,8.0\n70,7.0\n"        },
        {"&fields=v&where=w=102",                     1, "time,v\n20,2.0\n"                },
        {"&fields=v&where=v!=13&start=110",           1, "time,v\n110,11.0\n120,12.0\n"    },
        {"&fields=v&where=nope>0",                    0, "time,v\n"                        },
        {"&fields=v&where=s=t&start=110",             1, "time,v\n110,11.0\n120,12.0\n"    },
 /* computed columns are not in headers */
        {"&fields=v&let=x=v*2&where=x>22",            3, "time,v\n120,12.0\n"              },
        {"&fields=v&let=x=v*2&where=x>22&where=v>8",  1, "time,v\n120,12.0\n"              },
 /* all rows pass: the header stands for them, and it knows of no column that is not asked
  for */
        {"&agg=sum&fields=v&where=v>0",               0, "time,sum_v\n10,78.0\n"           },
        {"&agg=sum&fields=v&where=v>4",               0, "time,sum_v\n50,68.0\n"           },
        {"&agg=sum&fields=v&where=v>3",               1, "time,sum_v\n40,72.0\n"           },
        {"&agg=sum&fields=w&where=v<=8",              0, "time,sum_w\n10,730\n"            },
        {"&agg=sum&fields=v&where=w>0",               1, "time,sum_v\n10,72.0\n"           },
        {"&agg=sum&fields=v&where=w!=0",              1, "time,sum_v\n10,72.0\n"           },
        {"&agg=count&fields=v&where=s=t",             3, "time,count_v\n10,11\n"           },
        {"&agg=sum&fields=v,x&let=x=v*2&where=v>8",   1, "time,sum_v,sum_x\n90,42.0,84.0\n"},
        {"&agg=sum&fields=v&let=x=v*2&where=v>8",     0, "time,sum_v\n90,42.0\n"           },
    };
    struct fixture fixture;
    char question[256];

    (void)state;
    fixture_init(&fixture);
    make_blocks(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(question, sizeof(question), ROWS "%s", cases[i].question);
        fixture_expect(&fixture, question, cases[i].want);
        if (fixture.store.places_read != cases[i].decoded)
            fail_msg("%s: %u blocks were decoded, want %u", question, fixture.store.places_read,
                     cases[i].decoded);
    }
    fixture_release(&fixture);
}

static void test_a_correction_elsewhere_is_not_overlooked(void **state)
{
    static const char *const orders[] = {"asc", "desc"};
    struct fixture fixture;
    char question[256];

    (void)state;
    for (int block = 0; block < 2; block++) {
        for (size_t order = 0; order < COUNT_OF(orders); order++) {
            for (int64_t time = 50; time <= 80; time += 10) {
                char want[64];

                fixture_init(&fixture);
                make_blocks(&fixture);
                (void)fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), time, 200,
                                  "v=1000");
                fixture.store.places[3].block = block;
                (void)snprintf(question, sizeof(question), ROWS "&fields=w,v&where=v>100&order=%s",
                               orders[order]);
                if (time == 60)
                    (void)snprintf(want, sizeof(want), "time,w,v\n60,,1000.0\n");
                else
                    (void)snprintf(want, sizeof(want), "time,w,v\n%d,%d,1000.0\n", (int)time,
                                   100 + (int)time / 10);
                fixture_expect(&fixture, question, want);
                assert_int_equal(fixture.store.places_read, 2);
                fixture_release(&fixture);
            }
        }
    }
}

/* --- memory --- */

static void test_memory_is_the_queries(void **state)
{
    struct fixture fixture;
    bool refused = false;

    (void)state;
    fixture_init(&fixture);
    make_blocks(&fixture);
    for (uint64_t bytes = 1 << 15; bytes < (4 << 20); bytes *= 2) {
        enum code code;

        fixture.limits.query_memory_bytes_max = bytes;
        code = fixture_ask(&fixture, ROWS "&let=x=v*w&where=v>2&where=x>300");
        assert_true(code == OK || code == E_QUERY_MEMORY);
        refused |= code == E_QUERY_MEMORY;
        if (bytes >= 2 << 20)
            assert_int_equal(code, OK);
    }
    assert_true(refused);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_that_pass),
        cmocka_unit_test(test_blocks_are_decoded_where_their_header_leaves_a_doubt),
        cmocka_unit_test(test_a_correction_elsewhere_is_not_overlooked),
        cmocka_unit_test(test_memory_is_the_queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
