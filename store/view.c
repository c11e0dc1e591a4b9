#include "store/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "store/packs/pack.h"
#include "store/state.h"

struct view {
    struct store *store;
    int64_t as_of;
    bool final;
    struct pack_list *packs;
    struct tombstone_list *tombstones;
    size_t generation_count;
    struct generation *generations[GENERATIONS_MAX];
    size_t missing_count;
    const struct bytes *missing; /* a copy of the array; its texts live as long as the store */
};

/* Waits until everything stamped up to `target` is applied.  Under state_lock. */
static enum code wait_applied(struct store *store, int64_t target, struct error *err)
{
    while (store->applied < target) {
        if (store->failed)
            return error_set(err, E_IO, "the disk failed; the server must be restarted");
        if (store->applier_thread == NULL) { /* nobody else will: the simulator's steps */
            bool did;
            enum code code;

            pthread_mutex_unlock(&store->state_lock);
            code = store_step_apply(store, &did, err);
            pthread_mutex_lock(&store->state_lock);
            if (code)
                return code;
            continue;
        }
        pthread_cond_wait(&store->applied_more, &store->state_lock);
    }
    return OK;
}

/* Settles S.  Under state_lock. */
static enum code view_settle(struct view *view, int64_t as_of, struct error *err)
{
    struct store *store = view->store;
    enum code code = OK;

    if (as_of == VIEW_LATEST) {
        view->as_of = store->durable;
        if (view->as_of == 0) { /* nothing was ever applied: now, after what is under way */
            view->as_of = stamp_now(&store->stamp);
            stamp_raise(&store->stamp, view->as_of);
            code = wait_applied(store, store->assigned, err);
        }
    } else {
        if (as_of > stamp_now(&store->stamp))
            return error_set(err, E_AS_OF_FUTURE,
                             "as_of lies in the future; leave it out to read the newest");
        stamp_raise(&store->stamp, as_of);
        view->as_of = as_of;
        code = wait_applied(store, store->assigned < as_of ? store->assigned : as_of, err);
    }
    view->final = view->as_of <= store->durable;
    return code;
}

enum code store_view(struct store *store, const struct tenant *tenant, int64_t as_of,
                     struct view **out, struct error *err)
{
    struct view *view = calloc(1, sizeof(*view));
    struct holding *holding = NULL;
    struct bytes *missing = NULL;
    enum code code;

    *out = NULL;
    if (view == NULL)
        return error_set(err, E_MEMORY, "no memory for a view");
    view->store = store;
    pthread_mutex_lock(&store->state_lock);
    code = view_settle(view, as_of, err);
    if (code)
        goto out;
    if (tenant->ordinal < store->holding_capacity)
        holding = store->holdings[tenant->ordinal];
    if (holding != NULL) {
        view->packs = pack_list_ref(holding->packs);
        view->tombstones = tombstone_list_ref(holding->tombstones);
    }
    for (size_t i = 0; i < store->generation_count; i++)
        view->generations[view->generation_count++] = generation_ref(store->generations[i]);
    if (store->missing_count > 0) {
        missing = malloc(store->missing_count * sizeof(*missing));
        if (missing == NULL) {
            code = error_set(err, E_MEMORY, "no memory for a view");
            goto out;
        }
        memcpy(missing, store->missing, store->missing_count * sizeof(*missing));
        view->missing = missing;
        view->missing_count = store->missing_count;
    }

out:
    pthread_mutex_unlock(&store->state_lock);
    if (code) {
        view_free(view);
        return code;
    }
    *out = view;
    return OK;
}

void view_free(struct view *view)
{
    if (view == NULL)
        return;
    for (size_t i = 0; i < view->generation_count; i++)
        generation_unref(view->generations[i]);
    pack_list_unref(view->packs);
    tombstone_list_unref(view->tombstones);
    free((void *)view->missing);
    free(view);
}

int64_t view_as_of(const struct view *view)
{
    return view->as_of;
}

bool view_final(const struct view *view)
{
    return view->final;
}

const struct tombstone *view_tombstones(const struct view *view, size_t *count)
{
    *count = view->tombstones == NULL ? 0 : view->tombstones->count;
    return view->tombstones == NULL ? NULL : view->tombstones->tombstones;
}

const struct bytes *view_missing(const struct view *view, size_t *count)
{
    *count = view->missing_count;
    return view->missing;
}

struct place_list {
    struct arena *arena;
    struct place *places;
    size_t count, capacity;
};

static bool place_add(struct place_list *list, const struct place *place)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 8;
        struct place *grown = arena_grow(list->arena, list->places, list->count * sizeof(*grown),
                                         capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        list->places = grown;
        list->capacity = capacity;
    }
    list->places[list->count++] = *place;
    return true;
}

