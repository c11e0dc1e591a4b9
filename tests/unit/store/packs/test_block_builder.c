#include "store/packs/block_builder.h"

#include "tests/unit/store/store_sample.h"

enum { SEED = 1, SERIES_MAX = 400, CELLS_MAX = SAMPLE_FIELDS_MAX };

/* A row as a block must have it. */
struct naive_row {
    struct series_id series;
    int64_t time, revision, ingest;
    const struct run *run;
    uint32_t row;
};

struct ground {
    struct arena arena, request;
    struct tenant tenant;
    struct series series[SERIES_MAX];
    struct generation *generation;
    struct block_builder *builder;
    struct random random;
    int64_t ingest;
    struct batch batch;
    /* What comes out. */
    struct naive_row *rows;
    size_t row_count, taken;
    size_t blocks, fail_at;
    uint32_t block_rows[1000], block_series[1000], block_columns[1000];
};

static int open_ground(void **state)
{
    struct ground *ground = calloc(1, sizeof(*ground));

    if (!ground)
        return -1;
    arena_init(&ground->arena, SIZE_MAX, NULL);
    arena_init(&ground->request, SIZE_MAX, NULL);
    ground->tenant = (struct tenant){.name = BYTES("default")};
    random_seed(&ground->random, SEED);
    for (uint32_t i = 0; i < SERIES_MAX; i++)
        sample_series_init(&ground->arena, &ground->tenant, "cpu", i, i, &ground->series[i]);
    *state = ground;
    return generation_new(&ground->generation, NULL) == OK &&
                   block_builder_new(&ground->builder, NULL) == OK
               ? 0
               : -1;
}

static int close_ground(void **state)
{
    struct ground *ground = *state;

    free(ground->rows);
    block_builder_free(ground->builder);
    generation_unref(ground->generation);
    arena_release(&ground->arena);
    arena_release(&ground->request);
    free(ground);
    return 0;
}

static int naive_order(const void *a, const void *b)
{
    const struct naive_row *left = a, *right = b;
    int64_t left_version = left->revision == INT64_MIN ? left->ingest : left->revision;
    int64_t right_version = right->revision == INT64_MIN ? right->ingest : right->revision;
    int order = series_id_compare(left->series, right->series);

    if (order != 0)
        return order;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    if (left_version != right_version)
        return left_version < right_version ? -1 : 1;
    return left->ingest < right->ingest ? -1 : left->ingest > right->ingest;
}

static void naive_make(struct ground *ground)
{
    ground->rows = calloc(ground->generation->row_count + 1, sizeof(*ground->rows));
    assert_non_null(ground->rows);
    ground->row_count = 0;
    for (size_t i = 0; i < ground->generation->chain_count; i++) {
        const struct chain *chain = ground->generation->chains[i];

        for (const struct run *run = chain->first; run != NULL; run = run->next)
            for (uint32_t r = 0; r < run->count; r++)
                ground->rows[ground->row_count++] =
                    (struct naive_row){chain->series->id,
                                       run->time[r],
                                       run->revision == NULL ? INT64_MIN : run->revision[r],
                                       run->ingest[r],
                                       run,
                                       r};
    }
    qsort(ground->rows, ground->row_count, sizeof(*ground->rows), naive_order);
}

/* The row's cells are those of the block's columns, and no others. */
static void compare_cells(const struct block *block, uint32_t row, const struct naive_row *want)
{
    const struct shape *shape = want->run->shape;
    uint32_t seen = 0;

    for (uint32_t c = 0; c < block->column_count; c++) {
        const struct block_column *column = &block->columns[c];
        uint32_t f = seen; /* both are sorted alike */

        if (column->present != NULL && column->present[row] == 0) {
            assert_int_equal(column->cells[row].u64, 0);
            continue;
        }
        while (f < shape->field_count && !(shape->fields[f].type == column->type &&
                                           bytes_equal(shape->fields[f].name, column->name)))
            f++;
        if (f == shape->field_count)
            fail_msg("a cell that the row does not have");
        if (column->type == TYPE_STRING)
            assert_ptr_equal(column->cells[row].text, want->run->columns[f][want->row].text);
        else
            assert_int_equal(column->cells[row].u64, want->run->columns[f][want->row].u64);
        seen++;
    }
    assert_int_equal(seen, shape->field_count);
}

