#include "handlers/peer_reply.h"
#include "store/packs/pack.h"
#include "store/packs/pack_writer.h"
#include "tests/unit/handlers/peer_pack.h"

static struct inn inn;
static struct buf body;

static struct peer_asked asked_of(int64_t as_of)
{
    return (struct peer_asked){1, inn.author.house.store->incarnation, BYTES("acme"), as_of};
}

static int open_inn(void **state)
{
    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    peer_pack(&inn.author.house, &body);
    return 0;
}

static int close_inn(void **state)
{
    (void)state;
    buf_release(&body);
    inn_release(&inn);
    return 0;
}

static void test_rows_and_none(void **state)
{
    const struct peer_asked asked = asked_of(100);
    struct peer_head head = {.status = 200,
                             .member = BYTES("1"),
                             .through = BYTES("100"),
                             .delivered = BYTES("north=7, south_2=0"),
                             .newest = BYTES("99"),
                             .settled = BYTES("-7"),
                             .floor = BYTES("5")};
    struct peer_reply reply;
    struct error err = {0};

    (void)state;
    if (peer_reply_read(&asked, &head, buf_bytes(&body), &reply, &err) != OK)
        fail_msg("%s", err.text);
    assert_non_null(reply.pack);
    assert_int_equal(reply.through, 100);
    assert_int_equal(reply.listed_count, 2);
    assert_true(bytes_equal(reply.listed[0].shard, BYTES("north")));
    assert_int_equal(reply.listed[0].entry, 7);
    assert_true(bytes_equal(reply.listed[1].shard, BYTES("south_2")));
    assert_int_equal(reply.listed[1].entry, 0);
    assert_int_equal(reply.newest, 99);
    assert_int_equal(reply.settled, -7);
    assert_int_equal(reply.floor, 5);
    pack_unref(reply.pack);
    head = (struct peer_head){.status = 204,
                              .member = BYTES("1"),
                              .through = BYTES("9223372036854775807"),
                              .newest = BYTES("0")};
    assert_int_equal(peer_reply_read(&asked, &head, BYTES(""), &reply, &err), OK);
    assert_null(reply.pack);
    assert_int_equal(reply.through, INT64_MAX);
    assert_int_equal(reply.listed_count, 0);
    assert_int_equal(reply.settled, INT64_MIN);
    assert_int_equal(reply.floor, INT64_MIN);
}

static void test_nothing_is_believed(void **state)
{
    static const struct {
        struct peer_head head;
        const char *want;
        enum code code;
    } cases[] = {
        {{401, BYTES("1"), BYTES("100"), .delivered = BYTES("")},
         "does not take this node's secret",                                                                 E_NOT_READY},
        {{404, BYTES("1"), BYTES("100"), .delivered = BYTES("")},
         "does not know the tenant",                                                                         E_NOT_READY},
        {{422, BYTES("1"), BYTES("100"), .delivered = BYTES("")},                       "more such rows",    E_NOT_READY},
        {{503, BYTES("1"), BYTES("100"), .delivered = BYTES("")},                       "it answered 503",   E_NOT_READY},
        {{0, BYTES(""), BYTES(""), .delivered = BYTES("")},                             "it answered 0",     E_NOT_READY},
        {{204, BYTES(""), BYTES("100"), .delivered = BYTES("")},                        "whose it is",       E_CORRUPT  },
        {{204, BYTES("1x"), BYTES("100"), .delivered = BYTES("")},                      "whose it is",       E_CORRUPT  },
        {{204, BYTES("18446744073709551616"), BYTES("100"), .delivered = BYTES("")},
         "whose it is",                                                                                      E_CORRUPT  },
        {{204, BYTES("2"), BYTES("100"), .delivered = BYTES("")},                       "member 2 answers",  E_CORRUPT  },
        {{204, BYTES("1"), BYTES(""), .delivered = BYTES("")},                          "up to where",       E_CORRUPT  },
        {{204, BYTES("1"), BYTES("1e9"), .delivered = BYTES("")},                       "up to where",       E_CORRUPT  },
        {{204, BYTES("1"), BYTES("99"), .delivered = BYTES("")},                        "earlier moment",    E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("north")},                  "delivered",         E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("=1")},                     "delivered",         E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("north=")},                 "delivered",         E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("north=-1")},               "delivered",         E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("a=1,,b=2")},               "delivered",         E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("a/../b=2")},               "delivered",         E_CORRUPT  },
        {{200, BYTES("1"), BYTES("100"), .delivered = BYTES(""), .newest = BYTES("1")},
         "no pack",                                                                                          E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .delivered = BYTES("")},                       "acknowledged last", E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .newest = BYTES("-1")},                        "acknowledged last", E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .newest = BYTES("9223372036854775808")},
         "acknowledged last",                                                                                E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .newest = BYTES("1"), .settled = BYTES("x")},
         "is settled",                                                                                       E_CORRUPT  },
        {{204, BYTES("1"), BYTES("100"), .newest = BYTES("1"), .floor = BYTES("1.5")},
         "which versions",                                                                                   E_CORRUPT  },
    };
    const struct peer_asked asked = asked_of(100);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct peer_reply reply = {.listed_count = 77};
        struct error err = {0};
        enum code code = peer_reply_read(&asked, &cases[i].head, BYTES("garbage"), &reply, &err);

        if (code != cases[i].code || strstr(err.text, cases[i].want) == NULL)
            fail_msg("%zu: %d, %s", i, code, err.text);
        assert_null(reply.pack);
        assert_int_equal(reply.listed_count, 0);
    }
}

