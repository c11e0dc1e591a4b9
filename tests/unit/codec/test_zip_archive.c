#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/zip_archive.h"
#include "tests/unit/codec/zip_made.h"

enum { FILES_MAX = 10000, BYTES_MAX = 8 << 20, RATIO_MAX = 1000 };

/* What came: contents one behind another, each with '|' behind it. */
struct came {
    struct bytes archive;
    struct buf text;
    uint64_t begun, ended, number_last;
    uint64_t reads;
    uint64_t fail_read; /* from this reading on; 0 = none */
    enum code refuse;   /* what the sink says of pieces */
    enum code code;
    struct error err;
};

static enum code give(void *context, uint64_t offset, char *into, size_t size, struct error *err)
{
    struct came *came = context;

    came->reads++;
    if (came->fail_read > 0 && came->reads >= came->fail_read)
        return error_set(err, E_IO, "the disk is broken");
    assert_true(offset <= came->archive.size && size <= came->archive.size - offset);
    if (size > 0)
        memcpy(into, came->archive.data + offset, size);
    return OK;
}

static enum code begin(void *context, uint64_t number, struct error *err)
{
    struct came *came = context;

    (void)err;
    assert_int_equal(came->begun, came->ended);
    came->begun++;
    came->number_last = number;
    return OK;
}

static enum code take(void *context, struct bytes piece, struct error *err)
{
    struct came *came = context;

    assert_true(piece.size > 0);
    if (came->refuse)
        return error_set(err, came->refuse, "not this");
    buf_put(&came->text, piece);
    return OK;
}

static enum code end(void *context, struct error *err)
{
    struct came *came = context;

    (void)err;
    came->ended++;
    buf_put_char(&came->text, '|');
    return OK;
}

static void read_with(struct came *came, struct bytes archive, uint64_t bytes_max)
{
    const struct zip_archive_bytes bytes = {archive.size, give, came};
    const struct zip_archive_limits limits = {FILES_MAX, bytes_max, RATIO_MAX};
    const struct zip_archive_sink sink = {begin, take, end, came};

    buf_release(&came->text);
    *came = (struct came){.archive = archive,
                          .text = BUF_INIT(SIZE_MAX),
                          .fail_read = came->fail_read,
                          .refuse = came->refuse};
    came->code = zip_archive_read(&bytes, &limits, &sink, &came->err);
}

static void read_all(struct came *came, struct bytes archive)
{
    read_with(came, archive, BYTES_MAX);
}

static void expect(struct came *came, const char *text)
{
    if (came->code)
        fail_msg("code %d: %s", came->code, came->err.text);
    if (!bytes_equal(buf_bytes(&came->text), bytes_of(text)))
        fail_msg("got %.*s, want %s", BYTES_ARG(buf_bytes(&came->text)), text);
}

static void expect_fault(const struct came *came, enum code code, const char *text)
{
    if (came->code != code || strstr(came->err.text, text) == NULL)
        fail_msg("code %d, want %d: %s; want %s", came->code, code, came->err.text, text);
}

static void test_files_come_one_after_another(void **state)
{
    static const char *const names[] = {
        "stored", "deflated", "zip64", "descriptor", "deflated, descriptor", "all of it"};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};
        bool zip64 = i == 2 || i == 5;

        for (int file = 0; file < 2; file++)
            zip_made_put(&made, &(struct zip_entry){
                                    .name = file ? "b.xml" : "../../etc/a.xml",
                                    .content = file ? BYTES("the second one") : BYTES("<a>1</a>"),
                                    .deflated = i == 1 || i >= 4,
                                    .zip64 = zip64,
                                    .descriptor = i >= 3,
                                });
        zip_made_end(&made, 2, zip64);
        assert_true(zip_archive_begins(buf_bytes(&made.bytes)));
        read_all(&came, buf_bytes(&made.bytes));
        if (came.code)
            fail_msg("%s: %s", names[i], came.err.text);
        expect(&came, "<a>1</a>|the second one|");
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

/* A directory of 64 MiB has sixteen million such parts. */
static void test_parts_that_say_nothing_take_no_reading_each(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};

    (void)state;
    zip_made_put(&made, &(struct zip_entry){
                            .name = "a", .content = BYTES("1"), .zip64 = true, .others = 16000});
    zip_made_end(&made, 1, true);
    read_all(&came, buf_bytes(&made.bytes));
    expect(&came, "1|");
    assert_in_range(came.reads, 1, 10);
    buf_release(&came.text);
    zip_made_release(&made);
}