static void check_columns(const struct block *block)
{
    for (uint32_t c = 0; c < block->column_count; c++) {
        const struct block_column *column = &block->columns[c], *before = column - 1;

        if (c > 0 && bytes_compare(before->name, column->name) >= 0 &&
            !(bytes_equal(before->name, column->name) && before->type < column->type))
            fail_msg("columns are out of order");
        if (column->present == NULL)
            continue;
        if (memchr(column->present, 1, block->row_count) == NULL)
            fail_msg("a column without a cell");
        if (memchr(column->present, 0, block->row_count) == NULL)
            fail_msg("a full column that has a map");
    }
}

static enum code take(void *context, const struct block *block, struct error *err)
{
    struct ground *ground = context;

    assert_true(block->row_count > 0 && block->row_count <= BLOCK_ROWS_MAX);
    assert_true(bytes_equal(block->measurement, BYTES("cpu")));
    assert_int_equal(block->series_row_first[0], 0);
    assert_int_equal(block->series_row_first[block->series_count], block->row_count);
    check_columns(block);
    for (uint32_t s = 0; s < block->series_count; s++) {
        assert_true(block->series_row_first[s] < block->series_row_first[s + 1]);
        assert_true(s == 0 || series_id_compare(block->series[s - 1], block->series[s]) < 0);
        for (uint32_t r = block->series_row_first[s]; r < block->series_row_first[s + 1]; r++) {
            const struct naive_row *want = &ground->rows[ground->taken++];

            assert_true(ground->taken <= ground->row_count);
            assert_int_equal(series_id_compare(block->series[s], want->series), 0);
            assert_int_equal(block->time[r], want->time);
            assert_int_equal(block->ingest[r], want->ingest);
            assert_int_equal(block->revision == NULL ? INT64_MIN : block->revision[r],
                             want->revision);
            compare_cells(block, r, want);
        }
    }
    ground->block_rows[ground->blocks] = block->row_count;
    ground->block_series[ground->blocks] = block->series_count;
    ground->block_columns[ground->blocks++] = block->column_count;
    assert_true(ground->blocks < COUNT_OF(ground->block_rows));
    return ground->blocks == ground->fail_at ? error_set(err, E_DISK_FULL, "full") : OK;
}

static int chain_order(const void *a, const void *b)
{
    return series_id_compare((*(struct chain *const *)a)->series->id,
                             (*(struct chain *const *)b)->series->id);
}

static enum code build(struct ground *ground)
{
    struct generation *generation = ground->generation;
    enum code code = OK;

    naive_make(ground);
    ground->taken = ground->blocks = 0;
    if (generation->chain_count > 0)
        qsort(generation->chains, generation->chain_count, sizeof(struct chain *), chain_order);
    block_builder_begin(ground->builder, BYTES("cpu"), take, ground);
    for (size_t i = 0; code == OK && i < generation->chain_count; i++)
        code = block_builder_chain(ground->builder, generation->chains[i], NULL);
    if (code == OK)
        code = block_builder_end(ground->builder, NULL);
    if (code == OK)
        assert_int_equal(ground->taken, ground->row_count);
    else
        block_builder_reset(ground->builder);
    return code;
}

/* One row of the series in the request at hand. */
static void put(struct ground *ground, uint32_t series, int64_t time, int64_t revision,
                const enum value_type *types, uint32_t first_field, uint32_t count)
{
    static struct sample_cell cells[CELLS_MAX];
    static char names[CELLS_MAX][8];

    for (uint32_t f = 0; f < count; f++) {
        size_t size = (size_t)snprintf(names[f], 8, "f%04u", (first_field + f) % 10000);
        enum value_type type = types == NULL ? TYPE_I64 : types[f];

        cells[f] = (struct sample_cell){
            {names[f], size},
            type, {.u64 = random_next(&ground->random)       }
        };
        if (type == TYPE_STRING)
            cells[f].cell.text =
                sample_text(&ground->request, names[f], (size_t)random_below(&ground->random, 6));
        if (type == TYPE_RETRACTED || type == TYPE_BOOL)
            cells[f].cell.u64 = 0;
    }
    sample_row(&ground->batch, &ground->series[series], time, revision, cells, count);
}

