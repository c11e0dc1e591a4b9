#include "tests/unit/ingest/pull/pending_ground.h"

/* w,site=SITE FIELD=value time */
static void add(struct ground *ground, const char *site, const char *field, double value,
                int64_t time, int64_t revision)
{
    struct point *point = &ground->point;
    struct error err = {0};

    point_clear(point);
    point->measurement = BYTES("w");
    *point_add_tag(point) = (struct series_tag){BYTES("site"), bytes_of(site)};
    *point_add_field(point) =
        (struct point_field){.name = bytes_of(field), .type = TYPE_F64, .cell.f64 = value};
    point->timed = true;
    point->time = time;
    assert_int_equal(pending_add(&ground->pending, point, revision, &err), OK);
}

static void settle(struct ground *ground, bool latest)
{
    struct error err = {0};

    assert_int_equal(pending_settle(&ground->pending, latest, &err), OK);
}

/* Puts a round and gives how many rows are in the batch then: points and their hashes. */
static uint64_t put(struct ground *ground, uint32_t round)
{
    const struct series_tag partition = {BYTES("partition"), BYTES("0")};
    struct error err = {0};

    assert_int_equal(
        pending_put(&ground->pending, round, BYTES("\x01s\x01"), &partition, &ground->point, &err),
        OK);
    return ground->batch.row_count;
}

/* What a hidden row of the batch says: false where there is none of that time and field. */
static bool hash_of(const struct ground *ground, const char *field, int64_t time, uint64_t *hash)
{
    for (const struct batch_table *table = ground->batch.tables; table != NULL;
         table = table->next) {
        if (!measurement_is_hidden(table->measurement) ||
            !bytes_equal(table->fields[0].name, bytes_of(field)))
            continue;
        assert_true(bytes_equal(table->measurement, BYTES("\x01s\x01w")));
        for (uint32_t row = 0; row < table->row_count; row++)
            if (table->time[row] == time) {
                *hash = table->columns[0][row].u64;
                return true;
            }
    }
    return false;
}

static struct bytes key_of(const struct ground *ground, size_t series)
{
    return ground->pending.series[series].key;
}

static void test_a_point_comes_with_its_hash(void **state)
{
    struct ground ground;
    uint64_t hash;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 1.5, 100, INT64_MIN);
    add(&ground, "b", "t", 2.5, 100, INT64_MIN);
    settle(&ground, false);
    assert_int_equal(pending_changed(&ground.pending), 2);
    assert_int_equal(ground.pending.rounds, 1);
    assert_int_equal(put(&ground, 0), 4);
    assert_true(hash_of(&ground, "t", 100, &hash));
    assert_int_equal(ground.batch.series_count, 4);
    ground_release(&ground);
}

static void test_what_was_written_is_not_written_again(void **state)
{
    struct ground ground;
    uint64_t before = 0;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 1.5, 100, INT64_MIN);
    settle(&ground, false);
    (void)put(&ground, 0);
    assert_true(hash_of(&ground, "t", 100, &before));
    ground_release(&ground);

    ground_init(&ground);
    add(&ground, "a", "t", 1.5, 100, INT64_MIN);
    add(&ground, "a", "t", 1.75, 200, INT64_MIN);
    add(&ground, "b", "t", 1.5, 100, INT64_MIN);
    settle(&ground, false);
    pending_recall(&ground.pending, key_of(&ground, 0), 100, BYTES("t"), before, true);
    pending_recall(&ground.pending, key_of(&ground, 0), 200, BYTES("t"), before,
                   true); /* had it then */
    pending_recall(&ground.pending, key_of(&ground, 0), 300, BYTES("t"), before,
                   true); /* nobody's */
    pending_recall(&ground.pending, BYTES("no such key"), 100, BYTES("t"), before, true);
    assert_int_equal(pending_changed(&ground.pending), 2);
    assert_int_equal(pending_added(&ground.pending), 1); /* of b nothing was there at all */
    assert_int_equal(put(&ground, 0), 4);
    assert_false(ground.pending.points[1].same);
    assert_true(ground.pending.points[0].same);
    ground_release(&ground);
}

