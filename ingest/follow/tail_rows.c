/* Records of CSV go to the mapper as they lie in the file, without being made events of a document
 * first: at some hundred thousand rows a second that is half of the work.  Lines of NDJSON are
 * documents, read one by one, so that one that is none takes no other with it. */
#include "ingest/follow/tail_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/csv_reader.h"
#include "codec/utf8.h"

enum {
    CELLS_MAX = 10000,
    DEPTH_MAX = 64,
    TOLD_SIZE = 512,
    TEXT_SIZE = 240,
    NO_COLUMN = -1,  /* the record has no such thing */
    THE_RECORD = -2, /* the record itself: an object */
};

struct tail_rows {
    struct tail_rows_terms terms;
    struct mapper *mapper;
    struct arena arena;  /* as long as this */
    struct arena faults; /* the mapper's */
    struct tail_counts counts;
    char told[TOLD_SIZE];
    bool memory_out;
    /* Of CSV. */
    struct csv_reader csv;
    struct arena cells;
    struct bytes *names;
    size_t name_count;
    bool named;
    uint32_t skip; /* records before the names, or the first row */
    int *columns;  /* of each slot */
    struct tree_value *values;
    /* Of NDJSON. */
    struct tree_rows *rows;
    struct tree_reader *lines;
    struct buf carry;
    bool skipping;
    uint64_t line;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the rows of a file");
}

static bool is_csv(const struct tail_rows *rows)
{
    return rows->terms.source->decode.format == &tree_csv;
}

static void tell(struct tail_rows *rows, uint64_t line, const char *text)
{
    rows->counts.faults++;
    (void)snprintf(rows->told, sizeof(rows->told), "line %" PRIu64 " of what was read: %s", line,
                   text);
}

/* --- points --- */

static enum code take_point(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct tail_rows *rows = context;
    struct bytes duplicate;
    uint32_t series;
    enum code code;

    (void)revision; /* `versions` goes not with files */
    if (rows->terms.discards)
        return OK;
    code = point_find_series(point, &series, err);
    if (code == OK)
        code = point_find_table(point, &duplicate);
    if (code == OK)
        code = point_put_row(point, series, (uint32_t)point->batch->row_count + 1, point->time);
    if (code)
        return code == E_MEMORY ? no_memory(err) : code;
    rows->counts.points++;
    return OK;
}

static enum code open_mapper(struct tail_rows *rows, struct error *err)
{
    const struct mapper_terms terms = {
        .source = rows->terms.source,
        .partition = rows->terms.source->foreach.partitions,
        .limits = rows->terms.limits,
        .arena = &rows->faults,
    };
    const struct mapper_sink sink = {take_point, rows};

    mapper_close(rows->mapper);
    rows->mapper = NULL;
    arena_release(&rows->faults);
    return mapper_open(&terms, rows->terms.batch, &sink, &rows->mapper, err);
}

/* A row that the mapper left out is told; when it keeps no more of them, a new one does. */
static enum code note_faults(struct tail_rows *rows, uint64_t before, uint64_t line,
                             struct error *err)
{
    const struct mapper_counts *counts = mapper_counts(rows->mapper);
    const struct mapper_fault *fault;
    char text[TEXT_SIZE];

    if (counts->faulty == before)
        return OK;
    fault = &counts->faults[counts->fault_count - 1];
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(fault->text));
    rows->counts.faults += counts->faulty - before - 1;
    tell(rows, line, text);
    return counts->fault_count < COUNT_OF(counts->faults) ? OK : open_mapper(rows, err);
}

static enum code map_row(struct tail_rows *rows, const struct tree_row *row, uint64_t line,
                         struct error *err)
{
    uint64_t before = mapper_counts(rows->mapper)->faulty;
    enum code code = mapper_take(rows->mapper, row, err);

    rows->counts.rows++;
    return code ? code : note_faults(rows, before, line, err);
}

/* --- CSV --- */

/* The column of a path; what lies deeper than a record's cells is nowhere. */
static int column_of(const struct tail_rows *rows, const struct tree_path *path)
{
    if (path->count == 0)
        return THE_RECORD;
    for (size_t i = 0; path->count == 1 && i < rows->name_count; i++)
        if (bytes_equal(rows->names[i], path->steps[0].name))
            return (int)i;
    return NO_COLUMN;
}

