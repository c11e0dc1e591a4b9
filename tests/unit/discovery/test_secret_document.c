#include <stdio.h>

#include "discovery/secret_document.h"
#include "tests/unit/discovery/document_ground.h"

#define SEALED "Ac7xKGT/DBLYdsvUV744POXP4dmCLWbNRh9PTMdPSzmxvY763s1zlJ86/3UUoRtQlskgynE="
#define HOSTS "\"hosts\":[\"a.example\"]"
#define REST HOSTS ",\"sealed\":\"" SEALED "\""

static void test_secrets_are_printed_as_they_were_read(void **state)
{
    static const char *const texts[] = {
        "{\"secrets\":[{\"name\":\"octopus_key\",\"hosts\":[\"api.octopus.energy\",\"[::1]:8080\"],"
        "\"sealed\":\"" SEALED "\"},{\"name\":\"b\"," REST "}]}",
        "{\"secrets\":[]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct secret_document document;
        struct buf out = BUF_INIT(4000);
        struct error err = {0};

        if (secret_document_parse(bytes_of(texts[i]), &arena, &document, &err))
            fail_msg("%s", err.text);
        secret_document_print(&document, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(texts[i])));
        buf_clear(&out);
        secret_document_print_names(&document, &out);
        assert_null(memmem(out.data, out.size, SEALED, 20));
        buf_release(&out);
    }
}

static void test_a_record_that_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *text, *pointer, *want;
    } cases[] = {
        {"{\"secret\":[]}",                                                     "/secret",            "did you mean \"secrets\"?"},
        {"{\"secrets\":{}}",                                                    "/secrets",           "must be a list"           },
        {"{\"secrets\":[1]}",                                                   "/secrets/0",         "must be an object"        },
        {"{\"secrets\":[{}]}",                                                  "/secrets/0",         "has no \"name\""          },
        {"{\"secrets\":[{\"name\":\"a\"}]}",                                    "/secrets/0",         "has no \"hosts\""         },
        {"{\"secrets\":[{\"name\":\"a\"," HOSTS "}]}",                          "/secrets/0",         "has no \"sealed\""        },
        {"{\"secrets\":[{\"name\":\"A\"}]}",                                    "/secrets/0/name",    "are a name"               },
        {"{\"secrets\":[{\"name\":\"a\"," REST "},{\"name\":\"a\"," REST "}]}", "/secrets/1/name",
         "names another"                                                                                                         },
        {"{\"secrets\":[{\"name\":\"a\",\"value\":\"canary\"}]}",               "/secrets/0/value",
         "unknown key"                                                                                                           },
        {"{\"secrets\":[{\"hosts\":[]}]}",                                      "/secrets/0/hosts",   "has no host"              },
        {"{\"secrets\":[{\"hosts\":\"a\"}]}",                                   "/secrets/0/hosts",   "must be a list"           },
        {"{\"secrets\":[{\"hosts\":[\"canary/\"]}]}",                           "/secrets/0/hosts/0", "is no host"               },
        {"{\"secrets\":[{\"hosts\":[\"a\",\"a\"]}]}",                           "/secrets/0/hosts/1", "twice"                    },
        {"{\"secrets\":[{\"sealed\":\"canary\"}]}",                             "/secrets/0/sealed",  "is no sealed value"       },
        {"{\"secrets\":[{\"sealed\":\"\"}]}",                                   "/secrets/0/sealed",  "is empty"                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct secret_document document;
        struct error err = {0};

        if (secret_document_parse(bytes_of(cases[i].text), &arena, &document, &err) != E_CONFIG ||
            strcmp(err.pointer, cases[i].pointer) != 0 || !strstr(err.text, cases[i].want) ||
            strstr(err.text, "canary"))
            fail_msg("%s: %s at %s", cases[i].text, err.text, err.pointer);
    }
}