static bool head_places(const struct view *view, const struct series *series, int64_t start,
                        int64_t end, struct place_list *list)
{
    for (size_t g = 0; g < view->generation_count; g++) {
        const struct generation *generation = view->generations[g];
        const struct chain *chain = generation_chain(generation, series);
        const struct run *run =
            chain == NULL ? NULL : atomic_load_explicit(&chain->first, memory_order_acquire);

        for (; run != NULL; run = atomic_load_explicit(&run->next, memory_order_acquire)) {
            uint32_t count = atomic_load_explicit(&run->count, memory_order_acquire);
            struct place place = {
                .time_first = run->time_first,
                .time_last = run->time_last,
                .row_count = count,
                .source = generation,
                .detail = run,
            };

            if (count == 0 || place.time_last < start || place.time_first >= end)
                continue;
            place.ingest_first = run->ingest[0]; /* rows are appended in order of ingest */
            place.ingest_last = run->ingest[count - 1];
            if (!place_add(list, &place))
                return false;
        }
    }
    return true;
}

static bool pack_places(const struct view *view, const struct series *series, int64_t start,
                        int64_t end, struct place_list *list)
{
    for (size_t p = 0; view->packs != NULL && p < view->packs->count; p++) {
        const struct pack *pack = view->packs->packs[p];
        size_t at = 0;
        const struct pack_block *block;

        while ((block = pack_find(pack, series->measurement, series->id, start, end, &at)) !=
               NULL) {
            struct place place = {
                .time_first = block->time_first,
                .time_last = block->time_last,
                .ingest_first = block->ingest_first,
                .ingest_last = block->ingest_last,
                .row_count = block->row_count,
                .in_pack = true,
                .source = pack,
                .detail = block,
            };

            if (!place_add(list, &place))
                return false;
        }
    }
    return true;
}

static int place_order(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    return left->time_first < right->time_first ? -1 : left->time_first > right->time_first;
}

enum code view_places(const struct view *view, const struct series *series, int64_t start,
                      int64_t end, struct arena *arena, struct place **places, size_t *count,
                      struct error *err)
{
    struct place_list list = {.arena = arena};

    if (!head_places(view, series, start, end, &list) ||
        !pack_places(view, series, start, end, &list))
        return error_set(err, E_QUERY_MEMORY, "the list of places passes the query's memory limit");
    if (list.count > 1)
        qsort(list.places, list.count, sizeof(*list.places), place_order);
    *places = list.places;
    *count = list.count;
    return OK;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_QUERY_MEMORY, "decoding passes the query's memory limit");
}

/* The run's columns of the fields asked for; cells are borrowed. */
static enum code run_columns(const struct run *run, const struct bytes *fields, size_t field_count,
                             struct arena *arena, struct rows *rows, struct error *err)
{
    const struct shape *shape = run->shape;
    struct rows_column *columns = ARENA_ARRAY(arena, struct rows_column, shape->field_count);

    if (columns == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < field_count; i++)
        for (uint32_t f = 0; f < shape->field_count; f++)
            if (bytes_equal(shape->fields[f].name, fields[i]))
                columns[rows->column_count++] = (struct rows_column){
                    .field = i, .type = shape->fields[f].type, .cells = run->columns[f]};
    rows->columns = columns;
    return OK;
}

/* Copies the rows into version order. */
static enum code rows_sort(struct rows *rows, struct arena *arena, struct error *err)
{
    struct row_reference *order = ARENA_ARRAY(arena, struct row_reference, rows->count);
    int64_t *times = ARENA_ARRAY(arena, int64_t, 3 * (size_t)rows->count);
    struct rows_column *columns = (struct rows_column *)rows->columns;

    if (order == NULL || times == NULL)
        return no_memory(err);
    for (uint32_t r = 0; r < rows->count; r++)
        order[r] = (struct row_reference){
            .time = rows->time[r],
            .revision = rows->revision == NULL ? INT64_MIN : rows->revision[r],
            .ingest = rows->ingest[r],
            .row = r,
        };
    qsort(order, rows->count, sizeof(*order), row_reference_order);
    for (uint32_t r = 0; r < rows->count; r++) {
        times[r] = order[r].time;
        times[rows->count + r] = order[r].ingest;
        times[2 * (size_t)rows->count + r] = order[r].revision;
    }
    rows->time = times;
    rows->ingest = times + rows->count;
    if (rows->revision != NULL)
        rows->revision = times + 2 * (size_t)rows->count;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        union cell *cells = ARENA_ARRAY(arena, union cell, rows->count);

        if (cells == NULL)
            return no_memory(err);
        for (uint32_t r = 0; r < rows->count; r++)
            cells[r] = columns[c].cells[order[r].row];
        columns[c].cells = cells;
    }
    return OK;
}

static enum code run_read(const struct place *place, const struct bytes *fields, size_t field_count,
                          struct arena *arena, struct rows *rows, struct error *err)
{
    const struct run *run = place->detail;
    enum code code;

    rows->count = place->row_count;
    rows->time = run->time;
    rows->ingest = run->ingest;
    rows->revision = run->revision;
    code = run_columns(run, fields, field_count, arena, rows, err);
    if (code == OK && !run->ordered)
        code = rows_sort(rows, arena, err);
    return code;
}

