#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/shards.h"
#include "discovery/tenants_file.h"

#define SECRET "pa55word"
#define URI "mongodb://weir:" SECRET "@127.0.0.1:27017/?w=majority"

static char directory[64];

static int setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "%s", "/tmp/weir-shards-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/uri", directory);
    unlink(path);
    return rmdir(directory);
}

static void write_uri(const char *text, mode_t mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/uri", directory);
    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static enum code parse(const char *text, struct directory_snapshot **snapshot, struct error *err)
{
    struct limits node;

    limits_init(&node);
    return tenants_parse(bytes_of(text), &node, snapshot, err);
}

static void test_a_tenant_has_the_shard_that_it_names_wherever_it_stands(void **state)
{
    static const char text[] = "tenants:\n"
                               "  acme: {shard: north}\n"
                               "  other: {shard: lab}\n"
                               "  here:\n"
                               "shards:\n"
                               "  north: {uri: \"" URI "\"}\n"
                               "  lab: {uri: 'mongodb+srv://lab.example', unsafe: true}\n"
                               "  spare: {uri: 'mongodb://a,b,c', unsafe: false}\n";
    struct directory_snapshot *snapshot = NULL;
    const struct shard_settings *north, *lab, *spare;
    struct error err = {0};

    (void)state;
    if (parse(text, &snapshot, &err))
        fail_msg("%s", err.text);
    north = directory_shard(snapshot, BYTES("north"));
    lab = directory_shard(snapshot, BYTES("lab"));
    spare = directory_shard(snapshot, BYTES("spare"));
    assert_true(north && lab && spare);
    assert_null(directory_shard(snapshot, BYTES("south")));
    assert_ptr_equal(directory_tenant(snapshot, BYTES("acme"))->shard, north);
    assert_ptr_equal(directory_tenant(snapshot, BYTES("other"))->shard, lab);
    assert_null(directory_tenant(snapshot, BYTES("here"))->shard);
    assert_true(bytes_equal(north->name, BYTES("north")));
    assert_true(bytes_equal(north->uri, BYTES(URI)));
    assert_false(north->unsafe);
    assert_true(lab->unsafe);
    assert_false(spare->unsafe);
    directory_put(snapshot);
}

static void test_every_tenant_is_met_once(void **state)
{
    struct directory_snapshot *snapshot = NULL;
    const struct tenant_settings *tenant;
    struct error err = {0};
    unsigned met = 0;

    (void)state;
    if (parse("tenants: {a: , b: , c: }\n", &snapshot, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; (tenant = directory_next(snapshot, &i)) != NULL;)
        met |= 1u << (tenant->name.data[0] - 'a');
    assert_int_equal(met, 7);
    directory_put(snapshot);
}

static void test_an_address_can_stand_in_a_file_of_its_own(void **state)
{
    static const struct {
        const char *name, *content;
        mode_t mode;
        enum code want;
        const char *told;
    } cases[] = {
        {"plain",                URI,                        0600, OK,       NULL                                  },
        {"with a last line end", URI "\r\n",                 0640, OK,       NULL                                  },
        {"everybody reads",      URI,                        0644, E_CONFIG, "every user may read or change it"    },
        {"everybody writes",     URI,                        0602, E_CONFIG, "(mode 602)"                          },
        {"nothing in it",        "\n",                       0600, E_CONFIG, "the address of \"uri_file\" is empty"},
        {"two lines",            URI "\n" URI "\n",          0600, E_CONFIG, "has a blank, a line break"           },
        {"another scheme",       "http://weir:" SECRET "@h", 0600, E_CONFIG,
         "does not begin with mongodb://"                                                                          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct directory_snapshot *snapshot = NULL;
        struct error err = {0};
        char text[256];
        enum code code;

        write_uri(cases[i].content, cases[i].mode);
        snprintf(text, sizeof(text),
                 "tenants: {acme: {shard: north}}\nshards:\n  north: {uri_file: %s/uri}\n",
                 directory);
        code = parse(text, &snapshot, &err);
        if (code != cases[i].want || (code && (!strstr(err.text, cases[i].told) || err.line != 3 ||
                                               !strstr(err.text, "shard north: line 3: "))))
            fail_msg("%s: got %d, line %u: %s", cases[i].name, code, err.line, err.text);
        assert_null(strstr(err.text, SECRET));
        if (code == OK)
            assert_true(bytes_equal(directory_shard(snapshot, BYTES("north"))->uri, BYTES(URI)));
        directory_put(snapshot);
    }
}

#define SHARD "tenants: {acme: }\nshards:\n  "

static void test_a_wrong_shard_is_refused_with_line_and_reason(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t line;
        const char *told;
    } cases[] = {
        {"a list",                SHARD "- a\n",                                           2, "\"shards\" must be a map"        },
        {"a text",                "tenants: {acme: }\nshards: " URI "\n",                  2, "\"shards\" must be a map"        },
        {"a text as a shard",     SHARD "a: " URI "\n",                                    3, "a shard must be a map"           },
        {"a name",                SHARD "A: {uri: 'mongodb://h'}\n",                       3, "the name of a shard is 1 to 64"  },
        {"an address as a name",  SHARD "? " URI "\n  : {}\n",                             3, "the name of a shard is 1 to 64"  },
        {"an address as a key",   SHARD "a: {\"" URI "\": }\n",                            3, "an address is written as uri"    },
        {"a shard twice",         SHARD "a: {uri: 'mongodb://h'}\n  a: {uri: x}\n",        4,
         "\"a\" stands twice"                                                                                                   },
        {"no address",            SHARD "a: {unsafe: true}\n",                             3, "neither \"uri\" nor \"uri_file\""},
        {"both",                  SHARD "a:\n    uri: " URI "\n    uri_file: /dev/null\n", 5, "not a regular file"              },
        {"the scheme alone",      SHARD "a: {uri: 'mongodb://'}\n",                        3, "does not begin with mongodb://"  },
        {"no scheme",             SHARD "a: {uri: 'weir:" SECRET "@h'}\n",                 3, "does not begin with mongodb://"  },
        {"a blank",               SHARD "a: {uri: 'mongodb://weir:" SECRET " @h'}\n",      3, "has a blank"                     },
        {"a path that is none",   SHARD "a: {uri_file: '" URI "'}\n",                      3, "is the path of a file"           },
        {"a file that is none",   SHARD "a: {uri_file: /dev/null/uri}\n",                  3,
         "\"uri_file\": /dev/null/uri: "                                                                                        },
        {"a near key",            SHARD "a: {url: 'mongodb://h'}\n",                       3, "did you mean \"uri\"?"           },
        {"not a boolean",         SHARD "a: {uri: 'mongodb://h', unsafe: yes}\n",          3,
         "\"unsafe\" must be true or false"                                                                                     },
        {"an unknown shard",
         "shards:\n  a: {uri: 'mongodb://h'}\ntenants:\n  acme:\n    shard: b\n",          5,
         "tenant acme: line 5: \"shards\" does not name the shard \"b\""                                                        },
        {"an address as a shard", "tenants:\n  acme:\n    shard: " URI "\n",               3,
         "is the name of one of the \"shards\""                                                                                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct directory_snapshot *snapshot = NULL;
        struct error err = {0};
        enum code code = parse(cases[i].text, &snapshot, &err);

        if (code != E_CONFIG || snapshot || err.line != cases[i].line ||
            !strstr(err.text, cases[i].told))
            fail_msg("%s: got %d, line %u: %s", cases[i].name, code, err.line, err.text);
        if (strstr(err.text, SECRET))
            fail_msg("%s: the error tells the password", cases[i].name);
    }
}

static void test_both_addresses_are_one_too_many(void **state)
{
    struct directory_snapshot *snapshot = NULL;
    struct error err = {0};
    char text[256];

    (void)state;
    write_uri(URI, 0600);
    snprintf(text, sizeof(text), SHARD "a:\n    uri_file: %s/uri\n    uri: " URI "\n", directory);
    assert_int_equal(parse(text, &snapshot, &err), E_CONFIG);
    assert_int_equal(err.line, 5);
    assert_non_null(strstr(err.text, "both \"uri\" and \"uri_file\""));
    assert_null(strstr(err.text, SECRET));
}

static void test_an_address_may_have_4096_bytes(void **state)
{
    (void)state;
    for (size_t size = 4095; size <= 4097; size++) {
        struct directory_snapshot *snapshot = NULL;
        struct error err = {0};
        char text[8192];
        int at = snprintf(text, sizeof(text), SHARD "a: {uri: 'mongodb://");

        memset(text + at, 'h', size - 10);
        memcpy(text + at + size - 10, "'}\n", 4);
        assert_int_equal(parse(text, &snapshot, &err), size <= 4096 ? OK : E_CONFIG);
        if (size > 4096)
            assert_non_null(strstr(err.text, "is longer than 4096 bytes"));
        directory_put(snapshot);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_has_the_shard_that_it_names_wherever_it_stands),
        cmocka_unit_test(test_every_tenant_is_met_once),
        cmocka_unit_test(test_an_address_can_stand_in_a_file_of_its_own),
        cmocka_unit_test(test_a_wrong_shard_is_refused_with_line_and_reason),
        cmocka_unit_test(test_both_addresses_are_one_too_many),
        cmocka_unit_test(test_an_address_may_have_4096_bytes),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
