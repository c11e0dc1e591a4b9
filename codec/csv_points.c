/* A row of CSV becomes one point.  The header says once what each column is; what the rows so far
 * have shown (the last series, the type of a column) makes the next one cheap. */
#include <assert.h>
#include <inttypes.h>

#include "base/number.h"
#include "codec/csv_columns.h"
#include "codec/csv_reader.h"
#include "codec/decoder.h"
#include "codec/point.h"
#include "codec/utf8.h"

enum { TIME_SIZE_MAX = 1024, SHOWN_MAX = 64 };

static const int64_t day_ns = INT64_C(86400000000000);

struct decoder {
    struct batch *batch;
    struct decode_options options;
    struct csv_reader reader;
    struct csv_columns columns;
    struct point point;
    struct map series_by_cells;   /* to the batch's index + 1 */
    struct buf cells, last_cells; /* that say the series: of this row, and of the last one */
    uint32_t last_series;
    struct buf time; /* scratch: two columns joined */
    bool headed;     /* the header is behind */
    bool passing;    /* the header stands in the body, but columns= has named the columns */
    bool unclaimed;  /* some field has shown no kind yet */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

/* Puts the column's name before what is wrong with its cell. */
static enum code of_column(const struct decoder *decoder, uint32_t index, enum code code,
                           struct error *why)
{
    if (code != E_MEMORY)
        error_context(why, "column \"%.*s\"", BYTES_ARG(shown(decoder->columns.items[index].name)));
    return code;
}

static bool is_null(const struct csv_options *options, struct bytes text)
{
    for (size_t i = 0; i < options->nulls.count; i++)
        if (bytes_equal(options->nulls.items[i], text))
            return true;
    return false;
}

static enum code check_text(struct bytes text, const char *what, uint64_t bytes_max,
                            enum code code_long, struct error *why)
{
    size_t at;

    if (text.size > bytes_max)
        return error_set(why, code_long, "the %s has %zu bytes, %" PRIu64 " are allowed", what,
                         text.size, bytes_max);
    return name_plain(text) ? OK : name_check(text, what, &at, why);
}

/* --- the series --- */

static enum code add_tags(struct decoder *decoder, const struct csv_record *record,
                          struct error *why)
{
    const struct csv_columns *columns = &decoder->columns;
    const struct limits *limits = decoder->options.limits;

    for (uint32_t i = 0; i < columns->tag_count; i++) {
        uint32_t index = columns->tags[i];
        struct bytes value = record->cells[index].text;
        struct series_tag *tag;
        enum code code;

        if (value.size == 0 || is_null(decoder->options.csv, value))
            continue;
        code = check_text(value, "tag value", limits->tag_value_bytes_max, E_VALUE_LONG, why);
        if (code)
            return of_column(decoder, index, code, why);
        if (decoder->point.tag_count == limits->tags_max)
            return error_set(why, E_TAGS_MANY, "more than the %" PRIu64 " tags allowed of a point",
                             limits->tags_max);
        tag = point_add_tag(&decoder->point);
        if (tag == NULL)
            return E_MEMORY;
        *tag = (struct series_tag){.key = columns->items[index].name, .value = value};
    }
    return OK;
}

static enum code new_series(struct decoder *decoder, const struct csv_record *record,
                            uint32_t *series, struct error *why)
{
    struct bytes key;
    enum code code = OK;

    if (decoder->columns.measurement != CSV_NO_COLUMN) {
        code = check_text(decoder->point.measurement, "measurement",
                          decoder->options.limits->name_bytes_max, E_NAME_LONG, why);
        if (code)
            return of_column(decoder, decoder->columns.measurement, code, why);
    }
    code = add_tags(decoder, record, why);
    if (code == OK)
        code = point_find_series(&decoder->point, series, why);
    if (code)
        return code;
    key = arena_copy(decoder->batch->arena, buf_bytes(&decoder->cells));
    if (key.data == NULL ||
        !map_put(&decoder->series_by_cells, key, (void *)((uintptr_t)*series + 1)))
        return E_MEMORY;
    return OK;
}

static enum code find_series(struct decoder *decoder, const struct csv_record *record,
                             uint32_t *series, struct error *why)
{
    const struct csv_columns *columns = &decoder->columns;
    struct buf *cells = &decoder->cells, swap;
    void *known;
    enum code code;

    buf_clear(cells);
    if (columns->measurement != CSV_NO_COLUMN)
        buf_put_span(cells, decoder->point.measurement);
    for (uint32_t i = 0; i < columns->tag_count; i++)
        buf_put_span(cells, record->cells[columns->tags[i]].text);
    if (cells->failed)
        return E_MEMORY;
    if (decoder->last_series != UINT32_MAX &&
        bytes_equal(buf_bytes(cells), buf_bytes(&decoder->last_cells))) {
        *series = decoder->last_series;
        return OK;
    }
    known = map_get(&decoder->series_by_cells, buf_bytes(cells));
    if (known != NULL) {
        *series = (uint32_t)((uintptr_t)known - 1);
    } else {
        code = new_series(decoder, record, series, why);
        if (code)
            return code;
    }
    decoder->last_series = *series;
    swap = decoder->last_cells;
    decoder->last_cells = *cells;
    *cells = swap;
    return OK;
}

/* --- the time --- */

/* The cell, or the cells joined by a space. */
static enum code time_text(struct decoder *decoder, const struct csv_record *record,
                           struct bytes *text, struct error *why)
{
    const struct csv_columns *columns = &decoder->columns;

