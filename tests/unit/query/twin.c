#include "tests/unit/query/twin.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/column_summary.h"

struct view {
    struct store *store;
    int64_t as_of;
};

void twin_init(struct store *store, int64_t watermark)
{
    *store = (struct store){.watermark = watermark};
    arena_init(&store->arena, SIZE_MAX / 2, NULL);
}

void twin_release(struct store *store)
{
    assert(store->views_open == 0);
    for (uint32_t i = 0; i < store->place_count; i++)
        free(store->places[i].rows);
    free(store->rows);
    arena_release(&store->arena);
}

uint32_t twin_add(struct store *store, const struct twin_row *row)
{
    if (store->row_count == store->row_capacity) {
        store->row_capacity = store->row_capacity ? 2 * store->row_capacity : 64;
        store->rows = realloc(store->rows, store->row_capacity * sizeof(*store->rows));
        assert(store->rows);
    }
    store->rows[store->row_count] = *row;
    return store->row_count++;
}

struct twin_place *twin_place_of(struct store *store, const uint32_t *rows, uint32_t count)
{
    struct twin_place *place = &store->places[store->place_count++];

    assert(store->place_count < TWIN_PLACES_MAX && count > 0);
    *place = (struct twin_place){
        .rows = malloc(count * sizeof(*rows)), .row_count = count, .settled = INT64_MIN};
    assert(place->rows);
    memcpy(place->rows, rows, count * sizeof(*rows));
    place->only = store->rows[rows[0]].series;
    for (uint32_t i = 1; i < count; i++)
        if (store->rows[rows[i]].series != place->only)
            place->only = NULL;
    return place;
}

struct twin_place *twin_place(struct store *store, uint32_t first, uint32_t end)
{
    uint32_t *rows = malloc((end - first) * sizeof(*rows));
    struct twin_place *place;

    assert(rows && end > first);
    for (uint32_t i = first; i < end; i++)
        rows[i - first] = i;
    place = twin_place_of(store, rows, end - first);
    free(rows);
    return place;
}

const struct text *twin_text(struct store *store, const char *text)
{
    size_t size = strlen(text);
    struct text *copy = arena_alloc(&store->arena, sizeof(*copy) + size);

    assert(copy);
    copy->size = (uint32_t)size;
    memcpy(copy->data, text, size);
    return copy;
}

/* --- store/view.h --- */

enum code store_view(struct store *store, const struct tenant *tenant, int64_t as_of,
                     struct view **view, struct error *err)
{
    (void)tenant;
    *view = NULL;
    if (as_of > store->watermark)
        return error_set(err, E_AS_OF_FUTURE, "the newest is %lld", (long long)store->watermark);
    *view = malloc(sizeof(**view));
    if (!*view)
        return error_set(err, E_MEMORY, "no memory for a view");
    **view = (struct view){store, as_of <= VIEW_LATEST ? store->watermark : as_of};
    store->views_open++;
    return OK;
}

void view_watch(struct view *view, _Atomic bool *lost)
{
    (void)view, (void)lost;
}

void view_bear(struct view *view, const struct patience *patience)
{
    view->store->at_hand = patience->at_hand;
}

void view_free(struct view *view)
{
    if (view)
        view->store->views_open--;
    free(view);
}

int64_t view_as_of(const struct view *view)
{
    return view->as_of;
}

bool view_final(const struct view *view)
{
    return !view->store->not_final;
}

const struct tombstone *view_tombstones(const struct view *view, size_t *count)
{
    *count = view->store->tombstone_count;
    return view->store->tombstones;
}

int64_t view_deleted_last(const struct view *view)
{
    return view->store->deleted_last;
}

int64_t view_guests(const struct view *view)
{
    return view->store->guests;
}

int64_t view_newest(const struct view *view)
{
    return view->store->newest;
}

bool place_times_since(const struct place *place, int64_t since, int64_t *time_first,
                       int64_t *time_last)
{
    *time_first = place->time_first;
    *time_last = place->time_last;
    return place->ingest_last > since;
}

int64_t view_history_floor(const struct view *view)
{
    return view->store->history_floor == 0 ? INT64_MIN : view->store->history_floor;
}

const struct bytes *view_missing(const struct view *view, size_t *count)
{
    *count = view->store->missing_count;
    return view->store->missing;
}

