/* Sources made by hand, and what the mapper makes of rows of theirs, as text. */
#ifndef WEIR_TESTS_UNIT_INGEST_ROWS_MAPPER_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_ROWS_MAPPER_FIXTURE_H

#include <stdio.h>

#include "base/number.h"
#include "ingest/rows/mapper.h"
#include "ingest/rows/row_text.h"
#include "model/limits.h"
#include "tests/unit/ingest/rows/time_fixture.h"

enum { FIXTURE_SLOTS = 8, FIXTURE_VALUES = 4, FIXTURE_TAGS = 4 };

/* Slot 0 is the time, slot 1 a number; the measurement is "m". */
struct fixture {
    struct source source;
    struct source_partition partition;
    struct source_value values[FIXTURE_VALUES];
    struct source_tag tags[FIXTURE_TAGS], value_tags[FIXTURE_VALUES][FIXTURE_TAGS];
    uint32_t time_slots[FIXTURE_SLOTS];
    struct limits limits;
    struct mapper_terms terms;
    struct arena arena;
    struct batch batch;
    struct mapper *mapper;
    uint64_t row_number;
    enum code sink_code;
    struct buf got; /* what came to the sink, a line each */
    struct error err;
};

/* "${row.3}" is slot 3. */
static inline struct text_places places_of(struct fixture *fixture, const char *text)
{
    unsigned all = (1U << PLACE_KIND_COUNT) - 1;
    struct text_places places;
    struct error err = {0};

    if (text_places_parse(bytes_of(text), all, &fixture->arena, &places, &err))
        fail_msg("%s: %s", text, err.text);
    for (size_t i = 0; i < places.count; i++)
        if (places.items[i].kind == PLACE_ROW)
            places.items[i].slot = (uint32_t)(places.items[i].name.data[0] - '0');
    return places;
}

static inline struct source_value *add_value(struct fixture *fixture, uint32_t slot,
                                             const char *field)
{
    struct source_value *value = &fixture->values[fixture->source.value_count];

    *value = (struct source_value){.slot = slot,
                                   .field = places_of(fixture, field),
                                   .unit_slot = SOURCE_NO_SLOT,
                                   .scale = 1,
                                   .decimal = '.',
                                   .tags = fixture->value_tags[fixture->source.value_count++]};
    return value;
}

static inline void set_tag(struct fixture *fixture, struct source_tag *tags, size_t *count,
                           const char *name, const char *text)
{
    tags[(*count)++] =
        (struct source_tag){.name = bytes_of(name), .text = places_of(fixture, text)};
}

static inline void add_tag(struct fixture *fixture, const char *name, const char *text)
{
    set_tag(fixture, fixture->tags, &fixture->source.tag_count, name, text);
}

static inline void add_tag_of(struct fixture *fixture, struct source_value *value, const char *name,
                              const char *text)
{
    set_tag(fixture, fixture->value_tags[value - fixture->values], &value->tag_count, name, text);
}

/* Without values yet. */
static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.got = BUF_INIT(1 << 20)};
    arena_init(&fixture->arena, SIZE_MAX, NULL);
    limits_init(&fixture->limits);
    batch_init(&fixture->batch, &fixture->arena, 10);
    fixture->source.measurement = places_of(fixture, "m");
    fixture->source.values = fixture->values;
    fixture->source.tags = fixture->tags;
    fixture->source.time = (struct source_time){.slots = fixture->time_slots,
                                                .slot_count = 1,
                                                .step_slot = SOURCE_NO_SLOT,
                                                .index_slot = SOURCE_NO_SLOT,
                                                .index_first = 1,
                                                .fill_to_slot = SOURCE_NO_SLOT};
    fixture->source.versions.known_at_slot = SOURCE_NO_SLOT;
    fixture->terms = (struct mapper_terms){.source = &fixture->source,
                                           .partition = &fixture->partition,
                                           .limits = &fixture->limits,
                                           .arena = &fixture->arena};
}

static inline void fixture_release(struct fixture *fixture)
{
    mapper_close(fixture->mapper);
    batch_release(&fixture->batch);
    buf_release(&fixture->got);
    arena_release(&fixture->arena);
}

static inline void print_cell(struct buf *out, const struct point_field *field)
{
    char number[NUMBER_TEXT_SIZE];

    switch (field->type) {
    case TYPE_F64:
        buf_put(out, (struct bytes){number, number_print_f64(field->cell.f64, number)});
        break;
    case TYPE_I64:
        buf_printf(out, "%lldi", (long long)field->cell.i64);
        break;
    case TYPE_BOOL:
        buf_put_text(out, field->cell.u64 ? "true" : "false");
        break;
    case TYPE_RETRACTED:
        buf_put_text(out, "null");
        break;
    default:
        assert_int_equal(field->type, TYPE_STRING);
        buf_printf(out, "\"%.*s\"", BYTES_ARG(text_bytes(field->cell.text)));
    }
}

/* "m,tag=x a=1 b="c" 2024-01-01T00:00:00Z\n", with " known TIME" where there is one. */
static inline enum code print_point(void *context, struct point *point, int64_t revision,
                                    struct error *err)
{
    struct fixture *fixture = context;
    struct buf *out = &fixture->got;
    char text[TIMESTAMP_TEXT_SIZE];

