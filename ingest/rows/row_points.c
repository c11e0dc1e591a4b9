/* Values of the same measurement and tags (ingest/rows/row_group.h) are one point. */
#include "ingest/rows/row_points.h"

#include <inttypes.h>

#include "codec/utf8.h"
#include "ingest/rows/row_group.h"
#include "ingest/rows/row_value.h"

enum {
    TEXTS_BYTES_MAX = 64 << 20,
    TEXTS_KEPT = 64 << 10, /* texts of rows go when they have grown so large */
    SERIES_BYTES_MAX = 1 << 20,
    SHOWN_MAX = 64,
};

struct column {
    const struct source_value *value;
    struct row_group *group;
    struct row_text field;
    struct bytes qualifier_field, code_field; /* where `field` is constant */
};

struct gathered {
    struct point_field field;
    uint32_t next;
};

struct row_points {
    const struct limits *limits;
    struct row_groups groups;
    struct column *columns;
    size_t column_count;
    struct gathered *gathered; /* three for each column */
    uint32_t gathered_count;
    bool repeats;       /* two fields of a row may have the same name */
    struct arena texts; /* of rows */
    struct buf series;  /* scratch */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of a source");
}

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

static enum code check_field(const struct row_points *points, struct bytes name, struct error *err)
{
    return row_name_check(name, "field", points->limits->name_bytes_max, E_NAME_LONG, err);
}

/* --- made once --- */

/* "FIELD_qualifier"; .data is NULL at memory's end. */
static struct bytes with_suffix(struct bytes name, struct bytes suffix, struct arena *arena)
{
    char *text = arena_alloc(arena, name.size + suffix.size);

    if (text == NULL)
        return (struct bytes){0};
    memcpy(text, name.data, name.size);
    memcpy(text + name.size, suffix.data, suffix.size);
    return (struct bytes){text, name.size + suffix.size};
}

static const struct bytes qualifier_suffix = BYTES("_qualifier"), code_suffix = BYTES("_code");

/* Measurement or tags, so that it is of a group of its own. */
static bool has_own(const struct source_value *value)
{
    return value->has_measurement || value->tag_count > 0;
}

static enum code make_column(struct row_points *points, const struct source_value *value,
                             struct arena *arena, struct error *err)
{
    struct column *column = &points->columns[points->column_count++];
    enum code code = OK;

    *column = (struct column){.value = value, .group = points->groups.items};
    if (has_own(value)) {
        column->group = &points->groups.items[points->groups.count];
        code = row_group_add(&points->groups, value, arena, err);
    }
    if (code == OK)
        code = row_text_make(&value->field, points->groups.partition, arena, &column->field, err);
    if (code || !column->field.constant)
        return code;
    column->qualifier_field = with_suffix(column->field.text, qualifier_suffix, arena);
    column->code_field = with_suffix(column->field.text, code_suffix, arena);
    if (column->qualifier_field.data == NULL || column->code_field.data == NULL)
        return no_memory(err);
    code = check_field(points, column->field.text, err);
    if (code == OK && value->qualifier_count > 0)
        code = check_field(points, column->qualifier_field, err);
    if (code == OK && value->coded == SOURCE_CODED_KEEP)
        code = check_field(points, column->code_field, err);
    return code;
}

/* Whether names of one are among those of the other. */
static bool may_repeat(const struct column *a, const struct column *b)
{
    const struct bytes *names[2][3] = {
        {&a->field.text, &a->qualifier_field, &a->code_field},
        {&b->field.text, &b->qualifier_field, &b->code_field}
    };

    if (!a->field.constant || !b->field.constant)
        return true;
    for (size_t i = 0; i < 9; i++)
        if (bytes_equal(*names[0][i / 3], *names[1][i % 3]))
            return true;
    return false;
}

enum code row_points_make(const struct source *source, const struct source_partition *partition,
                          const struct limits *limits, struct arena *arena,
                          struct row_points **made, struct error *err)
{
    struct row_points *points = ARENA_NEW(arena, struct row_points);
    enum code code;