static bool has_series(const struct store *store, const struct twin_place *place,
                       const struct series *series)
{
    for (uint32_t i = 0; i < place->row_count; i++)
        if (store->rows[place->rows[i]].series == series)
            return true;
    return false;
}

static int compare_places(const void *a, const void *b)
{
    int64_t x = ((const struct place *)a)->time_first, y = ((const struct place *)b)->time_first;

    return x < y ? -1 : x > y;
}

/* None is: ingest times are always there. */
void view_mark_alone(const struct view *view, const struct series *series, struct place *places,
                     size_t count)
{
    (void)view, (void)series, (void)places, (void)count;
}

enum code view_places(const struct view *view, const struct series *series, int64_t start,
                      int64_t end, bool versions, struct arena *arena, struct place **places,
                      size_t *count, struct error *err)
{
    struct store *store = view->store;
    struct place *list = ARENA_ARRAY(arena, struct place, store->place_count);
    size_t n = 0;

    (void)versions;
    if (!list)
        return error_set(err, E_MEMORY, "no memory for places");
    for (uint32_t i = 0; i < store->place_count; i++) {
        const struct twin_place *from = &store->places[i];
        struct place place = {
            .time_first = INT64_MAX,
            .time_last = INT64_MIN,
            .ingest_first = INT64_MAX,
            .ingest_last = INT64_MIN,
            .bytes = from->block ? 100 * from->row_count : 0,
            .in_pack = from->block,
            .shared = from->shared,
            .apart = from->apart,
            .settled = from->settled,
            .source = from,
            .detail = series,
        };

        if (!from->shared && from->only != NULL && from->only != series)
            continue; /* without a look at each of its rows */
        for (uint32_t j = 0; j < from->row_count; j++) {
            const struct twin_row *row = &store->rows[from->rows[j]];

            if (!from->shared && row->series != series)
                continue;
            place.time_first = row->time < place.time_first ? row->time : place.time_first;
            place.time_last = row->time > place.time_last ? row->time : place.time_last;
            place.ingest_first =
                row->ingest < place.ingest_first ? row->ingest : place.ingest_first;
            place.ingest_last = row->ingest > place.ingest_last ? row->ingest : place.ingest_last;
            place.row_count++;
        }
        if (place.row_count == 0 || (!from->shared && !has_series(store, from, series)))
            continue;
        if (place.time_first < end && place.time_last >= start)
            list[n++] = place;
    }
    if (n > 1)
        qsort(list, n, sizeof(*list), compare_places);
    *places = list;
    *count = n;
    return OK;
}

static int compare_rows(const void *a, const void *b)
{
    const struct twin_row *x = *(const struct twin_row *const *)a;
    const struct twin_row *y = *(const struct twin_row *const *)b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return version_compare(x->revision, x->ingest, y->revision, y->ingest);
}

/* The column of one field and type; false when no row has it. */
static bool make_column(const struct twin_row *const *rows, uint32_t count, struct bytes field,
                        enum value_type type, struct arena *arena, struct rows_column *column)
{
    union cell *cells = ARENA_ARRAY(arena, union cell, count);
    uint8_t *present = ARENA_ARRAY(arena, uint8_t, count);
    uint32_t n = 0;

    if (!cells || !present)
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < rows[i]->cell_count; j++)
            if (rows[i]->cells[j].type == type && bytes_equal(rows[i]->cells[j].field, field)) {
                union cell cell = rows[i]->cells[j].cell;

                if (type == TYPE_STRING) { /* a copy, so that a text used too late is seen */
                    size_t size = sizeof(*cell.text) + cell.text->size;
                    struct bytes copy =
                        arena_copy(arena, (struct bytes){(const char *)cell.text, size});

                    if (!copy.data)
                        return false;
                    cell.text = (const struct text *)(const void *)copy.data;
                }
                cells[i] = cell;
                present[i] = 1;
                n++;
            }
    column->type = type;
    column->cells = cells;
    column->present = n == count ? NULL : present;
    return n > 0;
}

struct place_reader {
    const struct view *view;
    const struct bytes *fields;
    uint32_t field_count;
    uint64_t bytes;
};

