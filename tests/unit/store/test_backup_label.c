#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/backup_label.h"

/* As the first version wrote it: later ones read it for ever. */
static const char golden[] = "{\n"
                             "  \"format\": 1,\n"
                             "  \"weir\": \"0.1.0\",\n"
                             "  \"created\": \"2026-07-01T03:00:00Z\",\n"
                             "  \"flushed\": true,\n"
                             "  \"incarnation\": \"000102030405060708090a0b0c0d0e0f\",\n"
                             "  \"sealed_lsn\": 12,\n"
                             "  \"ingest_last\": \"2026-07-01T02:59:59.123456789Z\",\n"
                             "  \"packs\": 3,\n"
                             "  \"pack_files\": 2,\n"
                             "  \"pack_bytes\": 1234567,\n"
                             "  \"rows\": 60010,\n"
                             "  \"values\": 120000,\n"
                             "  \"index_bytes\": 65536,\n"
                             "  \"index_hash\": \"f0e1d2c3b4a5968778695a4b3c2d1e0f\"\n"
                             "}\n";
enum { GOLDEN_END = sizeof("\"\n}\n") };
static const char end_now[] = "\",\n  \"declared\": 7\n}\n";

/* As it is written now: with what came later. */
static const char *golden_now(char text[sizeof(golden) + sizeof(end_now)])
{
    memcpy(text, golden, sizeof(golden));
    memcpy(text + sizeof(golden) - GOLDEN_END, end_now, sizeof(end_now));
    return text;
}

static void test_the_golden_label_is_read_and_written(void **state)
{
    struct buf out = BUF_INIT(BACKUP_LABEL_BYTES_MAX);
    char text[sizeof(golden) + sizeof(end_now)];
    struct backup_label label;
    struct error err = {0};

    (void)state;
    if (backup_label_decode(bytes_of(golden), &label, &err))
        fail_msg("%s", err.text);
    assert_true(label.created_ns == INT64_C(1782874800000000000));
    assert_true(label.flushed);
    assert_int_equal(label.identity.incarnation.bytes[15], 15);
    assert_int_equal(label.identity.sealed_lsn, 12);
    assert_true(label.identity.ingest_last == INT64_C(1782874799123456789));
    assert_int_equal(label.totals.packs, 3);
    assert_int_equal(label.totals.files, 2);
    assert_int_equal(label.totals.file_bytes, 1234567);
    assert_int_equal(label.totals.rows, 60010);
    assert_int_equal(label.totals.values, 120000);
    assert_int_equal(label.index_bytes, 65536);
    assert_int_equal(label.index_hash.bytes[0], 0xf0);
    assert_int_equal(label.declared, 0);
    if (backup_label_decode(bytes_of(golden_now(text)), &label, &err))
        fail_msg("%s", err.text);
    assert_int_equal(label.declared, 7);
    backup_label_encode(&label, "0.1.0", &out);
    assert_int_equal(buf_finish(&out, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&out), bytes_of(text)));
    buf_release(&out);
}

static void test_what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *from, *to, *want;
    } cases[] = {
        {"\"format\": 1",     "\"format\": 2",     "format 2, this program knows 1"      },
        {"\"format\": 1",     "\"former\": 1",     "\"format\" is missing"               },
        {"\"rows\": 60010",   "\"rows\": -6001",   "\"rows\" is not what it should be"   },
        {"\"rows\"",          "\"rods\"",          "\"rows\" is missing"                 },
        {"\"flushed\": true", "\"flushed\": 1234", "\"flushed\" is not what it should be"},
        {"\"f0e1",            "\"x0e1",            "\"index_hash\" is not what"          },
        {"03:00:00Z",         "03:00:99Z",         "\"created\" is not what"             },
        {"{\n",               "[\n",               "line"                                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[sizeof(golden)];
        struct backup_label label;
        struct error err = {0};
        char *at;

        memcpy(text, golden, sizeof(golden));
        at = strstr(text, cases[i].from);
        assert_non_null(at);
        assert_int_equal(strlen(cases[i].from), strlen(cases[i].to));
        memcpy(at, cases[i].to, strlen(cases[i].to));
        assert_int_equal(backup_label_decode(bytes_of(text), &label, &err), E_CORRUPT);
        if (strstr(err.text, cases[i].want) == NULL)
            fail_msg("%zu: %s", i, err.text);
    }
}

static void test_a_directory_with_a_label_is_refused(void **state)
{
    char path[] = "/tmp/weir-label-XXXXXX", name[64];
    struct error err = {0};
    struct fs *fs = NULL;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(name, sizeof(name), "%s/backup.json", path);
    assert_int_equal(fs_posix_open(path, &fs, &err), OK);
    assert_int_equal(backup_label_refuse(fs, "here", &err), OK);
    assert_string_equal(err.text, "");
    file = fopen(name, "w"); /* also one that cannot be read as a label */
    assert_non_null(file);
    fclose(file);
    assert_int_equal(backup_label_refuse(fs, "here", &err), E_CONFIG);
    assert_non_null(strstr(err.text, "weir restore --from here"));
    assert_int_equal(remove(name), 0);
    assert_int_equal(backup_label_refuse(fs, "here", NULL), OK);
    fs_posix_close(fs);
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_golden_label_is_read_and_written),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_a_directory_with_a_label_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
