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
    bool own = false;
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
    assert_true(tail_mark_read(&row, BYTES("3"), &read, &own) && own);
    assert_true(read.device == mark.device && read.inode == 12 && read.offset == mark.offset);
    assert_true(read.head.size == 1024 && read.head.hash == mark.head.hash);
    assert_true(read.last.size == 3 && read.last.hash == 9 && read.raw == 5);
    assert_true(read.packed && read.within && read.rows == 44 && read.faults == 2);
    assert_true(read.time_ns == 7 && bytes_equal(read.path, mark.path));
    assert_false(tail_mark_read(&row, BYTES("4"), &read, &own)); /* another node's */
    assert_false(tail_mark_read(&row, BYTES(""), &read, &own));
    row.tag_count = 0; /* a note of a source that was asked */
    assert_false(tail_mark_read(&row, BYTES(""), &read, &own));
    row.tag_count = 2;
    row.count--;
    assert_false(tail_mark_read(&row, BYTES("3"), &read, &own));
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
}

/* Before a node had its number it wrote none, or 0. */
static void test_whose_a_mark_is(void **state)
{
    static const struct {
        const char *name, *of, *node;
        bool is, own;
    } cases[] = {
        {"its own",                           "3", "3", true,  true },
        {"another's",                         "4", "3", false, false},
        {"another's, of one that is alone",   "4", "",  false, false},
        {"alone",                             "",  "",  true,  true },
        {"alone before",                      "",  "3", true,  false},
        {"before its registry was reached",   "0", "3", true,  false},
        {"the same, which has none any more", "0", "",  true,  false},
    };
    static const struct bytes names[] = {
        BYTES("device"), BYTES("faults"), BYTES("head"),   BYTES("head_size"),
        BYTES("inode"),  BYTES("last"),   BYTES("offset"), BYTES("last_size"),
        BYTES("packed"), BYTES("raw"),    BYTES("rows"),   BYTES("within"),
    };
    const union cell cells[COUNT_OF(names)] = {{.i64 = 0}};
    enum value_type types[COUNT_OF(names)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        types[i] = TYPE_I64;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct series_tag tags[] = {
            {BYTES("file"), BYTES("1-2")         },
            {BYTES("node"), bytes_of(cases[i].of)},
        };
        const struct recalled_row row = {
            tags, cases[i].of[0] == '\0' ? 1 : 2, 7, names, types, cells, COUNT_OF(names)};
        struct tail_mark read;
        bool own = false, is = tail_mark_read(&row, bytes_of(cases[i].node), &read, &own);

        if (is != cases[i].is || (is && own != cases[i].own))
            fail_msg("%s: %d, %d", cases[i].name, is, own);
    }
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
        cmocka_unit_test(test_whose_a_mark_is),
        cmocka_unit_test(test_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
