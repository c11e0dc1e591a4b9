#include "discovery/member_document.h"
#include "tests/unit/discovery/document_ground.h"

static void test_a_member_is_printed_as_it_was_read(void **state)
{
    static const char *const texts[] = {
        "{\"state\":\"active\",\"incarnation\":\"0a1b\",\"address\":\"[::1]:65535\"}",
        "{\"state\":\"drained\"}",
        "{\"state\":\"lost\",\"address\":\"h:1\",\"at\":\"then\",\"by\":\"me\"}",
        "{\"state\":\"draining\"}",
        "{\"state\":\"joining\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct member_document document;
        struct buf out = BUF_INIT(1000);
        struct error err = {0};

        if (member_document_parse(bytes_of(texts[i]), &arena, &document, &err))
            fail_msg("%s", err.text);
        member_document_print(&document, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(texts[i])));
        buf_release(&out);
    }
}

static void test_a_member_that_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"state\":\"gone\"}",      "/state: unknown value"       },
        {"{\"incarnation\":\"0A\"}",  "/incarnation: must be digits"},
        {"{\"address\":\"h\"}",       "/address: must be host:port" },
        {"{\"address\":\"h:0\"}",     "/address: must be host:port" },
        {"{\"address\":\"h:65536\"}", "/address: must be host:port" },
        {"{\"address\":\":1\"}",      "/address: must be host:port" },
        {"{\"address\":\"u:p@h:1\"}", "/address: must be host:port" },
        {"{\"adress\":\"h:1\"}",      "did you mean \"address\"?"   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct member_document document;
        struct error err = {0};

        if (member_document_parse(bytes_of(cases[i].text), &arena, &document, &err) != E_CONFIG ||
            !strstr(err.text, cases[i].want))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
    assert_string_equal(member_state_name(MEMBER_LOST), "lost");
    assert_true(member_state_owes(MEMBER_ACTIVE) && member_state_owes(MEMBER_JOINING) &&
                member_state_owes(MEMBER_DRAINING));
    assert_false(member_state_owes(MEMBER_DRAINED) || member_state_owes(MEMBER_LOST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_printed_as_it_was_read),
        cmocka_unit_test(test_a_member_that_is_not_right_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
