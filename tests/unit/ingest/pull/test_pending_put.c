/* Points of several series and shapes, and where their rows and hashes come to stand. */
#include "tests/unit/ingest/pull/pending_ground.h"

/* MEASUREMENT,site=SITE FIELD=value,more=value time */
static void add(struct ground *ground, const char *measurement, const char *site, const char *field,
                double value, int64_t time)
{
    struct point *point = &ground->point;
    struct error err = {0};

    point_clear(point);
    point->measurement = bytes_of(measurement);
    *point_add_tag(point) = (struct series_tag){BYTES("site"), bytes_of(site)};
    *point_add_field(point) =
        (struct point_field){.name = bytes_of(field), .type = TYPE_F64, .cell.f64 = value};
    *point_add_field(point) =
        (struct point_field){.name = BYTES("more"), .type = TYPE_F64, .cell.f64 = -value};
    point->timed = true;
    point->time = time;
    assert_int_equal(pending_add(&ground->pending, point, INT64_MIN, &err), OK);
}

static enum code put(struct ground *ground, const char *tag, struct error *err)
{
    const struct series_tag partition = {bytes_of(tag), BYTES("0")};

    assert_int_equal(pending_settle(&ground->pending, false, err), OK);
    return pending_put(&ground->pending, 0, BYTES("\x01s\x01"), &partition, &ground->point, err);
}

static const struct batch_table *table_of(const struct ground *ground, struct bytes measurement,
                                          const char *field)
{
    for (const struct batch_table *table = ground->batch.tables; table != NULL; table = table->next)
        for (uint32_t i = 0; i < table->field_count; i++)
            if (bytes_equal(table->measurement, measurement) &&
                bytes_equal(table->fields[i].name, bytes_of(field)))
                return table;
    fail_msg("no table of %s", field);
    return NULL;
}

/* Columns are by name, whatever the order of fields was. */
static double value_of(const struct batch_table *table, const char *field, uint32_t row)
{
    for (uint32_t i = 0; i < table->field_count; i++)
        if (bytes_equal(table->fields[i].name, bytes_of(field)))
            return table->columns[i][row].f64;
    fail_msg("no field %s", field);
    return 0;
}

static void test_rows_of_one_shape_share_a_table_and_those_of_another_do_not(void **state)
{
    const struct batch_table *table, *hashes;
    struct error err = {0};
    struct ground ground;

    (void)state;
    ground_init(&ground);
    for (int64_t i = 0; i < 100; i++) {
        add(&ground, "w", i % 2 == 0 ? "a" : "b", "zone", (double)i, i);
        add(&ground, i % 2 == 0 ? "w" : "x", "a", "rain", (double)i, 1000 + i);
    }
    assert_int_equal(put(&ground, "partition", &err), OK);
    assert_true(batch_check(&ground.batch, &err));
    assert_int_equal(ground.batch.row_count, 400);
    assert_int_equal(ground.batch.series_count, 6); /* w a, w b, x a; of their hashes as many */
    table = table_of(&ground, BYTES("w"), "zone");
    hashes = table_of(&ground, BYTES("\x01s\x01w"), "zone");
    assert_int_equal(table->row_count, 100);
    assert_int_equal(hashes->row_count, 100);
    for (uint32_t row = 0; row < 100; row++) {
        assert_int_equal(table->time[row], row);
        assert_int_equal(hashes->time[row], row);
        assert_true(value_of(table, "zone", row) == row);
        assert_true(value_of(table, "more", row) == -(double)row);
        assert_int_equal(hashes->columns[0][row].u64, ground.pending.points[2 * row].hash);
        assert_true(table->series[row] == table->series[row % 2]);
    }
    assert_true(table->series[0] != table->series[1]);
    assert_int_equal(table_of(&ground, BYTES("w"), "rain")->row_count, 50);
    assert_int_equal(table_of(&ground, BYTES("x"), "rain")->row_count, 50);
    assert_int_equal(table_of(&ground, BYTES("\x01s\x01x"), "rain")->row_count, 50);
    ground_release(&ground);
}

/* SITE value=VALUE, value_qualifier=null at 0 */
static void add_plain(struct ground *ground, const char *site, double value)
{
    struct point *point = &ground->point;
    struct error err = {0};

    point_clear(point);
    point->measurement = BYTES("w");
    *point_add_tag(point) = (struct series_tag){BYTES("site"), bytes_of(site)};
    *point_add_field(point) =
        (struct point_field){.name = BYTES("value"), .type = TYPE_F64, .cell.f64 = value};
    *point_add_field(point) =
        (struct point_field){.name = BYTES("value_qualifier"), .type = TYPE_RETRACTED};
    point->timed = true;
    assert_int_equal(pending_add(&ground->pending, point, INT64_MIN, &err), OK);
}

/* A row takes back what stood beside its value when it was written before, and nothing where it is
 * new. */
static void test_nulls_are_written_where_there_was_a_row(void **state)
{
    const struct series_tag partition = {BYTES("partition"), BYTES("0")};
    const struct batch_table *bare = NULL, *whole = NULL;
    struct pending *pending;
    struct error err = {0};
    struct ground ground;

    (void)state;
    ground_init(&ground);
    pending = &ground.pending;
    add_plain(&ground, "new", 1);
    add_plain(&ground, "known", 2);
    add_plain(&ground, "gone", 3);
    add_plain(&ground, "same", 4);
    add_plain(&ground, "twice", 5);
    add_plain(&ground, "twice", 6);
    assert_int_equal(pending_settle(pending, false, &err), OK);
    for (size_t i = 1; i < 4; i++) {
        static const uint64_t hashes[] = {0, 77, ROW_RETRACTED, 0};

        pending_recall(pending, pending->series[i].key, 0, BYTES("value"),
                       i == 3 ? pending->points[3].hash : hashes[i], false);
    }
    assert_int_equal(pending_changed(pending), 5);
    for (uint32_t round = 0; round < 2; round++)
        assert_int_equal(
            pending_put(pending, round, BYTES("\x01s\x01"), &partition, &ground.point, &err), OK);
    for (const struct batch_table *table = ground.batch.tables; table != NULL; table = table->next)
        if (bytes_equal(table->measurement, BYTES("w"))) {
            if (table->field_count == 1)
                bare = table;
            else
                whole = table;
        }
    assert_non_null(bare);
    assert_non_null(whole);
    assert_int_equal(bare->row_count, 3);
    assert_true(value_of(bare, "value", 0) == 1);
    assert_true(value_of(bare, "value", 1) == 3);
    assert_true(value_of(bare, "value", 2) == 5);
    assert_int_equal(whole->row_count, 2);
    assert_true(value_of(whole, "value", 0) == 2);
    assert_true(value_of(whole, "value", 1) == 6);
    for (uint32_t i = 0; i < 2; i++)
        if (bytes_equal(whole->fields[i].name, BYTES("value_qualifier")))
            assert_int_equal(whole->fields[i].type, TYPE_RETRACTED);
    ground_release(&ground);
}

static void test_a_tag_of_the_partitions_name_is_refused(void **state)
{
    struct error err = {0};
    struct ground ground;

    (void)state;
    ground_init(&ground);
    add(&ground, "w", "a", "t", 1, 1);
    assert_int_equal(put(&ground, "site", &err), E_DUPLICATE_TAG);
    ground_release(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_one_shape_share_a_table_and_those_of_another_do_not),
        cmocka_unit_test(test_nulls_are_written_where_there_was_a_row),
        cmocka_unit_test(test_a_tag_of_the_partitions_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
