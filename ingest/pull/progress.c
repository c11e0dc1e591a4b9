#include "ingest/pull/progress.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

const struct bytes progress_partition_key = {"partition", 9};

void partition_id(const struct source_partition *partition, char id[PARTITION_ID_SIZE])
{
    char text[HASH128_TEXT_SIZE];
    struct hash128_state state;
    struct hash128 hash;

    hash128_begin(&state);
    for (size_t i = 0; i < partition->count; i++) { /* sizes keep "a", "bc" and "ab", "c" apart */
        const struct source_variable *variable = &partition->variables[i];
        uint64_t sizes[2] = {variable->name.size, variable->value.size};

        hash128_add(&state, (struct bytes){(const char *)sizes, sizeof(sizes)});
        hash128_add(&state, variable->name);
        hash128_add(&state, variable->value);
    }
    hash = hash128_end(&state);
    hash128_print(&hash, text);
    memcpy(id, text, PARTITION_ID_SIZE - 1);
    id[PARTITION_ID_SIZE - 1] = '\0';
}

static struct bytes name_of(struct bytes source, bool prefix, struct arena *arena)
{
    size_t size = source.size + 1 + prefix;
    char *text = arena_alloc(arena, size);

    if (text == NULL)
        return (struct bytes){0};
    text[0] = MEASUREMENT_HIDDEN;
    memcpy(text + 1, source.data, source.size);
    if (prefix)
        text[size - 1] = MEASUREMENT_HIDDEN;
    return (struct bytes){text, size};
}

struct bytes progress_measurement(struct bytes source, struct arena *arena)
{
    return name_of(source, false, arena);
}

struct bytes progress_prefix(struct bytes source, struct arena *arena)
{
    return name_of(source, true, arena);
}

/* --- a note as a row --- */

enum note_field {
    NOTE_BEGUN,
    NOTE_BODY,
    NOTE_DOCUMENT,
    NOTE_DONE,
    NOTE_END,
    NOTE_ETAG,
    NOTE_EXPIRES,
    NOTE_FETCHED,
    NOTE_HAD,
    NOTE_MODIFIED,
    NOTE_NUMBER,
    NOTE_PAGE,
    NOTE_ROWS,
    NOTE_FIELD_COUNT
};

static const struct {
    struct bytes name;
    enum value_type type;
} note_fields[NOTE_FIELD_COUNT] = {
    [NOTE_BEGUN] = {{"begun", 5},    TYPE_I64   },
    [NOTE_BODY] = {{"body", 4},     TYPE_STRING},
    [NOTE_DOCUMENT] = {{"document", 8}, TYPE_STRING},
    [NOTE_DONE] = {{"done", 4},     TYPE_BOOL  },
    [NOTE_END] = {{"end", 3},      TYPE_I64   },
    [NOTE_ETAG] = {{"etag", 4},     TYPE_STRING},
    [NOTE_EXPIRES] = {{"expires", 7},  TYPE_I64   },
    [NOTE_FETCHED] = {{"fetched", 7},  TYPE_I64   },
    [NOTE_HAD] = {{"had", 3},      TYPE_I64   },
    [NOTE_MODIFIED] = {{"modified", 8}, TYPE_STRING},
    [NOTE_NUMBER] = {{"number", 6},   TYPE_I64   },
    [NOTE_PAGE] = {{"page", 4},     TYPE_STRING},
    [NOTE_ROWS] = {{"rows", 4},     TYPE_I64   },
};

static const struct text *text_make(struct bytes bytes, struct arena *arena)
{
    struct text *text = arena_alloc(arena, sizeof(*text) + bytes.size);

    if (text == NULL)
        return NULL;
    text->size = (uint32_t)bytes.size;
    if (bytes.size > 0)
        memcpy(text->data, bytes.data, bytes.size);
    return text;
}

static struct bytes text_of(const struct progress_note *note, enum note_field field)
{
    switch (field) {
    case NOTE_BODY:
        return note->body;
    case NOTE_DOCUMENT:
        return note->document;
    case NOTE_ETAG:
        return note->etag;
    case NOTE_MODIFIED:
        return note->modified;
    default:
        return note->page;
    }
}

