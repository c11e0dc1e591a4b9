#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/progress.h"

enum { FIELDS_MAX = 16 };

/* A row as a recall gives it. */
struct row {
    struct series_tag tags[2];
    struct bytes fields[FIELDS_MAX];
    enum value_type types[FIELDS_MAX];
    union cell cells[FIELDS_MAX];
    struct recalled_row row;
};

struct ground {
    struct arena arena;
    struct batch batch;
    struct limits limits;
    struct point point;
};

static void ground_init(struct ground *ground)
{
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
}

static void put(struct ground *ground, const struct progress_note *note)
{
    struct error err = {0};

    assert_int_equal(
        progress_put(note, BYTES("\x01s"), BYTES("0123456789abcdef"), &ground->point, &err), OK);
    if (!batch_check(&ground->batch, &err))
        fail_msg("%s", err.text);
}

/* The last row that was put. */
static void row_of(const struct ground *ground, struct row *row)
{
    const struct batch_table *table = ground->batch.tables;
    uint32_t at = table->row_count - 1;

    *row = (struct row){.tags = {{progress_partition_key, BYTES("0123456789abcdef")}}};
    assert_null(table->next); /* notes have one shape */
    assert_in_range(table->field_count, 1, FIELDS_MAX - 1);
    for (uint32_t i = 0; i < table->field_count; i++) {
        row->fields[i] = table->fields[i].name;
        row->types[i] = table->fields[i].type;
        row->cells[i] = table->columns[i][at];
    }
    row->row = (struct recalled_row){
        .tags = row->tags,
        .tag_count = 1,
        .time = table->time[at],
        .fields = row->fields,
        .types = row->types,
        .cells = row->cells,
        .count = table->field_count,
    };
}

static void expect_note(const struct row *row, const struct progress_note *want)
{
    struct bytes partition = {0};
    struct progress_note got;

    assert_true(progress_read(&row->row, &got, &partition));
    assert_true(bytes_equal(partition, BYTES("0123456789abcdef")));
    assert_int_equal(got.time_ns, want->time_ns);
    assert_int_equal(got.end_ns, want->end_ns);
    assert_int_equal(got.done, want->done);
    assert_int_equal(got.page_number, want->page_number);
    assert_int_equal(got.expires_ns, want->expires_ns);
    assert_int_equal(got.fetched_ns, want->fetched_ns);
    assert_int_equal(got.begun_ns, want->begun_ns);
    assert_int_equal(got.had_ns, want->had_ns);
    assert_true(bytes_equal(got.page, want->page));
    assert_true(bytes_equal(got.etag, want->etag));
    assert_true(bytes_equal(got.modified, want->modified));
    assert_true(bytes_equal(got.body, want->body));
    assert_true(bytes_equal(got.document, want->document));
}

static void test_a_note_comes_back_as_it_was_put(void **state)
{
    static const struct progress_note notes[] = {
        {.time_ns = 1000,
         .end_ns = 2000,
         .done = true,
         .etag = BYTES("\"e\""),
         .modified = BYTES("Sun, 06 Nov 1994 08:49:37 GMT"),
         .body = BYTES("00ff"),
         .document = BYTES("ff00"),
         .expires_ns = 3000,
         .fetched_ns = 2500,
         .begun_ns = 2400,
         .had_ns = 1500},
        {.time_ns = 2000,
         .end_ns = 3000,
         .page = BYTES("https://a.example/?p=2"),
         .page_number = 2,
         .fetched_ns = 2600},
        {.time_ns = -5,
         .end_ns = 0,
         .page = BYTES("7"),
         .page_number = UINT32_MAX,
         .fetched_ns = -5,
         .expires_ns = INT64_MAX},
        {.time_ns = 9                         },
    };
    struct ground ground;

    (void)state;
    ground_init(&ground);
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        struct row row;

        put(&ground, &notes[i]);
        row_of(&ground, &row);
        expect_note(&row, &notes[i]);
    }
    assert_int_equal(ground.batch.row_count, COUNT_OF(notes));
    ground_release(&ground);
}

static void change_type(struct row *row, const char *field, enum value_type type)
{
    for (uint32_t i = 0; i < row->row.count; i++)
        if (bytes_equal(row->fields[i], bytes_of(field))) {
            row->types[i] = type;
            return;
        }
    fail_msg("no field %s", field);
}

static void test_what_a_later_version_adds_is_passed_over(void **state)
{
    const struct progress_note note = {.time_ns = 1, .end_ns = 2, .done = true, .etag = BYTES("e")};
    struct ground ground;
    struct row row;

    (void)state;
    ground_init(&ground);
    put(&ground, &note);
    row_of(&ground, &row);
    row.fields[row.row.count] = BYTES("later");
    row.types[row.row.count] = TYPE_F64;
    row.cells[row.row.count++].f64 = 1.5;
    row.tags[row.row.tag_count++] = (struct series_tag){BYTES("zone"), BYTES("z")};
    change_type(&row, "body", TYPE_NONE); /* and what an earlier one had not */
    expect_note(&row, &note);
    ground_release(&ground);
}

