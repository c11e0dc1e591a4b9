/* Stands in for functions of libzookeeper: connections and answers come when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <zookeeper/zookeeper.h>

#include "discovery/zookeeper_link.h"

static struct {
    watcher_fn tell;
    void *context;
    data_completion_t read; /* of what was asked last: one of them */
    strings_completion_t listed;
    void_completion_t removed;
    const void *asked;
} library;

zhandle_t *zookeeper_init2(const char *host, watcher_fn watcher, int timeout,
                           const clientid_t *client, void *context, int flags, log_callback_fn log)
{
    (void)host, (void)timeout, (void)client, (void)flags, (void)log;
    library.tell = watcher;
    library.context = context;
    return (zhandle_t *)&library; /* nobody looks into it */
}

int zookeeper_close(zhandle_t *handle)
{
    (void)handle;
    return ZOK;
}

int zoo_set_servers_resolution_delay(zhandle_t *handle, int delay_ms)
{
    (void)handle, (void)delay_ms;
    return ZOK;
}

int zoo_awget(zhandle_t *handle, const char *path, watcher_fn watcher, void *context,
              data_completion_t answer, const void *data)
{
    (void)handle, (void)path, (void)watcher, (void)context;
    library.read = answer;
    library.asked = data;
    return ZOK;
}

int zoo_awget_children(zhandle_t *handle, const char *path, watcher_fn watcher, void *context,
                       strings_completion_t answer, const void *data)
{
    (void)handle, (void)path, (void)watcher, (void)context;
    library.listed = answer;
    library.asked = data;
    return ZOK;
}

int zoo_adelete(zhandle_t *handle, const char *path, int version, void_completion_t answer,
                const void *data)
{
    (void)handle, (void)path, (void)version;
    library.removed = answer;
    library.asked = data;
    return ZOK;
}

static struct link_inbox inbox;

static void tell(int state)
{
    library.tell((zhandle_t *)&library, ZOO_SESSION_EVENT, state, "", library.context);
}

enum asked { READ, LIST, REMOVE };

static void ask(struct zookeeper_link *link, enum asked what)
{
    const struct link_tag tag = {.what = 7};

    if (what == READ)
        assert_true(link_read(link, "/weir/tenants/a", true, &tag));
    else if (what == LIST)
        assert_true(link_list(link, "/weir/tenants", &tag));
    else
        assert_true(link_remove(link, "/weir/tenants/a", &tag));
}

/* What the owner is told of what was asked last, when the server says that it is done. */
static enum link_outcome answered(enum asked what)
{
    const struct String_vector none = {.count = 0};
    enum link_outcome outcome = LINK_FAILED;
    bool lost;

    if (what == READ)
        library.read(ZOK, "text", 4, NULL, library.asked);
    else if (what == LIST)
        library.listed(ZOK, &none, library.asked);
    else
        library.removed(ZOK, library.asked);
    for (struct link_event *next, *event = link_inbox_take(&inbox, 0, &lost); event; event = next) {
        next = event->next;
        if (event->kind == LINK_ANSWER)
            outcome = event->outcome;
        link_event_free(event);
    }
    return outcome;
}

/* It went out on a connection that its owner did not know of, ahead of the `sync` there. */
static void expect_later(enum asked what, enum link_outcome later)
{
    struct zookeeper_link *link;
    struct error err = {0};

    link_inbox_init(&inbox);
    assert_int_equal(link_open("127.0.0.1:1", "", 1000, 1, &inbox, &link, &err), OK);
    for (unsigned round = 0; round < 3; round++) {
        tell(ZOO_CONNECTED_STATE);
        assert_true(link_admit(link));
        ask(link, what);
        assert_int_equal(answered(what), LINK_OK);
        ask(link, what);
        tell(ZOO_CONNECTING_STATE);
        assert_int_equal(answered(what), LINK_OK); /* who asked knows of no other one yet */
        ask(link, what);
        tell(ZOO_CONNECTED_STATE);
        assert_int_equal(answered(what), later);
        assert_true(link_admit(link));
        ask(link, what);
        assert_int_equal(answered(what), LINK_OK);
    }
    link_close(link);
    link_inbox_release(&inbox);
}

/* Its server may be behind. */
static void test_what_is_read_on_a_later_connection_is_lost(void **state)
{
    (void)state;
    expect_later(READ, LINK_LOST);
    expect_later(LIST, LINK_LOST);
}

/* The leader has done it. */
static void test_what_is_written_on_a_later_connection_is_so(void **state)
{
    (void)state;
    expect_later(REMOVE, LINK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read_on_a_later_connection_is_lost),
        cmocka_unit_test(test_what_is_written_on_a_later_connection_is_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