    *text = record->cells[columns->time[0]].text;
    if (columns->time_count > 1) {
        buf_clear(&decoder->time);
        for (uint32_t i = 0; i < columns->time_count; i++) {
            if (i > 0)
                buf_put_char(&decoder->time, ' ');
            buf_put(&decoder->time, record->cells[columns->time[i]].text);
        }
        if (decoder->time.failed && !decoder->time.limited)
            return E_MEMORY;
        *text = buf_bytes(&decoder->time);
    }
    if (decoder->time.limited || text->size > TIME_SIZE_MAX)
        return error_set(why, E_BAD_TIME, "the time has more than %d bytes", TIME_SIZE_MAX);
    return OK;
}

/* Adds where the period begins. */
static enum code add_period(const struct decoder *decoder, const struct csv_record *record,
                            struct csv_moment *moment, struct error *why)
{
    int64_t length_ns = decoder->options.csv->period_ns, ns;
    uint64_t last = (uint64_t)((day_ns + length_ns - 1) / length_ns), number;
    struct bytes text = record->cells[decoder->columns.period].text;

    if (number_parse_u64(text, &number) != OK || number < 1 || number > last) {
        (void)error_set(why, E_BAD_TIME, "\"%.*s\" is no period of a day, 1 to %" PRIu64,
                        BYTES_ARG(shown(text)), last);
        return of_column(decoder, decoder->columns.period, E_BAD_TIME, why);
    }
    ns = moment->ns + (int64_t)(number - 1) * length_ns;
    moment->seconds += ns / 1000000000;
    moment->ns = ns % 1000000000;
    return OK;
}

static enum code take_time(struct decoder *decoder, const struct csv_record *record,
                           uint32_t series, struct error *why)
{
    const struct csv_options *options = decoder->options.csv;
    const struct batch_series *of = &decoder->batch->series[series];
    struct csv_moment moment;
    struct bytes text;
    enum code code;

    if (decoder->columns.time_count == 0)
        return OK;
    code = time_text(decoder, record, &text, why);
    if (code == OK)
        code = csv_time_read(&options->time_format, decoder->options.precision, text, &moment, why);
    if (code == OK && decoder->columns.period != CSV_NO_COLUMN)
        code = add_period(decoder, record, &moment, why);
    if (code == OK)
        code = csv_time_ns(&moment, options->zone, of->used ? &of->time_last : NULL,
                           &decoder->point.time, why);
    decoder->point.timed = true;
    return code;
}

/* --- the fields --- */

static enum code take_string(struct decoder *decoder, struct bytes value, union cell *cell,
                             struct error *why)
{
    uint64_t bytes_max = decoder->options.limits->string_bytes_max;
    struct text *text;
    size_t bad;

    if (value.size > bytes_max)
        return error_set(why, E_VALUE_LONG, "the text has %zu bytes, %" PRIu64 " are allowed",
                         value.size, bytes_max);
    bad = name_plain(value) ? value.size : utf8_check(value);
    if (bad < value.size)
        return error_set(why, E_BAD_UTF8, "the byte 0x%02x of the text is not UTF-8",
                         (unsigned char)value.data[bad]);
    text = arena_alloc(decoder->batch->arena, sizeof(*text) + value.size);
    if (text == NULL)
        return E_MEMORY;
    text->size = (uint32_t)value.size;
    if (value.size > 0)
        memcpy(text->data, value.data, value.size);
    cell->text = text;
    return OK;
}

/* A field's values are of one kind; which one, the measurement's first row says.  Measurements
 * that a column names may differ: then ingest/validate.c judges. */
static enum code check_kind(const struct decoder *decoder, const struct csv_column *column,
                            enum value_type type, struct bytes text, struct error *why)
{
    enum value_kind kind = value_kind(type);