static void test_every_part_of_a_point_is_in_its_hash(void **state)
{
    static const struct {
        const char *name, *field;
        double value;
        bool other;
    } cases[] = {
        {"the same",      "t", 1.5,  false},
        {"another value", "t", 1.25, true },
        {"a zero",        "t", 0.0,  true },
        {"a minus zero",  "t", -0.0, true },
    };
    uint64_t hashes[sizeof(cases) / sizeof(cases[0])];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ground ground;

        ground_init(&ground);
        add(&ground, "a", cases[i].field, cases[i].value, 100, INT64_MIN);
        hashes[i] = ground.pending.points[0].hash;
        ground_release(&ground);
        if ((hashes[i] != hashes[0]) != cases[i].other)
            fail_msg("%s: %d", cases[i].name, hashes[i] != hashes[0]);
    }
    assert_true(hashes[2] != hashes[3]);
}

static void test_what_stands_twice_is_written_once(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 1.5, 100, INT64_MIN);
    add(&ground, "a", "t", 1.5, 100, INT64_MIN);
    settle(&ground, false);
    assert_int_equal(pending_changed(&ground.pending), 1);
    assert_int_equal(ground.pending.rounds, 1);
    assert_int_equal(put(&ground, 0), 2);
    ground_release(&ground);
}

static void test_versions_go_in_rounds_by_what_they_claim(void **state)
{
    struct ground ground;
    uint64_t hash, last;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 3, 100, 30);
    add(&ground, "a", "t", 1, 100, 10);
    add(&ground, "a", "t", 2, 100, 20);
    add(&ground, "a", "t", 9, 200, 5);
    settle(&ground, false);
    assert_int_equal(ground.pending.rounds, 3);
    assert_int_equal(pending_changed(&ground.pending), 4);
    assert_int_equal(pending_added(&ground.pending), 2); /* and two versions of one of them */
    assert_int_equal(put(&ground, 2), 2);
    assert_true(hash_of(&ground, "t", 100, &last));
    ground_release(&ground);

    ground_init(&ground);
    add(&ground, "a", "t", 3, 100, 30);
    hash = ground.pending.points[0].hash;
    assert_int_equal(hash, last);
    add(&ground, "a", "t", 1, 100, 10);
    settle(&ground, false);
    /* The last of them was written, so all were. */
    pending_recall(&ground.pending, key_of(&ground, 0), 100, BYTES("t"), last, true);
    assert_int_equal(pending_changed(&ground.pending), 0);
    ground_release(&ground);
}

static void test_of_versions_the_newest_alone_where_that_is_wanted(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 3, 100, 30);
    add(&ground, "a", "t", 1, 100, 10);
    settle(&ground, true);
    assert_int_equal(ground.pending.rounds, 1);
    assert_int_equal(pending_changed(&ground.pending), 1);
    assert_int_equal(put(&ground, 0), 2);
    assert_int_equal(ground.batch.tables->revision[0], 30);
    ground_release(&ground);
}

/* A source of long rows has one field a row; they meet in one row of the store. */
static void test_fields_of_one_time_are_told_apart(void **state)
{
    struct ground ground;
    uint64_t hash;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 1, 100, INT64_MIN);
    add(&ground, "a", "rain", 1, 100, INT64_MIN);
    settle(&ground, false);
    assert_int_equal(ground.pending.rounds, 1);
    assert_int_equal(put(&ground, 0), 4);
    assert_true(hash_of(&ground, "t", 100, &hash));
    assert_true(hash_of(&ground, "rain", 100, &hash));
    ground_release(&ground);
}

static void test_many_points_are_found_again(void **state)
{
    enum { COUNT = 5000 };
    struct ground ground;

    (void)state;
    ground_init(&ground);
    for (int i = 0; i < COUNT; i++)
        add(&ground, i % 3 == 0 ? "a" : "b", "t", i, i / 2, INT64_MIN);
    settle(&ground, false);
    for (size_t i = 0; i < ground.pending.count; i++) {
        const struct pending_point *point = &ground.pending.points[i];

        if (point->last)
            pending_recall(&ground.pending, key_of(&ground, point->series), point->time, BYTES("t"),
                           point->hash, true);
    }
    assert_int_equal(pending_changed(&ground.pending), 0);
    ground_release(&ground);
}

