/* CSV as events: a record is an object of texts by the header's names.  Records are split by
 * csv_reader.h; here is what they mean. */
#include <stdlib.h>

#include "base/map.h"
#include "codec/csv_reader.h"
#include "codec/tree/tree.h"
#include "codec/utf8.h"

enum { CELLS_MAX = 10000 };

struct tree_reader {
    struct tree_sink sink;
    struct csv_reader csv;
    struct arena arena; /* names, cells */
    uint32_t skip;      /* records that are still to be skipped */
    bool named;         /* the names are known */
    struct bytes *names;
    size_t name_count;
    const struct bytes *wanted;
    size_t wanted_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the columns of the document");
}

static enum code at_line(enum code code, const struct csv_record *record, struct error *err)
{
    error_context(err, "line %u", record->line);
    if (err != NULL)
        err->line = record->line;
    return code;
}

static enum code check_text(const struct csv_record *record, size_t cell, struct error *err)
{
    struct bytes text = record->cells[cell].text;
    size_t bad = utf8_check(text);

    if (bad == text.size)
        return OK;
    (void)error_set(err, E_BAD_UTF8, "cell %zu: 0x%02x is not UTF-8", cell + 1,
                    (unsigned char)text.data[bad]);
    return at_line(E_BAD_UTF8, record, err);
}

/* Empty names and two that are the same. */
static enum code check_names(const struct bytes *names, size_t count, struct error *err)
{
    struct map seen = MAP_INIT;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < count; i++) {
        const struct bytes *before = map_get(&seen, names[i]);

        if (names[i].size == 0)
            code = error_set(err, E_SYNTAX, "column %zu has no name", i + 1);
        else if (before != NULL)
            code = error_set(err, E_SYNTAX, "columns %zu and %zu are both called \"%.*s\"",
                             (size_t)(before - names) + 1, i + 1, BYTES_ARG(names[i]));
        else if (!map_put(&seen, names[i], (void *)&names[i]))
            code = no_memory(err);
    }
    map_release(&seen);
    return code;
}

/* Without records nothing else would show that what came is no such document. */
static enum code check_wanted(const struct tree_reader *reader, struct error *err)
{
    for (size_t i = 0; i < reader->wanted_count; i++)
        for (size_t j = 0; j < reader->name_count; j++)
            if (bytes_equal(reader->wanted[i], reader->names[j]))
                return OK;
    if (reader->wanted_count == 0)
        return OK;
    return error_set(err, E_SYNTAX,
                     "the header has none of the columns that are wanted, as \"%.*s\"",
                     BYTES_ARG(reader->wanted[0]));
}

static enum code take_names(struct tree_reader *reader, const struct csv_record *record,
                            struct error *err)
{
    size_t count = record->count;
    enum code code = OK;

    if (count > CELLS_MAX) {
        (void)error_set(err, E_SYNTAX, "%zu columns; the most is %d", count, CELLS_MAX);
        return at_line(E_SYNTAX, record, err);
    }
    reader->names = ARENA_ARRAY(&reader->arena, struct bytes, count);
    if (reader->names == NULL)
        return no_memory(err);
    for (size_t i = 0; code == OK && i < count; i++) {
        code = check_text(record, i, err);
        if (code)
            return code;
        reader->names[i] = arena_copy(&reader->arena, record->cells[i].text);
        if (reader->names[i].data == NULL)
            return no_memory(err);
    }
    reader->name_count = count;
    reader->named = true;
    code = check_names(reader->names, count, err);
    if (code == OK)
        code = check_wanted(reader, err);
    return code == E_SYNTAX ? at_line(code, record, err) : code;
}

static enum code emit(const struct tree_reader *reader, enum tree_kind kind, struct bytes text,
                      struct error *err)
{
    struct tree_event event = {.kind = kind, .text = text};

    return reader->sink.take(reader->sink.context, &event, err);
}

static enum code take_row(struct tree_reader *reader, const struct csv_record *record,
                          struct error *err)
{
    enum code code = OK;

    if (record->count > reader->name_count) {
        (void)error_set(err, E_SYNTAX, "%zu cells, and names for %zu", record->count,
                        reader->name_count);
        return at_line(E_SYNTAX, record, err);
    }
    for (size_t i = 0; code == OK && i < record->count; i++)
        code = check_text(record, i, err);
    if (code == OK)
        code = emit(reader, TREE_OBJECT, (struct bytes){0}, err);
    for (size_t i = 0; code == OK && i < record->count; i++) {
        code = emit(reader, TREE_KEY, reader->names[i], err);
        if (code == OK)
            code = emit(reader, TREE_TEXT, record->cells[i].text, err);
    }
    return code == OK ? emit(reader, TREE_END, (struct bytes){0}, err) : code;
}

static enum code take_record(void *context, const struct csv_record *record, struct error *err)
{
    struct tree_reader *reader = context;

    if (reader->skip > 0) { /* whatever it is */
        reader->skip--;
        return OK;
    }
    if (record->fault != OK) {
        if (record->column > 0)
            (void)error_set(err, record->fault, "column %zu: %s", record->column, record->what);
        else
            (void)error_set(err, record->fault, "%s", record->what);
        if (record->column == 0)
            return at_line(record->fault, record, err);
        error_context(err, "line %u", record->line);
        return record->fault;
    }
    return reader->named ? take_row(reader, record, err) : take_names(reader, record, err);
}

static void reader_close(struct tree_reader *reader)
{
    if (reader == NULL)
        return;
    csv_reader_release(&reader->csv);
    arena_release(&reader->arena);
    free(reader);
}

static enum code reader_open(const struct tree_limits *limits, const struct tree_columns *columns,
                             const struct tree_sink *sink, struct tree_reader **reader,
                             struct error *err)
{
    static const struct tree_columns usual = {.separator = ',', .header = true};
    struct tree_reader *new;
    enum code code;

    *reader = NULL;
    columns = columns == NULL ? &usual : columns;
    if (!columns->header) {
        if (columns->name_count == 0)
            return error_set(err, E_BAD_PARAMETER,
                             "CSV without a header needs the names of its columns");
        code = check_names(columns->names, columns->name_count, err);
        if (code)
            return code;
    }
    new = calloc(1, sizeof(*new));
    if (new == NULL)
        return no_memory(err);
    arena_init(&new->arena, SIZE_MAX, NULL); /* names of one record, and as many cells */
    new->sink = *sink;
    new->skip = columns->skip;
    new->wanted = columns->wanted;
    new->wanted_count = columns->wanted_count;
    if (!columns->header) {
        new->names = (struct bytes *)columns->names;
        new->name_count = columns->name_count;
        new->named = true;
    }
    new->csv = (struct csv_reader){
        .take = take_record,
        .context = new,
        .arena = &new->arena,
        .separator = columns->separator,
        .record_bytes_max = limits->leaf_bytes_max,
        .cells_max = CELLS_MAX,
    };
    csv_reader_init(&new->csv);
    *reader = new;
    return OK;
}

static enum code reader_feed(struct tree_reader *reader, struct bytes piece, struct error *err)
{
    return csv_reader_feed(&reader->csv, piece, err);
}

static enum code reader_finish(struct tree_reader *reader, struct error *err)
{
    return csv_reader_finish(&reader->csv, err);
}

const struct tree_format tree_csv = {"csv", reader_open, reader_feed, reader_finish, reader_close};