/* The directory's entry and what is around it may be as it likes. */
static void test_parts_that_reach_too_far_are_damage(void **state)
{
    static const struct {
        size_t at; /* behind the name, in the directory */
        char other;
    } turned[] = {
        {0, 9 }, /* no sizes at all */
        {2, 25}, /* larger than what is there */
        {2, 23}, /* a number is not whole */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(turned); i++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};

        zip_made_put(&made, &(struct zip_entry){.name = "a", .content = BYTES("1"), .zip64 = true});
        made.directory.data[46 + 1 + turned[i].at] = turned[i].other;
        zip_made_end(&made, 1, true);
        read_all(&came, buf_bytes(&made.bytes));
        expect_fault(&came, E_BAD_COMPRESSION, "cut or damaged");
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

static void test_an_empty_archive_has_no_files(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};

        zip_made_end(&made, 0, i == 2);
        if (i == 1) {
            made.bytes.data[made.bytes.size - 2] = 7;
            buf_put_text(&made.bytes, "nothing");
        }
        assert_int_equal(zip_archive_begins(buf_bytes(&made.bytes)), i < 2);
        read_all(&came, buf_bytes(&made.bytes));
        expect(&came, "");
        assert_int_equal(came.begun, 0);
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

static void test_folders_are_no_files_and_empty_files_are(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};

    (void)state;
    zip_made_put(&made, &(struct zip_entry){.name = "folder/", .content = BYTES("")});
    zip_made_put(&made, &(struct zip_entry){.name = "folder/empty", .content = BYTES("")});
    zip_made_put(&made, &(struct zip_entry){.name = "folder/a", .content = BYTES("a")});
    zip_made_end(&made, 3, false);
    read_all(&came, buf_bytes(&made.bytes));
    expect(&came, "|a|");
    assert_int_equal(came.number_last, 3);
    buf_release(&came.text);
    zip_made_release(&made);
}

static struct bytes large_text(char **owned, size_t size)
{
    uint64_t state = 1;

    *owned = malloc(size);
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        (*owned)[i] = (char)('a' + (state >> 60));
    }
    return (struct bytes){*owned, size};
}

static void test_a_large_file_comes_in_pieces(void **state)
{
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};
        char *owned;
        struct bytes text = large_text(&owned, 3000001);

        zip_made_put(&made,
                     &(struct zip_entry){.name = "large", .content = text, .deflated = deflated});
        zip_made_end(&made, 1, false);
        read_all(&came, buf_bytes(&made.bytes));
        assert_int_equal(came.code, OK);
        assert_int_equal(came.text.size, text.size + 1);
        assert_memory_equal(came.text.data, text.data, text.size);
        assert_true(came.reads < 3000001 / 4096); /* not byte by byte */
        buf_release(&came.text);
        zip_made_release(&made);
        free(owned);
    }
}

static void test_so_many_files_and_no_more(void **state)
{
    (void)state;
    for (unsigned count = FILES_MAX; count <= FILES_MAX + 1; count++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};

        for (unsigned i = 0; i < count; i++)
            zip_made_put(&made, &(struct zip_entry){
                                    .name = "f", .content = BYTES("1"), .deflated = i % 2 == 0});
        zip_made_end(&made, count, false);
        read_all(&came, buf_bytes(&made.bytes));
        if (count > FILES_MAX) {
            expect_fault(&came, E_BODY_LARGE, "10001 files");
            assert_int_equal(came.begun, 0);
        } else {
            assert_int_equal(came.code, OK);
            assert_int_equal(came.ended, FILES_MAX);
        }
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

/* Over all files together; that of one which says less than it has is cut. */
static void test_so_many_bytes_and_no_more(void **state)
{
    enum { SIZE = 3000 };
    char text[SIZE];
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};

    (void)state;
    memset(text, 'x', SIZE);
    for (int i = 0; i < 2; i++)
        zip_made_put(&made, &(struct zip_entry){
                                .name = "f", .content = {text, SIZE / 2},
                                     .deflated = true
        });
    zip_made_end(&made, 2, false);
    for (uint64_t most = SIZE - 1; most <= SIZE + 1; most++) {
        read_with(&came, buf_bytes(&made.bytes), most);
        if (most < SIZE)
            expect_fault(&came, E_BODY_LARGE, "2999 bytes allowed");
        else
            assert_int_equal(came.code, OK);
        assert_true(came.text.size <= most + 2);
    }
    buf_release(&came.text);
    zip_made_release(&made);
}

