#include "tests/unit/codec/block_sample.h"

#include "base/hash.h"
#include "codec/block_header.h"

static struct arena arena;
static struct buf out;

/* A block of 3 rows in 2 series with one RETRACTED column and `section_size` bytes of sections. */
static struct block_view view_of(struct block_section *column)
{
    static const struct series_id series[] = {
        {1, 2},
        {1, 3}
    };
    static const uint32_t row_first[] = {0, 1, 3};

    *column = (struct block_section){.name = BYTES("f"),
                                     .type = TYPE_RETRACTED,
                                     .data = BYTES("cc"),
                                     .crc = 7,
                                     .summary.valid_count = 3};
    return (struct block_view){
        .measurement = BYTES("m"),
        .row_count = 3,
        .series_count = 2,
        .column_count = 1,
        .series = series,
        .series_row_first = row_first,
        .time_first = INT64_MIN,
        .time_last = INT64_MAX,
        .ingest_first = 5,
        .ingest_last = 5,
        .columns = column,
        .time = {.data = BYTES("tttt"), .crc = 8}
    };
}

static enum code read_header(struct block_view *got, struct error *err)
{
    arena_release(&arena);
    return block_header_read(buf_bytes(&out), out.size, &arena, got, err);
}

static void put(const struct block_view *view)
{
    buf_clear(&out);
    block_header_put(view, &out);
    buf_put(&out, view->time.data);
    for (uint32_t i = 0; i < view->column_count; i++)
        buf_put(&out, view->columns[i].data);
}

static void test_a_header_is_read_as_written(void **state)
{
    struct block_section column;
    struct block_view view = view_of(&column), got;
    struct error err = {0};

    (void)state;
    put(&view);
    if (read_header(&got, &err))
        fail_msg("%s", err.text);
    assert_true(bytes_equal(got.measurement, view.measurement));
    assert_true(got.time_first == INT64_MIN && got.time_last == INT64_MAX);
    assert_int_equal(got.ingest_last, 5);
    assert_true(bytes_equal(got.time.data, BYTES("tttt")));
    assert_int_equal(got.time.crc, 8);
    assert_true(bytes_equal(got.columns[0].data, BYTES("cc")));
    assert_int_equal(got.columns[0].crc, 7);
    assert_int_equal(got.series[1].low, 3);
    assert_int_equal(got.series_row_first[2], 3);
}

/* For summaries the rest of the block need not be there. */
static void test_a_header_is_read_without_the_rest(void **state)
{
    struct block_section column;
    struct block_view view = view_of(&column), got;
    size_t header_size;

    (void)state;
    put(&view);
    header_size = block_header_size(buf_bytes(&out));
    assert_int_equal(header_size, out.size - strlen("tttt") - strlen("cc"));
    assert_int_equal(block_header_size(bytes_slice(buf_bytes(&out), 0, BLOCK_HEAD_SIZE - 1)), 0);
    for (size_t size = header_size - 1; size <= out.size; size++) {
        enum code code;

        arena_release(&arena);
        code =
            block_open_header(bytes_slice(buf_bytes(&out), 0, size), out.size, &arena, &got, NULL);
        assert_int_equal(code, size < header_size ? E_CORRUPT : OK);
        if (code)
            continue;
        assert_int_equal(got.columns[0].summary.valid_count, 3);
        assert_int_equal(got.columns[0].data.size, 2);
        assert_int_equal(got.columns[0].data.data != NULL, size == out.size);
    }
    arena_release(&arena);
    assert_int_equal(block_open_header(bytes_slice(buf_bytes(&out), 0, header_size), out.size - 1,
                                       &arena, &got, NULL),
                     E_CORRUPT);
    out.data[header_size / 2] ^= 1;
    assert_int_equal(block_open_header(bytes_slice(buf_bytes(&out), 0, header_size), out.size,
                                       &arena, &got, NULL),
                     E_CORRUPT);
}

