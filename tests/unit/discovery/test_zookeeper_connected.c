/* Stands in for zookeeper_link.c: what goes out after a connection, in which order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/zookeeper.h"
#include "discovery/zookeeper_link.h"

/* A link that notes what is asked; answers are the test's. */
static struct {
    pthread_mutex_t lock; /* guards all of it */
    struct link_inbox *inbox;
    unsigned generation;
    unsigned deaf;  /* so many are not sent */
    char asked[64]; /* 's'ync, 'l'ist, 'r'ead, 'c'reate, 'w'rite, 'd'elete */
    struct link_tag tags[64];
    size_t count;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool note(char what, const struct link_tag *tag)
{
    bool sent;

    pthread_mutex_lock(&line.lock);
    assert_true(line.count < COUNT_OF(line.asked));
    sent = line.deaf == 0;
    if (sent) {
        line.asked[line.count] = what;
        line.tags[line.count++] = *tag;
    } else {
        line.deaf--;
    }
    pthread_mutex_unlock(&line.lock);
    return sent;
}

enum code link_open(const char *hosts, const char *digest, int session_ms, unsigned generation,
                    struct link_inbox *inbox, struct zookeeper_link **link, struct error *err)
{
    (void)hosts, (void)digest, (void)session_ms, (void)err;
    pthread_mutex_lock(&line.lock);
    line.inbox = inbox;
    line.generation = generation;
    pthread_mutex_unlock(&line.lock);
    *link = (struct zookeeper_link *)&line; /* nobody looks into it */
    return OK;
}

void link_close(struct zookeeper_link *link)
{
    (void)link;
}

bool link_admit(struct zookeeper_link *link)
{
    (void)link;
    return true;
}

/* So long that a sign of life is not due again. */
int link_session_ms(const struct zookeeper_link *link)
{
    (void)link;
    return 3600000;
}

int64_t link_session_id(const struct zookeeper_link *link)
{
    (void)link;
    return 77;
}

bool link_read(struct zookeeper_link *link, const char *path, bool watch,
               const struct link_tag *tag)
{
    (void)link, (void)path, (void)watch;
    return note('r', tag);
}

bool link_list(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link, (void)path;
    return note('l', tag);
}

bool link_create(struct zookeeper_link *link, const char *path, struct bytes text, bool ephemeral,
                 const struct link_tag *tag)
{
    (void)link, (void)path, (void)text, (void)ephemeral;
    return note('c', tag);
}

bool link_write(struct zookeeper_link *link, const char *path, struct bytes text, int32_t version,
                const struct link_tag *tag)
{
    (void)link, (void)path, (void)text, (void)version;
    return note('w', tag);
}

bool link_remove(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link, (void)path;
    return note('d', tag);
}

bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link, (void)path;
    return note('s', tag);
}

void link_complaint(char *text, size_t room)
{
    assert_true(room > 0);
    text[0] = '\0';
}

const char *link_library_version(void)
{
    return "none";
}

/* --- what it tells --- */

static struct link_event *event_new(void)
{
    struct link_event *event = calloc(1, sizeof(*event));

    assert_non_null(event);
    event->generation = line.generation;
    return event;
}

static void tell_state(enum link_state told)
{
    struct link_event *event = event_new();

    event->kind = LINK_STATE;
    event->state = told;
    link_inbox_put(line.inbox, event);
}

/* The connection is gone, which is told first, and with it all answers. */
static void lose_all(void)
{
    tell_state(LINK_DISCONNECTED);
    pthread_mutex_lock(&line.lock);
    for (size_t i = 0; i < line.count; i++) {
        struct link_event *event = event_new();

        event->kind = LINK_ANSWER;
        event->tag = line.tags[i];
        event->outcome = LINK_LOST;
        link_inbox_put(line.inbox, event);
    }
    line.count = 0;
    pthread_mutex_unlock(&line.lock);
}

/* So many things were asked, ten seconds at most. */
static size_t await_asked(size_t count)
{
    size_t found = 0;

    for (unsigned i = 0; i < 10000 && found < count; i++) {
        usleep(1000);
        pthread_mutex_lock(&line.lock);
        found = line.count;
        pthread_mutex_unlock(&line.lock);
    }
    return found;
}

static bool is_open(void)
{
    bool open;

    pthread_mutex_lock(&line.lock);
    open = line.inbox != NULL;
    pthread_mutex_unlock(&line.lock);
    return open;
}

/* A server that is behind what was seen or written through another one says what is there when it
 * is so no more: it is sent to its leader ahead of all that is read. */
static void test_after_each_connection_the_leader_is_asked_first(void **state)
{
    static const struct zookeeper_settings settings = {.hosts = BYTES("127.0.0.1:1")};
    static const struct registry_rules rules = {.fs = NULL};
    struct registry *registry;
    const char *text;

    (void)state;
    assert_int_equal(zookeeper_registry_open(&settings, &rules, &registry, NULL), OK);
    assert_int_equal(registry_hold(registry, REGISTRY_LEASES, BYTES("merge"), BYTES("{}"), NULL),
                     OK);
    while (!is_open())
        usleep(1000);
    for (unsigned round = 0; round < 3; round++) {
        line.deaf = round; /* nothing goes ahead of what could not be sent */
        tell_state(LINK_CONNECTED);
        /* Kinds are listed, and the lease, whose answer was lost before, is read and made. */
        text = round == 0 ? "sllllllc" : "sllllllrc";
        assert_int_equal(await_asked(strlen(text)), strlen(text));
        assert_memory_equal(line.asked, text, strlen(text));
        lose_all();
    }
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_each_connection_the_leader_is_asked_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
