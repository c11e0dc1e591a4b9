#include "tests/unit/ingest/follow/tail_fixture.h"

#include "ingest/follow/tail_mark.h"

/* The row that stands in a batch's only table, as a question gives it. */
static struct recalled_row row_of(const struct batch *batch, const struct series_tag *tags,
                                  uint32_t tag_count, enum value_type *types, union cell *cells,
                                  struct bytes *fields)
{
    const struct batch_table *table = batch->tables;

    for (uint32_t i = 0; i < table->field_count; i++) {
        types[i] = table->fields[i].type;
        cells[i] = table->columns[i][0];
        fields[i] = table->fields[i].name;
    }
    return (struct recalled_row){tags,  tag_count, table->time[0],    fields,
                                 types, cells,     table->field_count};
}

static void test_a_mark_is_read_as_it_was_put(void **state)
{
    const struct tail_mark mark = {
        .time_ns = 7,
        .device = UINT64_MAX,
        .inode = 12,
        .offset = UINT64_C(1) << 40,
        .head = {1024, 0xf00000000000000d},
        .last = {3,    9                 },
        .raw = 5,
        .packed = true,
        .within = true,
        .rows = 44,
        .faults = 2,
        .path = BYTES("/srv/a")
    };
    static const struct series_tag tags[] = {
        {BYTES("file"), BYTES("ffffffffffffffff-c")},
        {BYTES("node"), BYTES("3")                 },
    };
    enum value_type types[16];
    union cell cells[16];
    struct bytes fields[16];
    struct recalled_row row;
    struct tail_mark read;
    struct error err = {0};
    struct limits limits;
    struct arena arena;
    struct batch batch;
    struct point point;

    (void)state;
    limits_init(&limits);
    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 1);
    point_init(&point, &batch, &limits);
    assert_int_equal(tail_mark_put(&mark, BYTES("\x01s"), BYTES("3"), &point, &err), OK);
    assert_int_equal(batch.row_count, 1);
    assert_non_null(memmem(batch.series[0].key.data, batch.series[0].key.size, tags[0].value.data,
                           tags[0].value.size));
    row = row_of(&batch, tags, 2, types, cells, fields);
    assert_true(tail_mark_read(&row, BYTES("3"), &read));
    assert_true(read.device == mark.device && read.inode == 12 && read.offset == mark.offset);
    assert_true(read.head.size == 1024 && read.head.hash == mark.head.hash);
    assert_true(read.last.size == 3 && read.last.hash == 9 && read.raw == 5);
    assert_true(read.packed && read.within && read.rows == 44 && read.faults == 2);
    assert_true(read.time_ns == 7 && bytes_equal(read.path, mark.path));
    assert_false(tail_mark_read(&row, BYTES("4"), &read)); /* another node's */
    assert_false(tail_mark_read(&row, BYTES(""), &read));
    row.tag_count = 0; /* a note of a source that was asked */
    assert_false(tail_mark_read(&row, BYTES(""), &read));
    row.tag_count = 2;
    row.count--;
    assert_false(tail_mark_read(&row, BYTES("3"), &read));
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
}

static void test_prints(void **state)
{
    struct tail_print a = tail_print_of(BYTES("abc")), b = tail_print_of(BYTES("abd"));
    char key[TAIL_KEY_SIZE];

    (void)state;
    assert_int_equal(a.size, 3);
    assert_true(a.hash != b.hash && a.hash == tail_print_of(BYTES("abc")).hash);
    tail_key(UINT64_MAX, UINT64_MAX, key);
    assert_string_equal(key, "ffffffffffffffff-ffffffffffffffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mark_is_read_as_it_was_put),
        cmocka_unit_test(test_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