    if (fixture->sink_code)
        return error_set(err, fixture->sink_code, "the sink is full");
    assert_ptr_equal(point->batch, &fixture->batch);
    assert_true(point->timed);
    buf_put(out, point->measurement);
    for (uint32_t i = 0; i < point->tag_count; i++)
        buf_printf(out, ",%.*s=%.*s", BYTES_ARG(point->tags[i].key),
                   BYTES_ARG(point->tags[i].value));
    for (uint32_t i = 0; i < point->field_count; i++) {
        buf_printf(out, " %.*s=", BYTES_ARG(point->fields[i].name));
        print_cell(out, &point->fields[i]);
    }
    buf_put_char(out, ' ');
    buf_put(out, (struct bytes){text, timestamp_print(point->time, text)});
    if (revision != INT64_MIN) {
        buf_put_text(out, " known ");
        buf_put(out, (struct bytes){text, timestamp_print(revision, text)});
    }
    buf_put_char(out, '\n');
    return OK;
}

static inline enum code fixture_open(struct fixture *fixture)
{
    struct mapper_sink sink = {print_point, fixture};

    return mapper_open(&fixture->terms, &fixture->batch, &sink, &fixture->mapper, &fixture->err);
}

/* "2024-01-01|#1.5|text|~": cells are texts; '#' is in front of numbers, '!' of true and false; '~'
 * leads nowhere, and what is not there neither. */
static inline struct tree_value cell_of(struct bytes text)
{
    struct bytes rest = text.size > 0 ? bytes_slice(text, 1, text.size) : text;

    if (text.size > 0 && text.data[0] == '#')
        return (struct tree_value){TREE_NUMBER, rest};
    if (text.size > 0 && text.data[0] == '!')
        return (struct tree_value){TREE_TRUE, rest};
    if (bytes_equal(text, BYTES("~")))
        return (struct tree_value){TREE_END, {0}};
    if (bytes_equal(text, BYTES("null")))
        return (struct tree_value){TREE_NULL, text};
    return (struct tree_value){TREE_TEXT, text};
}

static inline void cells_of(const char *cells, struct tree_value slots[FIXTURE_SLOTS])
{
    struct bytes rest = bytes_of(cells);

    for (size_t i = 0; i < FIXTURE_SLOTS; i++) {
        const char *bar = rest.size > 0 ? memchr(rest.data, '|', rest.size) : NULL;
        size_t size = bar == NULL ? rest.size : (size_t)(bar - rest.data);

        slots[i] = rest.data == NULL ? (struct tree_value){TREE_END, {0}}
                                     : cell_of(bytes_slice(rest, 0, size));
        rest = bar == NULL ? (struct bytes){0} : bytes_slice(rest, size + 1, rest.size);
    }
}

static inline enum code take_row(struct fixture *fixture, uint64_t parent, const char *cells)
{
    struct tree_value slots[FIXTURE_SLOTS];
    struct tree_row row = {++fixture->row_number, parent, slots, NULL};
    char at[32];
    enum code code;

    cells_of(cells, slots);
    snprintf(at, sizeof(at), "/rows/%llu", (unsigned long long)fixture->row_number - 1);
    row.at = at;
    code = mapper_take(fixture->mapper, &row, &fixture->err);
    memset(slots, 0xff, sizeof(slots)); /* valid during the call */
    return code;
}

/* A line each, all of one parent; a line "--" begins the next. */
static inline enum code take_rows(struct fixture *fixture, const char *lines)
{
    uint64_t parent = 1;
    enum code code = fixture->mapper == NULL ? fixture_open(fixture) : OK;

    while (code == OK && *lines != '\0') {
        const char *end = strchrnul(lines, '\n');
        char line[256];

        assert_in_range(end - lines, 0, sizeof(line) - 1);
        memcpy(line, lines, (size_t)(end - lines));
        line[end - lines] = '\0';
        lines = *end == '\0' ? end : end + 1;
        if (strcmp(line, "--") == 0)
            parent++;
        else
            code = take_row(fixture, parent, line);
    }
    return code == OK ? mapper_finish(fixture->mapper, &fixture->err) : code;
}

static inline void expect_points(struct fixture *fixture, const char *lines, const char *want)
{
    enum code code = take_rows(fixture, lines);

    buf_put_char(&fixture->got, '\0');
    if (code != OK || strcmp(fixture->got.data, want) != 0)
        fail_msg("code %d (%s), got:\n%s\nwant:\n%s", code, fixture->err.text, fixture->got.data,
                 want);
    buf_clear(&fixture->got);
}

static inline void expect_fault(const struct fixture *fixture, size_t index, uint64_t row,
                                const char *at, const char *text)
{
    const struct mapper_counts *counts = mapper_counts(fixture->mapper);
    const struct mapper_fault *fault = &counts->faults[index];

    assert_true(index < counts->fault_count);
    if (fault->row != row || !bytes_equal(fault->at, bytes_of(at)) ||
        memmem(fault->text.data, fault->text.size, text, strlen(text)) == NULL)
        fail_msg("fault %zu: row %llu at %.*s: %.*s", index, (unsigned long long)fault->row,
                 BYTES_ARG(fault->at), BYTES_ARG(fault->text));
}

#endif
