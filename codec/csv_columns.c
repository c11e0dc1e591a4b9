#include "codec/csv_columns.h"

#include <inttypes.h>

#include "base/map.h"
#include "codec/point.h"

enum { LISTED_MAX = 200 }; /* bytes of names in an error */

struct making {
    struct csv_columns *columns;
    const struct csv_options *options;
    const struct limits *limits;
    struct arena *arena;
    struct map by_name; /* to the index + 1 */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static enum code add_columns(struct making *making, const struct csv_names *names,
                             struct error *err)
{
    struct csv_columns *columns = making->columns;

    if (names->count > making->limits->csv_columns_max)
        return error_set(err, E_FIELDS_MANY,
                         "there are %zu columns, %" PRIu64 " are allowed (csv_columns_max)",
                         names->count, making->limits->csv_columns_max);
    columns->items = ARENA_ARRAY(making->arena, struct csv_column, names->count);
    if (columns->items == NULL)
        return no_memory(err);
    for (size_t i = 0; i < names->count; i++) {
        struct csv_column *column = &columns->items[columns->count++];
        uintptr_t known;

        column->name = names->items[i];
        column->rules.decimal = making->options->decimal;
        if (column->name.size == 0) {
            if (making->options->columns.count > 0)
                continue; /* columns= leaves it out */
            return error_set(err, E_SYNTAX,
                             "column %zu has no name; header=skip&columns=... names all columns, "
                             "and leaves out the one whose name is empty",
                             i + 1);
        }
        known = (uintptr_t)map_get(&making->by_name, column->name);
        if (known != 0)
            return error_set(err, E_DUPLICATE_FIELD,
                             "columns %zu and %zu are both named \"%.*s\"; "
                             "header=skip&columns=... gives them other names",
                             (size_t)known, i + 1, BYTES_ARG(column->name));
        if (!map_put(&making->by_name, column->name, (void *)(uintptr_t)(i + 1)))
            return no_memory(err);
    }
    return OK;
}

/* One column with other separators in its name: most likely they are those of the file. */
static const char *separator_advice(const struct making *making)
{
    static const struct {
        char separator;
        const char *advice;
    } others[] = {
        {';',  "; is separator=semicolon meant?"},
        {'\t', "; is separator=tab meant?"      },
        {'|',  "; is separator=pipe meant?"     },
        {',',  "; is separator=comma meant?"    },
    };
    struct bytes name;

    if (making->columns->count != 1 || making->options->columns.count > 0)
        return "";
    name = making->columns->items[0].name;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (others[i].separator != making->options->separator &&
            memchr(name.data, others[i].separator, name.size) != NULL)
            return others[i].advice;
    return "";
}

static enum code not_there(const struct making *making, const char *parameter, struct bytes name,
                           struct error *err)
{
    struct buf list = BUF_INIT(LISTED_MAX + 1024);
    const struct csv_columns *columns = making->columns;
    uint32_t i = 0;

    for (; i < columns->count && list.size < LISTED_MAX; i++) {
        struct bytes known = columns->items[i].name;

        buf_put_text(&list, i == 0 ? "" : ", ");
        buf_put(&list, bytes_slice(known, 0, known.size < LISTED_MAX ? known.size : LISTED_MAX));
    }
    if (i < columns->count)
        buf_put_text(&list, ", ...");
    error_point(err, bytes_of(parameter));
    error_set(err, E_BAD_PARAMETER, "%s=: there is no column \"%.*s\"%s; there are: %.*s%s",
              parameter, name.size > 64 ? 64 : (int)name.size, name.data,
              csv_option_given(making->options, parameter) || strcmp(parameter, "time") != 0
                  ? ""
                  : " (say time=COLUMN, or an empty time= for rows of now)",
              BYTES_ARG(buf_bytes(&list)), separator_advice(making));
    buf_release(&list);
    return E_BAD_PARAMETER;
}

/* The column of that name, which no other parameter has named. */
static enum code find(struct making *making, const char *parameter, struct bytes name,
                      uint32_t *index, struct error *err)
{
    uintptr_t known = (uintptr_t)map_get(&making->by_name, name);
    struct csv_column *column;

    if (known == 0)
        return not_there(making, parameter, name, err);
    *index = (uint32_t)(known - 1);
    column = &making->columns->items[*index];
    if (column->named_by != NULL) {
        error_point(err, bytes_of(parameter));
        return error_set(err, E_BAD_PARAMETER,
                         "the column \"%.*s\" is named by %s= and by %s=: it is one of them",
                         name.size > 64 ? 64 : (int)name.size, name.data, column->named_by,
                         parameter);
    }
    column->named_by = parameter;
    return OK;
}

/* `indexes` has room for all. */
static enum code find_all(struct making *making, const char *parameter,
                          const struct csv_names *names, uint32_t *indexes, uint32_t *count,
                          struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < names->count; i++)
        code = find(making, parameter, names->items[i], &indexes[(*count)++], err);
    return code;
}