    if (points == NULL)
        return no_memory(err);
    points->limits = limits;
    points->series = BUF_INIT(SERIES_BYTES_MAX);
    arena_init(&points->texts, TEXTS_BYTES_MAX, NULL);
    points->groups = (struct row_groups){.source = source,
                                         .partition = partition,
                                         .limits = limits,
                                         .texts = &points->texts,
                                         .bare = true};
    for (size_t i = 0; i < source->value_count; i++)
        points->groups.bare = points->groups.bare && has_own(&source->values[i]);
    *made = points;
    points->groups.items = ARENA_ARRAY(arena, struct row_group, 1 + source->value_count);
    points->columns = ARENA_ARRAY(arena, struct column, source->value_count);
    points->gathered = ARENA_ARRAY(arena, struct gathered, 3 * source->value_count);
    if (points->groups.items == NULL || points->columns == NULL || points->gathered == NULL)
        return no_memory(err);
    code = row_group_add(&points->groups, NULL, arena, err);
    for (size_t i = 0; code == OK && i < source->value_count; i++) {
        code = make_column(points, &source->values[i], arena, err);
        for (size_t j = 0; code == OK && j < i && !points->repeats; j++)
            points->repeats = may_repeat(&points->columns[i], &points->columns[j]);
        if (code == E_BAD_PARAMETER || code == E_SYNTAX)
            error_context(err, "values/%zu", i);
    }
    return code;
}

void row_points_release(struct row_points *points)
{
    if (points == NULL)
        return;
    arena_release(&points->texts);
    buf_release(&points->series);
}

/* --- of each row --- */

void row_points_begin(struct row_points *points)
{
    if (points->texts.used > TEXTS_KEPT)
        arena_release(&points->texts);
    points->gathered_count = 0;
    for (size_t i = 0; i < points->groups.count; i++) {
        points->groups.items[i].ready = points->groups.items[i].constant;
        points->groups.items[i].field_count = 0;
    }
}

enum code row_points_series(struct row_points *points, const struct tree_row *row,
                            struct bytes *series, struct error *err)
{
    struct row_group *group = points->groups.items;
    enum code code = row_group_ready(&points->groups, group, row, err);

    *series = (struct bytes){"", 0};
    if (code || group->constant)
        return code;
    buf_clear(&points->series);
    buf_put_span(&points->series, group->measured);
    for (size_t i = 0; i < group->now_count; i++) {
        buf_put_span(&points->series, group->now[i].key);
        buf_put_span(&points->series, group->now[i].value);
    }
    *series = buf_bytes(&points->series);
    return buf_finish(&points->series, err);
}

static enum code put_text(const struct row_points *points, struct batch *batch, struct bytes value,
                          union cell *cell, struct error *err)
{
    uint64_t bytes_max = points->limits->string_bytes_max;
    struct text *text;
    size_t bad;

    if (value.size > bytes_max)
        return error_set(err, E_VALUE_LONG, "the text has %zu bytes, %" PRIu64 " are allowed",
                         value.size, bytes_max);
    bad = name_plain(value) ? value.size : utf8_check(value);
    if (bad < value.size)
        return error_set(err, E_BAD_UTF8, "the byte 0x%02x of the text is not UTF-8",
                         (unsigned char)value.data[bad]);
    text = arena_alloc(batch->arena, sizeof(*text) + value.size);
    if (text == NULL)
        return no_memory(err);
    text->size = (uint32_t)value.size;
    if (value.size > 0)
        memcpy(text->data, value.data, value.size);
    cell->text = text;
    return OK;
}

static enum code check_repeat(const struct row_points *points, const struct row_group *group,
                              struct bytes name, struct error *err)
{
    for (uint32_t left = group->field_count, at = group->first; left > 0;
         left--, at = points->gathered[at].next)
        if (bytes_equal(points->gathered[at].field.name, name))
            return error_set(err, E_DUPLICATE_FIELD, "the row has the field \"%.*s\" twice",
                             BYTES_ARG(shown(name)));
    return OK;
}

static enum code add_field(struct row_points *points, struct row_group *group,
                           const struct point_field *field, struct error *err)
{
    struct gathered *gathered = &points->gathered[points->gathered_count];

    if (points->repeats && check_repeat(points, group, field->name, err))
        return E_DUPLICATE_FIELD;
    if (group->field_count == points->limits->fields_max)
        return error_set(err, E_FIELDS_MANY, "more than the %" PRIu64 " fields allowed of a point",
                         points->limits->fields_max);
    gathered->field = *field;
    if (group->field_count++ == 0)
        group->first = points->gathered_count;
    else
        points->gathered[group->last].next = points->gathered_count;
    group->last = points->gathered_count++;
    return OK;
}

/* What stands beside a value.  Without it (empty) its field is null, so that a row that comes again
 * takes back what stood there. */
