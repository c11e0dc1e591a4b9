/* Pending points as rows of a batch: series and tables are found once for each that points have in
 * common, so that a row is little more than a copy of its values, and the hash beside it. */
#include "ingest/pull/pending.h"

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of a page");
}

/* Where rows of a series and of a shape go: found at the first of them. */
struct series_place {
    bool found;
    uint32_t rows, hashes; /* of the batch's series */
};

/* A row that is new is without its nulls, as there is nothing that they could take back. */
enum { BARE, WHOLE, FORMS };

struct shape_place {
    struct batch_table *rows[FORMS], *hashes; /* NULL: not found yet */
    const uint32_t *columns[FORMS], *hash_columns;
    uint32_t count;  /* of points that go there, at most */
    bool lists;      /* beside the hash stands: */
    union cell list; /* of which fields it is */
    struct bytes list_name;
    enum value_type list_type;
};

struct putting {
    const struct pending *pending;
    struct bytes prefix;
    const struct series_tag *partition;
    struct point *point;
    struct series_place *series;
    struct shape_place *shapes;
};

static struct bytes prefixed(const struct putting *putting, struct bytes measurement)
{
    struct bytes prefix = putting->prefix;
    char *text = arena_alloc(putting->point->batch->arena, prefix.size + measurement.size);

    if (text == NULL)
        return (struct bytes){0};
    memcpy(text, prefix.data, prefix.size);
    memcpy(text + prefix.size, measurement.data, measurement.size);
    return (struct bytes){text, prefix.size + measurement.size};
}

static enum code find_one(const struct putting *putting, const struct pending_series *series,
                          struct bytes measurement, const struct series_tag *more, uint32_t *index,
                          struct error *err)
{
    struct point *point = putting->point;
    enum code code;

    point_clear(point);
    point->measurement = measurement;
    for (uint32_t i = 0; i <= series->tag_count; i++) {
        const struct series_tag *tag = i < series->tag_count ? &series->tags[i] : more;
        struct series_tag *added = tag != NULL ? point_add_tag(point) : NULL;

        if (tag != NULL && added == NULL)
            return no_memory(err);
        if (tag != NULL)
            *added = *tag;
    }
    code = point_find_series(point, index, err);
    return code == E_MEMORY ? no_memory(err) : code;
}

static enum code place_series(const struct putting *putting, const struct pending_series *series,
                              struct series_place *place, struct error *err)
{
    struct bytes measurement = prefixed(putting, series->measurement);
    enum code code = measurement.data == NULL ? no_memory(err) : OK;

    if (code == OK)
        code = find_one(putting, series, series->measurement, NULL, &place->rows, err);
    if (code == OK)
        code = find_one(putting, series, measurement, putting->partition, &place->hashes, err);
    place->found = code == OK;
    return code;
}

/* The table of the point's measurement and fields, and where in it they stand. */
static enum code find_table(const struct putting *putting, struct batch_table **table,
                            const uint32_t **columns, struct error *err)
{
    struct point *point = putting->point;
    struct bytes duplicate, copy;
    enum code code = point_find_table(point, &duplicate);

    if (code == E_DUPLICATE_FIELD)
        return error_set(err, code, "a point has the field \"%.*s\" twice", BYTES_ARG(duplicate));
    copy = code ? (struct bytes){0}
                : arena_copy(point->batch->arena,
                             (struct bytes){(const char *)point->columns,
                                            point->field_count * sizeof(*point->columns)});
    if (copy.data == NULL)
        return no_memory(err);
    *table = point->table;
    *columns = (const uint32_t *)(const void *)copy.data;
    return OK;
}

static bool take_fields(struct point *point, const struct pending_shape *shape, int form)
{
    point_clear(point);
    point->measurement = shape->measurement;
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct batch_field *taken = &shape->fields[i];
        struct point_field *field;

        if (form == BARE && taken->type == TYPE_RETRACTED)
            continue;
        field = point_add_field(point);
        if (field == NULL)
            return false;
        *field = (struct point_field){.name = taken->name, .type = taken->type};
    }
    return true;
}

static enum code place_rows(const struct putting *putting, const struct pending_shape *shape,
                            struct shape_place *place, int form, struct error *err)
{
    struct point *point = putting->point;
    enum code code = take_fields(point, shape, form) ? OK : no_memory(err);

    if (code == OK)
        code = find_table(putting, &place->rows[form], &place->columns[form], err);
    if (code == OK && !batch_rows_reserve(point->batch, place->rows[form], place->count))
        return no_memory(err);
    return code;
}

/* The names of all fields, also of those that are null; but of a row that is to be no more. */
static enum code make_list(const struct putting *putting, const struct pending_shape *shape,
                           struct shape_place *place, struct error *err)
{
    struct point *point = putting->point;
    struct point_field list;