    if (column->kind == KIND_NONE || column->kind == kind ||
        decoder->columns.measurement != CSV_NO_COLUMN)
        return OK;
    return error_set(why, E_FIELD_KIND,
                     "\"%.*s\" is a %s, and line %u made it a column of %ss; "
                     "types=%.*s:string takes all as text, null=%.*s leaves this out",
                     BYTES_ARG(shown(text)), value_kind_name(kind), column->kind_line,
                     value_kind_name(column->kind), BYTES_ARG(shown(column->name)),
                     BYTES_ARG(shown(text)));
}

static enum code take_cell(struct decoder *decoder, struct csv_column *column,
                           const struct csv_record *record, const struct csv_cell *cell,
                           struct error *why)
{
    const char *readable_end = cell->doubled ? NULL : record->readable_end;
    struct point_field field = {.name = column->name}, *added;
    enum code code =
        csv_value(&column->rules, cell->text, readable_end, &field.type, &field.cell, why);

    if (code == OK)
        code = check_kind(decoder, column, field.type, cell->text, why);
    if (code == OK && field.type == TYPE_STRING)
        code = take_string(decoder, cell->text, &field.cell, why);
    if (code)
        return code;
    if (column->rules.type == TYPE_NONE) {
        if (field.type == TYPE_F64)
            column->real = true;
        else if (column->real && field.type == TYPE_I64 && csv_value_widen(&field.cell))
            field.type = TYPE_F64;
    }
    if (decoder->point.field_count == decoder->options.limits->fields_max)
        return error_set(why, E_FIELDS_MANY, "more than the %" PRIu64 " fields allowed of a point",
                         decoder->options.limits->fields_max);
    added = point_add_field(&decoder->point);
    if (added == NULL)
        return E_MEMORY;
    *added = field;
    return OK;
}

static enum code take_fields(struct decoder *decoder, const struct csv_record *record,
                             struct error *why)
{
    const struct csv_columns *columns = &decoder->columns;

    for (uint32_t i = 0; i < columns->field_count; i++) {
        struct csv_column *column = &columns->items[columns->fields[i]];
        const struct csv_cell *cell = &record->cells[columns->fields[i]];
        enum code code;

        if (cell->text.size == 0 && !(cell->quoted && column->rules.type == TYPE_STRING))
            continue;
        if (decoder->options.csv->nulls.count > 0 && is_null(decoder->options.csv, cell->text))
            continue;
        code = take_cell(decoder, column, record, cell, why);
        if (code)
            return of_column(decoder, columns->fields[i], code, why);
    }
    return OK;
}

/* The row is in the batch: its fields have shown what they hold. */
static void claim_kinds(struct decoder *decoder, uint32_t line)
{
    const struct csv_columns *columns = &decoder->columns;
    const struct point *point = &decoder->point;
    uint32_t at = 0;

    decoder->unclaimed = false;
    for (uint32_t i = 0; i < columns->field_count; i++) {
        struct csv_column *column = &columns->items[columns->fields[i]];

        if (at < point->field_count && point->fields[at].name.data == column->name.data) {
            if (column->kind == KIND_NONE) {
                column->kind = value_kind(point->fields[at].type);
                column->kind_line = line;
            }
            at++;
        }
        decoder->unclaimed |= column->kind == KIND_NONE;
    }
}

/* --- rows --- */

static enum code check_count(const struct decoder *decoder, const struct csv_record *record,
                             struct error *why)
{
    if (record->count == decoder->columns.count)
        return OK;
    return error_set(why, E_SYNTAX, "the row has %zu cells, there are %u columns%s", record->count,
                     decoder->columns.count,
                     record->count == 1 && decoder->columns.count > 1
                         ? "; separator= says what stands between cells"
                         : "");
}

static enum code take_row(struct decoder *decoder, const struct csv_record *record,
                          struct error *why)
{
    struct point *point = &decoder->point;
    struct bytes duplicate;
    uint32_t series;
    enum code code = check_count(decoder, record, why);

    point_clear(point);
    point->measurement = decoder->options.csv->measurement;
    if (code == OK && decoder->columns.measurement != CSV_NO_COLUMN)
        point->measurement = record->cells[decoder->columns.measurement].text;
    if (code == OK)
        code = take_fields(decoder, record, why);
    if (code || point->field_count == 0) /* a row without a value says nothing */
        return code;
    code = find_series(decoder, record, &series, why);
    if (code == OK)
        code = take_time(decoder, record, series, why);
    if (code == OK)
        code = point_find_table(point, &duplicate);
    if (code == OK)
        code = point_put_row(point, series, record->line, decoder->options.now_ns);
    if (code == OK && decoder->unclaimed)
        claim_kinds(decoder, record->line);
    assert(code != E_DUPLICATE_FIELD);
    return code;
}

static enum code too_many(const struct decoder *decoder, uint32_t line, struct error *err)
{
    return error_set(err, E_POINTS_MANY,
                     "line %u: more than the %" PRIu64 " points allowed of one request; send "
                     "several",
                     line, decoder->options.limits->points_max);
}

static enum code fault_of(const struct decoder *decoder, const struct csv_record *record,
                          struct error *why)
{
    if (record->fault == E_LINE_LONG)
        return error_set(why, E_LINE_LONG, "the line is longer than the %" PRIu64 " bytes allowed",
                         decoder->options.limits->line_bytes_max);
    if (record->column > 0)
        return error_set(why, record->fault, "byte %zu: %s", record->column, record->what);
    return error_set(why, record->fault, "%s", record->what);
}

static enum code take_header(struct decoder *decoder, const struct csv_record *record,
                             struct error *err)
{
    struct csv_names names = {.count = record->count};
    struct bytes *items;
    enum code code = record->fault == OK ? OK : fault_of(decoder, record, err);

