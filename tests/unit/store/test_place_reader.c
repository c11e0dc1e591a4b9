#include "tests/unit/store/packs/pack_sample.h"

#include "store/place_reader.h"

enum { SERIES = 80, SERIES_A_BLOCK = 40, PACKS = 3 };

static const struct bytes fields[] = {BYTES("field002"), BYTES("field000"), BYTES("nothing"),
                                      BYTES("field001")};

/* Packs of two shared blocks each, some rows with history, all types. */
struct shelf {
    struct pack_fixture *fixture;
    struct sample_series *series;
    struct pack *packs[PACKS];
    struct budget memory;
};

static void shelf_block(struct shelf *shelf, struct pack_writer *writer, uint32_t first)
{
    static const struct sample_plan plan = {"m000", SERIES_A_BLOCK, 3, 1, 5, 2, true, false};
    struct pack_fixture *fixture = shelf->fixture;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct series_id *ids = sample_array(&fixture->arena, sizeof(*ids), SERIES_A_BLOCK);
    uint8_t *history = sample_array(&fixture->arena, 1, block.row_count);

    for (uint32_t i = 0; i < SERIES_A_BLOCK; i++)
        ids[i] = shelf->series[first + i].id;
    for (uint32_t i = 0; i < block.row_count; i++)
        history[i] = random_chance(&fixture->random, 4);
    block.series = ids;
    block.history = history;
    assert_int_equal(pack_writer_block(writer, &block, NULL), OK);
}

static void shelf_init(struct shelf *shelf, struct pack_fixture *fixture)
{
    *shelf = (struct shelf){.fixture = fixture, .memory = {.bytes_max = 64 << 20}};
    shelf->series = sample_series_make(&fixture->arena, BYTES("m000"), SERIES);
    for (uint64_t p = 0; p < PACKS; p++) {
        struct pack_identity identity = {.tenant = BYTES("acme"), .number = p + 1};
        struct pack_writer *writer;
        struct pack_summary summary;
        struct bytes bytes;
        struct error err = {0};

        assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, &err), OK);
        shelf_block(shelf, writer, 0);
        shelf_block(shelf, writer, SERIES_A_BLOCK);
        for (uint32_t i = 0; i < SERIES; i++)
            assert_int_equal(
                pack_writer_series(writer, shelf->series[i].id, shelf->series[i].key, NULL), OK);
        if (pack_writer_finish(writer, &summary, &bytes, &err) ||
            pack_open_memory(bytes, &shelf->packs[p], &err))
            fail_msg("%s", err.text);
        free((void *)bytes.data);
    }
}

static void shelf_release(struct shelf *shelf)
{
    for (size_t p = 0; p < PACKS; p++)
        pack_unref(shelf->packs[p]);
    assert_int_equal(budget_used(&shelf->memory), 0);
    arena_release(&shelf->fixture->arena);
}

static struct place_reader *reader_new(struct shelf *shelf, size_t keep_bytes_max)
{
    struct place_reader *reader;

    assert_int_equal(place_reader_new(NULL, fields, COUNT_OF(fields), keep_bytes_max,
                                      &shelf->memory, &reader, NULL),
                     OK);
    return reader;
}

static struct place place_of(const struct shelf *shelf, size_t pack, uint32_t block, bool apart)
{
    size_t count;
    const struct pack_block *blocks = pack_blocks(shelf->packs[pack], &count);

    assert_int_equal(count, SERIES / SERIES_A_BLOCK);
    return (struct place){.in_pack = true,
                          .apart = apart,
                          .settled = INT64_MIN,
                          .source = shelf->packs[pack],
                          .detail = &blocks[block]};
}

static void same_column(const struct rows_column *a, const struct rows_column *b, uint32_t count)
{
    assert_int_equal(a->field, b->field);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->present != NULL, b->present != NULL);
    if (a->present)
        assert_memory_equal(a->present, b->present, count);
    for (uint32_t i = 0; i < count; i++) {
        if (a->type != TYPE_STRING)
            assert_int_equal(a->cells[i].u64, b->cells[i].u64);
        else if (!a->present || a->present[i])
            assert_true(bytes_equal(text_bytes(a->cells[i].text), text_bytes(b->cells[i].text)));
    }
}

static void same_rows(const struct rows *a, const struct rows *b)
{
    assert_int_equal(a->count, b->count);
    if (a->count == 0)
        return;
    assert_int_equal(a->column_count, b->column_count);
    assert_int_equal(a->revision != NULL, b->revision != NULL);
    for (uint32_t i = 0; i < a->count; i++) {
        assert_int_equal(a->time[i], b->time[i]);
        assert_int_equal(a->ingest[i], b->ingest[i]);
        assert_true(!a->revision || a->revision[i] == b->revision[i]);
    }
    for (uint32_t i = 0; i < a->column_count; i++)
        same_column(&a->columns[i], &b->columns[i], a->count);
}

