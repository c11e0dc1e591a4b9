#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "discovery/zookeeper_link.h"

#define SECRET "hunter2"

/* What is asked before there is a session is answered when the link ends, and not before. */
static void test_each_request_has_one_answer(void **state)
{
    const struct link_tag tag = {.what = 7, .id = 42};
    struct zookeeper_link *link;
    struct link_event *event;
    struct link_inbox inbox;
    struct error err = {0};
    char complaint[256];
    size_t answers = 0;
    bool lost;

    (void)state;
    link_inbox_init(&inbox);
    /* Port 1: nobody is there, or nobody who speaks so. */
    assert_int_equal(link_open("127.0.0.1:1", "weir:" SECRET, 1000, 3, &inbox, &link, &err), OK);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(link_read(link, "/weir/tenants/a", true, &tag));
        assert_true(link_list(link, "/weir/tenants", &tag));
        assert_true(link_create(link, "/weir/tenants/a", BYTES("x"), false, &tag));
        assert_true(link_write(link, "/weir/tenants/a", BYTES("x"), 1, &tag));
        assert_true(link_remove(link, "/weir/tenants/a", &tag));
        assert_true(link_sync(link, "/weir", &tag));
    }
    assert_false(link_read(link, "no path", true, &tag)); /* which has none: it was not sent */
    link_close(link);
    while ((event = link_inbox_take(&inbox, 0, &lost)) != NULL) {
        while (event) {
            struct link_event *next = event->next;

            assert_int_equal(event->generation, 3);
            if (event->kind == LINK_ANSWER) {
                answers++;
                assert_int_equal(event->outcome, LINK_LOST);
                assert_true(event->tag.what == 7 && event->tag.id == 42 && event->tag.sent_ns > 0);
            }
            link_event_free(event);
            event = next;
        }
    }
    assert_int_equal(answers, 30);
    assert_false(lost);
    link_complaint(complaint, sizeof(complaint));
    assert_null(strstr(complaint, SECRET));
    link_inbox_release(&inbox);
    link_close(NULL);
}

static void test_a_name_that_nobody_has_is_told(void **state)
{
    struct zookeeper_link *link;
    struct link_inbox inbox;
    struct error err = {0};

    (void)state;
    link_inbox_init(&inbox);
    assert_int_equal(link_open("nobody.invalid:2181", "", 1000, 1, &inbox, &link, &err),
                     E_NOT_READY);
    assert_null(link);
    assert_non_null(strstr(err.text, "nobody.invalid:2181"));
    link_inbox_release(&inbox);
}

static void test_the_library_has_a_version(void **state)
{
    (void)state;
    assert_true(strlen(link_library_version()) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_has_one_answer),
        cmocka_unit_test(test_a_name_that_nobody_has_is_told),
        cmocka_unit_test(test_the_library_has_a_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
