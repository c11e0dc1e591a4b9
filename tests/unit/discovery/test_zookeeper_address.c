#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/zookeeper_address.h"

static enum code take(const char *hosts, const char *digest, int session_ms,
                      struct zookeeper_address *address, struct error *err)
{
    const struct zookeeper_settings settings = {
        .hosts = bytes_of(hosts), .digest = bytes_of(digest), .session_ms = session_ms};

    return zookeeper_address_take(&settings, address, err);
}

static void test_hosts_and_path_are_told_apart(void **state)
{
    static const struct {
        const char *text, *hosts, *root; /* NULL: refused */
    } cases[] = {
        {"a:2181",             "a:2181",          "/weir"      },
        {"a:1,b-2.c:65535",    "a:1,b-2.c:65535", "/weir"      },
        {"127.0.0.1:2181/x",   "127.0.0.1:2181",  "/x"         },
        {"[::1]:2181/x/y-z.w", "[::1]:2181",      "/x/y-z.w"   },
        {"a:1/zookeepers",     "a:1",             "/zookeepers"},
        {"",                   NULL,              NULL         },
        {"a",                  NULL,              NULL         },
        {"a:",                 NULL,              NULL         },
        {":1",                 NULL,              NULL         },
        {"a:0",                NULL,              NULL         },
        {"a:65536",            NULL,              NULL         },
        {"a:x",                NULL,              NULL         },
        {"a:1,",               NULL,              NULL         },
        {",a:1",               NULL,              NULL         },
        {"a:1, b:1",           NULL,              NULL         },
        {"user:pass@a:1",      NULL,              NULL         },
        {"a:1/",               NULL,              NULL         },
        {"a:1//x",             NULL,              NULL         },
        {"a:1/x/",             NULL,              NULL         },
        {"a:1/x/../y",         NULL,              NULL         },
        {"a:1/.",              NULL,              NULL         },
        {"a:1/x y",            NULL,              NULL         },
        {"a:1/zookeeper",      NULL,              NULL         },
        {"a:1/zookeeper/x",    NULL,              NULL         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zookeeper_address address;
        struct error err = {0};
        enum code code = take(cases[i].text, "", 0, &address, &err);

        if ((code == OK) != (cases[i].hosts != NULL) || (code && code != E_CONFIG))
            fail_msg("%s: %d %s", cases[i].text, code, err.text);
        if (code)
            continue;
        assert_string_equal(address.hosts, cases[i].hosts);
        assert_string_equal(address.root, cases[i].root);
        assert_int_equal(address.session_ms, 10000);
    }
}

static void test_sizes_have_limits(void **state)
{
    char hosts[ZOOKEEPER_HOSTS_SIZE_MAX + 8], path[ZOOKEEPER_ROOT_SIZE_MAX + 16];
    struct zookeeper_address address;
    struct error err = {0};

    (void)state;
    memset(hosts, 'a', sizeof(hosts));
    memcpy(hosts + ZOOKEEPER_HOSTS_SIZE_MAX - 2, ":1", 3);
    assert_int_equal(take(hosts, "", 0, &address, &err), OK);
    memcpy(hosts + ZOOKEEPER_HOSTS_SIZE_MAX - 2, "a:1", 4);
    assert_int_equal(take(hosts, "", 0, &address, &err), E_CONFIG);
    memcpy(path, "a:1/", 4);
    memset(path + 4, 'p', sizeof(path) - 4);
    path[3 + ZOOKEEPER_ROOT_SIZE_MAX] = '\0';
    assert_int_equal(take(path, "", 0, &address, &err), OK);
    path[3 + ZOOKEEPER_ROOT_SIZE_MAX] = 'p';
    path[4 + ZOOKEEPER_ROOT_SIZE_MAX] = '\0';
    assert_int_equal(take(path, "", 0, &address, &err), E_CONFIG);
    assert_int_equal(take("a:1", "", 200, &address, &err), OK);
    assert_int_equal(take("a:1", "", 199, &address, &err), E_CONFIG);
    assert_int_equal(take("a:1", "", 600000, &address, &err), OK);
    assert_int_equal(take("a:1", "", 600001, &address, &err), E_CONFIG);
    assert_int_equal(take("a:1", "", -1, &address, &err), E_CONFIG);
}

static void test_credentials_are_not_told(void **state)
{
    static const char *const wrong[] = {"hunter2", ":hunter2", "hunter2:", "hunter2:a\nb"};
    char large[ZOOKEEPER_DIGEST_SIZE_MAX + 2];
    struct zookeeper_address address;
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(take("a:1", wrong[i], 0, &address, &err), E_CONFIG);
        assert_null(strstr(err.text, "hunter2"));
    }
    assert_int_equal(take("a:1", "weir:a:b c", 0, &address, &err), OK);
    assert_string_equal(address.digest, "weir:a:b c");
    memset(large, 'x', sizeof(large));
    large[4] = ':';
    large[ZOOKEEPER_DIGEST_SIZE_MAX] = '\0';
    assert_int_equal(take("a:1", large, 0, &address, &err), OK);
    large[ZOOKEEPER_DIGEST_SIZE_MAX] = 'x';
    large[ZOOKEEPER_DIGEST_SIZE_MAX + 1] = '\0';
    assert_int_equal(take("a:1", large, 0, &address, &err), E_CONFIG);
}