static void test_a_bomb_is_refused_before_it_is_unpacked(void **state)
{
    enum { SIZE = 7 << 20 };
    char *text = calloc(1, SIZE);

    (void)state;
    for (int says_less = 0; says_less < 2; says_less++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};

        zip_made_put(&made, &(struct zip_entry){
                                .name = "bomb",
                                .content = {text, SIZE},
                                .deflated = true,
                                .size_said = says_less ? 100 : 0
        });
        zip_made_end(&made, 1, false);
        assert_true(made.bytes.size * RATIO_MAX < SIZE);
        read_all(&came, buf_bytes(&made.bytes));
        if (says_less)
            expect_fault(&came, E_BAD_COMPRESSION, "larger than the archive says");
        else
            expect_fault(&came, E_COMPRESSION_RATIO, "1000 times");
        assert_true(came.text.size <= 100);
        buf_release(&came.text);
        zip_made_release(&made);
    }
    free(text);
}

static void test_what_is_not_read_is_told_with_its_name(void **state)
{
    static const struct {
        struct zip_entry entry;
        enum code code;
        const char *text;
    } cases[] = {
        {{.content = BYTES("a"), .flags = 1},                        E_UNSUPPORTED_ENCODING, "it is encrypted"             },
        {{.content = BYTES("a"), .flags = 1 << 6},                   E_UNSUPPORTED_ENCODING, "it is encrypted"             },
        {{.content = BYTES("a"), .method = 9},                       E_UNSUPPORTED_ENCODING, "packed by method 9"          },
        {{.content = BYTES("a"), .method = 12},                      E_UNSUPPORTED_ENCODING, "packed by method 12"         },
        {{.content = BYTES("PK\3\4 and so on")},                     E_BAD_COMPRESSION,      "which is not entered"        },
        {{.content = BYTES("a"), .crc_other = 1},                    E_BAD_COMPRESSION,      "its checksum"                },
        {{.content = BYTES("ab"), .deflated = true, .size_said = 1},
         E_BAD_COMPRESSION,                                                                  "larger than the archive says"},
        {{.content = BYTES("ab"), .deflated = true, .size_said = 3},
         E_BAD_COMPRESSION,                                                                  "cut or damaged"              },
        {{.content = BYTES("ab"), .size_said = 3},                   E_BAD_COMPRESSION,      "cut or damaged"              },
        {{.content = BYTES("ab"), .size_said = 1},
         E_BAD_COMPRESSION,                                                                  "larger than the archive says"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct zip_entry entry = cases[i].entry;
        struct came came = {0};

        entry.name = "n\x1bot";
        zip_made_put(&made, &(struct zip_entry){.name = "fine", .content = BYTES("1")});
        zip_made_put(&made, &entry);
        zip_made_end(&made, 2, false);
        read_all(&came, buf_bytes(&made.bytes));
        expect_fault(&came, cases[i].code, cases[i].text);
        expect_fault(&came, cases[i].code, "file 2 of the archive, \"n…\": ");
        assert_int_equal(came.ended, 1);
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

static void make_two(struct zip_made *made)
{
    zip_made_put(made, &(struct zip_entry){.name = "one.xml",
                                           .content = BYTES("<a>1111111111111111</a>"),
                                           .deflated = true});
    zip_made_put(made, &(struct zip_entry){.name = "two.xml",
                                           .content = BYTES("<b>22</b>"),
                                           .deflated = true,
                                           .descriptor = true});
    zip_made_end(made, 2, false);
}

static void test_what_is_cut_anywhere_is_no_archive(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};

    (void)state;
    make_two(&made);
    for (size_t size = 0; size < made.bytes.size; size++) {
        read_all(&came, (struct bytes){made.bytes.data, size});
        if (came.code != E_BAD_COMPRESSION)
            fail_msg("cut at %zu: %d %s", size, came.code, came.err.text);
    }
    buf_release(&came.text);
    zip_made_release(&made);
}

/* Of any single bit: what comes is what was there, or it is no archive. */
static void test_a_bit_that_is_turned_changes_nothing_that_comes(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};
    size_t noticed = 0;

    (void)state;
    make_two(&made);
    for (size_t bit = 0; bit < 8 * made.bytes.size; bit++) {
        char *at = &made.bytes.data[bit / 8];

        *at = (char)(*at ^ (1 << bit % 8));
        read_all(&came, buf_bytes(&made.bytes));
        noticed += came.code != OK;
        if (came.code == OK &&
            !bytes_equal(buf_bytes(&came.text), BYTES("<a>1111111111111111</a>|<b>22</b>|")))
            fail_msg("bit %zu: %.*s", bit, BYTES_ARG(buf_bytes(&came.text)));
        *at = (char)(*at ^ (1 << bit % 8));
    }
    assert_true(noticed > 3 * made.bytes.size);
    buf_release(&came.text);
    zip_made_release(&made);
}

/* Fewer would be lost without a word. */
static void test_more_files_than_are_said_are_noticed(void **state)
{
    (void)state;
    for (uint64_t said = 0; said <= 3; said++) {
        struct zip_made made = ZIP_MADE_INIT;
        struct came came = {0};

        for (int i = 0; i < 2; i++)
            zip_made_put(&made, &(struct zip_entry){.name = "f", .content = BYTES("1")});
        zip_made_end(&made, said, false);
        read_all(&came, buf_bytes(&made.bytes));
        if (said == 2)
            expect(&came, "1|1|");
        else
            expect_fault(&came, E_BAD_COMPRESSION, "damaged");
        buf_release(&came.text);
        zip_made_release(&made);
    }
}

/* As bombs have it, whose files are all the same bytes. */
static void test_bytes_that_are_several_files_are_refused(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};
    struct buf twice = BUF_INIT(SIZE_MAX);
    char *owned;

    (void)state;
    zip_made_put(&made, &(struct zip_entry){.name = "f", .content = large_text(&owned, 1000)});
    buf_put(&twice, buf_bytes(&made.directory));
    buf_put(&made.directory, buf_bytes(&twice));
    zip_made_end(&made, 2, false);
    read_all(&came, buf_bytes(&made.bytes));
    expect_fault(&came, E_BAD_COMPRESSION, "file 2 of the archive");
    assert_int_equal(came.ended, 1);
    buf_release(&twice);
    buf_release(&came.text);
    zip_made_release(&made);
    free(owned);
}

