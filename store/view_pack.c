/* Series after series, its places are read with all versions and put in order, as a seal does it
 * with the rows of the head.  Which fields there are is taken from the rows, not from the catalog:
 * a retraction of a field that this member never saw a value of may be of another member's. */
#include "store/view_pack.h"

#include <stdlib.h>

#include "codec/block_codec.h"
#include "codec/record.h"
#include "store/packs/block_builder.h"
#include "store/packs/pack_writer.h"
#include "store/view_inside.h"

enum {
    TOMBSTONE_BYTES_MAX = 1 << 20,
    RESERVE_STEP = 1 << 20,
};

struct view_pack {
    struct view_pack_options options;
    struct block_builder *builder;
    struct block_decoder *decoder;
    struct pack_writer *writer;
    struct arena arena; /* of what is kept until the end: */
    struct map known;   /* names of fields; and where they were taken from, by address */
    struct bytes *fields;
    uint32_t field_count, field_capacity;
    const struct series **series; /* that have rows in it */
    size_t series_count, series_capacity;
    struct arena rows; /* of the series at hand */
    size_t reserved;
};

/* Rows [first, end) of a place, in order. */
struct stretch {
    struct rows rows;
    uint32_t first, end;
};

struct row_at {
    int64_t time, ingest, revision;
    uint32_t stretch, row;
};

static enum code no_memory(const struct view_pack *pack, struct error *err)
{
    if (pack->rows.limited || pack->arena.limited)
        return error_set(err, E_QUERY_MEMORY,
                         "rows of one series that this member has not delivered pass %zu bytes of "
                         "memory (query_memory_bytes_max), or all of it (queries_bytes_max)",
                         pack->options.memory_max);
    return error_set(err, E_MEMORY, "no memory for rows of the measurement");
}

/* --- the pack --- */

static enum code check_size(struct view_pack *pack, uint64_t bytes, struct error *err)
{
    size_t want = 2 * (size_t)bytes + RESERVE_STEP; /* buffers double */

    if (bytes > pack->options.bytes_max)
        return error_set(err, E_QUERY_RESULT,
                         "what this member has not delivered of the measurement passes %zu bytes "
                         "(peer_reply_bytes_max); ask for a shorter range",
                         pack->options.bytes_max);
    if (want <= pack->reserved || pack->options.memory == NULL)
        return OK;
    if (!budget_take(pack->options.memory, want - pack->reserved))
        return error_set(err, E_BUSY,
                         "the queries under way have all memory that there is for them "
                         "(queries_bytes_max)");
    pack->reserved = want;
    return OK;
}

static enum code take_block(void *context, const struct block *block, struct error *err)
{
    struct view_pack *pack = context;
    enum code code = pack_writer_block(pack->writer, block, err);

    return code ? code : check_size(pack, pack_writer_bytes(pack->writer), err);
}

enum code view_pack_begin(const struct view_pack_options *options, struct view_pack **out,
                          struct error *err)
{
    const struct pack_identity identity = {
        .tenant = options->tenant->name,
        .incarnation = options->view->store->incarnation,
        .kind = PACK_PLAIN,
        .settled = INT64_MIN,
        .floor = INT64_MIN,
    };
    struct view_pack *pack = calloc(1, sizeof(*pack));
    enum code code;

    *out = NULL;
    if (pack == NULL)
        return error_set(err, E_MEMORY, "no memory for a pack");
    pack->options = *options;
    arena_init(&pack->arena, options->memory_max, options->memory);
    arena_init(&pack->rows, options->memory_max, options->memory);
    code = block_builder_new(&pack->builder, err);
    if (code == OK)
        code = block_decoder_new(&pack->decoder, err);
    if (code == OK)
        code = pack_writer_open_memory(&identity, &pack->writer, err);
    if (code == OK)
        code = check_size(pack, 0, err);
    if (code) {
        view_pack_free(pack);
        return code;
    }
    block_builder_begin(pack->builder, options->measurement, take_block, pack);
    *out = pack;
    return OK;
}

void view_pack_free(struct view_pack *pack)
{
    if (pack == NULL)
        return;
    pack_writer_abort(pack->writer);
    block_builder_free(pack->builder);
    block_decoder_free(pack->decoder);
    map_release(&pack->known);
    arena_release(&pack->rows);
    arena_release(&pack->arena);
    if (pack->reserved > 0)
        budget_give(pack->options.memory, pack->reserved);
    free(pack);
}

/* --- fields --- */

/* Whether it is new; false also for want of memory, which a failed allocation tells later. */
static enum code note(struct view_pack *pack, struct bytes key, bool *is_new, struct bytes *kept,
                      struct error *err)
{
    *is_new = map_get(&pack->known, key) == NULL;
    if (!*is_new)
        return OK;
    *kept = arena_copy(&pack->arena, key);
    if (kept->data == NULL || !map_put(&pack->known, *kept, pack))
        return no_memory(pack, err);
    return OK;
}

