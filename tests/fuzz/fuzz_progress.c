/* Any row as one of a source's progress, as another version may have written it: what is a note is
 * put and read as the same note.  The input is fields, each a byte that names it, one for its type,
 * one for its size, and so many bytes. */
#include <assert.h>

#include "ingest/pull/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 24 };

struct row {
    struct series_tag tag;
    struct bytes fields[FIELDS_MAX];
    enum value_type types[FIELDS_MAX];
    union cell cells[FIELDS_MAX];
    struct recalled_row row;
};

static const struct bytes names[] = {
    BYTES("body"),    BYTES("done"),    BYTES("end"),      BYTES("etag"),
    BYTES("expires"), BYTES("fetched"), BYTES("modified"), BYTES("number"),
    BYTES("page"),    BYTES("rows"),    BYTES("later"),
};
static const enum value_type types[] = {TYPE_NONE, TYPE_STRING, TYPE_I64,
                                        TYPE_BOOL, TYPE_F64,    TYPE_U64};

static const struct text *text_make(struct bytes bytes, struct arena *arena)
{
    struct text *text = arena_alloc(arena, sizeof(*text) + bytes.size);

    assert(text != NULL);
    text->size = (uint32_t)bytes.size;
    memcpy(text->data, bytes.data, bytes.size);
    return text;
}

static void add_field(struct row *row, uint8_t name, uint8_t type, struct bytes value,
                      struct arena *arena)
{
    uint32_t at = row->row.count++;

    row->fields[at] = names[name % COUNT_OF(names)];
    row->types[at] = types[type % COUNT_OF(types)];
    if (row->types[at] == TYPE_STRING)
        row->cells[at].text = text_make(value, arena);
    else
        memcpy(&row->cells[at], value.data,
               value.size < sizeof(row->cells[at]) ? value.size : sizeof(row->cells[at]));
}

static void make_row(struct row *row, struct bytes input, struct arena *arena)
{
    *row = (struct row){
        .tag = {progress_partition_key, BYTES("0123456789abcdef")}
    };
    row->row = (struct recalled_row){.tags = &row->tag,
                                     .tag_count = 1,
                                     .fields = row->fields,
                                     .types = row->types,
                                     .cells = row->cells};
    while (input.size >= 3 && row->row.count < FIELDS_MAX) {
        const uint8_t *head = (const uint8_t *)input.data;
        size_t end = 3 + (size_t)head[2];

        end = end < input.size ? end : input.size;
        add_field(row, head[0], head[1], bytes_slice(input, 3, end), arena);
        input = bytes_slice(input, end, input.size);
    }
}

/* The row that was put, as a recall gives it. */
static void row_of(const struct batch *batch, struct row *row)
{
    const struct batch_table *table = batch->tables;

    *row = (struct row){
        .tag = {progress_partition_key, BYTES("0123456789abcdef")}
    };
    assert(table->next == NULL && table->row_count == 1 && table->field_count <= FIELDS_MAX);
    for (uint32_t i = 0; i < table->field_count; i++) {
        row->fields[i] = table->fields[i].name;
        row->types[i] = table->fields[i].type;
        row->cells[i] = table->columns[i][0];
    }
    row->row = (struct recalled_row){.tags = &row->tag,
                                     .tag_count = 1,
                                     .time = table->time[0],
                                     .fields = row->fields,
                                     .types = row->types,
                                     .cells = row->cells,
                                     .count = table->field_count};
}

static void check_again(const struct progress_note *note, struct arena *arena)
{
    struct progress_note again;
    struct error err = {0};
    struct limits limits;
    struct bytes partition;
    struct batch batch;
    struct point point;
    struct row row;
    enum code code;
    bool read;

    limits_init(&limits);
    batch_init(&batch, arena, 1);
    point_init(&point, &batch, &limits);
    code = progress_put(note, BYTES("\x01s"), BYTES("0123456789abcdef"), &point, &err);
    assert(code == OK);
    row_of(&batch, &row);
    read = progress_read(&row.row, &again, &partition);
    assert(read && again.time_ns == note->time_ns && again.end_ns == note->end_ns);
    assert(again.done == note->done && again.page_number == note->page_number);
    assert(again.rows == note->rows && again.expires_ns == note->expires_ns);
    assert(again.fetched_ns == note->fetched_ns && bytes_equal(again.page, note->page));
    assert(bytes_equal(again.etag, note->etag) && bytes_equal(again.modified, note->modified));
    assert(bytes_equal(again.body, note->body));
    point_release(&point);
    batch_release(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct progress_note note;
    struct bytes partition;
    struct arena arena;
    struct row row;

    arena_init(&arena, SIZE_MAX, NULL);
    make_row(&row, (struct bytes){size > 0 ? (const char *)data : "", size}, &arena);
    if (progress_read(&row.row, &note, &partition))
        check_again(&note, &arena);
    arena_release(&arena);
    return 0;
}