static enum code check_names(const struct tail_rows *rows, struct error *err)
{
    for (size_t i = 0; i < rows->name_count; i++) {
        if (rows->names[i].size == 0)
            return error_set(err, E_SYNTAX, "column %zu has no name", i + 1);
        for (size_t j = 0; j < i; j++)
            if (bytes_equal(rows->names[i], rows->names[j]))
                return error_set(err, E_SYNTAX, "columns %zu and %zu are both called \"%.*s\"",
                                 j + 1, i + 1, BYTES_ARG(rows->names[i]));
    }
    return OK;
}

static enum code bind(struct tail_rows *rows, struct error *err)
{
    const struct source *source = rows->terms.source;
    enum code code = check_names(rows, err);

    for (size_t i = 0; code == OK && i < source->slot_count; i++)
        rows->columns[i] = column_of(rows, &source->slots[i].path);
    rows->named = code == OK;
    return code;
}

static enum code take_names(struct tail_rows *rows, const struct csv_record *record,
                            struct error *err)
{
    if (record->fault != OK)
        return error_set(err, E_SYNTAX, "the names of columns: %s", record->what);
    if (record->count > CELLS_MAX)
        return error_set(err, E_SYNTAX, "%zu columns; the most is %d", record->count, CELLS_MAX);
    rows->names = ARENA_ARRAY(&rows->arena, struct bytes, record->count);
    for (size_t i = 0; rows->names != NULL && i < record->count; i++) {
        rows->names[i] = arena_copy(&rows->arena, record->cells[i].text);
        if (rows->names[i].data == NULL)
            return no_memory(err);
    }
    if (rows->names == NULL)
        return no_memory(err);
    rows->name_count = record->count;
    return bind(rows, err);
}

static void set_values(struct tail_rows *rows, const struct csv_record *record)
{
    static const struct tree_value absent = {.kind = TREE_END}, object = {.kind = TREE_OBJECT};

    for (size_t i = 0; i < rows->terms.source->slot_count; i++) {
        int column = rows->columns[i];

        if (column >= 0 && (size_t)column < record->count)
            rows->values[i] = (struct tree_value){TREE_TEXT, record->cells[column].text};
        else
            rows->values[i] = column == THE_RECORD ? object : absent;
    }
}

static enum code take_record(void *context, const struct csv_record *record, struct error *err)
{
    struct tail_rows *rows = context;
    struct tree_row row = {.number = record->line, .parent = 1, .slots = rows->values, .at = ""};
    char text[TEXT_SIZE];

    if (record->fault != OK) {
        if (!rows->terms.discards)
            tell(rows, record->line, record->what);
        return OK;
    }
    if (record->count > rows->name_count) {
        (void)snprintf(text, sizeof(text), "%zu cells, and names for %zu", record->count,
                       rows->name_count);
        tell(rows, record->line, text);
        return OK;
    }
    if (rows->terms.discards)
        return OK;
    set_values(rows, record);
    return map_row(rows, &row, record->line, err);
}

static void init_csv(struct tail_rows *rows, struct csv_reader *csv, struct arena *cells,
                     enum code (*take)(void *context, const struct csv_record *record,
                                       struct error *err))
{
    const struct source *source = rows->terms.source;

    *csv = (struct csv_reader){
        .take = take,
        .context = rows,
        .arena = cells,
        .separator = source->decode.csv.separator,
        .record_bytes_max = source->files.line_bytes_max,
        .cells_max = CELLS_MAX,
    };
    csv_reader_init(csv);
}

/* Records in front of the rows; E_CANCELLED: they are over. */
static enum code take_first(void *context, const struct csv_record *record, struct error *err)
{
    struct tail_rows *rows = context;
    enum code code = OK;

    if (rows->skip > 0)
        rows->skip--;
    else if (!rows->named)
        code = take_names(rows, record, err);
    return code == OK && rows->skip == 0 && rows->named
               ? error_set(err, E_CANCELLED, "all of them are known")
               : code;
}

/* How many bytes the first records have is found by giving them line by line: quotes may hold line
 * ends. */