    place->lists = putting->pending->lists && shape->null_count < shape->field_count;
    if (!place->lists)
        return OK;
    if (!take_fields(point, shape, WHOLE) ||
        !row_list_make(point->fields, point->field_count, point->batch->arena, &list))
        return no_memory(err);
    place->list = list.cell;
    place->list_name = list.name;
    place->list_type = list.type;
    return OK;
}

static enum code place_hashes(const struct putting *putting, const struct pending_shape *shape,
                              struct shape_place *place, struct error *err)
{
    struct bytes measurement = prefixed(putting, shape->measurement);
    struct point *point = putting->point;
    struct point_field *field;
    enum code code = measurement.data == NULL ? no_memory(err) : OK;

    if (code == OK)
        code = make_list(putting, shape, place, err);
    if (code)
        return code;
    point_clear(point);
    point->measurement = measurement;
    field = point_add_field(point);
    if (field == NULL)
        return no_memory(err);
    *field = (struct point_field){.name = shape->fields[0].name, .type = TYPE_I64};
    field = place->lists ? point_add_field(point) : NULL;
    if (place->lists && field == NULL)
        return no_memory(err);
    if (place->lists)
        *field = (struct point_field){
            .name = place->list_name, .type = place->list_type, .cell = place->list};
    code = find_table(putting, &place->hashes, &place->hash_columns, err);
    if (code == OK && !batch_rows_reserve(point->batch, place->hashes, place->count))
        return no_memory(err);
    return code;
}

static int form_of(const struct pending_shape *shape, const struct pending_point *point)
{
    bool all = shape->null_count == 0 || shape->null_count == shape->field_count;

    return all || point->known || point->round > 0 ? WHOLE : BARE;
}

static enum code put_row(const struct putting *putting, const struct pending_point *point,
                         struct error *err)
{
    const struct series_place *series = &putting->series[point->series];
    const struct pending_shape *fields = &putting->pending->shapes[point->shape];
    const struct shape_place *shape = &putting->shapes[point->shape];
    struct batch *batch = putting->point->batch;
    int form = form_of(fields, point);
    struct batch_table *rows = shape->rows[form];
    uint32_t row = batch_row_begin(batch, rows), at = 0;

    if (row == UINT32_MAX)
        return no_memory(err);
    for (uint32_t i = 0; i < fields->field_count; i++)
        if (form == WHOLE || fields->fields[i].type != TYPE_RETRACTED)
            rows->columns[shape->columns[form][at++]][row] = point->cells[i];
    batch_row_done(batch, rows, series->rows, point->line, point->time);
    if (point->revision != INT64_MIN && !batch_row_revision(batch, rows, point->revision))
        return no_memory(err);
    return OK;
}

static enum code put_hash(const struct putting *putting, const struct pending_point *point,
                          struct error *err)
{
    const struct shape_place *shape = &putting->shapes[point->shape];
    struct batch *batch = putting->point->batch;
    uint32_t row = batch_row_begin(batch, shape->hashes);

    if (row == UINT32_MAX)
        return no_memory(err);
    shape->hashes->columns[shape->hash_columns[0]][row].u64 = point->hash;
    if (shape->lists)
        shape->hashes->columns[shape->hash_columns[1]][row] = shape->list;
    batch_row_done(batch, shape->hashes, putting->series[point->series].hashes, point->line,
                   point->time);
    return OK;
}

/* It, or its hash alone. */
static bool is_put(const struct pending_point *point, uint32_t round)
{
    return (!point->same || point->unlisted) && point->round == round;
}

enum code pending_put(const struct pending *pending, uint32_t round, struct bytes prefix,
                      const struct series_tag *partition, struct point *point, struct error *err)
{
    struct arena *arena = point->batch->arena;
    const struct putting putting = {
        .pending = pending,
        .prefix = prefix,
        .partition = partition,
        .point = point,
        .series = ARENA_ARRAY(arena, struct series_place, pending->series_count),
        .shapes = ARENA_ARRAY(arena, struct shape_place, pending->shape_count),
    };
    enum code code = putting.series == NULL || putting.shapes == NULL ? no_memory(err) : OK;

    for (size_t i = 0; code == OK && i < pending->count; i++)
        putting.shapes[pending->points[i].shape].count += is_put(&pending->points[i], round);
    for (size_t i = 0; code == OK && i < pending->count; i++) {
        const struct pending_point *row = &pending->points[i];
        struct series_place *series = &putting.series[row->series];
        struct shape_place *shape = &putting.shapes[row->shape];
        int form = form_of(&pending->shapes[row->shape], row);

        if (!is_put(row, round))
            continue;
        if (!series->found)
            code = place_series(&putting, &pending->series[row->series], series, err);
        if (code == OK && !row->same && shape->rows[form] == NULL)
            code = place_rows(&putting, &pending->shapes[row->shape], shape, form, err);
        if (code == OK && shape->hashes == NULL)
            code = place_hashes(&putting, &pending->shapes[row->shape], shape, err);
        if (code == OK && !row->same)
            code = put_row(&putting, row, err);
        if (code == OK)
            code = put_hash(&putting, row, err);
    }
    return code;
}