/* Also while rows of blocks that gave way to others are still in use. */
static void test_rows_do_not_depend_on_what_is_kept(void **state)
{
    static const size_t keeps[] = {0, 1, 40 << 10, 8 << 20};
    struct shelf shelf;

    shelf_init(&shelf, *state);
    for (size_t k = 0; k < COUNT_OF(keeps); k++) {
        struct place_reader *reader = reader_new(&shelf, keeps[k]);
        struct arena kept, plain;
        struct {
            struct rows got, want;
        } each[400];
        size_t rows = 0;

        arena_init(&kept, 32 << 20, &shelf.memory);
        arena_init(&plain, (size_t)1 << 30, NULL);
        for (uint32_t i = 0; i < COUNT_OF(each); i++) { /* by id, then anyhow */
            uint32_t at = i < 300 ? i / PACKS % SERIES
                                  : (uint32_t)random_below(&shelf.fixture->random, SERIES);
            struct series series = {.id = shelf.series[at].id};
            uint32_t block = (at / SERIES_A_BLOCK + (i % 50 == 49)) % 2; /* some are not there */
            struct place place =
                place_of(&shelf, i % PACKS, block, random_chance(&shelf.fixture->random, 3));
            struct error err = {0};

            if (place_reader_read(reader, &place, &series, &kept, &each[i].got, &err) ||
                place_read(NULL, &place, &series, fields, COUNT_OF(fields), shelf.fixture->decoder,
                           &plain, &each[i].want, &err))
                fail_msg("%s", err.text);
            rows += each[i].got.count;
        }
        for (size_t i = 0; i < COUNT_OF(each); i++)
            same_rows(&each[i].got, &each[i].want);
        assert_true(rows > 800);
        assert_true(budget_used(&shelf.memory) - kept.used <= keeps[k]);
        assert_int_equal(budget_used(&shelf.memory) > kept.used, keeps[k] > 1);
        place_reader_free(reader);
        arena_release(&kept);
        arena_release(&plain);
    }
    shelf_release(&shelf);
}

/* A block that was damaged after it was decoded is not looked at again, until another one of its
 * pack was. */
static void test_a_block_is_decoded_once_for_the_series_it_shares(void **state)
{
    for (int keep = 0; keep < 2; keep++) {
        struct place_reader *reader;
        struct shelf shelf;
        struct place place, other;
        struct series first, next, far;
        struct arena arena;
        struct error err = {0};
        struct rows rows;

        shelf_init(&shelf, *state);
        reader = reader_new(&shelf, keep ? 1 << 20 : 0);
        arena_init(&arena, 1 << 20, &shelf.memory);
        first = (struct series){.id = shelf.series[0].id};
        next = (struct series){.id = shelf.series[1].id};
        far = (struct series){.id = shelf.series[SERIES - 1].id};
        place = place_of(&shelf, 0, 0, false);
        other = place_of(&shelf, 0, 1, false);
        assert_int_equal(place_reader_read(reader, &place, &first, &arena, &rows, NULL), OK);
        shelf.packs[0]->memory[((const struct pack_block *)place.detail)->offset + 20] ^= 4;
        assert_int_equal(place_reader_read(reader, &place, &next, &arena, &rows, &err),
                         keep ? OK : E_CORRUPT);
        assert_int_equal(place_reader_read(reader, &other, &far, &arena, &rows, NULL), OK);
        assert_int_equal(rows.count, 3);
        assert_int_equal(place_reader_read(reader, &place, &next, &arena, &rows, &err), E_CORRUPT);
        assert_non_null(strstr(err.text, "pack acme/0000000000000001"));
        assert_int_equal(place_reader_read(reader, &other, &far, &arena, &rows, NULL), OK);
        place_reader_free(reader);
        arena_release(&arena);
        shelf_release(&shelf);
    }
}

/* Memory that runs out is told, and nothing is left behind. */
static void test_too_little_memory_is_told(void **state)
{
    struct shelf shelf;
    bool done = false;

    shelf_init(&shelf, *state);
    for (size_t bytes_max = 0; !done; bytes_max += 4096) {
        struct series series = {.id = shelf.series[1].id};
        struct place place = place_of(&shelf, 1, 0, true);
        struct place_reader *reader;
        struct arena arena;
        struct rows rows;
        enum code code;

        shelf.memory.bytes_max = bytes_max;
        reader = reader_new(&shelf, 8 << 20);
        arena_init(&arena, 1 << 20, &shelf.memory);
        code = place_reader_read(reader, &place, &series, &arena, &rows, NULL);
        done = code == OK;
        if (!done && code != E_MEMORY && code != E_QUERY_MEMORY)
            fail_msg("%zu bytes: %s", bytes_max, code_row(code)->slug);
        place_reader_free(reader);
        arena_release(&arena);
        assert_int_equal(budget_used(&shelf.memory), 0);
        assert_true(bytes_max < 8 << 20);
    }
    shelf_release(&shelf);
}

static void test_times_of_single_rows(void **state)
{
    struct place_reader *reader;
    struct shelf shelf;

    shelf_init(&shelf, *state);
    reader = reader_new(&shelf, 0);
    for (uint32_t i = 0; i < 200; i++) {
        struct place place = place_of(&shelf, i / 3 % PACKS, i / 5 % 2, false);
        const int64_t *times = NULL;
        struct error err = {0};
        struct arena arena;
        int64_t time;
        uint32_t row;

        arena_init(&arena, 32 << 20, NULL);
        place.row_count = ((const struct pack_block *)place.detail)->row_count;
        row = (uint32_t)random_below(&shelf.fixture->random, place.row_count);
        if (place_reader_time(reader, &place, row, &time, &err) ||
            place_times(NULL, &place, shelf.fixture->decoder, &arena, &times, &err))
            fail_msg("%s", err.text);
        assert_int_equal(time, times[row]);
        arena_release(&arena);
    }
    place_reader_free(reader);
    shelf_release(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_do_not_depend_on_what_is_kept),
        cmocka_unit_test(test_a_block_is_decoded_once_for_the_series_it_shares),
        cmocka_unit_test(test_too_little_memory_is_told),
        cmocka_unit_test(test_times_of_single_rows),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
