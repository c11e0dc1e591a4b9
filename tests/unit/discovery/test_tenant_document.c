#include "discovery/tenant_document.h"
#include "tests/unit/discovery/document_ground.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_a_tenant_is_printed_as_it_was_read(void **state)
{
    static const char *const texts[] = {
        "{\"state\":\"active\",\"retention\":\"400d\",\"history\":\"forever\",\"limits\":{"
        "\"series_max\":\"50\",\"body_bytes_max\":\"1MiB\"},\"shards\":[\"north\",\"south\"],"
        "\"tokens\":[{\"id\":\"a1\",\"sha256\":\"" HASH "\",\"scopes\":[\"read\",\"operator\"],"
        "\"expires\":\"2027-01-01T00:00:00Z\",\"note\":\"it\u2019s \\\"me\\\"\"}]}",
        "{\"state\":\"deleted\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct tenant_document document, again;
        struct buf out = BUF_INIT(4000), second = BUF_INIT(4000);
        struct error err = {0};

        if (tenant_document_parse(bytes_of(texts[i]), &arena, &document, &err))
            fail_msg("%s", err.text);
        tenant_document_print(&document, &out);
        if (tenant_document_parse(buf_bytes(&out), &arena, &again, &err))
            fail_msg("%.*s: %s", BYTES_ARG(buf_bytes(&out)), err.text);
        tenant_document_print(&again, &second);
        assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&second)));
        assert_int_equal(again.shard_count, document.shard_count);
        assert_int_equal(again.token_count, document.token_count);
        assert_int_equal(again.limit_count, document.limit_count);
        assert_int_equal(again.retention_ns, document.retention_ns);
        assert_int_equal(again.history_ns, document.history_ns);
        buf_clear(&out);
        tenant_document_print_members(&document, &out);
        assert_null(memmem(out.data, out.size, HASH, 64));
        buf_release(&out);
        buf_release(&second);
    }
}

static void test_a_tenant_that_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *text, *pointer, *want;
    } cases[] = {
        {"{\"retention\":\"soon\"}",                              "/retention",            "soon"                        },
        {"{\"retenton\":\"1d\"}",                                 "/retenton",             "did you mean \"retention\"?" },
        {"{\"limits\":{\"series_mx\":1}}",                        "/limits/series_mx",     "did you mean \"series_max\"?"},
        {"{\"limits\":{\"series_max\":-1}}",                      "/limits/series_max",    "a whole number from 0"       },
        {"{\"limits\":{\"series_max\":1.5}}",                     "/limits/series_max",    "a whole number from 0"       },
        {"{\"limits\":{\"wal_bytes_max\":1}}",                    "/limits/wal_bytes_max", "a limit of the node"         },
        {"{\"limits\":[]}",                                       "/limits",               "an object of limits"         },
        {"{\"shards\":\"north\"}",                                "/shards",               "must be a list"              },
        {"{\"shards\":[\"A\"]}",                                  "/shards/0",             "is not the name of a shard"  },
        {"{\"shards\":[\"a\",\"b\",\"a\"]}",                      "/shards/2",             "stands there twice"          },
        {"{\"tokens\":[{}]}",                                     "/tokens/0",             "the token has no \"id\""     },
        {"{\"tokens\":[{\"id\":\"a\"}]}",                         "/tokens/0",             "the token has no \"sha256\"" },
        {"{\"tokens\":[{\"id\":\"a\",\"sha256\":\"" HASH "\"}]}", "/tokens/0",             "no \"scopes\""               },
        {"{\"tokens\":[{\"id\":\"a-\"}]}",                        "/tokens/0/id",          "1 to 32 letters and digits"  },
        {"{\"tokens\":[{\"sha256\":\"ab\"}]}",                    "/tokens/0/sha256",      "64 hexadecimal digits"       },
        {"{\"tokens\":[{\"scopes\":[\"reed\"]}]}",                "/tokens/0/scopes/0",    "did you mean \"read\"?"      },
        {"{\"tokens\":[{\"expires\":\"x\"}]}",                    "/tokens/0/expires",     ""                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tenant_document document;
        struct error err = {0};

        if (tenant_document_parse(bytes_of(cases[i].text), &arena, &document, &err) != E_CONFIG ||
            strcmp(err.pointer, cases[i].pointer) != 0 || !strstr(err.text, cases[i].want))
            fail_msg("%s: %s at %s", cases[i].text, err.text, err.pointer);
    }
}

