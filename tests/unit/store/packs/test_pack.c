#include "tests/unit/golden.h"
#include "tests/unit/store/packs/pack_sample.h"

#include <unistd.h>

#include "codec/column_summary.h"

static const struct pack_plan small = {2, 3, 10, 5, 2, 2, 10}, large = {3, 40, 4096, 100, 3, 3, 10};

static struct bytes write_small(struct pack_fixture *fixture)
{
    struct pack_summary summary;
    struct bytes bytes;

    assert_int_equal(sample_write(fixture, &small, "x.pack", &summary, &bytes, NULL), OK);
    assert_false(summary.in_file);
    return bytes;
}

static void read_all(struct pack_fixture *fixture, const struct pack *pack)
{
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        struct block_view view;
        struct bytes encoded;

        if (pack_read_block(pack, NULL, &blocks[i], &fixture->arena, &encoded, &err) ||
            block_open(encoded, &fixture->arena, &view, &err))
            fail_msg("%s", err.text);
        assert_int_equal(view.row_count, blocks[i].row_count);
    }
}

static void test_a_pack_reads_alike_from_file_and_memory(void **state)
{
    struct pack_fixture *fixture = *state;
    struct bytes bytes = write_small(fixture);
    struct file *file;
    struct pack *memory, *disk;
    size_t count;

    assert_int_equal(fs_open(fixture->fs, "copy.pack", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &bytes, 1, NULL), OK);
    fs_close(file);
    assert_int_equal(pack_open_memory(bytes, &memory, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "copy.pack", &disk, NULL), OK);
    assert_string_equal(pack_name(memory), "acme/0000000000000011");
    assert_string_equal(pack_name(disk), "acme/0000000000000011");
    pack_blocks(memory, &count);
    assert_int_equal(count, 8);
    pack_blocks(disk, &count);
    assert_int_equal(count, 8);
    read_all(fixture, memory);
    read_all(fixture, disk);
    pack_unref(memory);
    pack_unref(disk);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

/* Also where it is longer than the first read: a shared block names its series. */
static void test_a_header_is_read_alone(void **state)
{
    static const struct pack_plan plan = {1, 10, 4096, 250, 0, 0, 0};
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;
    const struct pack_block *blocks;
    struct pack_file *file;
    size_t count;
    uint32_t most = 0;

    assert_int_equal(sample_write(fixture, &plan, "header.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "header.pack", &pack, NULL), OK);
    assert_int_equal(pack_file_open(pack, &file, NULL), OK);
    assert_true(pack_file_is_of(file, pack));
    blocks = pack_blocks(pack, &count);
    for (size_t i = 0; i < count; i++) {
        struct block_view view, whole;
        struct bytes header, encoded, again = BYTES("");
        struct error err = {0};

        if (pack_read_block_header(pack, file, &blocks[i], &fixture->arena, &header, &err) ||
            pack_read_block(pack, file, &blocks[i], &fixture->arena, &again, &err) ||
            block_open_header(header, blocks[i].size, &fixture->arena, &view, &err) ||
            pack_read_block(pack, NULL, &blocks[i], &fixture->arena, &encoded, &err) ||
            block_open(encoded, &fixture->arena, &whole, &err))
            fail_msg("%s", err.text);
        assert_true(header.size < encoded.size);
        assert_true(bytes_equal(again, encoded)); /* out of a file that is kept open */
        assert_int_equal(view.row_count, whole.row_count);
        for (uint32_t c = 0; c < whole.column_count; c++)
            assert_null(column_summary_differs(whole.columns[c].type, &view.columns[c].summary,
                                               &whole.columns[c].summary));
        most = block_header_size(header) > most ? block_header_size(header) : most;
    }
    assert_true(most > 4096);
    pack_file_close(file);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

struct waits {
    int begun, ended;
};

static void count_wait(void *context, bool waiting)
{
    struct waits *waits = context;

    *(waiting ? &waits->begun : &waits->ended) += 1;
}

static bool at_hand(struct file *file, uint64_t offset, void *data, size_t size)
{
    return fs_read_exactly(file, offset, data, size, NULL) == OK;
}

static bool at_the_disk(struct file *file, uint64_t offset, void *data, size_t size)
{
    (void)file, (void)offset, (void)data, (void)size;
    return false;
}

/* Whoever reads is told when a disk is waited for, and only then; parts of a block are its bytes.
 */
static void test_waits_for_a_disk_are_told(void **state)
{
    struct pack_fixture *fixture = *state;
    const struct fs_operations *operations = fixture->fs->operations;
    struct fs_operations told = *operations;
    struct waits waits = {0};
    const struct patience patience = {.wait = count_wait, .waiter = &waits};
    const struct pack_block *blocks;
    struct pack_summary summary;
    struct pack_file *file;
    struct bytes bytes, whole, part;
    struct pack *pack;
    size_t count;

    assert_int_equal(sample_write(fixture, &large, "wait.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "wait.pack", &pack, NULL), OK);
    blocks = pack_blocks(pack, &count);
    fixture->fs->operations = &told;
    assert_int_equal(pack_file_open(pack, &file, NULL), OK);
    pack_file_bear(file, &patience);
    told.read_at_once = at_hand;
    assert_int_equal(pack_read_block(pack, file, &blocks[0], &fixture->arena, &whole, NULL), OK);
    assert_int_equal(waits.begun, 0);
    told.read_at_once = at_the_disk;
    for (size_t size = 0; size <= blocks[0].size; size += blocks[0].size / 4) {
        size_t at = blocks[0].size - size;

        assert_int_equal(
            pack_read_block_part(pack, file, &blocks[0], at, size, &fixture->arena, &part, NULL),
            OK);
        assert_true(bytes_equal(part, bytes_slice(whole, at, at + size)));
        assert_true(waits.begun > 0);
        assert_int_equal(waits.begun, waits.ended);
    }
    pack_file_close(file);
    fixture->fs->operations = operations;
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* Who must not wait gets what is in memory, or is told that it is not. */
static void test_what_is_not_at_hand_is_not_waited_for(void **state)
{
    struct pack_fixture *fixture = *state;
    const struct fs_operations *operations = fixture->fs->operations;
    struct fs_operations told = *operations;
    struct waits waits = {0};
    const struct patience none = {.wait = count_wait, .waiter = &waits, .at_hand = true};
    const struct pack_block *blocks;
    struct pack_summary summary;
    struct pack_file *file;
    struct bytes bytes, whole;
    struct pack *pack;
    size_t count;

    assert_int_equal(sample_write(fixture, &large, "hand.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "hand.pack", &pack, NULL), OK);
    blocks = pack_blocks(pack, &count);
    fixture->fs->operations = &told;
    assert_int_equal(pack_file_open(pack, &file, NULL), OK);
    pack_file_bear(file, &none);
    told.read_at_once = at_hand;
    assert_int_equal(pack_read_block(pack, file, &blocks[0], &fixture->arena, &whole, NULL), OK);
    assert_int_equal(whole.size, blocks[0].size);
    told.read_at_once = at_the_disk;
    assert_int_equal(pack_read_block(pack, file, &blocks[0], &fixture->arena, &whole, NULL),
                     E_BUSY);
    assert_int_equal(waits.begun, 0);
    pack_file_close(file);
    fixture->fs->operations = operations;
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* A store has more packs than a process may have files open. */
static void test_an_open_pack_keeps_no_descriptor(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;
    int before, after;

    assert_int_equal(sample_write(fixture, &large, "free.pack", &summary, &bytes, NULL), OK);
    assert_true(summary.in_file);
    before = dup(0); /* the lowest that is free */
    assert_true(before >= 0);
    close(before);
    assert_int_equal(pack_open_file(fixture->fs, "free.pack", &pack, NULL), OK);
    read_all(fixture, pack);
    after = dup(0);
    assert_int_equal(after, before);
    close(after);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* What pack_find() gives, told by comparing with a walk of all blocks. */
static void test_blocks_are_found_by_series_and_time(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;
    const struct pack_block *blocks;
    size_t count;

    assert_int_equal(sample_write(fixture, &large, "find.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "find.pack", &pack, NULL), OK);
    blocks = pack_blocks(pack, &count);
    for (unsigned round = 0; round < 3000; round++) {
        const struct pack_block *near = &blocks[random_below(&fixture->random, count)], *got;
        struct bytes measurement =
            random_chance(&fixture->random, 10) ? BYTES("other") : near->measurement;
        struct series_id id =
            random_chance(&fixture->random, 2) ? near->series_first : near->series_last;
        int64_t start = near->time_first + (int64_t)random_below(&fixture->random, 9) - 4;
        int64_t end = start + (int64_t)random_below(&fixture->random, 20000000000000);
        size_t at = 0;

        id.low += random_below(&fixture->random, 3) - 1;
        for (size_t i = 0; i < count; i++) {
            if (!bytes_equal(blocks[i].measurement, measurement) ||
                series_id_compare(blocks[i].series_first, id) > 0 ||
                series_id_compare(blocks[i].series_last, id) < 0 || blocks[i].time_first >= end ||
                blocks[i].time_last < start)
                continue;
            got = pack_find(pack, measurement, id, start, end, &at);
            if (got != &blocks[i])
                fail_msg("round %u: block %zu was not found", round, i);
        }
        assert_null(pack_find(pack, measurement, id, start, end, &at));
        assert_null(pack_find(pack, measurement, id, start, end, &at));
    }
    pack_unref(pack);
    arena_release(&fixture->arena);
}

static void test_the_last_reference_closes(void **state)
{
    struct pack_fixture *fixture = *state;
    struct bytes bytes = write_small(fixture);
    struct pack *pack;

    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    free((void *)bytes.data); /* it was copied */
    assert_ptr_equal(pack_ref(pack), pack);
    pack_unref(pack);
    read_all(fixture, pack);
    pack_unref(pack);
    pack_unref(NULL);
    arena_release(&fixture->arena);
}

static void test_a_damaged_block_is_told_with_its_place(void **state)
{
    struct pack_fixture *fixture = *state;
    struct bytes bytes = write_small(fixture), encoded;
    struct error err = {0};
    const struct pack_block *blocks;
    struct pack *pack;
    size_t count;
    char want[200];

    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    blocks = pack_blocks(pack, &count);
    pack->memory[blocks[2].offset + 20] ^= 4;
    assert_int_equal(pack_read_block(pack, NULL, &blocks[1], &fixture->arena, &encoded, &err), OK);
    assert_int_equal(pack_read_block(pack, NULL, &blocks[2], &fixture->arena, &encoded, &err),
                     E_CORRUPT);
    snprintf(
        want, sizeof(want),
        "pack acme/0000000000000011: block 2 of 8 (m000) at byte %llu: %u bytes fail their CRC",
        (unsigned long long)blocks[2].offset, blocks[2].size);
    assert_string_equal(err.text, want);
    pack_unref(pack);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

static void test_no_cut_pack_opens(void **state)
{
    struct pack_fixture *fixture = *state;
    struct bytes bytes = write_small(fixture);
    struct pack *pack;

    for (size_t size = 0; size < bytes.size; size++) {
        struct error err = {0};

        if (pack_open_memory((struct bytes){bytes.data, size}, &pack, &err) != E_CORRUPT ||
            !err.text[0] || pack)
            fail_msg("%zu bytes of %zu: opened", size, bytes.size);
    }
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

static void test_a_missing_file_is_not_found(void **state)
{
    struct pack_fixture *fixture = *state;
    struct error err = {0};
    struct pack *pack;

    assert_int_equal(pack_open_file(fixture->fs, "nothing.pack", &pack, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "nothing.pack"));
    assert_null(pack);
}

static enum code count_entry(void *context, struct bytes entry, struct error *err)
{
    size_t *count = context;

    if (entry.size == 0 || ++*count == 100)
        return error_set(err, E_CANCELLED, "enough");
    return OK;
}

static void test_keys_tombstones_and_notes_are_walked(void **state)
{
    static const struct {
        enum pack_section section;
        size_t want;
    } cases[] = {
        {PACK_SERIES,     12},
        {PACK_TOMBSTONES, 2 },
        {PACK_NOTES,      2 }
    };
    struct pack_fixture *fixture = *state;
    struct bytes bytes = write_small(fixture);
    struct error err = {0};
    struct pack *pack;

    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0;

        assert_int_equal(pack_walk(pack, cases[i].section, count_entry, &count, NULL), OK);
        assert_int_equal(count, cases[i].want);
        count = 98;
        assert_int_equal(pack_walk(pack, cases[i].section, count_entry, &count, &err), E_CANCELLED);
    }
    assert_non_null(strstr(err.text, "notes: entry 1 of 2: enough"));
    pack_unref(pack);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

/* What the golden file holds, which must open and pass its check. */
static struct bytes golden_pack(const char *path, struct block_decoder *decoder)
{
    static char golden[PACK_INLINE_BYTES_MAX];
    size_t size = golden_read(path, golden, sizeof(golden));
    struct pack *pack;

    assert_int_equal(pack_open_memory((struct bytes){golden, size}, &pack, NULL), OK);
    assert_int_equal(pack_check(pack, decoder, NULL), OK);
    pack_unref(pack);
    return (struct bytes){golden, size};
}

/* tests/golden/pack/small_2.hex.  small.hex is from when blocks were of version 1. */
static void test_the_golden_pack_reads_as_it_was_written(void **state)
{
    static const char path[] = "tests/golden/pack/small_2.hex";
    struct pack_fixture *fixture = *state;
    struct bytes bytes;

    random_seed(&fixture->random, 21);
    bytes = write_small(fixture);
    golden_write_if_asked(path, bytes);
    (void)golden_pack("tests/golden/pack/small.hex", fixture->decoder);
    if (!bytes_equal(golden_pack(path, fixture->decoder), bytes))
        fail_msg("packs are written differently now; if that is meant, raise PACK_VERSION or say "
                 "in docs/formats/pack.md why readers do not mind, and add a golden file");
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pack_reads_alike_from_file_and_memory),
        cmocka_unit_test(test_a_header_is_read_alone),
        cmocka_unit_test(test_waits_for_a_disk_are_told),
        cmocka_unit_test(test_what_is_not_at_hand_is_not_waited_for),
        cmocka_unit_test(test_an_open_pack_keeps_no_descriptor),
        cmocka_unit_test(test_blocks_are_found_by_series_and_time),
        cmocka_unit_test(test_the_last_reference_closes),
        cmocka_unit_test(test_a_damaged_block_is_told_with_its_place),
        cmocka_unit_test(test_no_cut_pack_opens),
        cmocka_unit_test(test_a_missing_file_is_not_found),
        cmocka_unit_test(test_keys_tombstones_and_notes_are_walked),
        cmocka_unit_test(test_the_golden_pack_reads_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
