#include "tests/unit/store/packs/pack_sample.h"

#include "store/block_reader.h"
#include "store/column_cache.h"

enum { SERIES = 4 };

/* A pack of one block. */
static struct pack *write_block(struct pack_fixture *fixture, struct block *block)
{
    struct pack_identity identity = {.tenant = BYTES("acme"), .number = 1};
    struct sample_series *series =
        sample_series_make(&fixture->arena, block->measurement, block->series_count);
    struct series_id *ids = sample_array(&fixture->arena, sizeof(*ids), block->series_count);
    struct pack_writer *writer;
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;
    struct pack *pack = NULL;

    for (uint32_t i = 0; i < block->series_count; i++)
        ids[i] = series[i].id;
    block->series = ids;
    assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, &err), OK);
    assert_int_equal(pack_writer_block(writer, block, NULL), OK);
    for (uint32_t i = 0; i < block->series_count; i++)
        assert_int_equal(pack_writer_series(writer, ids[i], series[i].key, NULL), OK);
    if (pack_writer_finish(writer, &summary, &bytes, &err) || pack_open_memory(bytes, &pack, &err))
        fail_msg("%s", err.text);
    free((void *)bytes.data);
    return pack;
}

static struct place place_of(const struct pack *pack)
{
    size_t count;

    return (struct place){.in_pack = true,
                          .row_count = pack_blocks(pack, &count)->row_count,
                          .settled = INT64_MIN,
                          .source = pack,
                          .detail = pack_blocks(pack, &count)};
}

static void same_header(const struct block_view *got, const struct block_view *want)
{
    assert_true(bytes_equal(got->measurement, want->measurement));
    assert_int_equal(got->row_count, want->row_count);
    assert_int_equal(got->series_count, want->series_count);
    assert_int_equal(got->column_count, want->column_count);
    assert_memory_equal(got->series, want->series, want->series_count * sizeof(*want->series));
    assert_memory_equal(got->series_row_first, want->series_row_first,
                        (want->series_count + 1) * sizeof(*want->series_row_first));
    assert_int_equal(got->time_first, want->time_first);
    assert_int_equal(got->ingest_last, want->ingest_last);
    assert_int_equal(got->times_unique, want->times_unique);
    for (uint32_t i = 0; i < want->column_count; i++) {
        assert_true(bytes_equal(got->columns[i].name, want->columns[i].name));
        assert_int_equal(got->columns[i].type, want->columns[i].type);
        assert_memory_equal(&got->columns[i].summary, &want->columns[i].summary,
                            sizeof(want->columns[i].summary));
    }
}

static void same_times(const int64_t *got, const int64_t *want, uint32_t count)
{
    assert_int_equal(got != NULL, want != NULL);
    if (want != NULL)
        assert_memory_equal(got, want, count * sizeof(*want));
}

static void same_cells(const struct block_column *want, const union cell *cells,
                       const uint8_t *present, uint32_t count)
{
    bool all = want->present == NULL || memchr(want->present, 0, count) == NULL;

    assert_int_equal(present == NULL, all);
    for (uint32_t i = 0; i < count; i++) {
        bool there = all || want->present[i];

        assert_true(all || present[i] == want->present[i]);
        if (there && want->type == TYPE_STRING)
            assert_true(bytes_equal(text_bytes(cells[i].text), text_bytes(want->cells[i].text)));
        else if (there && want->type != TYPE_RETRACTED)
            assert_int_equal(cells[i].u64, want->cells[i].u64);
    }
}

/* Reads all of it and compares with what was written.  Without a decoder nothing can be decoded:
 * texts are left out. */
static void read_all(struct pack_fixture *fixture, const struct place *place,
                     const struct block *block, struct column_cache *cache, bool decodes)
{
    struct block_decoder *decoder = decodes ? fixture->decoder : NULL;
    const int64_t *time = NULL, *ingest = NULL, *revision = NULL;
    struct block_reader reader, plain;
    const uint8_t *history = NULL;
    struct error err = {0};
    struct arena arena;

    arena_init(&arena, (size_t)1 << 30, NULL);
    if (block_reader_open(&plain, NULL, place, fixture->decoder, NULL, &arena, &err) ||
        block_reader_open(&reader, NULL, place, decoder, cache, &arena, &err) ||
        block_reader_time(&reader, &time, &err) || block_reader_ingest(&reader, &ingest, &err) ||
        block_reader_revision(&reader, &revision, &err) ||
        block_reader_history(&reader, &history, &err))
        fail_msg("%s", err.text);
    same_header(reader.block, plain.block);
    same_times(time, block->time, block->row_count);
    same_times(ingest, block->ingest, block->row_count);
    same_times(revision, block->revision, block->row_count);
    assert_int_equal(history != NULL, block->history != NULL);
    if (history != NULL)
        assert_memory_equal(history, block->history, block->row_count);
    for (uint32_t c = 0; c < block->column_count; c++) {
        const union cell *cells;
        const uint8_t *present;

        if (!decodes && block->columns[c].type == TYPE_STRING)
            continue;
        if (block_reader_column(&reader, c, &cells, &present, &err))
            fail_msg("%s", err.text);
        same_cells(&block->columns[c], cells, present, block->row_count);
    }
    assert_true(decodes || reader.bytes.size == 0);
    arena_release(&arena);
}