static void test_a_disk_that_fails_is_no_damaged_archive(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {0};
    uint64_t reads;

    (void)state;
    make_two(&made);
    read_all(&came, buf_bytes(&made.bytes));
    reads = came.reads;
    for (came.fail_read = 1; came.fail_read <= reads; came.fail_read++) {
        read_all(&came, buf_bytes(&made.bytes));
        expect_fault(&came, E_IO, "the disk is broken");
    }
    read_all(&came, buf_bytes(&made.bytes));
    assert_int_equal(came.code, OK);
    buf_release(&came.text);
    zip_made_release(&made);
}

static void test_what_the_sink_says_ends_it(void **state)
{
    struct zip_made made = ZIP_MADE_INIT;
    struct came came = {.refuse = E_SYNTAX};

    (void)state;
    make_two(&made);
    read_all(&came, buf_bytes(&made.bytes));
    expect_fault(&came, E_SYNTAX, "file 1 of the archive, \"one.xml\": not this");
    assert_int_equal(came.begun, 1);
    assert_int_equal(came.ended, 0);
    buf_release(&came.text);
    zip_made_release(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_come_one_after_another),
        cmocka_unit_test(test_parts_that_say_nothing_take_no_reading_each),
        cmocka_unit_test(test_parts_that_reach_too_far_are_damage),
        cmocka_unit_test(test_an_empty_archive_has_no_files),
        cmocka_unit_test(test_folders_are_no_files_and_empty_files_are),
        cmocka_unit_test(test_a_large_file_comes_in_pieces),
        cmocka_unit_test(test_so_many_files_and_no_more),
        cmocka_unit_test(test_so_many_bytes_and_no_more),
        cmocka_unit_test(test_a_bomb_is_refused_before_it_is_unpacked),
        cmocka_unit_test(test_what_is_not_read_is_told_with_its_name),
        cmocka_unit_test(test_what_is_cut_anywhere_is_no_archive),
        cmocka_unit_test(test_a_bit_that_is_turned_changes_nothing_that_comes),
        cmocka_unit_test(test_more_files_than_are_said_are_noticed),
        cmocka_unit_test(test_bytes_that_are_several_files_are_refused),
        cmocka_unit_test(test_a_disk_that_fails_is_no_damaged_archive),
        cmocka_unit_test(test_what_the_sink_says_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