static uint32_t fields_of(const struct ground *ground, int64_t time)
{
    for (const struct batch_table *table = ground->batch.tables; table != NULL; table = table->next)
        for (uint32_t row = 0; row < table->row_count; row++)
            if (measurement_is_hidden(table->measurement) && table->time[row] == time)
                return table->field_count;
    return 0;
}

/* So that a row can be told to be as it was delivered. */
static void test_beside_a_hash_stands_what_it_is_of_where_that_is_wanted(void **state)
{
    (void)state;
    for (unsigned lists = 0; lists < 2; lists++) {
        struct ground ground;
        struct error err = {0};

        ground_init(&ground);
        ground.pending.lists = lists;
        for (int64_t time = 100; time < 103; time++) { /* of two fields */
            point_clear(&ground.point);
            ground.point.measurement = BYTES("w");
            ground.point.time = time;
            for (int i = 0; i < 2; i++)
                *point_add_field(&ground.point) = (struct point_field){
                    .name = i ? BYTES("u") : BYTES("t"), .type = TYPE_F64, .cell.f64 = 1};
            assert_int_equal(pending_add(&ground.pending, &ground.point, INT64_MIN, &err), OK);
        }
        settle(&ground, false);
        for (int64_t time = 101; time < 103; time++) /* 101 had none yet */
            pending_recall(&ground.pending, key_of(&ground, 0), time, BYTES("t"),
                           ground.pending.points[0].hash, time == 102);
        assert_int_equal(pending_changed(&ground.pending), 1);
        assert_int_equal(put(&ground, 0), 2 + lists);
        assert_int_equal(fields_of(&ground, 100), 1 + lists);
        assert_int_equal(fields_of(&ground, 101), lists ? 2 : 0);
        assert_int_equal(fields_of(&ground, 102), 0);
        ground_release(&ground);
    }
}

static void test_a_row_that_is_no_more_has_a_hash_of_its_own(void **state)
{
    struct ground ground;
    struct error err = {0};
    uint64_t hash = 1;

    (void)state;
    ground_init(&ground);
    ground.pending.lists = true;
    point_clear(&ground.point);
    ground.point.measurement = BYTES("w");
    ground.point.time = 100;
    *point_add_field(&ground.point) =
        (struct point_field){.name = BYTES("t"), .type = TYPE_RETRACTED};
    assert_int_equal(pending_add_retracted(&ground.pending, &ground.point, &err), OK);
    settle(&ground, false);
    assert_int_equal(put(&ground, 0), 2);
    assert_true(hash_of(&ground, "t", 100, &hash));
    assert_int_equal(hash, ROW_RETRACTED);
    assert_int_equal(ground.batch.tables->fields[0].type, TYPE_RETRACTED);
    ground_release(&ground);
}

/* What it claims to be known since lies before that it was retracted. */
static void test_a_row_that_comes_back_claims_nothing(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    add(&ground, "a", "t", 3, 100, 30);
    add(&ground, "a", "t", 3, 200, 30);
    settle(&ground, false);
    pending_recall(&ground.pending, key_of(&ground, 0), 100, BYTES("t"), ROW_RETRACTED, true);
    assert_int_equal(pending_changed(&ground.pending), 2);
    assert_int_equal(put(&ground, 0), 4);
    assert_int_equal(ground.batch.tables->revision[0], INT64_MIN);
    assert_int_equal(ground.batch.tables->revision[1], 30);
    ground_release(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_point_comes_with_its_hash),
        cmocka_unit_test(test_what_was_written_is_not_written_again),
        cmocka_unit_test(test_every_part_of_a_point_is_in_its_hash),
        cmocka_unit_test(test_what_stands_twice_is_written_once),
        cmocka_unit_test(test_versions_go_in_rounds_by_what_they_claim),
        cmocka_unit_test(test_of_versions_the_newest_alone_where_that_is_wanted),
        cmocka_unit_test(test_fields_of_one_time_are_told_apart),
        cmocka_unit_test(test_many_points_are_found_again),
        cmocka_unit_test(test_beside_a_hash_stands_what_it_is_of_where_that_is_wanted),
        cmocka_unit_test(test_a_row_that_is_no_more_has_a_hash_of_its_own),
        cmocka_unit_test(test_a_row_that_comes_back_claims_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