static void test_so_many_shards_and_no_more(void **state)
{
    const struct peer_asked asked = asked_of(100);

    (void)state;
    for (size_t count = PEER_SHARDS_MAX; count <= PEER_SHARDS_MAX + 1; count++) {
        struct buf text = BUF_INIT(1 << 16);
        struct peer_head head = {204, BYTES("1"), BYTES("100"), .newest = BYTES("1")};
        struct peer_reply reply;

        for (size_t i = 0; i < count; i++)
            buf_printf(&text, "%ss%zu=%zu", i == 0 ? "" : ",", i, i);
        head.delivered = buf_bytes(&text);
        assert_int_equal(peer_reply_read(&asked, &head, BYTES(""), &reply, NULL),
                         count > PEER_SHARDS_MAX ? E_CORRUPT : OK);
        buf_release(&text);
    }
}

/* Whatever bit of a pack is turned: it is refused, or a pack of that member and tenant still. */
static void test_rows_of_others_are_refused(void **state)
{
    struct peer_asked asked = asked_of(100);
    struct peer_head head = {200, BYTES("1"), BYTES("100"), .newest = BYTES("1")};
    struct peer_reply reply;
    struct error err = {0};

    (void)state;
    asked.tenant = BYTES("acm");
    assert_int_equal(peer_reply_read(&asked, &head, buf_bytes(&body), &reply, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "another tenant"));
    asked = asked_of(100);
    asked.incarnation.bytes[3] ^= 1;
    assert_int_equal(peer_reply_read(&asked, &head, buf_bytes(&body), &reply, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "another data directory"));
    asked = asked_of(100);
    for (size_t bit = 0; bit < body.size * 8; bit += 7) {
        body.data[bit / 8] ^= (char)(1 << (bit % 8));
        if (peer_reply_read(&asked, &head, buf_bytes(&body), &reply, NULL) == OK) {
            assert_memory_equal(pack_incarnation(reply.pack), &asked.incarnation,
                                sizeof(asked.incarnation));
            pack_unref(reply.pack);
        }
        body.data[bit / 8] ^= (char)(1 << (bit % 8));
    }
    for (size_t size = 0; size < body.size; size++)
        assert_int_not_equal(
            peer_reply_read(&asked, &head, (struct bytes){body.data, size}, &reply, NULL), OK);
}

