#include "ingest/source/source_reader.h"

#define TEN_YEARS_MS (INT64_C(3660) * 86400000)

enum { PATHS_MAX = 8 };

/* For who is told that it leads nowhere. */
static struct bytes path_text(struct source_reader *reader, const struct json *path)
{
    struct bytes text = BYTES("");

    if (json_kind(path) == JSON_KIND_TEXT)
        text = arena_copy(reader->arena, json_text_of(path));
    (void)source_has(reader, text.data);
    return text;
}

static void take_path(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = block;
    bool list;
    struct bytes *paths;
    size_t count;
    uint32_t *slots;

    if (value == NULL)
        return;
    list = json_kind(value) == JSON_KIND_ARRAY;
    count = list ? json_count(value) : 1;
    if (count == 0 || count > PATHS_MAX) {
        source_fault(reader, "there are %zu paths; want 1 to %d", count, PATHS_MAX);
        return;
    }
    slots = ARENA_ARRAY(reader->arena, uint32_t, count);
    paths = ARENA_ARRAY(reader->arena, struct bytes, count);
    if (!source_has(reader, slots) || !source_has(reader, paths))
        return;
    for (size_t i = 0; i < count; i++)
        paths[i] = path_text(reader, list ? json_element(value, i) : value);
    for (size_t i = 0; i < count && list; i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        slots[i] = source_slot(reader, json_element(value, i), false);
        source_leave(reader);
    }
    if (!list)
        slots[0] = source_slot(reader, value, false);
    time->slots = slots;
    time->paths = paths;
    time->slot_count = count;
}

static void take_format(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = block;

    time->format = (struct source_time_format){.kind = SOURCE_TIME_ISO};
    if (value != NULL)
        (void)source_format(reader, value, false, &time->format);
}

static void take_first(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = block;

    time->index_first = 1;
    if (value != NULL && source_is(reader, value, JSON_KIND_INTEGER, "a whole number"))
        time->index_first = json_integer_of(value);
}

static void take_when(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = block;

    if (value != NULL)
        source_matches(reader, value, &time->fill_when, &time->fill_when_count);
}

static const struct source_key fill_keys[] = {
    TAKE("when", take_when),
    KEY("to", KEY_SLOT, source_time, fill_to_slot, .required = true),
};

static void take_fill(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = block;

    time->fill = value != NULL;
    (void)source_block(reader, value, fill_keys, COUNT_OF(fill_keys), time);
}

static const char *const choices[] = {"order", "first", "second", "fail", NULL};
static const char *const labels[] = {"start", "end", "instant", NULL};

/* The block, and the word that the source keeps as less. */
struct reading {
    struct source_time time; /* first: functions above take it */
    unsigned label;
};

static const struct source_key keys[] = {
    TAKE("path", take_path),
    TAKE("base", take_path),
    KEY("index", KEY_SLOT, source_time, index_slot),
    TAKE("first", take_first),
    TAKE("format", take_format),
    KEY("tz", KEY_ZONE, source_time, zone),
    KEY("ambiguous", KEY_CHOICE, source_time, ambiguous, .choices = choices),
    KEY("label", KEY_CHOICE, reading, label, .choices = labels),
    KEY("step", KEY_SPAN, source_time, step, .least = 1, .most = TEN_YEARS_MS),
    KEY("step_path", KEY_SLOT, source_time, step_slot),
    TAKE("fill", take_fill),
};

static void check_time(struct source_reader *reader, const struct json *value,
                       const struct source_time *time)
{
    bool base = json_member(value, "base"), index = json_member(value, "index");
    bool step = json_member(value, "step"), step_path = json_member(value, "step_path");

    if (base && json_member(value, "path"))
        source_fault_key(reader, "base", "it stands instead of `path`; want one of both");
    else if (!base && json_member(value, "path") == NULL)
        source_fault_key(reader, "path",
                         "it is missing; want where the time stands, or `base` "
                         "and `index`");
    if (base != index)
        source_fault_key(reader, base ? "index" : "base",
                         "it is missing; `base` and `index` go together");
    if (json_member(value, "first") && !index)
        source_fault_key(reader, "first", "it is of `index`, which is missing");
    if (step && step_path)
        source_fault_key(reader, "step_path", "it stands instead of `step`; want one of both");
    if (step || step_path)
        return;
    if (time->label_end)
        source_fault_key(reader, "step", "it is missing: `label: end` takes it off");
    else if (index)
        source_fault_key(reader, "step", "it is missing: the time is base + index × step");
    else if (time->fill)
        source_fault_key(reader, "step", "it is missing: `fill` repeats a row each step");
}

void source_take_time(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_time *time = &((struct source *)block)->time;
    struct reading reading = {0};
    bool object = source_block(reader, value, keys, COUNT_OF(keys), &reading);

    *time = reading.time;
    time->label_end = reading.label == 1;
    if (object && value != NULL)
        check_time(reader, value, time);
}
