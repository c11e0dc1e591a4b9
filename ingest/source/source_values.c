#include "ingest/source/source_reader.h"

enum {
    TEXTS_MAX = 64,
    UNITS_MAX = 256,
    UNIT_SIZE_MAX = 64,
    PLACES = 1 << PLACE_EACH | 1 << PLACE_ROW,
};

static const struct bytes nulls[] = {BYTES(""),    BYTES("null"), BYTES("NaN"),
                                     BYTES("nan"), BYTES("-"),    BYTES("N/A")};

static void take_tags(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_value *one = block;

    if (value != NULL)
        source_read_tags(reader, value, &one->tags, &one->tag_count);
}

static const char scale_of_zero[] = "0 would make all values one";

static const struct source_key unit_keys[] = {
    KEY("scale", KEY_REAL, source_unit, scale, .initial = 1),
    KEY("offset", KEY_REAL, source_unit, offset),
};

static void take_units(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_value *one = block;
    struct source_unit *units;
    struct json *member;
    struct bytes key;

    if (value == NULL ||
        !source_is(reader, value, JSON_KIND_OBJECT, "a map of units to {scale: …, offset: …}"))
        return;
    if (json_count(value) == 0 || json_count(value) > UNITS_MAX) {
        source_fault(reader, "there are %zu; want 1 to %d", json_count(value), UNITS_MAX);
        return;
    }
    units = ARENA_ARRAY(reader->arena, struct source_unit, json_count(value));
    if (!source_has(reader, units))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_unit *unit = &units[one->unit_count++];
        struct source_at here;

        source_enter(reader, &here, key);
        unit->name = arena_copy(reader->arena, key);
        (void)source_has(reader, unit->name.data);
        if (source_block(reader, member, unit_keys, COUNT_OF(unit_keys), unit) && unit->scale == 0)
            source_fault_key(reader, "scale", scale_of_zero);
        source_leave(reader);
    }
    one->units = units;
}

/* One character between digits; '\0': none. */
static void take_mark(struct source_reader *reader, const struct json *value, char *mark)
{
    struct bytes text = {NULL, 0};

    if (json_kind(value) == JSON_KIND_TEXT)
        text = json_text_of(value);
    if (text.size == 1 && text.data[0] >= ' ' && text.data[0] <= '~' &&
        strchr("+-0123456789eE", text.data[0]) == NULL)
        *mark = text.data[0];
    else
        source_fault(reader, "want one character, as \",\"");
}

static void take_decimal(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_value *one = block;

    one->decimal = '.';
    if (value != NULL)
        take_mark(reader, value, &one->decimal);
}

static void take_thousands(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_value *one = block;

    if (value != NULL)
        take_mark(reader, value, &one->thousands);
}

static void take_nulls(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_value *one = block;

    one->nulls = nulls;
    one->null_count = COUNT_OF(nulls);
    if (value != NULL)
        (void)source_texts(reader, value, false, TEXTS_MAX, &one->nulls, &one->null_count);
}

static const char *const types[] = {"number", "integer", "bool", "text", NULL};
static const char *const missing[] = {"skip", "fail", NULL};
static const char *const codeds[] = {"fail", "skip", "keep", NULL};

static const struct source_key keys[] = {
    KEY("path", KEY_SLOT, source_value, slot, .required = true),
    KEY("field", KEY_PLACES, source_value, field, .required = true, .places = PLACES),
    KEY("measurement", KEY_PLACES, source_value, measurement, .places = PLACES),
    TAKE("tags", take_tags),
    KEY("type", KEY_CHOICE, source_value, type, .choices = types),
    KEY("unit", KEY_TEXT, source_value, unit, .most = UNIT_SIZE_MAX),
    KEY("unit_path", KEY_SLOT, source_value, unit_slot),
    TAKE("units", take_units),
    KEY("scale", KEY_REAL, source_value, scale, .initial = 1),
    KEY("offset", KEY_REAL, source_value, offset),
    TAKE("decimal", take_decimal),
    TAKE("thousands", take_thousands),
    TAKE("null", take_nulls),
    KEY("missing", KEY_EITHER, source_value, required, .choices = missing),
    KEY("qualifier", KEY_TEXTS, source_value, qualifiers,
        .count_offset = offsetof(struct source_value, qualifier_count), .most = TEXTS_MAX),
    KEY("coded", KEY_CHOICE, source_value, coded, .choices = codeds),
};

/* For who is told that it leads nowhere. */
static void keep_path(struct source_reader *reader, const struct json *value,
                      struct source_value *one)
{
    const struct json *path = json_member(value, "path");

    one->path = BYTES("");
    if (path != NULL && json_kind(path) == JSON_KIND_TEXT)
        one->path = arena_copy(reader->arena, json_text_of(path));
    (void)source_has(reader, one->path.data);
}

/* What only numbers have. */
static void check_number(struct source_reader *reader, const struct json *value)
{
    static const char *const of_numbers[] = {"units",   "unit_path", "scale",     "offset",
                                             "decimal", "thousands", "qualifier", "coded"};

    for (size_t i = 0; i < COUNT_OF(of_numbers); i++)
        if (json_member(value, of_numbers[i]))
            source_fault_key(reader, of_numbers[i], "it is of numbers, and the type is another");
}

static void check_value(struct source_reader *reader, const struct json *value,
                        const struct source_value *one)
{
    bool path = json_member(value, "unit_path"), units = json_member(value, "units");

    if (one->type == SOURCE_BOOL || one->type == SOURCE_TEXT)
        check_number(reader, value);
    if (path && !units)
        source_fault_key(reader, "units",
                         "it is missing: what the unit at `unit_path` may be; to "
                         "keep any, want a tag {path: …}");
    if (units && !path)
        source_fault_key(reader, "unit_path", "it is missing: where the data say their unit");
    if (one->thousands != '\0' && one->thousands == one->decimal)
        source_fault_key(reader, "thousands", "it is the same as `decimal`");
    if (one->scale == 0)
        source_fault_key(reader, "scale", scale_of_zero);
    for (size_t i = 0; i < one->qualifier_count; i++)
        if (one->qualifiers[i].size == 0)
            source_fault_key(reader, "qualifier", "an empty text stands before every number");
}

void source_take_values(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;
    struct source_value *values;
    size_t count;

    if (!source_is(reader, value, JSON_KIND_ARRAY, "a list of {path: …, field: …}"))
        return;
    count = json_count(value);
    if (count == 0 || count > SOURCE_VALUES_MAX) {
        source_fault(reader, "there are %zu values; want 1 to %d", count, SOURCE_VALUES_MAX);
        return;
    }
    values = ARENA_ARRAY(reader->arena, struct source_value, count);
    if (!source_has(reader, values))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct json *one = json_element(value, i);
        struct source_at at;

        source_enter_element(reader, &at, i);
        if (source_block(reader, one, keys, COUNT_OF(keys), &values[i])) {
            values[i].has_measurement = json_member(one, "measurement") != NULL;
            keep_path(reader, one, &values[i]);
            check_value(reader, one, &values[i]);
        }
        source_leave(reader);
    }
    source->values = values;
    source->value_count = count;
}