    decoder->headed = true;
    if (decoder->passing)
        return OK;
    if (code == OK && record->count <= decoder->options.limits->csv_columns_max) {
        items = ARENA_ARRAY(decoder->batch->arena, struct bytes, record->count);
        if (items == NULL)
            return no_memory(err);
        names.items = items;
        for (size_t i = 0; i < record->count; i++) {
            items[i] = arena_copy(decoder->batch->arena, record->cells[i].text);
            if (items[i].data == NULL)
                return no_memory(err);
        }
    }
    if (code == OK)
        code = csv_columns_make(&decoder->columns, decoder->options.csv, &names,
                                decoder->options.limits, decoder->batch->arena, err);
    if (code != OK && code != E_MEMORY)
        error_context(err, "line %u, the header", record->line);
    return code;
}

static enum code take_record(void *context, const struct csv_record *record, struct error *err)
{
    struct decoder *decoder = context;
    struct batch *batch = decoder->batch;
    struct error why = {0};
    enum code code;

    if (!decoder->headed)
        return take_header(decoder, record, err);
    if (batch->row_count + batch->reject_count >= decoder->options.limits->points_max)
        return too_many(decoder, record->line, err);
    code = record->fault == OK ? take_row(decoder, record, &why) : fault_of(decoder, record, &why);
    if (code == E_MEMORY)
        return no_memory(err);
    if (code)
        batch_reject(batch, record->line, code, "%s", why.text);
    return OK;
}

/* --- the body --- */

static enum code csv_begin(struct batch *batch, const struct decode_options *options,
                           struct decoder **decoder, struct error *err)
{
    const struct csv_options *csv = options->csv;
    struct decoder *made = ARENA_NEW(batch->arena, struct decoder);
    enum code code = OK;

    assert(csv != NULL);
    if (made == NULL)
        return no_memory(err);
    made->batch = batch;
    made->options = *options;
    made->reader = (struct csv_reader){
        .take = take_record,
        .context = made,
        .arena = batch->arena,
        .separator = csv->separator,
        .record_bytes_max = (size_t)options->limits->line_bytes_max,
        .cells_max = (size_t)options->limits->csv_columns_max,
    };
    csv_reader_init(&made->reader);
    point_init(&made->point, batch, options->limits);
    made->cells = made->last_cells = BUF_INIT(SIZE_MAX); /* no larger than a record twice */
    made->time = BUF_INIT(TIME_SIZE_MAX);
    made->last_series = UINT32_MAX;
    made->unclaimed = true;
    made->headed = csv->header == CSV_HEADER_NO;
    made->passing = csv->header == CSV_HEADER_SKIP;
    *decoder = made;
    if (csv->measurement.size > 0)
        code = check_text(csv->measurement, "measurement", options->limits->name_bytes_max,
                          E_NAME_LONG, err);
    if (code) {
        error_point(err, BYTES("measurement"));
        return code;
    }
    if (csv->header == CSV_HEADER_YES)
        return OK;
    return csv_columns_make(&made->columns, csv, &csv->columns, options->limits, batch->arena, err);
}

static enum code csv_feed(struct decoder *decoder, struct bytes piece, struct error *err)
{
    return csv_reader_feed(&decoder->reader, piece, err);
}

static enum code csv_finish(struct decoder *decoder, struct error *err)
{
    return csv_reader_finish(&decoder->reader, err);
}

static void csv_free(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    csv_reader_release(&decoder->reader);
    point_release(&decoder->point);
    map_release(&decoder->series_by_cells);
    buf_release(&decoder->cells);
    buf_release(&decoder->last_cells);
    buf_release(&decoder->time);
}

static const char *const media_types[] = {"text/csv", NULL};

const struct decoder_row decoder_csv = {
    .name = "csv",
    .media_types = media_types,
    .begin = csv_begin,
    .feed = csv_feed,
    .finish = csv_finish,
    .free = csv_free,
};