enum code place_reader_new(const struct view *view, const struct bytes *fields,
                           uint32_t field_count, size_t keep_bytes_max, struct budget *memory,
                           struct place_reader **reader, struct error *err)
{
    (void)keep_bytes_max, (void)memory;
    *reader = malloc(sizeof(**reader));
    if (!*reader)
        return error_set(err, E_MEMORY, "no memory for a reader");
    **reader = (struct place_reader){view, fields, field_count, 0};
    return OK;
}

void place_reader_free(struct place_reader *reader)
{
    free(reader);
}

enum code place_reader_read(struct place_reader *reader, const struct place *place,
                            const struct series *series, struct arena *arena, struct rows *rows,
                            struct error *err)
{
    struct store *store = reader->view->store;
    const struct bytes *fields = reader->fields;
    uint32_t field_count = reader->field_count;
    const struct twin_place *from = place->source;
    const struct twin_row **list = ARENA_ARRAY(arena, const struct twin_row *, from->row_count);
    struct rows_column *columns =
        ARENA_ARRAY(arena, struct rows_column, field_count * (TYPE_RETRACTED + 1));
    int64_t *each = ARENA_ARRAY(arena, int64_t, 3 * (size_t)from->row_count);
    bool revised = false;
    unsigned types = 0; /* of any cell */
    uint32_t n = 0;

    store->places_read++;
    reader->bytes += place->bytes;
    if (store->fail_at_read > 0 && store->places_read >= store->fail_at_read)
        return error_set(err, E_IO, "read: the disk is gone");
    if (from->corrupt)
        return error_set(err, E_CORRUPT, "pack 7 block %u: crc", (unsigned)from->rows[0]);
    if (!list || !columns || !each)
        return error_set(err, E_MEMORY, "no memory for rows");
    for (uint32_t i = 0; i < from->row_count; i++)
        if (store->rows[from->rows[i]].series == series)
            list[n++] = &store->rows[from->rows[i]];
    if (n > 1)
        qsort(list, n, sizeof(const struct twin_row *), compare_rows);
    for (uint32_t i = 0; i < n; i++) {
        each[i] = list[i]->time;
        each[n + i] = list[i]->ingest;
        each[2 * n + i] = list[i]->revision;
        revised |= list[i]->revision != INT64_MIN;
        for (uint32_t c = 0; c < list[i]->cell_count; c++)
            types |= 1u << list[i]->cells[c].type;
    }
    *rows = (struct rows){.count = n,
                          .time = each,
                          .ingest = each + n,
                          .revision = revised ? each + 2 * n : NULL,
                          .columns = columns};
    for (uint32_t field = 0; field < field_count; field++)
        for (int type = TYPE_F64; type <= TYPE_RETRACTED; type++) {
            struct rows_column *column = &columns[rows->column_count];

            if ((types & 1u << type) != 0 &&
                make_column(list, n, fields[field], (enum value_type)type, arena, column)) {
                column->field = field;
                rows->column_count++;
            }
        }
    return OK;
}

uint64_t place_reader_bytes(const struct place_reader *reader)
{
    return reader->bytes;
}

enum code place_reader_time(struct place_reader *reader, const struct place *place, uint32_t row,
                            int64_t *time, struct error *err)
{
    struct store *store = reader->view->store;
    struct arena arena;
    struct rows rows;
    enum code code;

    arena_init(&arena, SIZE_MAX / 2, NULL);
    code = place_reader_read(reader, place, place->detail, &arena, &rows, err);
    if (!code)
        *time = rows.time[row];
    store->places_read--; /* that was no place */
    store->times_read++;
    arena_release(&arena);
    return code;
}

/* As a block's header would have it. */
static const struct column_summary *
make_summary(const struct rows *rows, const struct rows_column *column, struct arena *arena)
{
    struct column_summary *summary = ARENA_NEW(arena, struct column_summary);
    union cell *cells = ARENA_ARRAY(arena, union cell, rows->count);
    uint16_t *numbers = ARENA_ARRAY(arena, uint16_t, rows->count);
    size_t count = 0;

    assert(summary && cells && numbers);
    for (uint32_t i = 0; i < rows->count; i++)
        if (!column->present || column->present[i]) {
            cells[count] = column->cells[i];
            numbers[count++] = (uint16_t)i;
        }
    column_summary_make(column->type, cells, numbers, count, summary);
    return summary;
}

