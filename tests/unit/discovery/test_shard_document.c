#include <stdlib.h>

#include "discovery/shard_document.h"
#include "tests/unit/discovery/document_ground.h"

static void test_a_shard_is_printed_as_it_was_read(void **state)
{
    static const char *const texts[] = {
        ("{\"state\":\"active\",\"uri\":\"mongodb://u:p@a:1,b:2/?w=majority\",\"unsafe\":true,"
         "\"region\":\"eu\"}"),
        "{\"state\":\"active\",\"uri\":\"mongodb+srv://h\"}",
        "{\"state\":\"deleted\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct shard_document document;
        struct buf out = BUF_INIT(1000);
        struct error err = {0};

        if (shard_document_parse(bytes_of(texts[i]), &arena, &document, &err))
            fail_msg("%s", err.text);
        shard_document_print(&document, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(texts[i])));
        buf_clear(&out);
        shard_document_print_members(&document, &out);
        assert_null(memmem(out.data, out.size, "u:p", 3));
        buf_release(&out);
    }
}

static void test_a_shard_that_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{}",                                                "/uri: a shard that is not deleted"},
        {"{\"uri\":7}",                                       "/uri: must be text"               },
        {"{\"uri\":\"http://canary\"}",                       "/uri: the address does not begin" },
        {"{\"uri\":\"mongodb://\"}",                          "/uri: the address does not begin" },
        {"{\"uri\":\"mongodb://canary x\"}",                  "/uri: the address has a blank"    },
        {"{\"uri\":\"mongodb://canary\",\"region\":\"\"}",    "/region: is empty"                },
        {"{\"ury\":\"mongodb://canary\"}",                    "did you mean \"uri\"?"            },
        {"{\"uri\":\"mongodb://canary\",\"state\":\"gone\"}", "/state: unknown value \"gone\""   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct shard_document document;
        struct error err = {0};

        if (shard_document_parse(bytes_of(cases[i].text), &arena, &document, &err) != E_CONFIG ||
            !strstr(err.text, cases[i].want) || strstr(err.text, "canary"))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

/* Of 4096 bytes and one more. */
static void test_an_address_has_a_longest_length(void **state)
{
    char uri[SHARD_URI_BYTES_MAX + 1];

    (void)state;
    memset(uri, 'h', sizeof(uri));
    memcpy(uri, "mongodb://", 10);
    assert_null(shard_uri_fault((struct bytes){uri, SHARD_URI_BYTES_MAX}));
    assert_non_null(shard_uri_fault((struct bytes){uri, SHARD_URI_BYTES_MAX + 1}));
    assert_non_null(shard_uri_fault(BYTES("")));
}

/* Where a password may not be escaped, what looks like a host may be a part of it. */
static void test_hosts_are_told_where_they_are_certain(void **state)
{
    static const struct {
        const char *uri, *want;
    } cases[] = {
        {"mongodb://h",             "h"      },
        {"mongodb://h:1,g:2/x?y=z", "h:1,g:2"},
        {"mongodb://u:p@h:1/x",     "h:1"    },
        {"mongodb://u:p@q@h:1/x",   "h:1"    },
        {"mongodb://u:p%2f@h?x",    "h"      },
        {"mongodb://u:can/ary@h/x", ""       },
        {"mongodb://u:can?ary@h/x", ""       },
        {"mongodb://u:c@n/ary@h/x", ""       },
        {"mongodb://h/?pass=a@b",   ""       },
        {"no address at all",       ""       },
        {"",                        ""       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes hosts = shard_uri_hosts(bytes_of(cases[i].uri));

        if (!bytes_equal(hosts, bytes_of(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].uri, BYTES_ARG(hosts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shard_is_printed_as_it_was_read),
        cmocka_unit_test(test_a_shard_that_is_not_right_is_refused),
        cmocka_unit_test(test_an_address_has_a_longest_length),
        cmocka_unit_test(test_hosts_are_told_where_they_are_certain),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
