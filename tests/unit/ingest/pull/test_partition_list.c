#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zlib.h>

#include "ingest/pull/partition_list.h"
#include "ingest/pull/progress.h"
#include "ingest/pull/trial.h"
#include "tests/unit/ingest/source/source_fixture.h"

#define LISTED(decode, rows, vars)                                                                 \
    "'foreach': {'request': {'url': 'https://a.example/'}, 'decode': " decode ", 'rows': " rows    \
    ", 'vars': {" vars "}}"
#define JSON LISTED("'json'", "'/items/*'", "'z': {'path': 'id'}, 'a': {'path': '../kind'}")

#define EMPTY_IS_NONE JSON ", 'outcomes': [{'count': 0, 'do': 'retry'}]"
#define SORRY_IS_NONE JSON ", 'outcomes': [{'body_has': 'sorry', 'do': 'fail'}]"
#define CSV LISTED("'csv'", "'*'", "'z': {'path': 'id'}")
#define XML LISTED("'xml'", "'/a/b/*'", "'z': {'path': '@id'}")

struct read {
    struct fixture fixture;
    struct arena arena;
    struct partition_list list;
    struct error err;
    enum code code;
};

static void read_body(struct read *read, const char *blocks, struct bytes body, unsigned status)
{
    struct partition_list_terms terms = {
        .source = fixture_good(&read->fixture, blocks),
        .body = page_bytes_of(&body),
        .status = status,
        .plain_bytes_max = 1 << 24,
    };

    arena_init(&read->arena, 64 << 20, NULL);
    read->err = (struct error){0};
    read->code = partition_list_read(&terms, &read->arena, &read->list, &read->err);
}

static void read_release(struct read *read)
{
    arena_release(&read->arena);
    fixture_release(&read->fixture);
}

static void test_rows_are_partitions_by_their_variables(void **state)
{
    static const char *const bodies[] = {
        "{\"items\": [{\"id\": 7, \"x\": 1}, {\"id\": \"b\"}, {\"id\": \"7\"}], \"kind\": \"k\"}",
        "{\"kind\": \"k\", \"items\": [{\"id\": \"7\"}, {\"id\": \"b\"}]}",
    };
    static const struct source_variable wanted[] = {
        {{"a", 1}, {"k", 1}},
        {{"z", 1}, {"7", 1}},
    };
    const struct source_partition partition = {wanted, 2};
    char id[PARTITION_ID_SIZE], same[PARTITION_ID_SIZE];

    (void)state;
    partition_id(&partition, id);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct read read;

        read_body(&read, JSON, bytes_of(bodies[i]), 200);
        assert_int_equal(read.code, OK);
        if (read.list.verdict.what != SOURCE_OK)
            fail_msg("%s", read.err.text);
        assert_int_equal(read.list.count, 2); /* the same one twice is one */
        partition_id(&read.list.partitions[0], same);
        assert_string_equal(same, id);
        assert_true(bytes_equal(read.list.partitions[1].variables[1].value, BYTES("b")));
        read_release(&read);
    }
}