static enum code begin_csv(struct tail_rows *rows, struct bytes first, bool whole, bool *known,
                           size_t *size, struct error *err)
{
    const struct tree_columns *columns = &rows->terms.source->decode.csv;
    struct error told = {0};
    struct csv_reader csv;
    struct arena cells;
    size_t at = 0;
    enum code code = OK;

    rows->skip = columns->skip;
    rows->named = !columns->header;
    arena_init(&cells, SIZE_MAX, NULL);
    init_csv(rows, &csv, &cells, take_first);
    while (code == OK && at < first.size) {
        const char *end = memchr(first.data + at, '\n', first.size - at);
        size_t next = end == NULL ? first.size : (size_t)(end - first.data) + 1;

        code = csv_reader_feed(&csv, bytes_slice(first, at, next), &told);
        at = next;
    }
    if (code == OK && whole)
        code = csv_reader_finish(&csv, &told);
    csv_reader_release(&csv);
    arena_release(&cells);
    *known = code == E_CANCELLED;
    *size = at;
    if (code != OK && code != E_CANCELLED) {
        *err = told;
        return code;
    }
    return OK;
}

/* --- NDJSON --- */

static enum code take_document_row(void *context, const struct tree_row *row, struct error *err)
{
    struct tail_rows *rows = context;

    return rows->terms.discards ? OK : map_row(rows, row, rows->line, err);
}

static enum code open_lines(struct tail_rows *rows, struct error *err)
{
    const struct source *source = rows->terms.source;
    const struct tree_limits limits = {DEPTH_MAX, source->files.line_bytes_max};
    const struct tree_rows_limits most = {UINT64_MAX, source->files.line_bytes_max};
    struct tree_sink sink;
    enum code code;

    if (rows->lines != NULL)
        tree_ndjson.close(rows->lines);
    tree_rows_close(rows->rows);
    rows->lines = NULL;
    rows->rows = NULL;
    code = tree_rows_open(source->plan, &most, take_document_row, rows, &rows->rows, err);
    if (code)
        return code;
    sink = tree_rows_sink(rows->rows);
    return tree_ndjson.open(&limits, NULL, &sink, &rows->lines, err);
}

static enum code take_line(struct tail_rows *rows, struct bytes line, struct error *err)
{
    struct error why = {0};
    enum code code;

    rows->line++;
    if (line.size > rows->terms.source->files.line_bytes_max + 1) {
        tell(rows, rows->line, "the line is longer than allowed");
        return OK;
    }
    code = tree_ndjson.feed(rows->lines, line, &why);
    if (code == OK)
        return OK;
    if (code == E_MEMORY) {
        *err = why;
        return code;
    }
    tell(rows, rows->line, why.text);
    return open_lines(rows, err);
}

static enum code add_carry(struct tail_rows *rows, struct bytes piece, struct error *err)
{
    if (rows->skipping)
        return OK;
    if (rows->carry.size + piece.size > rows->terms.source->files.line_bytes_max) {
        rows->line++;
        tell(rows, rows->line, "the line is longer than allowed");
        buf_clear(&rows->carry);
        rows->skipping = true;
        return OK;
    }
    buf_put(&rows->carry, piece);
    return buf_finish(&rows->carry, err);
}

static enum code feed_lines(struct tail_rows *rows, struct bytes piece, struct error *err)
{
    enum code code = OK;

    while (code == OK && piece.size > 0) {
        const char *end = memchr(piece.data, '\n', piece.size);
        size_t size = end == NULL ? piece.size : (size_t)(end - piece.data) + 1;
        struct bytes line = bytes_slice(piece, 0, size);

        piece = bytes_slice(piece, size, piece.size);
        if (end == NULL)
            return add_carry(rows, line, err);
        if (rows->skipping) {
            rows->skipping = false;
            continue;
        }
        if (rows->carry.size > 0) {
            code = add_carry(rows, line, err);
            if (code == OK && !rows->skipping)
                code = take_line(rows, buf_bytes(&rows->carry), err);
            rows->skipping = false;
            buf_clear(&rows->carry);
        } else {
            code = take_line(rows, line, err);
        }
    }
    return code;
}

/* --- all --- */

