#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "discovery/registry_image.h"

static const struct registry_record some[] = {
    {.kind = REGISTRY_TENANTS,    .name = BYTES("acme"), .text = BYTES("{\"a\":1}"), .version = 17},
    {                        .kind = REGISTRY_SHARDS,     .name = BYTES("north"),     .text = BYTES(""),      .version = UINT64_MAX             },
    { .kind = REGISTRY_SOURCES,
     .name = BYTES("acme.w"),
     .text = BYTES("end 3\n\nx"),
     .version = 1,
     .missing = true},
};

/* The format as it was when it was first written: docs/formats/registry_files.md. */
static const char golden[] = "weir-registry 1\n"
                             "tenants acme 17 present 7 cda8c89d\n{\"a\":1}\n"
                             "shards north 18446744073709551615 present 0 f118e537\n\n"
                             "sources acme.w 1 missing 8 9e423efd\nend 3\n\nx\n"
                             "end 3\n";

static struct bytes image_of(struct buf *image)
{
    registry_image_put(some, COUNT_OF(some), image);
    assert_int_equal(buf_finish(image, NULL), OK);
    return buf_bytes(image);
}

static void test_the_format_stays(void **state)
{
    struct buf image = BUF_INIT(1 << 20);

    (void)state;
    if (!bytes_equal(image_of(&image), BYTES(golden)))
        fail_msg("%.*s", BYTES_ARG(buf_bytes(&image)));
    buf_release(&image);
}

static void test_what_was_written_is_read(void **state)
{
    struct registry_record *records;
    struct error err = {0};
    size_t count;

    (void)state;
    assert_int_equal(registry_image_parse(BYTES(golden), &records, &count, &err), OK);
    assert_int_equal(count, COUNT_OF(some));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(records[i].kind, some[i].kind);
        assert_true(bytes_equal(records[i].name, some[i].name));
        assert_true(bytes_equal(records[i].text, some[i].text));
        assert_true(records[i].version == some[i].version);
        assert_int_equal(records[i].missing, some[i].missing);
    }
    free(records);
    assert_int_equal(
        registry_image_parse(BYTES("weir-registry 1\nend 0\n"), &records, &count, &err), OK);
    assert_int_equal(count, 0);
    free(records);
}

static void expect_damaged(struct bytes image, const char *what, size_t at)
{
    struct registry_record *records;
    struct error err = {0};
    size_t count;
    enum code code = registry_image_parse(image, &records, &count, &err);

    if (code != E_CORRUPT || records != NULL || count != 0)
        fail_msg("%s at %zu: %d", what, at, code);
}

static void test_every_bit_and_every_cut_is_noticed(void **state)
{
    char image[sizeof(golden)];

    (void)state;
    for (size_t at = 0; at < sizeof(golden) - 1; at++) {
        expect_damaged((struct bytes){golden, at}, "cut", at);
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(image, golden, sizeof(golden));
            image[at] = (char)(image[at] ^ 1 << bit);
            expect_damaged((struct bytes){image, sizeof(golden) - 1}, "bit", at);
        }
    }
    memcpy(image, golden, sizeof(golden));
    image[sizeof(golden) - 1] = 'x';
    expect_damaged((struct bytes){image, sizeof(golden)}, "more", sizeof(golden));
}

static void test_wrong_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "end 0\n",
        "weir-registry 2\nend 0\n",
        "weir-registry 1\nend 1\n",
        "weir-registry 1\nend 0",
        "weir-registry 1\ntenants a 1 present 0\n\nend 1\n",
        "weir-registry 1\ntenants a 1 present 99999999999999999999 00000000\n\nend 1\n",
        "weir-registry 1\ntenants a 1 present 300000 00000000\n\nend 1\n",
        "weir-registry 1\na b c d e f g h\n\nend 1\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        expect_damaged(bytes_of(lines[i]), lines[i], i);
}

static void test_a_file_is_replaced_whole(void **state)
{
    char directory[] = "/tmp/weir-image-XXXXXX", path[64];
    struct buf image = BUF_INIT(1 << 20);
    struct registry_record *records;
    struct error err = {0};
    struct fs *fs;
    size_t count;

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(fs_posix_open(directory, &fs, &err), OK);
    assert_int_equal(registry_image_load(fs, "copy", &image, &records, &count, &err), E_NOT_FOUND);
    assert_int_equal(registry_file_replace(fs, "", "~copy", BYTES("of one that died"), &err), OK);
    for (size_t kept = COUNT_OF(some); kept > 0; kept--) {
        assert_int_equal(registry_image_save(fs, "", "copy", some, kept, &err), OK);
        buf_clear(&image);
        assert_int_equal(registry_image_load(fs, "copy", &image, &records, &count, &err), OK);
        assert_int_equal(count, kept);
        free(records);
    }
    assert_int_equal(fs_unlink(fs, "~copy", &err), E_NOT_FOUND);
    assert_int_equal(registry_file_replace(fs, "", "copy", BYTES("something else"), &err), OK);
    buf_clear(&image);
    assert_int_equal(registry_image_load(fs, "copy", &image, &records, &count, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "copy: byte 0"));
    assert_int_equal(registry_image_save(fs, "missing", "copy", some, 1, &err), E_NOT_FOUND);
    buf_release(&image);
    fs_posix_close(fs);
    snprintf(path, sizeof(path), "%s/copy", directory);
    unlink(path);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_format_stays),
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_every_bit_and_every_cut_is_noticed),
        cmocka_unit_test(test_wrong_lines_are_refused),
        cmocka_unit_test(test_a_file_is_replaced_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
