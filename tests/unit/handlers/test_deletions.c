#include "tests/unit/handlers/one_serving.h"

static void test_what_is_deleted_must_be_said(void **state)
{
    static const struct {
        const char *what, *code, *parameter;
    } cases[] = {
        {"",                                          "missing_parameter", "measurement"},
        {"?measurement=",                             "missing_parameter", "measurement"},
        {"?measurement=m&start=noon",                 "bad_parameter",     "start"      },
        {"?measurement=m&start=2300-01-01T00:00:00Z", "bad_parameter",     "start"      },
        {"?measurement=m&start=2&end=2",              "bad_parameter",     "end"        },
        {"?measurement=m&fields=",                    "bad_parameter",     "fields"     },
        {"?measurement=m&fields=a,,b",                "bad_parameter",     "fields"     },
        {"?measurement=m&fields=a&fields=b",          "bad_parameter",     "fields"     },
        {"?measurement=m&measurement=n",              "bad_parameter",     "measurement"},
        {"?measurement=m&match=host",                 "bad_parameter",     "match"      },
        {"?measurement=m&match=host%3D~(",            "bad_parameter",     "match"      },
        {"?measurement=m&erase=yes",                  "bad_parameter",     "erase"      },
        {"?measurement=m&ends=1",                     "unknown_parameter", "ends"       },
    };

    (void)state;
    expect(&serving, "POST /v1/points", "m f=1 1", 204, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char what[128], text[64];

        snprintf(what, sizeof(what), "DELETE /v1/points%s", cases[i].what);
        snprintf(text, sizeof(text), "\"code\":\"%s\"", cases[i].code);
        expect(&serving, what, NULL, 400, text);
        snprintf(text, sizeof(text), "\"parameter\":\"%s\"", cases[i].parameter);
        expect(&serving, what, NULL, 400, text);
    }
    expect(&serving, "GET /v1/query?measurement=m&epoch=ns", NULL, 200, "\"rows\":[[1,1.0]]");
}

static void test_names_of_fields_may_hold_commas_and_backslashes(void **state)
{
    (void)state;
    expect(&serving, "POST /v1/points", "n a\\,b=1,c\\\\d=2,e=3 1", 204, "");
    expect(&serving, "DELETE /v1/points?measurement=n&fields=a%5C,b,e", NULL, 204, "");
    expect(&serving, "GET /v1/query?measurement=n&epoch=ns&fields=a%5C,b,e", NULL, 200,
           "\"series\":[]");
    expect(&serving, "GET /v1/query?measurement=n&epoch=ns", NULL, 200, "[[1,null,2.0,null]]");
}

static void test_a_deletion_hides_what_it_selects(void **state)
{
    (void)state;
    expect(&serving, "POST /v1/points", "d,t=a f=1 1\nd,t=b f=2 2", 204, "");
    expect(&serving, "DELETE /v1/points?measurement=d&match=t%3Da&erase=false", NULL, 204, "");
    expect(&serving, "GET /v1/query?measurement=d&epoch=ns", NULL, 200, "[[2,2.0]]");
    assert_null(strstr(serving.answer, "\"t\":\"a\""));
    expect(&serving, "DELETE /v1/points?measurement=none", NULL, 204, "");
}

static void test_nothing_is_deleted_while_draining(void **state)
{
    (void)state;
    serving.app.draining = true;
    expect(&serving, "DELETE /v1/points?measurement=d", NULL, 503, "\"code\":\"shutting_down\"");
    serving.app.draining = false;
    expect(&serving, "DELETE /v1/points?measurement=d", NULL, 204, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_deleted_must_be_said),
        cmocka_unit_test(test_names_of_fields_may_hold_commas_and_backslashes),
        cmocka_unit_test(test_a_deletion_hides_what_it_selects),
        cmocka_unit_test(test_nothing_is_deleted_while_draining),
    };

    return cmocka_run_group_tests(tests, serving_open, serving_close);
}
