#include "tests/unit/store/packs/pack_sample.h"

/* In no file, in one of one part, in one of several; with sections of several. */
static const struct pack_plan small = {2, 1, 10, 3, 2, 2, 10},
                              medium = {3, 10, 4096, 200, 3, 3, 10},
                              large = {3, 50, 4096, 200, 3, 3, 10},
                              sections = {1, 1, 10, 3, 2, 60, 65000}, none = {0, 0, 0, 0, 2, 1, 5};

static struct hash128 hash_of_file(struct pack_fixture *fixture, const char *path, uint64_t *size)
{
    struct file *file;
    struct hash128 hash;
    char *data;

    assert_int_equal(fs_open(fixture->fs, path, FS_READ, &file, NULL), OK);
    assert_int_equal(fs_size(file, size, NULL), OK);
    data = malloc((size_t)*size + 1);
    assert_non_null(data);
    assert_int_equal(fs_read_exactly(file, 0, data, (size_t)*size, NULL), OK);
    hash = hash128((struct bytes){data, (size_t)*size});
    free(data);
    fs_close(file);
    return hash;
}

static bool there(struct pack_fixture *fixture, const char *path)
{
    struct file *file;
    enum code code = fs_open(fixture->fs, path, FS_READ, &file, NULL);

    if (code == OK)
        fs_close(file);
    return code == OK;
}

static void test_a_small_pack_is_bytes_and_no_file(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct hash128 hash;

    assert_int_equal(sample_write(fixture, &small, "small.pack", &summary, &bytes, NULL), OK);
    assert_false(summary.in_file);
    assert_false(there(fixture, "small.pack"));
    assert_int_equal(summary.bytes, bytes.size);
    assert_true(bytes.size < PACK_INLINE_BYTES_MAX);
    hash = hash128(bytes);
    assert_memory_equal(&summary.hash, &hash, sizeof(hash));
    assert_int_equal(summary.row_count, 2 * (10 + 3 * 3));
    assert_int_equal(summary.block_count, 4);
    free((void *)bytes.data);
}

static void test_a_large_pack_is_a_file_of_the_hash_it_tells(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct hash128 hash;
    uint64_t size;

    assert_int_equal(sample_write(fixture, &large, "large.pack", &summary, &bytes, NULL), OK);
    assert_true(summary.in_file && !bytes.data && bytes.size == 0);
    hash = hash_of_file(fixture, "large.pack", &size);
    assert_int_equal(summary.bytes, size);
    assert_true(size > 2 * PACK_PART_BYTES_MAX);
    assert_memory_equal(&summary.hash, &hash, sizeof(hash));
    assert_int_equal(summary.row_count, 3 * (50 * 4096 + 200 * 3));
    assert_int_equal(summary.time_first, 1700000000000000000);
    assert_int_equal(summary.time_last, 1700000000000000000 + (50 * 4096 - 1) * 1000000000ll);
    arena_release(&fixture->arena);
}

/* Byte for byte what the file would be, of any size. */
static void test_a_pack_in_memory_is_what_the_file_would_be(void **state)
{
    static const struct pack_plan *const plans[] = {&small, &large, &sections, &none};
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        struct pack_summary in_file, in_memory;
        struct bytes bytes;
        struct hash128 hash;
        struct pack *pack;

        random_seed(&fixture->random, 11);
        assert_int_equal(sample_write(fixture, plans[i], "f.pack", &in_file, &bytes, NULL), OK);
        free((void *)bytes.data);
        random_seed(&fixture->random, 11);
        assert_int_equal(sample_write(fixture, plans[i], NULL, &in_memory, &bytes, NULL), OK);
        assert_false(in_memory.in_file);
        assert_int_equal(in_memory.bytes, bytes.size);
        assert_int_equal(in_memory.bytes, in_file.bytes);
        hash = hash128(bytes);
        assert_memory_equal(&in_memory.hash, &hash, sizeof(hash));
        assert_memory_equal(&in_memory.hash, &in_file.hash, sizeof(hash));
        assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
        pack_unref(pack);
        free((void *)bytes.data);
        arena_release(&fixture->arena);
    }
}

static void test_no_part_is_larger_than_its_limit_and_no_block_crosses_one(void **state)
{
    static const struct pack_plan *const plans[] = {&large, &sections};
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        struct pack_summary summary;
        struct bytes bytes, table;
        struct pack *pack;
        const struct pack_block *blocks;
        size_t count;
        char *data;

        assert_int_equal(sample_write(fixture, plans[i], "parts.pack", &summary, &bytes, NULL), OK);
        assert_int_equal(pack_open_file(fixture->fs, "parts.pack", &pack, NULL), OK);
        assert_int_equal(pack_read_section(pack, PACK_PARTS, &data, &table, NULL), OK);
        blocks = pack_blocks(pack, &count);
        assert_true(pack->footer.count[PACK_PARTS] > 2);
        for (size_t p = 0; p < pack->footer.count[PACK_PARTS]; p++) {
            struct pack_part part = pack_part_read(table, p);

            assert_in_range(part.size, 1, PACK_PART_BYTES_MAX);
            for (size_t b = 0; b < count; b++) {
                bool before = blocks[b].offset + blocks[b].size <= part.offset;
                bool behind = blocks[b].offset >= part.offset + part.size;
                bool inside = blocks[b].offset >= part.offset &&
                              blocks[b].offset + blocks[b].size <= part.offset + part.size;

                assert_true(before || behind || inside);
            }
        }
        free(data);
        pack_unref(pack);
        arena_release(&fixture->arena);
    }
}