static void test_what_is_no_list_is_none(void **state)
{
    static const struct {
        const char *blocks;
        unsigned status;
        enum source_do what;
        const char *body, *text;
    } cases[] = {
        {JSON,          200, SOURCE_OK,    "{\"items\": []}",                                       ""                               },
        {JSON,          200, SOURCE_FAIL,  "{\"items\": [{\"id\": 1}]}",                            "row 1, /items/0: a has no value"},
        {JSON,          200, SOURCE_FAIL,  "{\"kind\": 1, \"items\": [{\"id\": \"\"}]}",            "z has no value"                 },
        {JSON,          200, SOURCE_FAIL,  "{\"kind\": 1, \"items\": [{\"id\": null}]}",            "z has no value"                 },
        {JSON,          200, SOURCE_FAIL,  "{\"kind\": 1, \"items\": [{\"id\": \"a\\r\\nX: y\"}]}",
         "z has control"                                                                                                             },
        {JSON,          200, SOURCE_RETRY, "{\"items\": [",                                         ""                               },
        {JSON,          200, SOURCE_RETRY, "",                                                      ""                               },
        {JSON,          503, SOURCE_RETRY, "{\"items\": []}",                                       ""                               },
        {JSON,          404, SOURCE_FAIL,  "{\"items\": []}",                                       ""                               },
        {EMPTY_IS_NONE, 200, SOURCE_RETRY, "{\"items\": []}",                                       ""                               },
        {SORRY_IS_NONE, 200, SOURCE_FAIL,  "{\"items\": [], \"x\": \"sorry\"}",                     ""                               },
        {JSON,          200, SOURCE_RETRY, "{\"error\": \"busy\"}",                                 "leads nowhere"                  },
        {CSV,           200, SOURCE_OK,    "id,n\n1,2\n",                                           ""                               },
        {CSV,           200, SOURCE_OK,    "n,id\n",                                                ""                               },
        {CSV,           200, SOURCE_RETRY, "Service is busy\n",                                     "none of the columns"            },
        {XML,           200, SOURCE_OK,    "<a><b id='1'/></a>",                                    ""                               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct read read;

        read_body(&read, cases[i].blocks, bytes_of(cases[i].body), cases[i].status);
        if (read.code != OK || read.list.verdict.what != cases[i].what ||
            strstr(read.err.text, cases[i].text) == NULL)
            fail_msg("%zu: %d, %d: %s", i, read.code, read.list.verdict.what, read.err.text);
        read_release(&read);
    }
}

static void test_ten_thousand_are_taken_and_no_more(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct buf body = BUF_INIT(1 << 20);
        struct read read;

        buf_put_text(&body, "{\"kind\": \"k\", \"items\": [");
        for (int i = 0; i < PARTITIONS_MAX + more; i++)
            buf_printf(&body, "{\"id\": %d}, {\"id\": %d}, ", i, i);
        buf_put_text(&body, "{\"id\": 0}]}");
        read_body(&read, JSON, buf_bytes(&body), 200);
        assert_int_equal(read.code, OK);
        assert_int_equal(read.list.verdict.what, more == 0 ? SOURCE_OK : SOURCE_FAIL);
        assert_int_equal(read.list.count, PARTITIONS_MAX);
        if (more == 1)
            assert_string_equal(read.err.text, "there are more than 10000 partitions");
        read_release(&read);
        buf_release(&body);
    }
}

static void test_a_value_is_as_long_as_an_address_may_bear(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct buf body = BUF_INIT(1 << 20);
        struct read read;

        buf_put_text(&body, "{\"kind\": \"k\", \"items\": [{\"id\": \"");
        for (int i = 0; i < PARTITION_TEXT_SIZE_MAX + more; i++)
            buf_put_char(&body, 'x');
        buf_put_text(&body, "\"}]}");
        read_body(&read, JSON, buf_bytes(&body), 200);
        assert_int_equal(read.list.verdict.what, more == 0 ? SOURCE_OK : SOURCE_FAIL);
        if (more == 1)
            assert_non_null(strstr(read.err.text, "z has more than 1024 bytes"));
        read_release(&read);
        buf_release(&body);
    }
}

static void test_a_list_that_is_packed_is_unpacked(void **state)
{
    static const char plain[] = "{\"kind\": \"k\", \"items\": [{\"id\": 1}]}";
    unsigned char packed[256];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)plain,
                       .avail_in = sizeof(plain) - 1,
                       .next_out = packed,
                       .avail_out = sizeof(packed)};
    struct read read;

    (void)state;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    read_body(&read, JSON, (struct bytes){(const char *)packed, stream.total_out}, 200);
    assert_int_equal(read.list.verdict.what, SOURCE_OK);
    assert_int_equal(read.list.count, 1);
    read_release(&read);
    read_body(&read, JSON, (struct bytes){(const char *)packed, stream.total_out - 4}, 200);
    assert_int_equal(read.list.verdict.what, SOURCE_RETRY);
    read_release(&read);
    deflateEnd(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_partitions_by_their_variables),
        cmocka_unit_test(test_what_is_no_list_is_none),
        cmocka_unit_test(test_ten_thousand_are_taken_and_no_more),
        cmocka_unit_test(test_a_value_is_as_long_as_an_address_may_bear),
        cmocka_unit_test(test_a_list_that_is_packed_is_unpacked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
