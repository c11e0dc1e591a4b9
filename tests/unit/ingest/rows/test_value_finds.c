#include "tests/unit/ingest/rows/mapper_fixture.h"

/* What is told of "v" at slot 1, "w" at slot 2 and "x" at slot 3, by those rows. */
static void expect_told(const char *rows, const char *told)
{
    struct buf text = BUF_INIT(1 << 12);
    const struct mapper_counts *counts;
    struct fixture fixture;

    fixture_init(&fixture);
    add_value(&fixture, 1, "v")->path = BYTES("v");
    add_value(&fixture, 2, "w")->path = BYTES("deep/\"w\"");
    add_value(&fixture, 3, "x")->path = BYTES("x");
    fixture.source.faults_max = 1;
    assert_int_equal(fixture_open(&fixture), OK);
    while (*rows != '\0') {
        char row[64];
        size_t size = strcspn(rows, "\n");

        (void)snprintf(row, sizeof(row), "%.*s", (int)size, rows);
        assert_int_equal(take_row(&fixture, 0, row), OK);
        rows += size + (rows[size] == '\n');
    }
    counts = mapper_counts(fixture.mapper);
    value_finds_put(&counts->finds, &fixture.source, &text);
    buf_put_char(&text, '\0');
    assert_string_equal(text.data, told);
    buf_release(&text);
    fixture_release(&fixture);
}

static void test_a_path_that_leads_nowhere_in_any_row_is_told(void **state)
{
    (void)state;
    expect_told("2024-01-01|#1|#1|#1\n2024-01-02|#1|#1|#1", "[]");
    expect_told(
        "2024-01-01|#1|~|#1\n2024-01-02|#1|~|#1",
        "[{\"pointer\":\"/values/1/path\",\"detail\":\"\\\"deep/\\\"w\\\"\\\" stood in none "
        "of 2 rows\"}]");
    expect_told(
        "2024-01-01|~|#1|~",
        "[{\"pointer\":\"/values/0/path\",\"detail\":\"\\\"v\\\" stood in none of 1 row\"},"
        "{\"pointer\":\"/values/2/path\",\"detail\":\"\\\"x\\\" stood in none of 1 row\"}]");
}

/* Many an API leaves a value out, or says null, as long as there is none. */
static void test_what_is_sparse_is_not_told(void **state)
{
    (void)state;
    expect_told("2024-01-01|#1|~|null\n2024-01-02|~|#1|null", "[]");
    expect_told("2024-01-01|#1|~|null\n2024-01-02|~|null|~", "[]");
}

/* Nobody looked at the values of a row whose time cannot be read. */
static void test_without_rows_nothing_is_told(void **state)
{
    (void)state;
    expect_told("", "[]");
    expect_told("no time|~|~|~", "[]");
}

static void test_more_rows_are_added(void **state)
{
    struct value_finds sum = {0}, more = {.rows = 3, .absent = 1, .found = {5}}, none = {0};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    for (uint32_t i = 1; i <= 3; i++)
        add_value(&fixture, i, "v")->path = BYTES("v");
    value_finds_add(&sum, &none, &fixture.source);
    assert_int_equal(sum.absent, 0);
    value_finds_add(&sum, &more, &fixture.source);
    assert_int_equal(sum.rows, 3);
    assert_int_equal(sum.absent, 1);
    more = (struct value_finds){.rows = 1, .absent = 2, .found = {2}};
    value_finds_add(&sum, &more, &fixture.source);
    assert_int_equal(sum.rows, 4);
    assert_int_equal(sum.absent, 0);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_that_leads_nowhere_in_any_row_is_told),
        cmocka_unit_test(test_what_is_sparse_is_not_told),
        cmocka_unit_test(test_without_rows_nothing_is_told),
        cmocka_unit_test(test_more_rows_are_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