static void test_a_shard_that_is_put_is_the_last(void **state)
{
    struct tenant_document document = {.deleted = false};

    (void)state;
    assert_int_equal(tenant_shard_put(&document, &arena, BYTES("a"), NULL), OK);
    assert_int_equal(tenant_shard_put(&document, &arena, BYTES("b"), NULL), OK);
    assert_int_equal(tenant_shard_put(&document, &arena, BYTES("b"), NULL), E_EXISTS);
    assert_int_equal(tenant_shard_put(&document, &arena, BYTES("a"), NULL), OK);
    assert_int_equal(document.shard_count, 2);
    assert_true(bytes_equal(document.shards[0], BYTES("b")));
    assert_true(bytes_equal(document.shards[1], BYTES("a")));
}

static void test_as_many_shards_and_tokens_as_allowed_and_one_more(void **state)
{
    static char names[TENANT_SHARDS_MAX + 1][4];
    struct tenant_document document = {.deleted = false};
    struct tenant_token token = {.scopes = 1};
    struct error err = {0};

    (void)state;
    for (int i = 0; i <= TENANT_SHARDS_MAX; i++) {
        struct bytes name;

        names[i][0] = 's';
        names[i][1] = (char)('0' + i / 10);
        names[i][2] = (char)('0' + i % 10);
        name = (struct bytes){names[i], 3};
        assert_int_equal(tenant_shard_put(&document, &arena, name, &err),
                         i < TENANT_SHARDS_MAX ? OK : E_BAD_PARAMETER);
    }
    for (int i = 0; i <= TENANT_TOKENS_MAX; i++)
        assert_int_equal(tenant_token_put(&document, &arena, &token, &err),
                         i < TENANT_TOKENS_MAX ? OK : E_BAD_PARAMETER);
    assert_non_null(strstr(err.text, "at most 1000 tokens"));
}

static void test_a_token_goes_by_its_id(void **state)
{
    struct tenant_document document = {.deleted = false};
    struct tenant_token a = {.id = BYTES("a")}, b = {.id = BYTES("b")};

    (void)state;
    assert_int_equal(tenant_token_put(&document, &arena, &a, NULL), OK);
    assert_int_equal(tenant_token_put(&document, &arena, &b, NULL), OK);
    assert_false(tenant_token_remove(&document, BYTES("c")));
    assert_true(tenant_token_remove(&document, BYTES("a")));
    assert_int_equal(document.token_count, 1);
    assert_true(bytes_equal(document.tokens[0].id, BYTES("b")));
}

static void test_what_must_not_be_lost_is_read_out_of_one_that_is_not_right(void **state)
{
    static const struct {
        const char *text;
        const char *fault; /* NULL: it can be told */
    } cases[] = {
        {"{\"limits\":7,\"retention\":\"soon\",\"history\":[],\"shards\":[\"a\",\"b\"]}", NULL      },
        {"{\"limits\":{\"x\":1},\"shards\":[\"a\",\"b\"],\"state\":\"deleted\"}",         NULL      },
        {"{\"shards\":[\"a\",\"b\"],\"shard\":\"c\"}",                                    "/shard"  },
        {"{\"shards\":\"a\"}",                                                            "/shards" },
        {"{\"tokens\":[{\"id\":\"a\"}]}",                                                 "/tokens" },
        {"{\"state\":\"gone\"}",                                                          "/state"  },
        {"[]",                                                                            "a tenant"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tenant_document document;
        struct error err = {0};
        enum code code = tenant_document_salvage(bytes_of(cases[i].text), &arena, &document, &err);

        if (code != (cases[i].fault ? E_CONFIG : OK) ||
            (cases[i].fault && !strstr(err.text, cases[i].fault)))
            fail_msg("%s: %d %s", cases[i].text, code, err.text);
        if (code == OK &&
            (document.shard_count != 2 || !bytes_equal(document.shards[1], BYTES("b")) ||
             document.deleted != (i == 1)))
            fail_msg("%s: it was read otherwise", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_is_printed_as_it_was_read),
        cmocka_unit_test(test_a_tenant_that_is_not_right_is_refused),
        cmocka_unit_test(test_a_shard_that_is_put_is_the_last),
        cmocka_unit_test(test_as_many_shards_and_tokens_as_allowed_and_one_more),
        cmocka_unit_test(test_a_token_goes_by_its_id),
        cmocka_unit_test(test_what_must_not_be_lost_is_read_out_of_one_that_is_not_right),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