static enum code note_field(struct view_pack *pack, struct bytes name, struct error *err)
{
    bool is_new;
    struct bytes kept;
    enum code code = note(pack, name, &is_new, &kept, err);

    if (code || !is_new)
        return code;
    if (pack->field_count == pack->field_capacity) {
        uint32_t capacity = pack->field_capacity * 2 + 16;
        struct bytes *grown =
            arena_grow(&pack->arena, pack->fields, pack->field_count * sizeof(*grown),
                       capacity * sizeof(*grown));

        if (grown == NULL)
            return no_memory(pack, err);
        pack->fields = grown;
        pack->field_capacity = capacity;
    }
    pack->fields[pack->field_count++] = kept;
    return OK;
}

static enum code note_block(struct view_pack *pack, const struct place *place, struct error *err)
{
    const struct pack_block *block = place->detail;
    struct block_view view;
    struct bytes header;
    enum code code = pack_read_block_header(place->source, NULL, block, &pack->rows, &header, err);

    if (code == OK)
        code = block_open_header(header, block->size, &pack->rows, &view, err);
    for (uint32_t c = 0; code == OK && c < view.column_count; c++)
        code = note_field(pack, view.columns[c].name, err);
    return code;
}

/* Fields of a shape, or of a block, once: series share both.  An address with a NUL before it is
 * the name of no field. */
static enum code note_fields(struct view_pack *pack, const struct place *place, struct error *err)
{
    const struct shape *shape = place->in_pack ? NULL : ((const struct run *)place->detail)->shape;
    const void *from = place->in_pack ? place->detail : shape;
    char key[1 + sizeof(from)] = {'\0'};
    struct bytes kept;
    bool is_new;
    enum code code;

    memcpy(key + 1, &from, sizeof(from));
    code = note(pack, (struct bytes){key, sizeof(key)}, &is_new, &kept, err);
    if (code || !is_new)
        return code;
    if (place->in_pack)
        return note_block(pack, place, err);
    for (uint32_t f = 0; code == OK && f < shape->field_count; f++)
        code = note_field(pack, shape->fields[f].name, err);
    return code;
}

/* --- rows --- */

