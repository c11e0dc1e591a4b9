#include "ingest/rows/row_clock.h"
#include "tests/unit/ingest/rows/mapper_fixture.h"

enum { STEP = 2, INDEX = 3 };

/* The time of a row of cells, or what is wrong with it. */
static void expect(struct row_clock *clock, const char *cells, const char *want)
{
    struct tree_value slots[FIXTURE_SLOTS];
    struct tree_row row = {1, 1, slots, "/0"};
    struct row_place place;
    struct error err = {0};
    char got[TIMESTAMP_TEXT_SIZE + 1] = "";
    enum code code;

    cells_of(cells, slots);
    code = row_clock_place(clock, &row, (struct bytes){"", 0}, &place, &err);
    if (code == OK)
        got[timestamp_print(place.ns, got)] = '\0';
    if (code == OK ? strcmp(got, want) != 0 : strstr(err.text, want) == NULL)
        fail_msg("%s: got %s%s, want %s", cells, got, err.text, want);
}

static void test_two_columns(void **state)
{
    struct fixture fixture;
    struct row_clock clock;

    (void)state;
    fixture_init(&fixture);
    fixture.time_slots[1] = 1;
    fixture.source.time.slot_count = 2;
    row_clock_init(&clock, &fixture.source.time, &fixture.arena);
    expect(&clock, "2024-01-01|12:30", "2024-01-01T12:30:00Z");
    expect(&clock, "2024-01-01|~", "the row has no time");
    expect(&clock, "~|12:30", "the row has no time");
    fixture.source.time.paths = (const struct bytes[]){BYTES("day"), BYTES("at/time")};
    expect(&clock, "~|12:30", "the row has no time: \"day\" leads nowhere");
    expect(&clock, "2024-01-01|null", "the row has no time: \"at/time\" is null");
    expect(&clock, "2024-01-01|12:31", "2024-01-01T12:31:00Z");
    row_clock_release(&clock);
    fixture_release(&fixture);
}

static void test_long_texts_are_no_times(void **state)
{
    struct fixture fixture;
    struct row_clock clock;
    char cells[2001];

    (void)state;
    fixture_init(&fixture);
    memset(cells, '1', sizeof(cells) - 1);
    cells[sizeof(cells) - 1] = '\0';
    row_clock_init(&clock, &fixture.source.time, &fixture.arena);
    expect(&clock, cells, "the time has more than 1024 bytes");
    fixture.time_slots[1] = 1;
    fixture.source.time.slot_count = 2;
    cells[1000] = '|';
    expect(&clock, cells, "the time has more than 1024 bytes");
    expect(&clock, "2024-01-01|12:30", "2024-01-01T12:30:00Z");
    row_clock_release(&clock);
    fixture_release(&fixture);
}

/* Bases and steps that come again and again are read once; what is wrong is remembered never. */
static void test_steps_of_data(void **state)
{
    struct fixture fixture;
    struct row_clock clock;

    (void)state;
    fixture_init(&fixture);
    fixture.source.time.index_slot = INDEX;
    fixture.source.time.step_slot = STEP;
    fixture.source.time.zone = zone_of("Europe/London", &fixture.arena);
    row_clock_init(&clock, &fixture.source.time, &fixture.arena);
    assert_false(clock.ordered);
    expect(&clock, "2024-03-31||PT30M|46", "2024-03-31T22:30:00Z");
    expect(&clock, "2024-03-31||PT30M|47", "past the end of its day, which in tz has 46");
    expect(&clock, "2024-03-31||PT15M|92", "2024-03-31T22:45:00Z");
    expect(&clock, "2024-03-31||PT60M|24", "past the end of its day, which in tz has 23");
    expect(&clock, "2024-04-01||PT60M|24", "2024-04-01T22:00:00Z");
    expect(&clock, "2024-04-01T00:00Z||PT60M|24", "2024-04-01T23:00:00Z");
    expect(&clock, "2024-04-01T00:00Z||PT60M|25", "2024-04-02T00:00:00Z");
    expect(&clock, "2024-04-01||soon|1", "the step: ");
    expect(&clock, "2024-04-01||soon|1", "the step: ");
    expect(&clock, "2024-04-01||~|1", "the row has no step");
    expect(&clock, "soon||PT60M|1", "time \"soon\"");
    expect(&clock, "soon||PT60M|1", "time \"soon\"");
    expect(&clock, "2024-04-01||PT60M|~", "the row has no index");
    fixture.source.time.label_end = true;
    expect(&clock, "2024-04-01||PT60M|1", "2024-03-31T22:00:00Z");
    row_clock_release(&clock);
    fixture_release(&fixture);
}

/* The night of the turn, in rows that rise and in rows that fall. */
static void test_order(void **state)
{
    struct fixture fixture;
    struct row_clock clock;

    (void)state;
    fixture_init(&fixture);
    fixture.source.time.zone = zone_of("Europe/London", &fixture.arena);
    row_clock_init(&clock, &fixture.source.time, &fixture.arena);
    assert_true(clock.ordered);
    expect(&clock, "2024-10-27T01:00", "2024-10-27T00:00:00Z");
    expect(&clock, "2024-10-27T01:30", "2024-10-27T00:30:00Z");
    expect(&clock, "2024-10-27T01:00", "2024-10-27T01:00:00Z");
    expect(&clock, "2024-10-27T01:30", "2024-10-27T01:30:00Z");
    expect(&clock, "2024-10-27T02:00", "2024-10-27T02:00:00Z");
    row_clock_release(&clock);
    row_clock_init(&clock, &fixture.source.time, &fixture.arena);
    expect(&clock, "2024-10-27T02:30", "2024-10-27T02:30:00Z");
    expect(&clock, "2024-10-27T02:00", "2024-10-27T02:00:00Z");
    expect(&clock, "2024-10-27T01:30", "2024-10-27T01:30:00Z");
    expect(&clock, "2024-10-27T01:00", "2024-10-27T01:00:00Z");
    expect(&clock, "2024-10-27T01:30", "2024-10-27T00:30:00Z");
    expect(&clock, "2024-10-27T01:00", "2024-10-27T00:00:00Z");
    expect(&clock, "2024-10-27T00:30", "2024-10-26T23:30:00Z");
    row_clock_release(&clock);
    fixture_release(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_columns),
        cmocka_unit_test(test_long_texts_are_no_times),
        cmocka_unit_test(test_steps_of_data),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
