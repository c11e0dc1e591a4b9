/* What needs no server: URIs, and servers that are not there.  The rest is tests/archive/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/mongo.h"

static enum code open_uri(const char *uri, struct archive **archive, struct error *err)
{
    return mongo_archive_open(bytes_of(uri), false, "north", archive, err);
}

static void test_uris_that_cannot_be_right_are_refused(void **state)
{
    static const struct {
        const char *uri, *fault; /* NULL: it is taken, as far as is known without a server */
    } cases[] = {
        {"mongodb://host",                                    NULL                           },
        {"mongodb://host:27018/",                             NULL                           },
        {"mongodb://u:p%40ss@a,b:1,c/?replicaSet=s&tls=true", NULL                           },
        {"mongodb://host/?w=majority&journal=true",           NULL                           },
        {"mongodb://host/?w=1",                               NULL                           }, /* fine for a server alone */
        {"mongodb://host/?readPreference=primary",            NULL                           },
        {"mongodb://[::1]:27017/",                            NULL                           },
        {"",                                                  "one such as mongodb://"       },
        {"host:27017",                                        "one such as mongodb://"       },
        {"http://host/",                                      "one such as mongodb://"       },
        {"mongodb://",                                        "one such as mongodb://"       },
        {"mongodb://host:port/",                              "one such as mongodb://"       },
        {"mongodb://user:se:cret@host/",                      "written as %40"               },
        {"mongodb://user:se%cret@host/",                      "written as %40"               },
        {"mongodb://host/?w=0",                               "w=0"                          },
        {"mongodb://host/?w=0&journal=true",                  "one such as"                  },
        {"mongodb://host/?readPreference=secondary",          "readPreference"               },
        {"mongodb://host/?readPreference=primaryPreferred",   "readPreference"               },
        {"mongodb://host/?readPreference=secret",             "one such as"                  },
        {"mongodb://user:secret@host/?tls=secret",            "Unsupported value for \"tls\""},
    };
    struct archive *archive;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        enum code code = open_uri(cases[i].uri, &archive, &err);

        if (code != (cases[i].fault ? E_CONFIG : OK))
            fail_msg("%s: %d %s", cases[i].uri, code, err.text);
        assert_true((archive != NULL) == (code == OK));
        if (cases[i].fault &&
            (!strstr(err.text, cases[i].fault) || strncmp(err.text, "shard north: ", 13) != 0))
            fail_msg("%s: %s", cases[i].uri, err.text);
        if (strstr(err.text, "cret") || strstr(err.text, "user:se"))
            fail_msg("%s is told: %s", cases[i].uri, err.text);
        if (archive)
            archive->operations->close(archive);
    }
    assert_int_equal(
        mongo_archive_open((struct bytes){"mongodb://h\0/", 13}, false, "north", &archive, NULL),
        E_CONFIG);
    assert_null(archive);
}

static enum code no_id(void *context, struct bytes id, struct error *err)
{
    (void)context;
    (void)id;
    (void)err;
    fail();
    return OK;
}

/* Each call, at a server that is not there or does not answer. */
static void ask_all(struct archive *archive, struct bytes database, enum code want)
{
    const struct archive_document document = {BYTES("a/1/0"), BYTES("body"),
                                              hash128(BYTES("body"))};
    struct buf body = BUF_INIT(100);
    struct error err[4] = {0};
    enum code codes[4];

    codes[0] = archive->operations->put(archive, database, ARCHIVE_PACKS, &document, 1, &err[0]);
    codes[1] =
        archive->operations->get(archive, database, ARCHIVE_PACKS, document.id, &body, &err[1]);
    codes[2] =
        archive->operations->remove(archive, database, ARCHIVE_MANIFESTS, &document.id, 1, &err[2]);
    codes[3] = archive->operations->list(archive, database, ARCHIVE_PACKS, no_id, NULL, &err[3]);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i] != want || err[i].code != want || !strstr(err[i].text, "shard north: "))
            fail_msg("call %zu: %d %s", i, codes[i], err[i].text);
        if (strstr(err[i].text, "secret") || strstr(err[i].text, "mongodb://"))
            fail_msg("call %zu tells: %s", i, err[i].text);
    }
    assert_int_equal(body.size, 0);
    buf_release(&body);
}

/* A port of this machine that listens, or that was free a moment ago. */
static int port_of(bool listening, char *uri, size_t room)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (listening)
        assert_int_equal(listen(fd, 100), 0);
    (void)snprintf(uri, room,
                   "mongodb://user:secret@127.0.0.1:%d/?connectTimeoutMS=50&socketTimeoutMS=50",
                   ntohs(address.sin_port));
    return fd;
}

static void test_nobody_there_is_not_ready(void **state)
{
    struct archive *archive;
    char uri[128];
    int fd = port_of(false, uri, sizeof(uri));

    (void)state;
    assert_int_equal(open_uri(uri, &archive, NULL), OK);
    ask_all(archive, BYTES("weir_a"), E_NOT_READY);
    ask_all(archive, BYTES("weir_a"), E_NOT_READY);
    archive->operations->close(archive);
    close(fd);
}

static void test_who_never_answers_is_given_up(void **state)
{
    int64_t begun_ns = clock_monotonic_ns(clock_system());
    struct archive *archive;
    char uri[128];
    int fd = port_of(true, uri, sizeof(uri));

    (void)state;
    assert_int_equal(open_uri(uri, &archive, NULL), OK);
    ask_all(archive, BYTES("weir_a"), E_NOT_READY);
    archive->operations->close(archive);
    close(fd);
    assert_true(clock_monotonic_ns(clock_system()) - begun_ns < 20LL * 1000000000);
}

static void ask_for_a_while(void *uri)
{
    struct archive *archive;

    for (int i = 0; i < 5; i++) {
        if (open_uri(uri, &archive, NULL) != OK)
            abort();
        (void)archive->operations->list(archive, BYTES("weir_a"), ARCHIVE_PACKS, no_id, NULL, NULL);
        (void)archive->operations->list(archive, BYTES("weir_a"), ARCHIVE_PACKS, no_id, NULL, NULL);
        archive->operations->close(archive);
    }
}

/* One archive a thread: what they share in the library is its own. */
static void test_archives_of_several_threads_do_not_meet(void **state)
{
    struct thread *threads[4];
    char uri[128];
    int fd = port_of(false, uri, sizeof(uri));

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(thread_start("shard", ask_for_a_while, uri, &threads[i], NULL), OK);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        thread_join(threads[i]);
    close(fd);
}

static void test_names_of_databases_have_a_size(void **state)
{
    static const char names[64] = {[0 ... 63] = 'x'};
    struct archive *archive;
    char uri[128];
    int fd = port_of(false, uri, sizeof(uri));

    (void)state;
    assert_int_equal(open_uri(uri, &archive, NULL), OK);
    ask_all(archive, (struct bytes){names, 64}, E_CONFIG);
    ask_all(archive, (struct bytes){names, 0}, E_CONFIG);
    ask_all(archive, (struct bytes){names, 63}, E_NOT_READY);
    archive->operations->close(archive);
    close(fd);
}

static void test_the_library_tells_its_version(void **state)
{
    (void)state;
    assert_int_equal(mongo_library_version()[0], '1');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uris_that_cannot_be_right_are_refused),
        cmocka_unit_test(test_nobody_there_is_not_ready),
        cmocka_unit_test(test_who_never_answers_is_given_up),
        cmocka_unit_test(test_archives_of_several_threads_do_not_meet),
        cmocka_unit_test(test_names_of_databases_have_a_size),
        cmocka_unit_test(test_the_library_tells_its_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