static void test_the_same_rows_give_the_same_bytes(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary first, second;
    struct bytes bytes;

    random_seed(&fixture->random, 9);
    assert_int_equal(sample_write(fixture, &medium, "a.pack", &first, &bytes, NULL), OK);
    random_seed(&fixture->random, 9);
    assert_int_equal(sample_write(fixture, &medium, "b.pack", &second, &bytes, NULL), OK);
    assert_memory_equal(&first.hash, &second.hash, sizeof(first.hash));
    arena_release(&fixture->arena);
}

static void test_what_a_crash_left_is_replaced(void **state)
{
    struct pack_fixture *fixture = *state;
    struct bytes junk = BYTES("junk"), bytes;
    struct pack_summary summary;
    struct pack *pack;
    struct file *file;

    assert_int_equal(fs_open(fixture->fs, "left.pack", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, (uint64_t)64 << 20, &junk, 1, NULL), OK);
    fs_close(file);
    assert_int_equal(sample_write(fixture, &medium, "left.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "left.pack", &pack, NULL), OK);
    assert_int_equal(pack_check(pack, fixture->decoder, NULL), OK);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

static void test_a_pack_without_rows_holds_the_rest(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;

    assert_int_equal(sample_write(fixture, &none, "none.pack", &summary, &bytes, NULL), OK);
    assert_true(summary.row_count == 0 && summary.time_first == 0 && summary.time_last == 0);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    assert_int_equal(pack_check(pack, fixture->decoder, NULL), OK);
    pack_unref(pack);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

static void test_an_aborted_pack_leaves_no_file(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_identity identity = {
        .tenant = BYTES("acme"), .incarnation = {{0}}, .number = 1, .lsn_first = 1, .lsn_last = 1};
    static char noise[60000];
    struct pack_writer *writer;

    assert_int_equal(pack_writer_open(fixture->fs, "abort.pack", &identity, &writer, NULL), OK);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(pack_writer_note(writer, (struct bytes){noise, sizeof(noise)}, NULL), OK);
    assert_true(there(fixture, "abort.pack"));
    pack_writer_abort(writer);
    assert_false(there(fixture, "abort.pack"));
    pack_writer_abort(NULL);
}

/* The table of the file system under the fixture, with the nth call failing. */
static const struct fs_operations *real;
static struct fs_operations failing;
static unsigned calls_left;

static bool call_fails(void)
{
    return calls_left > 0 && --calls_left == 0;
}

static enum code failing_open(struct fs *fs, const char *path, enum fs_open_how how,
                              struct file **file, struct error *err)
{
    *file = NULL;
    return call_fails() ? error_set(err, E_IO, "open") : real->open(fs, path, how, file, err);
}

static enum code failing_write(struct file *file, uint64_t offset, const struct bytes *parts,
                               size_t count, struct error *err)
{
    return call_fails() ? error_set(err, E_DISK_FULL, "write")
                        : real->write(file, offset, parts, count, err);
}

static enum code failing_sync(struct file *file, struct error *err)
{
    return call_fails() ? error_set(err, E_IO, "sync") : real->sync(file, err);
}

static void test_every_failing_call_is_answered_and_leaves_no_file(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    enum code code = E_IO;
    unsigned nth = 0;

    real = fixture->fs->operations;
    failing = *real;
    failing.open = failing_open;
    failing.write = failing_write;
    failing.sync = failing_sync;
    fixture->fs->operations = &failing;
    while (code) {
        struct error err = {0};

        calls_left = ++nth;
        code = sample_write(fixture, &sections, "failing.pack", &summary, &bytes, &err);
        calls_left = 0;
        if (code && (err.code != code || !strstr(err.text, "failing.pack")))
            fail_msg("call %u: %s", nth, err.text);
        assert_int_equal(there(fixture, "failing.pack"), code == OK);
        arena_release(&fixture->arena);
    }
    fixture->fs->operations = real;
    assert_true(nth > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_pack_is_bytes_and_no_file),
        cmocka_unit_test(test_a_large_pack_is_a_file_of_the_hash_it_tells),
        cmocka_unit_test(test_a_pack_in_memory_is_what_the_file_would_be),
        cmocka_unit_test(test_no_part_is_larger_than_its_limit_and_no_block_crosses_one),
        cmocka_unit_test(test_the_same_rows_give_the_same_bytes),
        cmocka_unit_test(test_what_a_crash_left_is_replaced),
        cmocka_unit_test(test_a_pack_without_rows_holds_the_rest),
        cmocka_unit_test(test_an_aborted_pack_leaves_no_file),
        cmocka_unit_test(test_every_failing_call_is_answered_and_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
