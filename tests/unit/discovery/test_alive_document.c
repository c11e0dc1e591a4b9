#include "discovery/alive_document.h"
#include "tests/unit/discovery/document_ground.h"

static void test_what_is_alive_is_printed_as_it_was_read(void **state)
{
    static const char *const texts[] = {
        "{\"since\":\"2026-11-22T08:00:00Z\",\"program\":\"0.1.0\",\"listen\":\"h:1\"}",
        "{\"listen\":\"h:1\"}",
        "{}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct alive_document document;
        struct buf out = BUF_INIT(1000);
        struct error err = {0};

        if (alive_document_parse(bytes_of(texts[i]), &arena, &document, &err))
            fail_msg("%s", err.text);
        alive_document_print(&document, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(texts[i])));
        buf_release(&out);
    }
}

static void test_what_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"",                  "it is not JSON"           },
        {"{\"since\":1}",     "/since: "                 },
        {"{\"programm\":1}",  "did you mean \"program\"?"},
        {"{\"listen\":\"\"}", "/listen: "                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct alive_document document;
        struct error err = {0};

        if (alive_document_parse(bytes_of(cases[i].text), &arena, &document, &err) != E_CONFIG ||
            !strstr(err.text, cases[i].want))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_alive_is_printed_as_it_was_read),
        cmocka_unit_test(test_what_is_not_right_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