static int64_t number_of(const struct progress_note *note, enum note_field field)
{
    switch (field) {
    case NOTE_BEGUN:
        return note->begun_ns;
    case NOTE_DONE:
        return note->done;
    case NOTE_END:
        return note->end_ns;
    case NOTE_EXPIRES:
        return note->expires_ns;
    case NOTE_FETCHED:
        return note->fetched_ns;
    case NOTE_HAD:
        return note->had_ns;
    case NOTE_ROWS:
        return (int64_t)note->rows;
    default:
        return note->page_number;
    }
}

static bool put_fields(const struct progress_note *note, struct point *point)
{
    for (enum note_field i = 0; i < NOTE_FIELD_COUNT; i++) {
        struct point_field *field = point_add_field(point);

        if (field == NULL)
            return false;
        *field = (struct point_field){.name = note_fields[i].name, .type = note_fields[i].type};
        if (field->type != TYPE_STRING)
            field->cell.i64 = number_of(note, i);
        else
            field->cell.text = text_make(text_of(note, i), point->batch->arena);
        if (field->type == TYPE_STRING && field->cell.text == NULL)
            return false;
    }
    return true;
}

enum code progress_put(const struct progress_note *note, struct bytes measurement,
                       struct bytes partition, struct point *point, struct error *err)
{
    struct bytes duplicate;
    struct series_tag *tag;
    uint32_t series = 0;
    enum code code;

    point_clear(point);
    point->measurement = measurement;
    point->timed = true;
    point->time = note->time_ns;
    tag = point_add_tag(point);
    if (tag != NULL)
        *tag = (struct series_tag){progress_partition_key, partition};
    code =
        tag != NULL && put_fields(note, point) ? point_find_series(point, &series, err) : E_MEMORY;
    if (code == OK)
        code = point_find_table(point, &duplicate);
    if (code == OK)
        code = point_put_row(point, series, 1, note->time_ns);
    return code == E_MEMORY ? error_set(err, code, "no memory for a note of progress") : code;
}

static bool take_text(struct progress_note *note, enum note_field field, struct bytes text)
{
    switch (field) {
    case NOTE_BODY:
        note->body = text;
        return true;
    case NOTE_DOCUMENT:
        note->document = text;
        return true;
    case NOTE_ETAG:
        note->etag = text;
        return true;
    case NOTE_MODIFIED:
        note->modified = text;
        return true;
    case NOTE_PAGE:
        note->page = text;
        return true;
    default:
        return false;
    }
}

static bool take_number(struct progress_note *note, enum note_field field, int64_t number)
{
    switch (field) {
    case NOTE_BEGUN:
        note->begun_ns = number;
        return true;
    case NOTE_DONE:
        note->done = number != 0;
        return true;
    case NOTE_END:
        note->end_ns = number;
        return true;
    case NOTE_EXPIRES:
        note->expires_ns = number;
        return true;
    case NOTE_FETCHED:
        note->fetched_ns = number;
        return true;
    case NOTE_HAD:
        note->had_ns = number;
        return true;
    case NOTE_NUMBER:
        note->page_number = (uint32_t)number;
        return number >= 0 && number <= UINT32_MAX;
    case NOTE_ROWS:
        note->rows = (uint64_t)number;
        return number >= 0;
    default:
        return false;
    }
}

bool progress_read(const struct recalled_row *row, struct progress_note *note,
                   struct bytes *partition)
{
    bool begun = false, ended = false, tagged = false;

    *note = (struct progress_note){.time_ns = row->time, .had_ns = row->time};
    for (uint32_t i = 0; i < row->tag_count; i++)
        if (bytes_equal(row->tags[i].key, progress_partition_key)) {
            *partition = row->tags[i].value;
            tagged = true;
        }
    for (uint32_t i = 0; i < row->count; i++) {
        enum note_field field = 0;

        while (field < NOTE_FIELD_COUNT && !bytes_equal(note_fields[field].name, row->fields[i]))
            field++;
        if (field == NOTE_FIELD_COUNT || row->types[i] == TYPE_NONE)
            continue; /* of a later version */
        if (row->types[i] != note_fields[field].type)
            return false;
        if (row->types[i] == TYPE_STRING ? !take_text(note, field, text_bytes(row->cells[i].text))
                                         : !take_number(note, field, row->cells[i].i64))
            return false;
        begun = begun || field == NOTE_BEGUN;
        ended = ended || field == NOTE_END;
    }
    if (!begun)
        note->begun_ns = note->done ? note->fetched_ns : INT64_MIN;
    return tagged && ended;
}