static void test_paths_are_made_and_read(void **state)
{
    static const char *const others[] = {
        "/",
        "/a",
        "/a/b",
        "/a/bc/tenants",
        "/a/b/tenant",
        "/x/a/b/tenants",
        "/a/b/tenants/A",
        "/a/b/tenants/a/b",
        "/a/b/sources/a",
        "/a/b/tenantsx/a",
    };
    struct zookeeper_address address;
    char path[LINK_PATH_SIZE_MAX];
    enum registry_kind kind;
    struct bytes name;

    (void)state;
    assert_int_equal(take("h:1/a/b", "", 0, &address, NULL), OK);
    zookeeper_path(&address, REGISTRY_LEASES, BYTES("merge"), path);
    assert_string_equal(path, "/a/b/leases/merge");
    assert_true(zookeeper_path_parse(&address, path, &kind, &name));
    assert_true(kind == REGISTRY_LEASES && bytes_equal(name, BYTES("merge")));
    zookeeper_path(&address, REGISTRY_TENANTS, BYTES(""), path);
    assert_string_equal(path, "/a/b/tenants");
    assert_true(zookeeper_path_parse(&address, path, &kind, &name));
    assert_true(kind == REGISTRY_TENANTS && name.size == 0);
    assert_true(zookeeper_path_parse(&address, "/a/b/sources/x.y", &kind, &name));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (zookeeper_path_parse(&address, others[i], &kind, &name))
            fail_msg("%s", others[i]);
}

static void test_addresses_are_equal_that_say_the_same(void **state)
{
    static const struct {
        const char *text, *digest;
        int session_ms;
        bool equal;
    } cases[] = {
        {"a:1/x", "weir:secret", 5000, true },
        {"b:1/x", "weir:secret", 5000, false},
        {"a:1/y", "weir:secret", 5000, false},
        {"a:1/x", "weir:other",  5000, false},
        {"a:1/x", "weir:secret", 6000, false},
    };
    struct zookeeper_address address;

    (void)state;
    memset(&address, 'a', sizeof(address)); /* what stands behind a text is no part of it */
    assert_int_equal(take("a:1/x", "weir:secret", 5000, &address, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zookeeper_address other;

        memset(&other, 'b', sizeof(other));
        assert_int_equal(take(cases[i].text, cases[i].digest, cases[i].session_ms, &other, NULL),
                         OK);
        if (zookeeper_address_equal(&address, &other) != cases[i].equal)
            fail_msg("%s %s %d", cases[i].text, cases[i].digest, cases[i].session_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_and_path_are_told_apart),
        cmocka_unit_test(test_sizes_have_limits),
        cmocka_unit_test(test_credentials_are_not_told),
        cmocka_unit_test(test_paths_are_made_and_read),
        cmocka_unit_test(test_addresses_are_equal_that_say_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