static void test_what_contradicts_itself_is_refused(void **state)
{
    static const struct series_id falling[] =
        {
            {2, 2},
            {1, 3}
    },
                                  same[] = {{1, 2}, {1, 2}};
    static const uint32_t short_rows[] = {0, 1, 2}, empty_rows[] = {0, 0, 3};
    struct block_section columns[2];
    struct block_view good = view_of(&columns[0]), bad[12], got;
    size_t count = 0;

    (void)state;
    columns[1] = columns[0]; /* a column twice */
    bad[count] = good;
    bad[count++].column_count = 2;
    bad[count] = good;
    bad[count++].series = falling;
    bad[count] = good;
    bad[count++].series = same;
    bad[count] = good;
    bad[count++].series_row_first = short_rows;
    bad[count] = good;
    bad[count++].series_row_first = empty_rows;
    bad[count] = good;
    bad[count++].row_count = 4;
    bad[count] = good;
    bad[count++].row_count = BLOCK_ROWS_MAX + 1;
    bad[count] = good;
    bad[count++].time_first = INT64_MAX;
    bad[count - 1].time_last = INT64_MIN;
    bad[count] = good;
    bad[count++].series_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};

        put(&bad[i]);
        if (read_header(&got, &err) != E_CORRUPT || !err.text[0])
            fail_msg("case %zu: taken", i);
    }
}

/* A name is written as what it shares with the one before and the rest. */
static void test_names_that_begin_alike_come_back(void **state)
{
    static const char *const names[] = {"", "usage_guest", "usage_guest_nice", "usage_idle", "x"};
    static char long_names[2][400];
    struct block_section columns[COUNT_OF(names) + COUNT_OF(long_names)];
    struct block_view view = view_of(&columns[0]), got;
    size_t at;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        columns[i] = columns[0];
        if (i < COUNT_OF(names)) {
            columns[i].name = bytes_of(names[i]);
            continue;
        }
        memset(long_names[i - COUNT_OF(names)], 'y', 400);
        columns[i].name = (struct bytes){long_names[i - COUNT_OF(names)], 400 - i % 2};
    }
    view.column_count = COUNT_OF(columns);
    put(&view);
    assert_int_equal(read_header(&got, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        assert_true(bytes_equal(got.columns[i].name, columns[i].name));
    view.column_count = 1; /* of the first no byte can be there already */
    columns[0].name = BYTES("fffff");
    put(&view);
    at = (size_t)((char *)memmem(out.data, out.size,
                                 "\x00\x05"
                                 "fffff",
                                 7) -
                  out.data);
    out.data[at] = 1;
    for (uint32_t size = block_header_size(buf_bytes(&out)), i = 0; i < 4; i++)
        out.data[size - 4 + i] =
            (char)(crc32c(0, bytes_slice(buf_bytes(&out), 0, size - 4)) >> (8 * i));
    assert_int_equal(read_header(&got, NULL), E_CORRUPT);
}

static void test_unknown_columns_are_refused(void **state)
{
    static const struct {
        enum value_type type;
        uint8_t presence;
        uint32_t valid_count;
    } cases[] = {
        {TYPE_NONE,          0, 3},
        {(enum value_type)7, 0, 3},
        {TYPE_BOOL,          2, 3},
        {TYPE_BOOL,          1, 4},
        {TYPE_BOOL,          3, 3}, /* only numbers have extremes */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct block_section column;
        struct block_view view = view_of(&column), got;

        column.type = cases[i].type;
        column.presence = cases[i].presence;
        column.summary.valid_count = cases[i].valid_count;
        put(&view);
        if (read_header(&got, NULL) != E_CORRUPT)
            fail_msg("case %zu: taken", i);
    }
}

static void test_sections_are_all_there_and_nothing_else(void **state)
{
    struct block_section column;
    struct block_view view = view_of(&column), got;
    struct error err = {0};

    (void)state;
    put(&view);
    buf_put_u8(&out, 0);
    assert_int_equal(read_header(&got, &err), E_CORRUPT);
    out.size -= 2;
    assert_int_equal(read_header(&got, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "section of 2 bytes, 1 are left"));
}

static void test_another_version_is_told(void **state)
{
    struct block_section column;
    struct block_view view = view_of(&column), got;
    struct error err = {0};

    (void)state;
    put(&view);
    out.data[4] = 9;
    assert_int_equal(read_header(&got, &err), E_CORRUPT);
    assert_string_equal(err.text, "block version 9, this program reads 1 to 2");
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    out = BUF_INIT(1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    buf_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_is_read_as_written),
        cmocka_unit_test(test_a_header_is_read_without_the_rest),
        cmocka_unit_test(test_what_contradicts_itself_is_refused),
        cmocka_unit_test(test_names_that_begin_alike_come_back),
        cmocka_unit_test(test_unknown_columns_are_refused),
        cmocka_unit_test(test_sections_are_all_there_and_nothing_else),
        cmocka_unit_test(test_another_version_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