static void begin(struct ground *ground)
{
    batch_init(&ground->batch, &ground->request, 10);
}

static void apply(struct ground *ground)
{
    assert_int_equal(generation_apply(ground->generation, &ground->batch, ++ground->ingest, NULL),
                     OK);
    batch_release(&ground->batch);
    arena_release(&ground->request);
}

/* `rows` rows of one field. */
static void fill(struct ground *ground, uint32_t series, uint32_t rows, bool ascending)
{
    begin(ground);
    for (uint32_t r = 0; r < rows; r++)
        put(ground, series, ascending ? r : rows - r, INT64_MIN, NULL, 0, 1);
    apply(ground);
}

static void test_blocks_are_cut_where_rows_are_enough(void **state)
{
    static const struct {
        const char *name;
        uint32_t rows[4]; /* of series in order of id */
        uint32_t want_rows[6], want_series[6];
    } cases[] = {
        {"sparse ones share",          {255, 255, 255},  {765},            {3}         },
        {"256 stand alone",            {255, 256, 255},  {255, 256, 255},  {1, 1, 1}   },
        {"257 stand alone",            {257, 1},         {257, 1},         {1, 1}      },
        {"8191 are a block",           {8191},           {8191},           {1}         },
        {"8192 are a block",           {8192},           {8192},           {1}         },
        {"8193 are two",               {8193},           {8192, 1},        {1, 1}      },
        {"nothing joins a dense rest", {8193, 3, 4},     {8192, 1, 7},     {1, 1, 2}   },
        {"the last one may be sparse", {1, 300, 2, 300}, {1, 300, 2, 300}, {1, 1, 1, 1}},
        {"two blocks",                 {16384},          {8192, 8192},     {1, 1}      },
        {"nothing",                    {0},              {0},              {0}         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases) * 2; i++) {
        size_t c = i / 2, blocks = 0;
        uint32_t order[4] = {0, 1, 2, 3};
        struct ground *ground;
        void *opened;

        assert_int_equal(open_ground(&opened), 0);
        ground = opened;
        for (int a = 0; a < 4; a++) /* the four series ascending by id */
            for (int b = a + 1; b < 4; b++)
                if (series_id_compare(ground->series[order[b]].id, ground->series[order[a]].id) <
                    0) {
                    uint32_t swapped = order[a];

                    order[a] = order[b];
                    order[b] = swapped;
                }
        for (uint32_t s = 0; s < 4; s++)
            if (cases[c].rows[s] > 0)
                fill(ground, order[s], cases[c].rows[s], i % 2 == 0);
        assert_int_equal(build(ground), OK);
        while (blocks < 6 && cases[c].want_rows[blocks] > 0) {
            if (blocks >= ground->blocks ||
                ground->block_rows[blocks] != cases[c].want_rows[blocks] ||
                ground->block_series[blocks] != cases[c].want_series[blocks])
                fail_msg("%s: block %zu", cases[c].name, blocks);
            blocks++;
        }
        if (blocks != ground->blocks)
            fail_msg("%s: %zu blocks", cases[c].name, ground->blocks);
        close_ground(&opened);
    }
}

/* 4096 rows, half of what one series may have. */
static void test_sparse_series_share_no_more_than_a_block(void **state)
{
    struct ground *ground = *state;

    for (uint32_t s = 0; s < 100; s++)
        fill(ground, s, 100, true);
    assert_int_equal(build(ground), OK);
    assert_int_equal(ground->blocks, 3); /* 40 series of 100 rows each fit */
    assert_int_equal(ground->block_rows[0], 4000);
    assert_int_equal(ground->block_rows[1], 4000);
    assert_int_equal(ground->block_rows[2], 2000);
}

/* Of a series whose fields change where a block is full, the old block does not get the new
 * columns. */