/* The third time all but texts come from the cache; pins end with the arena. */
static void test_parts_are_the_same_from_the_cache(void **state)
{
    static const struct sample_plan plans[] = {
        {"m000", SERIES, 700,  2, 0, 5, false, false},
        {"m001", SERIES, 700,  2, 3, 5, true,  true },
        {"m002", 1,      8192, 1, 2, 1, true,  false},
        {"m003", 1,      1,    1, 0, 1, false, false},
    };
    struct pack_fixture *fixture = *state;

    for (size_t p = 0; p < COUNT_OF(plans); p++) {
        struct block block = sample_block(&fixture->arena, &fixture->random, &plans[p]);
        uint8_t *history = sample_array(&fixture->arena, 1, block.row_count);
        struct column_cache *cache;
        struct column_cache_counts counts;
        struct place place;
        struct pack *pack;
        uint64_t empty;

        for (uint32_t i = 0; i < block.row_count; i++)
            history[i] = random_chance(&fixture->random, 4);
        block.history = p % 2 == 1 ? history : NULL;
        pack = write_block(fixture, &block);
        place = place_of(pack);
        assert_int_equal(column_cache_new(16 << 20, &cache, NULL), OK);
        empty = column_cache_counts(cache).bytes;
        pack_on_close(pack, column_cache_forget, cache);
        read_all(fixture, &place, &block, NULL, true);
        read_all(fixture, &place, &block, cache, true);
        assert_int_equal(column_cache_counts(cache).bytes, empty);
        read_all(fixture, &place, &block, cache, true);
        counts = column_cache_counts(cache);
        assert_true(counts.bytes > empty);
        assert_int_equal(counts.hits, 0);
        for (int again = 0; again < 3; again++)
            read_all(fixture, &place, &block, cache, false);
        assert_int_equal(column_cache_counts(cache).misses, counts.misses);
        assert_true(column_cache_counts(cache).hits > 0);
        pack_unref(pack); /* and with it all that was kept of it */
        assert_int_equal(column_cache_counts(cache).bytes, empty);
        column_cache_free(cache);
    }
    arena_release(&fixture->arena);
}