static enum code find_one(struct making *making, const char *parameter, struct bytes name,
                          uint32_t *index, struct error *err)
{
    return name.size == 0 ? OK : find(making, parameter, name, index, err);
}

/* A name that becomes a tag key or a field key. */
static enum code check_name(const struct making *making, uint32_t index, const char *what,
                            struct error *err)
{
    struct bytes name = making->columns->items[index].name;
    size_t at;
    enum code code;

    if (name.size > making->limits->name_bytes_max)
        return error_set(err, E_NAME_LONG,
                         "column %u: the %s has %zu bytes, %" PRIu64 " are allowed", index + 1,
                         what, name.size, making->limits->name_bytes_max);
    if (name_plain(name))
        return OK;
    code = name_check(name, what, &at, err);
    if (code)
        error_context(err, "column %u", index + 1);
    return code;
}

/* Those that nothing names are fields, unless fields= says which are. */
static enum code add_fields(struct making *making, struct error *err)
{
    const struct csv_options *options = making->options;
    struct csv_columns *columns = making->columns;
    enum code code = OK;

    if (options->fields_only)
        code = find_all(making, "fields", &options->fields, columns->fields, &columns->field_count,
                        err);
    for (uint32_t i = 0; !options->fields_only && i < columns->count; i++)
        if (columns->items[i].named_by == NULL && columns->items[i].name.size > 0) {
            columns->items[i].named_by = "fields";
            columns->fields[columns->field_count++] = i;
        }
    if (code == OK && columns->field_count == 0)
        code = error_set(err, E_NO_FIELDS, "no column is a field");
    for (uint32_t i = 0; code == OK && i < columns->field_count; i++)
        code = check_name(making, columns->fields[i], "field key", err);
    return code;
}

static enum code add_types(struct making *making, struct error *err)
{
    const struct csv_options *options = making->options;

    for (size_t i = 0; i < options->type_count; i++) {
        struct bytes name = options->types[i].name;
        uintptr_t known = (uintptr_t)map_get(&making->by_name, name);
        struct csv_column *column;

        if (known == 0)
            return not_there(making, "types", name, err);
        column = &making->columns->items[known - 1];
        if (column->named_by == NULL || strcmp(column->named_by, "fields") != 0) {
            error_point(err, BYTES("types"));
            return error_set(err, E_BAD_PARAMETER,
                             "types=: the column \"%.*s\" is no field, and only fields have types",
                             name.size > 64 ? 64 : (int)name.size, name.data);
        }
        column->rules.type = options->types[i].type;
    }
    return OK;
}

static enum code give_roles(struct making *making, struct error *err)
{
    const struct csv_options *options = making->options;
    struct csv_columns *columns = making->columns;
    uint32_t *ignored = ARENA_ARRAY(making->arena, uint32_t, options->ignore.count);
    uint32_t ignored_count = 0;
    enum code code;

    columns->tags = ARENA_ARRAY(making->arena, uint32_t, options->tags.count);
    columns->fields =
        ARENA_ARRAY(making->arena, uint32_t,
                    columns->count + (options->fields_only ? options->fields.count : 0));
    if (ignored == NULL || columns->tags == NULL || columns->fields == NULL)
        return no_memory(err);
    code = find_all(making, "time", &options->time, columns->time, &columns->time_count, err);
    if (code == OK)
        code = find_one(making, "period", options->period, &columns->period, err);
    if (code == OK)
        code = find_one(making, "measurement_column", options->measurement_column,
                        &columns->measurement, err);
    if (code == OK)
        code = find_all(making, "tags", &options->tags, columns->tags, &columns->tag_count, err);
    if (code == OK)
        code = find_all(making, "ignore", &options->ignore, ignored, &ignored_count, err);
    for (uint32_t i = 0; code == OK && i < columns->tag_count; i++)
        code = check_name(making, columns->tags[i], "tag key", err);
    if (code == OK)
        code = add_fields(making, err);
    return code == OK ? add_types(making, err) : code;
}

enum code csv_columns_make(struct csv_columns *columns, const struct csv_options *options,
                           const struct csv_names *names, const struct limits *limits,
                           struct arena *arena, struct error *err)
{
    struct making making = {columns, options, limits, arena, MAP_INIT};
    enum code code;

    *columns = (struct csv_columns){.period = CSV_NO_COLUMN, .measurement = CSV_NO_COLUMN};
    code = add_columns(&making, names, err);
    if (code == OK)
        code = give_roles(&making, err);
    map_release(&making.by_name);
    return code;
}