static void test_a_full_block_has_only_columns_of_its_rows(void **state)
{
    struct ground *ground = *state;

    fill(ground, 0, BLOCK_ROWS_MAX, true);
    begin(ground);
    put(ground, 0, BLOCK_ROWS_MAX + 1, INT64_MIN, NULL, 7, 3);
    apply(ground);
    assert_int_equal(build(ground), OK);
    assert_int_equal(ground->blocks, 2);
    assert_int_equal(ground->block_columns[0], 1);
    assert_int_equal(ground->block_columns[1], 3);
}

static void test_many_columns_make_smaller_blocks(void **state)
{
    struct ground *ground = *state;

    begin(ground);
    for (uint32_t r = 0; r < 1200; r++)
        put(ground, 0, r, INT64_MIN, NULL, 0, 1000);
    apply(ground);
    assert_int_equal(build(ground), OK);
    assert_true(ground->blocks >= 3);
    for (size_t i = 0; i < ground->blocks; i++)
        assert_true(ground->block_rows[i] * ground->block_columns[i] <= 512 * 1024);
}

static void test_long_strings_make_smaller_blocks(void **state)
{
    static char data[64 * 1024];
    struct ground *ground = *state;
    size_t texts = 0;

    memset(data, 'x', sizeof(data));
    begin(ground);
    for (uint32_t r = 0; r < 100; r++) {
        struct sample_cell cell = {BYTES("s"), TYPE_STRING, {0}};

        cell.cell.text = sample_text(&ground->request, data, sizeof(data));
        sample_row(&ground->batch, &ground->series[0], 100 - r, INT64_MIN, &cell, 1);
    }
    apply(ground);
    assert_int_equal(build(ground), OK);
    for (size_t i = 0; i < ground->blocks; i++) {
        assert_true(ground->block_rows[i] <= 8); /* 512 KiB */
        texts += ground->block_rows[i];
    }
    assert_int_equal(texts, 100);
}

/* Random rows of random shapes, times and revisions, in any order, against a plain sort. */
static void test_any_rows_come_out_as_a_plain_sort_gives_them(void **state)
{
    static const enum value_type all[] = {TYPE_F64,  TYPE_I64,    TYPE_U64,
                                          TYPE_BOOL, TYPE_STRING, TYPE_RETRACTED};

    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 30; seed++) {
        struct ground *ground;
        struct random *random;
        void *opened;
        uint32_t series_count, requests;

        assert_int_equal(open_ground(&opened), 0);
        ground = opened;
        random = &ground->random;
        random_seed(random, seed);
        series_count = 1 + (uint32_t)random_below(random, random_chance(random, 3) ? 300 : 4);
        requests = 20 + (uint32_t)random_below(random, 60);
        for (uint32_t q = 0; q < requests; q++) {
            uint32_t rows = 1 + (uint32_t)random_below(random, 200);

            begin(ground);
            for (uint32_t r = 0; r < rows; r++) {
                enum value_type types[8];
                uint32_t fields = 1 + (uint32_t)random_below(random, 4);
                int64_t claim =
                    random_chance(random, 4) ? (int64_t)random_below(random, 100) : INT64_MIN;

                for (uint32_t f = 0; f < fields; f++)
                    types[f] = all[random_below(random, COUNT_OF(all))];
                /* A series has a time once in a request. */
                put(ground, (uint32_t)random_below(random, series_count),
                    (int64_t)(random_below(random, 500) * 1000 + r),
                    seed % 3 == 0 ? INT64_MIN : claim, seed % 2 == 0 ? NULL : types,
                    (uint32_t)random_below(random, 3), fields);
            }
            apply(ground);
        }
        assert_true(generation_check(ground->generation));
        assert_int_equal(build(ground), OK);
        close_ground(&opened);
    }
}

static void test_after_a_failure_it_begins_anew(void **state)
{
    struct ground *ground = *state;

    fill(ground, 0, 9000, true);
    fill(ground, 1, 300, false);
    fill(ground, 2, 3, false);
    for (ground->fail_at = 1; ground->fail_at <= 4; ground->fail_at++) {
        assert_int_equal(build(ground), E_DISK_FULL);
        free(ground->rows);
    }
    ground->fail_at = 0;
    assert_int_equal(build(ground), OK);
    assert_int_equal(ground->blocks, 4);
}

