#include "tests/unit/handlers/serving.h"

static void test_the_link_is_the_question_again_with_the_next_cursor(void **state)
{
    static struct serving serving;
    const char *link;

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    expect(&serving, "POST /v1/points", "m,t=a\\ b f=1 1\nm,t=c f=2 2\nm,t=d f=2 2", 204, "");
    expect(&serving, "GET /v1/series?measurement=m&match=t!%3D%C3%A4%26&limit=2", NULL, 200, "");
    link = strstr(serving.answer, "Link: <");
    assert_non_null(link);
    assert_ptr_equal(
        link, strstr(serving.answer,
                     "Link: </v1/series?measurement=m&match=t%21%3D%C3%A4%26&limit=2&cursor="));
    assert_non_null(strstr(link, ">; rel=\"next\"\r\n"));
    serving_stop(&serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_link_is_the_question_again_with_the_next_cursor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