/* A cache that has room for some parts only. */
static void test_parts_are_the_same_beside_the_cache(void **state)
{
    static const struct sample_plan plan = {"m000", SERIES, 900, 3, 4, 5, true, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct pack *pack = write_block(fixture, &block);
    struct place place = place_of(pack);

    for (uint64_t most = 4 << 10; most < 600 << 10; most += 37 << 10) {
        struct column_cache *cache;

        assert_int_equal(column_cache_new(most, &cache, NULL), OK);
        for (int again = 0; again < 6; again++) {
            read_all(fixture, &place, &block, cache, true);
            assert_true(column_cache_counts(cache).bytes <= most);
        }
        column_cache_free(cache);
    }
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* A header alone tells as much, from the cache or not. */
static void test_headers(void **state)
{
    static const struct sample_plan plan = {"m000", 1, 900, 3, 4, 5, false, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    int64_t *times = sample_array(&fixture->arena, sizeof(*times), block.row_count);
    struct block_reader plain, reader;
    struct column_cache *cache;
    struct place place;
    struct pack *pack;

    for (uint32_t i = 0; i < block.row_count; i++)
        times[i] = 1000 + 10 * (int64_t)i;
    block.time = times;
    pack = write_block(fixture, &block);
    place = place_of(pack);
    assert_int_equal(column_cache_new(1 << 20, &cache, NULL), OK);
    for (int again = 0; again < 4; again++) {
        struct arena arena;

        arena_init(&arena, (size_t)1 << 30, NULL);
        assert_int_equal(block_reader_open(&plain, NULL, &place, NULL, NULL, &arena, NULL), OK);
        assert_int_equal(block_reader_open(&reader, NULL, &place, NULL, cache, &arena, NULL), OK);
        same_header(reader.block, plain.block);
        assert_int_equal(reader.step, 10);
        assert_int_equal(plain.step, 10);
        arena_release(&arena);
    }
    assert_int_equal(column_cache_counts(cache).hits, 2);
    column_cache_free(cache);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* One column of many is read without the others; for many, the whole block is at once. */
static void test_what_is_not_asked_for_is_not_read(void **state)
{
    static const struct sample_plan plan = {"m000", 1, 800, 6, 0, 5, false, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct pack *pack = write_block(fixture, &block);
    struct place place = place_of(pack);
    const struct pack_block *entry = place.detail;
    const size_t expected[] = {1, block.column_count / 4, block.column_count / 4 + 1,
                               block.column_count};

    for (size_t e = 0; e < COUNT_OF(expected); e++) {
        struct block_reader reader;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, (size_t)1 << 30, NULL);
        if (block_reader_open(&reader, NULL, &place, fixture->decoder, NULL, &arena, &err))
            fail_msg("%s", err.text);
        block_reader_expect(&reader, expected[e]);
        for (uint32_t c = 0; c < block.column_count; c++) {
            const union cell *cells;
            const uint8_t *present;

            if (block_reader_column(&reader, c, &cells, &present, &err))
                fail_msg("%s", err.text);
            same_cells(&block.columns[c], cells, present, block.row_count);
        }
        assert_int_equal(reader.bytes.size == entry->size, e >= 2);
        assert_true(e >= 2 || reader.bytes.size < entry->size / 4);
        arena_release(&arena);
    }
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* Where another block stands, its own checks are right, and it is not what the directory says. */
static void test_another_block_is_told(void **state)
{
    static const struct sample_plan plan = {"m000", 1, 800, 1, 0, 5, false, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct pack *pack = write_block(fixture, &block);
    struct place place = place_of(pack);
    struct pack_block entry = *(const struct pack_block *)place.detail;
    struct block_reader reader;
    struct error err = {0};

    pack->blocks[0].row_count--;
    assert_int_equal(
        block_reader_open(&reader, NULL, &place, fixture->decoder, NULL, &fixture->arena, &err),
        E_CORRUPT);
    assert_non_null(strstr(err.text, "not what the directory says"));
    pack->blocks[0] = entry;
    assert_int_equal(
        block_reader_open(&reader, NULL, &place, fixture->decoder, NULL, &fixture->arena, NULL),
        OK);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* What fails its check is told each time, and never kept: of the header when it is opened, of
 * anything else to whoever asks for it, and not to who reads another column apart. */
static void test_damage_is_told(void **state)
{
    static const struct sample_plan plan = {"m000", 1, 800, 6, 0, 5, false, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct pack *pack = write_block(fixture, &block);
    struct place place = place_of(pack);
    const struct pack_block *entry = place.detail;
    const struct {
        size_t at;
        bool opens;
    } damages[] = {
        {20,              false},
        {entry->size - 1, true },
    };

    for (size_t d = 0; d < COUNT_OF(damages); d++) {
        struct column_cache *cache;
        uint64_t empty;

        assert_int_equal(column_cache_new(1 << 20, &cache, NULL), OK);
        empty = column_cache_counts(cache).bytes;
        pack->memory[entry->offset + damages[d].at] ^= 1;
        for (int again = 0; again < 4; again++) {
            uint32_t last;
            struct block_reader reader;
            const union cell *cells;
            const uint8_t *present;
            struct error err = {0};
            struct arena arena;

            arena_init(&arena, (size_t)1 << 30, NULL);
            assert_int_equal(
                block_reader_open(&reader, NULL, &place, fixture->decoder, cache, &arena, &err),
                damages[d].opens ? OK : E_CORRUPT);
            if (damages[d].opens) {
                last = block.column_count - 1; /* what was retracted has no bytes */
                while (reader.block->columns[last].data.size == 0)
                    last--;
                assert_int_equal(block_reader_column(&reader, 0, &cells, &present, &err), OK);
                same_cells(&block.columns[0], cells, present, block.row_count);
                assert_int_equal(block_reader_column(&reader, last, &cells, &present, &err),
                                 E_CORRUPT);
            }
            assert_non_null(strstr(err.text, "acme/0000000000000001"));
            arena_release(&arena);
            if (!damages[d].opens)
                assert_int_equal(column_cache_counts(cache).bytes, empty);
        }
        pack->memory[entry->offset + damages[d].at] ^= 1;
        column_cache_free(cache);
    }
    pack_unref(pack);
    arena_release(&fixture->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_same_from_the_cache),
        cmocka_unit_test(test_parts_are_the_same_beside_the_cache),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_what_is_not_asked_for_is_not_read),
        cmocka_unit_test(test_another_block_is_told),
        cmocka_unit_test(test_damage_is_told),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