/* --- slices --- */

/* What the slices were, in one piece, and how far the blocks have come. */
struct sliced {
    struct ground *ground;
    const struct rows *rows;
    const struct bytes *names;
    const uint8_t *history;
    uint32_t taken;
    size_t blocks, cells_most, texts_most;
    bool any_history, any_revision;
};

static void compare_sliced(const struct sliced *sliced, const struct block *block, uint32_t row,
                           uint32_t want)
{
    const struct rows *rows = sliced->rows;
    uint32_t seen = 0, wanted = 0, f = 0;

    for (uint32_t c = 0; c < rows->column_count; c++)
        wanted += rows->columns[c].present == NULL || rows->columns[c].present[want];
    for (uint32_t c = 0; c < block->column_count; c++) {
        const struct block_column *column = &block->columns[c];

        if (column->present != NULL && column->present[row] == 0)
            continue;
        while (f < rows->column_count &&
               !(rows->columns[f].type == column->type &&
                 bytes_equal(sliced->names[rows->columns[f].field], column->name)))
            f++;
        assert_true(f < rows->column_count);
        assert_true(rows->columns[f].present == NULL || rows->columns[f].present[want]);
        if (column->type == TYPE_STRING) {
            const struct text *have = column->cells[row].text;
            const struct text *text = rows->columns[f].cells[want].text;

            assert_int_equal(have->size, text->size);
            assert_memory_equal(have->data, text->data, text->size);
        } else {
            assert_int_equal(column->cells[row].u64, rows->columns[f].cells[want].u64);
        }
        f++; /* both are sorted alike */
        seen++;
    }
    assert_int_equal(seen, wanted);
}

static enum code take_sliced(void *context, const struct block *block, struct error *err)
{
    struct sliced *sliced = context;
    size_t cells = (size_t)block->row_count * block->column_count, texts = 0;

    (void)err;
    check_columns(block);
    for (uint32_t row = 0; row < block->row_count; row++) {
        uint32_t want = sliced->taken++;

        assert_true(want < sliced->rows->count);
        assert_int_equal(block->time[row], sliced->rows->time[want]);
        assert_int_equal(block->ingest[row], sliced->rows->ingest[want]);
        assert_true((block->revision == NULL ? INT64_MIN : block->revision[row]) ==
                    (sliced->rows->revision == NULL ? INT64_MIN : sliced->rows->revision[want]));
        assert_int_equal(block->history == NULL ? 0 : block->history[row],
                         sliced->history == NULL ? 0 : sliced->history[want]);
        compare_sliced(sliced, block, row, want);
        for (uint32_t c = 0; c < block->column_count; c++)
            if (block->columns[c].type == TYPE_STRING &&
                (block->columns[c].present == NULL || block->columns[c].present[row]))
                texts += block->columns[c].cells[row].text->size;
    }
    sliced->any_history |= block->history != NULL;
    sliced->any_revision |= block->revision != NULL;
    sliced->cells_most = cells > sliced->cells_most ? cells : sliced->cells_most;
    sliced->texts_most = texts > sliced->texts_most ? texts : sliced->texts_most;
    sliced->blocks++;
    return OK;
}

/* `count` rows of columns of the types, every `gap`-th cell absent (0: none). */
static struct rows rows_make(struct ground *ground, uint32_t count, const enum value_type *types,
                             uint32_t column_count, uint32_t gap, size_t text_size)
{
    struct arena *arena = &ground->arena;
    int64_t *time = arena_array(arena, sizeof(*time), count);
    int64_t *ingest = arena_array(arena, sizeof(*ingest), count);
    struct rows_column *columns = arena_array(arena, sizeof(*columns), column_count);
    char *data = arena_array(arena, 1, text_size + 1);

    memset(data, 'x', text_size);
    for (uint32_t i = 0; i < count; i++) {
        time[i] = i;
        ingest[i] = 1000 + i % 7;
    }
    for (uint32_t c = 0; c < column_count; c++) {
        union cell *cells = arena_array(arena, sizeof(*cells), count);
        uint8_t *present = gap == 0 ? NULL : arena_array(arena, 1, count);

        for (uint32_t i = 0; i < count; i++) {
            if (present != NULL)
                present[i] = (i + c) % gap != 0;
            if (present != NULL && !present[i])
                continue;
            if (types[c] == TYPE_STRING)
                cells[i].text = sample_text(arena, data, text_size);
            else if (types[c] != TYPE_RETRACTED)
                cells[i].u64 = random_next(&ground->random);
        }
        columns[c] = (struct rows_column){c, types[c], cells, present};
    }
    return (struct rows){count, time, ingest, NULL, columns, column_count};
}