static void test_names_and_hosts_have_a_form(void **state)
{
#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define LABEL SIXTY "abc"
    static const struct {
        const char *text;
        bool host, name;
    } cases[] = {
        {"a",                                           true,  true },
        {"a-b_9",                                       true,  true },
        {"",                                            false, false},
        {"A",                                           false, false},
        {"a.b",                                         true,  false},
        {SIXTY "abcd",                                  false, true }, /* 64 */
        {SIXTY "abcde",                                 false, false},
        {LABEL,                                         true,  true }, /* 63 */
        {LABEL "." LABEL "." LABEL "." SIXTY "1",       true,  false}, /* 253 */
        {LABEL "." LABEL "." LABEL "." SIXTY "12",      false, false},
        {LABEL "." LABEL "." LABEL "." SIXTY "1:65535", true,  false},
        {"a.",                                          false, false},
        {".a",                                          false, false},
        {"a..b",                                        false, false},
        {"-",                                           false, true },
        {"-a",                                          false, true },
        {"a-.b",                                        false, false},
        {"*.a",                                         false, false},
        {"*",                                           false, false},
        {"http://a",                                    false, false},
        {"u@a",                                         false, false},
        {"a/b",                                         false, false},
        {"a b",                                         false, false},
        {"a:0",                                         false, false},
        {"a:1",                                         true,  false},
        {"a:01",                                        false, false},
        {"a:65535",                                     true,  false},
        {"a:65536",                                     false, false},
        {"a:",                                          false, false},
        {"a:b",                                         false, false},
        {"a:1:2",                                       false, false},
        {":1",                                          false, false},
        {"127.0.0.1:8099",                              true,  false},
        {"[::1]",                                       true,  false},
        {"[2001:db8::1]:443",                           true,  false},
        {"[2001:DB8::1]",                               false, false},
        {"[2001:0db8::1]",                              false, false}, /* has another text */
        {"[::1",                                        false, false},
        {"[]",                                          false, false},
        {"[::1]a",                                      false, false},
        {"::1",                                         false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (secret_host_valid(bytes_of(cases[i].text)) != cases[i].host ||
            secret_name_valid(bytes_of(cases[i].text)) != cases[i].name)
            fail_msg("%s", cases[i].text);
    assert_false(secret_name_valid((struct bytes){"a\0b", 3}));
    assert_false(secret_host_valid((struct bytes){"a\0b", 3}));
}

static void test_a_secret_goes_to_its_hosts_alone(void **state)
{
    static struct bytes hosts[] = {
        {"a.example",      9 },
        {"b.example:8080", 14},
        {"[::1]",          5 }
    };
    static const struct secret secret = {.hosts = hosts, .host_count = COUNT_OF(hosts)};
    static const struct {
        const char *host;
        bool want;
    } cases[] = {
        {"a.example",       true },
        {"a.example:8443",  true },
        {"b.example:8080",  true },
        {"b.example",       false},
        {"b.example:8081",  false},
        {"[::1]",           true },
        {"[::1]:80",        true },
        {"A.example",       false},
        {"a.example.",      false},
        {"x.a.example",     false},
        {"a.example.evil",  false},
        {"a.example:80:90", false},
        {"a.exampl",        false},
        {"",                false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (secret_goes_to(&secret, bytes_of(cases[i].host)) != cases[i].want)
            fail_msg("%s", cases[i].host);
}

static void document_make(size_t secrets, size_t hosts, struct buf *out)
{
    buf_clear(out);
    buf_put_text(out, "{\"secrets\":[");
    for (size_t i = 0; i < secrets; i++) {
        buf_printf(out, "%s{\"name\":\"s%zu\",\"hosts\":[", i > 0 ? "," : "", i);
        for (size_t h = 0; h < hosts; h++)
            buf_printf(out, "%s\"h%zu\"", h > 0 ? "," : "", h);
        buf_put_text(out, "],\"sealed\":\"" SEALED "\"}");
    }
    buf_put_text(out, "]}");
}

static void test_as_many_as_allowed_and_one_more(void **state)
{
    static const struct {
        size_t secrets, hosts;
        const char *want; /* NULL: it will do */
    } cases[] = {
        {SECRETS_MAX - 1, 1,                    NULL                 },
        {SECRETS_MAX,     1,                    NULL                 },
        {SECRETS_MAX + 1, 1,                    "at most 100 secrets"},
        {1,               SECRET_HOSTS_MAX - 1, NULL                 },
        {1,               SECRET_HOSTS_MAX,     NULL                 },
        {1,               SECRET_HOSTS_MAX + 1, "to at most 16 hosts"},
    };
    struct buf text = BUF_INIT(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct secret_document document;
        struct error err = {0};
        enum code code;

        document_make(cases[i].secrets, cases[i].hosts, &text);
        code = secret_document_parse(buf_bytes(&text), &arena, &document, &err);
        if ((code != OK) != (cases[i].want != NULL) || (code && !strstr(err.text, cases[i].want)) ||
            (code == OK && document.count != cases[i].secrets))
            fail_msg("%zu of %zu: %s", cases[i].secrets, cases[i].hosts, err.text);
    }
    buf_release(&text);
}

static void test_one_is_put_found_and_removed(void **state)
{
    static struct bytes hosts[] = {
        {"h", 1}
    };
    struct secret_document document = {NULL, 0};
    struct secret secret = {.hosts = hosts, .host_count = 1, .sealed = BYTES("x")};
    struct buf out = BUF_INIT(1000);

    (void)state;
    for (const char *name = "abc"; *name; name++) {
        secret.name = (struct bytes){name, 1};
        assert_int_equal(secret_document_put(&document, &arena, &secret, NULL), OK);
    }
    secret.name = BYTES("b");
    secret.sealed = BYTES("y");
    assert_int_equal(secret_document_put(&document, &arena, &secret, NULL), OK);
    assert_int_equal(document.count, 3);
    assert_true(bytes_equal(secret_document_find(&document, BYTES("b"))->sealed, BYTES("y")));
    assert_false(secret_document_remove(&document, BYTES("d")));
    assert_true(secret_document_remove(&document, BYTES("a")));
    assert_null(secret_document_find(&document, BYTES("a")));
    assert_true(secret_document_remove(&document, BYTES("c")));
    secret_document_print_names(&document, &out);
    assert_true(bytes_equal(buf_bytes(&out), BYTES("[{\"name\":\"b\",\"hosts\":[\"h\"]}]")));
    buf_release(&out);
}

/* No source is called so, and the registry takes it for every tenant. */
static void test_the_record_has_a_name_that_the_registry_takes(void **state)
{
    char tenant[64], name[REGISTRY_NAME_SIZE_MAX];

    (void)state;
    memset(tenant, 't', sizeof(tenant));
    assert_true(bytes_equal(secret_record_name(BYTES("acme"), name), BYTES("acme.-secrets")));
    assert_true(registry_name_valid(
        REGISTRY_SOURCES, secret_record_name((struct bytes){tenant, sizeof(tenant)}, name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_printed_as_they_were_read),
        cmocka_unit_test(test_a_record_that_is_not_right_is_refused),
        cmocka_unit_test(test_names_and_hosts_have_a_form),
        cmocka_unit_test(test_a_secret_goes_to_its_hosts_alone),
        cmocka_unit_test(test_as_many_as_allowed_and_one_more),
        cmocka_unit_test(test_one_is_put_found_and_removed),
        cmocka_unit_test(test_the_record_has_a_name_that_the_registry_takes),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
