/* Points of several series and shapes, and where their rows and hashes come to stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/pending.h"

struct ground {
    struct pending pending;
    struct arena arena;
    struct batch batch;
    struct limits limits;
    struct point point;
};

static void ground_init(struct ground *ground)
{
    pending_init(&ground->pending);
    arena_init(&ground->arena, SIZE_MAX, NULL);
    batch_init(&ground->batch, &ground->arena, 1);
    limits_init(&ground->limits);
    point_init(&ground->point, &ground->batch, &ground->limits);
}

static void ground_release(struct ground *ground)
{
    point_release(&ground->point);
    batch_release(&ground->batch);
    arena_release(&ground->arena);
    pending_release(&ground->pending);
}

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
        cmocka_unit_test(test_a_tag_of_the_partitions_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