/* From the row before; 0 = it is no int64. */
static int64_t step_between(const int64_t *times, uint32_t row)
{
    int64_t step;

    return __builtin_sub_overflow(times[row], times[row - 1], &step) ? 0 : step;
}

bool place_summaries(const struct view *view, const struct place *place, const struct bytes *fields,
                     size_t field_count, struct arena *arena, bool *times_unique, int64_t *step,
                     struct place_summary **summaries, size_t *count)
{
    struct store *store = view->store;
    struct place_reader reader = {view, fields, (uint32_t)field_count, 0};
    const struct twin_place *from = place->source;
    struct rows rows;
    enum code code;

    *count = 0;
    if (!from->block || from->shared || from->corrupt)
        return false;
    code = place_reader_read(&reader, place, place->detail, arena, &rows, NULL);
    store->places_read--; /* that was no place */
    if (code)
        return false;
    store->headers_read++;
    *times_unique = true;
    for (uint32_t i = 1; i < rows.count; i++)
        *times_unique &= rows.time[i] != rows.time[i - 1];
    *step = rows.count > 1 && !store->steps_hidden ? step_between(rows.time, 1) : 0;
    for (uint32_t i = 1; i < rows.count; i++)
        *step = step_between(rows.time, i) == *step ? *step : 0;
    *summaries = ARENA_ARRAY(arena, struct place_summary, rows.column_count);
    assert(*summaries);
    for (uint32_t i = 0; i < rows.column_count; i++)
        (*summaries)[(*count)++] =
            (struct place_summary){rows.columns[i].field, rows.columns[i].type,
                                   make_summary(&rows, &rows.columns[i], arena)};
    return true;
}

/* --- the sink --- */

static enum code sink_begin(struct query_sink *base, const struct query_head *head,
                            struct error *err)
{
    struct twin_sink *sink = (struct twin_sink *)base;

    (void)err;
    assert(sink->begun == 0 && sink->writes == 0);
    sink->begun++;
    sink->head = *head;
    (void)snprintf(sink->etag, sizeof(sink->etag), "%.*s", BYTES_ARG(head->etag));
    (void)snprintf(sink->cache_control, sizeof(sink->cache_control), "%s", head->cache_control);
    (void)snprintf(sink->next, sizeof(sink->next), "%.*s", BYTES_ARG(head->next));
    return OK;
}

static enum code sink_write(struct query_sink *base, struct bytes bytes, struct error *err)
{
    struct twin_sink *sink = (struct twin_sink *)base;

    assert(sink->begun == 1);
    sink->writes++;
    if (sink->fail_write_at > 0 && sink->writes >= sink->fail_write_at)
        return error_set(err, E_CANCELLED, "the client left");
    buf_put(&sink->body, bytes);
    return OK;
}

static bool sink_cancelled(struct query_sink *base)
{
    struct twin_sink *sink = (struct twin_sink *)base;

    sink->asked++;
    return sink->cancel_at > 0 && sink->asked >= sink->cancel_at;
}

void twin_sink_init(struct twin_sink *sink)
{
    *sink = (struct twin_sink){
        .sink = {sink_begin, sink_write, sink_cancelled},
          .body = BUF_INIT((size_t)1 << 30)
    };
}

void twin_sink_release(struct twin_sink *sink)
{
    buf_release(&sink->body);
}

/* --- the clock --- */

static int64_t clock_wall(struct clock *clock)
{
    return ((struct twin_clock *)clock)->wall;
}

static int64_t clock_monotonic(struct clock *clock)
{
    struct twin_clock *twin = (struct twin_clock *)clock;

    return atomic_fetch_add(&twin->monotonic, twin->monotonic_step) + twin->monotonic_step;
}

void twin_clock_init(struct twin_clock *clock, int64_t wall)
{
    *clock = (struct twin_clock){
        {clock_wall, clock_monotonic, clock_monotonic},
        wall, 0, 0
    };
}

void twin_watch_init(struct watch *watch, const struct limits *limits, struct twin_clock *clock,
                     struct twin_sink *sink)
{
    twin_clock_init(clock, 0);
    twin_sink_init(sink);
    watch_init(watch, limits, &clock->clock, &sink->sink);
}