/* Of a window that is not done its last page alone tells nothing. */
static void test_when_a_window_was_begun_is_not_always_known(void **state)
{
    struct progress_note note = {.time_ns = 1, .end_ns = 2, .fetched_ns = 9};
    struct ground ground;
    struct row row;

    (void)state;
    ground_init(&ground);
    for (int done = 0; done < 2; done++) {
        note.done = done;
        note.begun_ns = 5;
        put(&ground, &note);
        row_of(&ground, &row);
        change_type(&row, "begun", TYPE_NONE);
        note.begun_ns = done ? 9 : INT64_MIN;
        expect_note(&row, &note);
    }
    ground_release(&ground);
}

static void test_foreign_rows_are_refused(void **state)
{
    static const struct {
        const char *name, *field;
        enum value_type type;
    } cases[] = {
        {"an end that is a text",    "end",    TYPE_STRING},
        {"no end",                   "end",    TYPE_NONE  },
        {"a page that is a number",  "page",   TYPE_I64   },
        {"done that is a number",    "done",   TYPE_I64   },
        {"an etag that is a number", "etag",   TYPE_F64   },
        {"a number without a sign",  "number", TYPE_U64   },
    };
    const struct progress_note note = {.time_ns = 1, .end_ns = 2, .done = true};
    struct progress_note got;
    struct bytes partition;
    struct ground ground;
    struct row row;

    (void)state;
    ground_init(&ground);
    put(&ground, &note);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        row_of(&ground, &row);
        change_type(&row, cases[i].field, cases[i].type);
        if (progress_read(&row.row, &got, &partition))
            fail_msg("%s", cases[i].name);
    }
    row_of(&ground, &row);
    row.tags[0].key = BYTES("other");
    assert_false(progress_read(&row.row, &got, &partition));
    row_of(&ground, &row);
    row.row.tag_count = 0;
    assert_false(progress_read(&row.row, &got, &partition));
    for (int64_t number = -1; number <= INT64_C(1) << 32; number += (INT64_C(1) << 32) + 1) {
        row_of(&ground, &row);
        for (uint32_t i = 0; i < row.row.count; i++)
            if (bytes_equal(row.fields[i], BYTES("number")))
                row.cells[i].i64 = number;
        assert_false(progress_read(&row.row, &got, &partition));
    }
    ground_release(&ground);
}

static void id_of(const struct source_variable *variables, size_t count, char *id)
{
    const struct source_partition partition = {variables, count};

    partition_id(&partition, id);
    assert_int_equal(strlen(id), PARTITION_ID_SIZE - 1);
    assert_int_equal(strspn(id, "0123456789abcdef"), PARTITION_ID_SIZE - 1);
}

static void test_partitions_are_told_apart_by_their_variables(void **state)
{
    static const struct source_variable sets[][2] = {
        {{BYTES("a"), BYTES("bc")}, {BYTES("d"), BYTES("e")} },
        {{BYTES("ab"), BYTES("c")}, {BYTES("d"), BYTES("e")} },
        {{BYTES("a"), BYTES("b")},  {BYTES("cd"), BYTES("e")}},
        {{BYTES("a"), BYTES("bc")}, {BYTES("d"), BYTES("")}  },
        {{BYTES("a"), BYTES("bc")}, {BYTES("d"), BYTES("\0")}},
    };
    char ids[2 * COUNT_OF(sets) + 1][PARTITION_ID_SIZE], again[PARTITION_ID_SIZE];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        id_of(sets[i], 2, ids[count++]);
    id_of(sets[0], 1, ids[count++]);
    id_of(sets[1], 1, ids[count++]);
    id_of(NULL, 0, ids[count++]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(ids[i], ids[j]) == 0)
                fail_msg("%zu and %zu are both %s", i, j, ids[i]);
    id_of(
        (const struct source_variable[]){
            {BYTES("a"), BYTES("bc")},
            {BYTES("d"), BYTES("e") }
    },
        2, again);
    assert_string_equal(again, ids[0]);
}

static void test_names_are_hidden_and_none_is_another_sources(void **state)
{
    struct arena arena;
    struct bytes name, prefix;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    name = progress_measurement(BYTES("meter"), &arena);
    prefix = progress_prefix(BYTES("meter"), &arena);
    assert_true(bytes_equal(name, BYTES("\x01meter")));
    assert_true(bytes_equal(prefix, BYTES("\x01meter\x01")));
    assert_true(measurement_is_hidden(name));
    assert_true(measurement_is_hidden(prefix));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_comes_back_as_it_was_put),
        cmocka_unit_test(test_what_a_later_version_adds_is_passed_over),
        cmocka_unit_test(test_when_a_window_was_begun_is_not_always_known),
        cmocka_unit_test(test_foreign_rows_are_refused),
        cmocka_unit_test(test_partitions_are_told_apart_by_their_variables),
        cmocka_unit_test(test_names_are_hidden_and_none_is_another_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