static const struct bytes *names_make(struct ground *ground, uint32_t count)
{
    struct bytes *names = arena_array(&ground->arena, sizeof(*names), count);

    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        size_t size = (size_t)snprintf(name, sizeof(name), "f%05u", i);

        names[i] = arena_copy(&ground->arena, (struct bytes){name, size});
    }
    return names;
}

/* Rows given in slices of any length come out in order, in as few blocks as they fit. */
static void test_slices_come_out_as_they_went_in(void **state)
{
    static const enum value_type all[] = {TYPE_F64,  TYPE_I64,    TYPE_U64,
                                          TYPE_BOOL, TYPE_STRING, TYPE_RETRACTED};
    static const struct {
        const char *name;
        uint32_t rows, columns, gap;
        size_t text_size, blocks;
    } cases[] = {
        {"a row",                 1,    6, 0, 3,     1 },
        {"a full block",          8192, 4, 0, 3,     1 },
        {"one row more",          8193, 4, 0, 3,     2 },
        {"cells that are absent", 9000, 6, 3, 3,     2 },
        {"long texts",            100,  5, 0, 65536, 13},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ground *ground = *state;
        struct rows rows = rows_make(ground, cases[i].rows, all, cases[i].columns, cases[i].gap,
                                     cases[i].text_size);
        int64_t *revision = arena_array(&ground->arena, sizeof(*revision), cases[i].rows);
        uint8_t *history = arena_array(&ground->arena, 1, cases[i].rows);
        struct sliced sliced = {
            ground, &rows, names_make(ground, cases[i].columns), history, 0, 0, 0, 0, false, false};

        for (uint32_t r = 0; r < rows.count; r++) {
            revision[r] = r % 5 == 0 ? 7 : INT64_MIN;
            history[r] = r % 3 == 0;
        }
        rows.revision = revision;
        block_builder_begin(ground->builder, BYTES("cpu"), take_sliced, &sliced);
        assert_int_equal(
            block_builder_series(ground->builder, ground->series[0].id, rows.count, NULL), OK);
        for (uint32_t first = 0; first < rows.count;) {
            uint32_t end = first + 1 + (uint32_t)random_below(&ground->random, 2000);
            struct block_slice slice = {&rows, sliced.names, history, first,
                                        end < rows.count ? end : rows.count};

            assert_int_equal(block_builder_slice(ground->builder, &slice, NULL), OK);
            first = slice.end;
        }
        assert_int_equal(block_builder_end(ground->builder, NULL), OK);
        assert_int_equal(sliced.taken, rows.count);
        assert_true(sliced.any_history && sliced.any_revision);
        assert_true(sliced.texts_most <= 512 * 1024 + cases[i].text_size);
        if (sliced.blocks != cases[i].blocks)
            fail_msg("%s: %zu blocks", cases[i].name, sliced.blocks);
        arena_release(&ground->arena);
    }
}