/* The rows of the series in an opened block: [*first, *end). */
static void block_rows_of(const struct block_view *block, struct series_id id, uint32_t *first,
                          uint32_t *end)
{
    uint32_t low = 0, high = block->series_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (series_id_compare(block->series[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = *end = 0;
    if (low < block->series_count && series_id_compare(block->series[low], id) == 0) {
        *first = block->series_row_first[low];
        *end = block->series_row_first[low + 1];
    }
}

static bool any_present(const uint8_t *present, uint32_t first, uint32_t end)
{
    return present == NULL || memchr(present + first, 1, end - first) != NULL;
}

static enum code block_columns(const struct block_view *block, uint32_t first, uint32_t end,
                               const struct bytes *fields, size_t field_count,
                               struct block_decoder *decoder, struct arena *arena,
                               struct rows *rows, struct error *err)
{
    struct rows_column *columns = ARENA_ARRAY(arena, struct rows_column, block->column_count);
    enum code code = OK;

    if (columns == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < field_count; i++) {
        uint32_t low = 0, high = block->column_count;

        while (low < high) { /* the first column of this name */
            uint32_t middle = low + (high - low) / 2;

            if (bytes_compare(block->columns[middle].name, fields[i]) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < block->column_count && bytes_equal(block->columns[low].name, fields[i]);
             low++) {
            struct rows_column *column = &columns[rows->column_count];
            const union cell *cells;
            const uint8_t *present;

            code = block_read_column(decoder, block, low, arena, &cells, &present, err);
            if (code)
                return code;
            if (!any_present(present, first, end))
                continue;
            *column = (struct rows_column){.field = i,
                                           .type = block->columns[low].type,
                                           .cells = cells + first,
                                           .present = present == NULL ? NULL : present + first};
            rows->column_count++;
        }
    }
    rows->columns = columns;
    return OK;
}

static enum code block_read(const struct place *place, const struct series *series,
                            const struct bytes *fields, size_t field_count,
                            struct block_decoder *decoder, struct arena *arena, struct rows *rows,
                            struct error *err)
{
    const struct pack *pack = place->source;
    const struct pack_block *entry = place->detail;
    struct block_view block;
    struct bytes encoded;
    const int64_t *time, *ingest, *revision;
    uint32_t first, end;
    enum code code;

    code = pack_read_block(pack, entry, arena, &encoded, err);
    if (code)
        return code; /* it has said which block of which pack */
    code = block_open(encoded, arena, &block, err);
    if (code)
        goto out;
    block_rows_of(&block, series->id, &first, &end);
    if (first == end)
        goto out;
    code = block_read_time(decoder, &block, arena, &time, err);
    if (code == OK)
        code = block_read_ingest(decoder, &block, arena, &ingest, err);
    if (code == OK)
        code = block_read_revision(decoder, &block, arena, &revision, err);
    if (code)
        goto out;
    rows->count = end - first;
    rows->time = time + first;
    rows->ingest = ingest + first;
    rows->revision = revision == NULL ? NULL : revision + first;
    code = block_columns(&block, first, end, fields, field_count, decoder, arena, rows, err);

out:
    if (code)
        error_context(err, "pack %s, block at %" PRIu64, pack_name(pack), entry->offset);
    return code;
}

enum code place_read(const struct view *view, const struct place *place,
                     const struct series *series, const struct bytes *fields, size_t field_count,
                     struct block_decoder *decoder, struct arena *arena, struct rows *rows,
                     struct error *err)
{
    (void)view;
    *rows = (struct rows){0};
    if (place->in_pack)
        return block_read(place, series, fields, field_count, decoder, arena, rows, err);
    return run_read(place, fields, field_count, arena, rows, err);
}

bool place_summaries(const struct view *view, const struct place *place, const struct bytes *fields,
                     size_t field_count, struct arena *arena, bool *times_unique,
                     struct place_summary **summaries, size_t *count)
{
    const struct pack_block *entry = place->detail;
    struct block_view block;
    struct bytes encoded;
    struct error ignored;

    (void)view;
    *count = 0;
    if (!place->in_pack || entry->series_count != 1 ||
        pack_read_block(place->source, entry, arena, &encoded, &ignored) != OK ||
        block_open(encoded, arena, &block, &ignored) != OK)
        return false;
    *summaries = ARENA_ARRAY(arena, struct place_summary, block.column_count);
    if (*summaries == NULL)
        return false;
    *times_unique = block.times_unique;
    for (uint32_t i = 0; i < field_count; i++)
        for (uint32_t c = 0; c < block.column_count; c++)
            if (bytes_equal(block.columns[c].name, fields[i]))
                (*summaries)[(*count)++] =
                    (struct place_summary){.field = i,
                                           .type = block.columns[c].type,
                                           .summary = &block.columns[c].summary};
    return true;
}