enum code tail_rows_begin(struct tail_rows *rows, struct bytes first, bool whole, bool *known,
                          size_t *size, struct error *err)
{
    const struct tree_columns *columns = &rows->terms.source->decode.csv;
    bool mark = first.size >= 3 && memcmp(first.data, "\xef\xbb\xbf", 3) == 0;

    *size = 0;
    *known = false;
    if (first.size < 3 && !whole) /* it may be the beginning of a byte order mark */
        return OK;
    if (is_csv(rows) && (columns->header || columns->skip > 0))
        return begin_csv(rows, first, whole, known, size, err);
    *known = true;
    *size = mark ? 3 : 0;
    return OK;
}

enum code tail_rows_feed(struct tail_rows *rows, struct bytes piece, struct error *err)
{
    return is_csv(rows) ? csv_reader_feed(&rows->csv, piece, err) : feed_lines(rows, piece, err);
}

enum code tail_rows_finish(struct tail_rows *rows, struct error *err)
{
    enum code code = OK;

    if (is_csv(rows))
        return csv_reader_finish(&rows->csv, err);
    if (rows->carry.size > 0) {
        buf_put_char(&rows->carry, '\n');
        code = buf_finish(&rows->carry, err);
        if (code == OK)
            code = take_line(rows, buf_bytes(&rows->carry), err);
        buf_clear(&rows->carry);
    }
    return code;
}

size_t tail_rows_held(const struct tail_rows *rows)
{
    return is_csv(rows) ? rows->csv.carry.size : rows->carry.size;
}

void tail_rows_drop_held(struct tail_rows *rows)
{
    if (is_csv(rows))
        csv_reader_drop(&rows->csv);
    buf_clear(&rows->carry);
}

bool tail_rows_within(const struct tail_rows *rows)
{
    return is_csv(rows) ? rows->csv.skipping : rows->skipping;
}

const struct tail_counts *tail_rows_counts(const struct tail_rows *rows)
{
    return &rows->counts;
}

const char *tail_rows_fault(const struct tail_rows *rows)
{
    return rows->told;
}

void tail_rows_batch(struct tail_rows *rows, struct batch *batch)
{
    rows->terms.batch = batch;
    mapper_batch(rows->mapper, batch);
}

void tail_rows_discard(struct tail_rows *rows, bool discards)
{
    rows->terms.discards = discards;
}

static enum code open_csv(struct tail_rows *rows, struct error *err)
{
    const struct source *source = rows->terms.source;

    rows->columns = ARENA_ARRAY(&rows->arena, int, source->slot_count + 1);
    rows->values = ARENA_ARRAY(&rows->arena, struct tree_value, source->slot_count + 1);
    if (rows->columns == NULL || rows->values == NULL)
        return no_memory(err);
    init_csv(rows, &rows->csv, &rows->cells, take_record);
    rows->csv.begun = true; /* a mark is of the file's beginning alone */
    rows->csv.skipping = rows->terms.within;
    if (source->decode.csv.header)
        return OK;
    rows->names = (struct bytes *)source->decode.csv.names;
    rows->name_count = source->decode.csv.name_count;
    return bind(rows, err);
}

enum code tail_rows_open(const struct tail_rows_terms *terms, struct tail_rows **out,
                         struct error *err)
{
    struct tail_rows *rows = calloc(1, sizeof(*rows));
    enum code code;

    *out = NULL;
    if (rows == NULL)
        return no_memory(err);
    rows->terms = *terms;
    rows->carry = BUF_INIT(terms->source->files.line_bytes_max + 1);
    rows->skipping = terms->within;
    arena_init(&rows->arena, SIZE_MAX, NULL);
    arena_init(&rows->faults, SIZE_MAX, NULL);
    arena_init(&rows->cells, SIZE_MAX, NULL);
    code = is_csv(rows) ? open_csv(rows, err) : open_lines(rows, err);
    if (code == OK)
        code = open_mapper(rows, err);
    if (code)
        tail_rows_close(rows);
    else
        *out = rows;
    return code;
}

void tail_rows_close(struct tail_rows *rows)
{
    if (rows == NULL)
        return;
    mapper_close(rows->mapper);
    if (is_csv(rows))
        csv_reader_release(&rows->csv);
    tree_rows_close(rows->rows);
    if (rows->lines != NULL)
        tree_ndjson.close(rows->lines);
    buf_release(&rows->carry);
    arena_release(&rows->cells);
    arena_release(&rows->faults);
    arena_release(&rows->arena);
    free(rows);
}