static void test_an_erasure_is_said_to_be_done_or_it_is_not(void **state)
{
#define DATA "\"incarnation\":\"00112233445566778899aabbccddeeff\""
    static const struct {
        unsigned status;
        const char *member, *body;
        enum code code;
        const char *text;
    } cases[] = {
        {200, "1", "{\"erased\":true," DATA ",\"ingest\":7}",  OK,          ""                                },
        {200, "2", "{\"erased\":true," DATA "}",               E_CORRUPT,   "member 2 answers at its address" },
        {200, "",  "{\"erased\":true," DATA "}",               E_CORRUPT,   "does not say whose it is"        },
        {200, "1", "{\"erased\":false," DATA "}",              E_CORRUPT,   "does not say that it has erased" },
        {200, "1", "{\"erased\":1," DATA "}",                  E_CORRUPT,   "does not say that it has erased" },
        {200, "1", "",                                         E_CORRUPT,   "does not say that it has erased" },
        {200, "1", "[true]",                                   E_CORRUPT,   "does not say that it has erased" },
        {200, "1", "{\"erased\":true}",                        E_CORRUPT,   "another data directory"          },
        {200, "1", "{\"erased\":true,\"incarnation\":\"ff\"}", E_CORRUPT,   "another data directory"          },
        {200, "1", "{\"erased\":true," DATA "}",               E_CORRUPT,   "does not say when"               },
        {204, "1", "",                                         E_NOT_READY, "it answered 204"                 },
        {401, "1", "{\"detail\":\"x\"}",                       E_NOT_READY, "does not take this node's secret"},
        {404, "1", "{\"detail\":\"x\"}",                       E_NOT_READY, "does not know the tenant yet"    },
        {503, "1", "{\"detail\":\"the disk is full\"}",        E_NOT_READY,
         "it answered 503: the disk is full"                                                                  },
        {503, "1", "{\"detail\":7}",                           E_NOT_READY, "it answered 503"                 },
        {503, "1", "nonsense",                                 E_NOT_READY, "it answered 503"                 },
    };
    struct peer_asked asked = asked_of(0);

    (void)state;
    assert_true(hash128_parse(BYTES("00112233445566778899aabbccddeeff"), &asked.incarnation));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct peer_head head = {cases[i].status, bytes_of(cases[i].member),
                                       .through = BYTES("")};
        struct error err = {0};
        int64_t ingest;

        if (peer_reply_erased(&asked, &head, bytes_of(cases[i].body), &ingest, &err) !=
                cases[i].code ||
            strstr(err.text, cases[i].text) == NULL || ingest != (cases[i].code == OK ? 7 : 0))
            fail_msg("%zu: %d, %s", i, err.code, err.text);
    }
#undef DATA
}

/* A pack as sent, of that kind and name, without rows. */
static struct bytes pack_of(enum pack_kind kind, const char *tenant)
{
    const struct pack_identity identity = {.tenant = bytes_of(tenant),
                                           .incarnation = inn.author.house.store->incarnation,
                                           .kind = kind};
    struct pack_writer *writer;
    struct pack_summary summary;
    struct bytes bytes;

    assert_int_equal(pack_writer_open_memory(&identity, &writer, NULL), OK);
    assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
    return bytes;
}

/* Versions are told as they came: of a history pack most questions would read nothing. */
static void test_a_pack_that_is_none_of_a_reply_is_refused(void **state)
{
    static const struct {
        enum pack_kind kind;
        const char *tenant, *want;
    } cases[] = {
        {PACK_PLAIN,   "acme",   NULL            },
        {PACK_CURRENT, "acme",   "no plain pack" },
        {PACK_HISTORY, "acme",   "no plain pack" },
        {PACK_PLAIN,   "acme/x", "another tenant"},
        {PACK_PLAIN,   "acmex",  "another tenant"},
    };
    const struct peer_asked asked = asked_of(100);
    const struct peer_head head = {200, BYTES("1"), BYTES("100"), .newest = BYTES("1")};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes bytes = pack_of(cases[i].kind, cases[i].tenant);
        struct peer_reply reply;
        struct error err = {0};
        enum code code = peer_reply_read(&asked, &head, bytes, &reply, &err);

        if (code != (cases[i].want ? E_CORRUPT : OK) ||
            (cases[i].want && strstr(err.text, cases[i].want) == NULL))
            fail_msg("%zu: %d, %s", i, code, err.text);
        pack_unref(reply.pack);
        free((void *)bytes.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_and_none),
        cmocka_unit_test(test_nothing_is_believed),
        cmocka_unit_test(test_so_many_shards_and_no_more),
        cmocka_unit_test(test_rows_of_others_are_refused),
        cmocka_unit_test(test_an_erasure_is_said_to_be_done_or_it_is_not),
        cmocka_unit_test(test_a_pack_that_is_none_of_a_reply_is_refused),
    };

    return cmocka_run_group_tests(tests, open_inn, close_inn);
}