static uint32_t row_from(const struct rows *rows, int64_t time)
{
    uint32_t low = 0, high = rows->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (rows->time[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum code read_stretch(struct view_pack *pack, const struct place *place,
                              const struct series *series, struct stretch *stretch,
                              struct error *err)
{
    const struct view_pack_options *options = &pack->options;
    enum code code = place_read(options->view, place, series, pack->fields, pack->field_count,
                                pack->decoder, &pack->rows, &stretch->rows, err);

    if (code)
        return code;
    stretch->first = row_from(&stretch->rows, options->start);
    stretch->end = row_from(&stretch->rows, options->end);
    return OK;
}

static int row_order_of(const void *a, const void *b)
{
    const struct row_at *left = a, *right = b;

    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return version_compare(left->revision, left->ingest, right->revision, right->ingest);
}

/* The rows up to S of all stretches, in order; *count is at most what all have. */
static struct row_at *rows_sort(struct view_pack *pack, const struct stretch *stretches,
                                size_t stretch_count, size_t *count)
{
    struct row_at *list = ARENA_ARRAY(&pack->rows, struct row_at, *count);
    bool sorted = true;

    *count = 0;
    for (uint32_t s = 0; list != NULL && s < stretch_count; s++) {
        const struct rows *rows = &stretches[s].rows;

        for (uint32_t r = stretches[s].first; r < stretches[s].end; r++) {
            struct row_at *at = &list[*count];

            if (rows->ingest[r] > view_as_of(pack->options.view))
                continue;
            *at = (struct row_at){rows->time[r], rows->ingest[r],
                                  rows->revision == NULL ? INT64_MIN : rows->revision[r], s, r};
            sorted &= *count == 0 || row_order_of(at - 1, at) <= 0;
            ++*count;
        }
    }
    if (list != NULL && !sorted)
        qsort(list, *count, sizeof(*list), row_order_of);
    return list;
}

/* As many at a time as lie one behind another. */
static enum code rows_put(struct view_pack *pack, const struct stretch *stretches,
                          const struct row_at *list, size_t count, struct error *err)
{
    enum code code = OK;

    for (size_t first = 0, end; code == OK && first < count; first = end) {
        struct block_slice slice = {
            .rows = &stretches[list[first].stretch].rows,
            .names = pack->fields,
            .first = list[first].row,
        };

        for (end = first + 1; end < count && list[end].stretch == list[first].stretch &&
                              list[end].row == list[end - 1].row + 1;)
            end++;
        slice.end = list[end - 1].row + 1;
        code = block_builder_slice(pack->builder, &slice, err);
    }
    return code;
}

static enum code series_keep(struct view_pack *pack, const struct series *series, struct error *err)
{
    if (pack->series_count == pack->series_capacity) {
        size_t capacity = pack->series_capacity * 2 + 16;
        const struct series **grown = arena_grow(&pack->arena, (void *)pack->series,
                                                 pack->series_count * sizeof(struct series *),
                                                 capacity * sizeof(struct series *));

        if (grown == NULL)
            return no_memory(pack, err);
        pack->series = grown;
        pack->series_capacity = capacity;
    }
    pack->series[pack->series_count++] = series;
    return OK;
}

static enum code series_put(struct view_pack *pack, const struct series *series,
                            const struct place *places, size_t place_count, struct error *err)
{
    struct stretch *stretches = ARENA_ARRAY(&pack->rows, struct stretch, place_count);
    const struct row_at *list;
    size_t count = 0;
    enum code code = OK;

    if (stretches == NULL)
        return no_memory(pack, err);
    for (size_t p = 0; code == OK && p < place_count; p++)
        code = note_fields(pack, &places[p], err);
    for (size_t p = 0; code == OK && p < place_count; p++) {
        code = read_stretch(pack, &places[p], series, &stretches[p], err);
        if (code == OK)
            count += stretches[p].end - stretches[p].first;
    }
    if (code || count == 0)
        return code;
    list = rows_sort(pack, stretches, place_count, &count);
    if (list == NULL)
        return no_memory(pack, err);
    if (count == 0)
        return OK;
    code = block_builder_series(pack->builder, series->id, count, err);
    if (code == OK)
        code = rows_put(pack, stretches, list, count, err);
    return code ? code : series_keep(pack, series, err);
}

enum code view_pack_series(struct view_pack *pack, const struct series *series, struct error *err)
{
    const struct view_pack_options *options = &pack->options;
    struct place *places;
    size_t count;
    enum code code = view_places(options->view, series, options->start, options->end, true,
                                 &pack->rows, &places, &count, err);

    if (code == OK && count > 0)
        code = series_put(pack, series, places, count, err);
    arena_release(&pack->rows);
    return code;
}

/* --- the end --- */

static bool wants_deletion(const struct view_pack *pack, const struct tombstone *tombstone)
{
    const struct view_pack_options *options = &pack->options;

    return tombstone->ingest > options->deletions_after &&
           tombstone->ingest <= view_as_of(options->view) && tombstone->start < options->end &&
           tombstone->end > options->start &&
           bytes_equal(tombstone->selector.measurement, options->measurement);
}

static enum code put_deletions(struct view_pack *pack, size_t *put, struct error *err)
{
    size_t count;
    const struct tombstone *tombstones = view_tombstones(pack->options.view, &count);
    struct buf encoded = BUF_INIT(TOMBSTONE_BYTES_MAX);
    enum code code = OK;

    *put = 0;
    for (size_t i = 0; code == OK && i < count; i++) {
        if (!wants_deletion(pack, &tombstones[i]))
            continue;
        buf_clear(&encoded);
        tombstone_encode(&tombstones[i], &encoded);
        code = buf_finish(&encoded, err);
        if (code == OK)
            code = pack_writer_tombstone(pack->writer, buf_bytes(&encoded), err);
        if (code == OK)
            code = check_size(pack, pack_writer_bytes(pack->writer), err);
        ++*put;
    }
    buf_release(&encoded);
    return code;
}

enum code view_pack_end(struct view_pack *pack, struct bytes *bytes, struct error *err)
{
    struct pack_summary summary;
    size_t deletions;
    enum code code = block_builder_end(pack->builder, err);

    *bytes = (struct bytes){NULL, 0};
    for (size_t i = 0; code == OK && i < pack->series_count; i++)
        code = pack_writer_series(pack->writer, pack->series[i]->id, pack->series[i]->key, err);
    if (code == OK)
        code = put_deletions(pack, &deletions, err);
    if (code || pack->series_count + deletions == 0)
        return code;
    code = pack_writer_finish(pack->writer, &summary, bytes, err);
    if (code)
        return code;
    pack->writer = NULL;
    code = check_size(pack, bytes->size, err);
    if (code) {
        free((void *)bytes->data);
        *bytes = (struct bytes){NULL, 0};
    } else if (pack->reserved > bytes->size) {
        budget_give(pack->options.memory, pack->reserved - bytes->size);
        pack->reserved = bytes->size;
    }
    map_release(&pack->known);
    arena_release(&pack->arena);
    return code;
}