static enum code add_text(struct row_points *points, const struct column *column,
                          struct batch *batch, struct bytes name, struct bytes suffix,
                          struct bytes text, struct error *err)
{
    struct point_field field = {.name = name, .type = text.size > 0 ? TYPE_STRING : TYPE_RETRACTED};
    enum code code = OK;

    if (text.size == 0 && points->repeats) /* another value may have it */
        return OK;
    if (text.size > 0)
        code = put_text(points, batch, text, &field.cell, err);
    if (code == OK && !column->field.constant) {
        field.name = with_suffix(name, suffix, &points->texts);
        code = field.name.data == NULL ? no_memory(err) : check_field(points, field.name, err);
    }
    return code ? code : add_field(points, column->group->same, &field, err);
}

static enum code add_value(struct row_points *points, const struct column *column,
                           const struct tree_row *row, struct batch *batch,
                           const struct row_value *read, struct error *err)
{
    struct point_field field = {.type = read->type, .cell = read->cell};
    bool there;
    enum code code = row_group_ready(&points->groups, column->group, row, err);

    if (code == OK)
        code = row_text_of(&column->field, row, &points->texts, &field.name, &there, err);
    if (code == OK && !column->field.constant) {
        if (!there)
            return error_set(err, E_SYNTAX, "the row has no name of the field");
        code = check_field(points, field.name, err);
    }
    if (code == OK && read->type == TYPE_STRING)
        code = put_text(points, batch, read->text, &field.cell, err);
    if (read->type == TYPE_NONE)
        field.type = TYPE_RETRACTED;
    if (code == OK && (read->type != TYPE_NONE || !points->repeats))
        code = add_field(points, column->group->same, &field, err);
    if (code == OK && column->value->qualifier_count > 0)
        code = add_text(points, column, batch,
                        column->field.constant ? column->qualifier_field : field.name,
                        qualifier_suffix, read->qualifier, err);
    if (code == OK && column->value->coded == SOURCE_CODED_KEEP)
        code = add_text(points, column, batch,
                        column->field.constant ? column->code_field : field.name, code_suffix,
                        read->coded, err);
    return code;
}

/* Which value it was. */
static void tell(const struct row_points *points, const struct column *column, struct error *err)
{
    if (column->field.constant)
        error_context(err, "field \"%.*s\"", BYTES_ARG(shown(column->field.text)));
    else
        error_context(err, "values/%zu", (size_t)(column - points->columns));
}

enum code row_points_gather(struct row_points *points, const struct tree_row *row,
                            struct batch *batch, bool *any, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; i < points->column_count; i++) {
        const struct column *column = &points->columns[i];
        const struct source_value *value = column->value;
        struct row_value read;

        code = row_value_read(
            value, &row->slots[value->slot],
            value->unit_slot == SOURCE_NO_SLOT ? NULL : &row->slots[value->unit_slot], &read, err);
        if (code == OK && (read.type != TYPE_NONE || read.coded.size > 0))
            code = add_value(points, column, row, batch, &read, err);
        if (code) {
            if (code != E_MEMORY)
                tell(points, column, err);
            return code;
        }
    }
    *any = points->gathered_count > 0;
    return OK;
}

/* --- to the sink --- */

static enum code set_point(const struct row_points *points, const struct row_group *group,
                           struct point *point, int64_t ns, struct error *err)
{
    point_clear(point);
    point->measurement = group->measured;
    point->timed = true;
    point->time = ns;
    for (size_t i = 0; i < group->now_count; i++) {
        struct series_tag *tag = point_add_tag(point);

        if (tag == NULL)
            return no_memory(err);
        *tag = group->now[i];
    }
    for (uint32_t left = group->field_count, at = group->first; left > 0;
         left--, at = points->gathered[at].next) {
        struct point_field *field = point_add_field(point);

        if (field == NULL)
            return no_memory(err);
        *field = points->gathered[at].field;
    }
    return OK;
}

enum code row_points_give(struct row_points *points, struct point *point, int64_t ns,
                          int64_t revision, const struct mapper_sink *sink, uint64_t *given,
                          struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < points->groups.count; i++) {
        const struct row_group *group = &points->groups.items[i];

        if (group->field_count == 0)
            continue;
        code = set_point(points, group, point, ns, err);
        if (code == OK)
            code = sink->take(sink->context, point, revision, err);
        *given += code == OK;
    }
    return code;
}