/* A wide slice behind a narrow one begins a block rather than make a huge one. */
static void test_wide_slices_make_smaller_blocks(void **state)
{
    enum { NARROW = 4000, WIDE = 500, COLUMNS = 1000 };
    struct ground *ground = *state;
    enum value_type types[COLUMNS];
    struct rows rows;
    struct rows_column *columns;
    struct rows narrow;
    struct sliced sliced = {ground, &rows, names_make(ground, COLUMNS), NULL, 0, 0, 0, 0,
                            false,  false};
    struct block_slice slice;

    for (uint32_t c = 0; c < COLUMNS; c++)
        types[c] = TYPE_I64;
    rows = rows_make(ground, NARROW + WIDE, types, COLUMNS, 0, 0);
    columns = (struct rows_column *)rows.columns;
    for (uint32_t c = 1; c < COLUMNS; c++) { /* the first rows have but one */
        uint8_t *present = arena_array(&ground->arena, 1, rows.count);

        memset(present + NARROW, 1, WIDE);
        columns[c].present = present;
    }
    narrow = rows;
    narrow.column_count = 1;
    block_builder_begin(ground->builder, BYTES("cpu"), take_sliced, &sliced);
    assert_int_equal(block_builder_series(ground->builder, ground->series[0].id, rows.count, NULL),
                     OK);
    slice = (struct block_slice){&narrow, sliced.names, NULL, 0, NARROW};
    assert_int_equal(block_builder_slice(ground->builder, &slice, NULL), OK);
    slice = (struct block_slice){&rows, sliced.names, NULL, NARROW, NARROW + WIDE};
    assert_int_equal(block_builder_slice(ground->builder, &slice, NULL), OK);
    assert_int_equal(block_builder_end(ground->builder, NULL), OK);
    assert_int_equal(sliced.taken, rows.count);
    assert_int_equal(sliced.blocks, 2);
    assert_true(sliced.cells_most <= 512 * 1024);
}

/* Sparse series share blocks, others stand alone, and a series too long goes on in the next. */
static void test_series_of_slices_share_as_those_of_the_head(void **state)
{
    static const struct {
        const char *name;
        uint32_t rows[3], told[3], blocks;
    } cases[] = {
        {"sparse ones share",                {255, 255, 255},  {255, 255, 255}, 1},
        {"256 stand alone",                  {255, 256, 255},  {255, 256, 255}, 3},
        {"no more than a block",             {2000, 2000, 97}, {0, 0, 97},      2},
        {"more than was told",               {4000, 200, 1},   {0, 0, 1},       2},
        {"fewer than was told: alone still", {3, 4, 5},        {300, 4, 5},     2},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const enum value_type type = TYPE_I64;
        struct ground *ground = *state;
        uint32_t all = cases[i].rows[0] + cases[i].rows[1] + cases[i].rows[2], first = 0;
        struct rows rows = rows_make(ground, all, &type, 1, 0, 0);
        struct sliced sliced = {ground, &rows, names_make(ground, 1), NULL, 0, 0, 0, 0,
                                false,  false};

        block_builder_begin(ground->builder, BYTES("cpu"), take_sliced, &sliced);
        for (uint32_t s = 0; s < 3; s++) {
            struct block_slice slice = {&rows, sliced.names, NULL, first, first + cases[i].rows[s]};
            struct series_id id = {s + 1, 0};

            assert_int_equal(block_builder_series(ground->builder, id, cases[i].told[s], NULL), OK);
            assert_int_equal(block_builder_slice(ground->builder, &slice, NULL), OK);
            first = slice.end;
        }
        assert_int_equal(block_builder_end(ground->builder, NULL), OK);
        assert_int_equal(sliced.taken, all);
        assert_false(sliced.any_history || sliced.any_revision);
        if (sliced.blocks != cases[i].blocks)
            fail_msg("%s: %zu blocks", cases[i].name, sliced.blocks);
        arena_release(&ground->arena);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_ground, close_ground)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_cut_where_rows_are_enough),
        TEST(test_sparse_series_share_no_more_than_a_block),
        TEST(test_a_full_block_has_only_columns_of_its_rows),
        TEST(test_many_columns_make_smaller_blocks),
        TEST(test_long_strings_make_smaller_blocks),
        cmocka_unit_test(test_any_rows_come_out_as_a_plain_sort_gives_them),
        TEST(test_after_a_failure_it_begins_anew),
        TEST(test_slices_come_out_as_they_went_in),
        TEST(test_wide_slices_make_smaller_blocks),
        TEST(test_series_of_slices_share_as_those_of_the_head),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
