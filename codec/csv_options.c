#include "codec/csv_options.h"

#include <assert.h>

#include "base/zone.h"
#include "codec/csv_reader.h"

enum { LIST_MAX = 4096, NULLS_MAX = 16 };

static const int64_t day_ns = INT64_C(86400000000000);

const char csv_option_repeatable[] = "null";

/* One parameter's value on its way into the options. */
struct setting {
    struct csv_options *options;
    const char *name;
    struct bytes value;
    struct arena *arena;
};

static const struct bytes time_default[] = {BYTES("time")};

void csv_options_init(struct csv_options *options)
{
    *options = (struct csv_options){
        .time = {time_default, COUNT_OF(time_default)},
        .separator = ',',
        .decimal = '.',
    };
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the parameters");
}

static enum code refuse(const struct setting *setting, const char *right, struct error *err)
{
    return error_set(err, E_BAD_PARAMETER, "%s=%.*s: %s", setting->name,
                     setting->value.size > 64 ? 64 : (int)setting->value.size, setting->value.data,
                     right);
}

/* --- lists: one record of CSV, so that a name with a comma is written in quotes --- */

struct list {
    struct arena *arena;
    struct csv_names *names;
    bool bad;
};

static enum code take_list(void *context, const struct csv_record *record, struct error *err)
{
    struct list *list = context;
    struct bytes *items;

    list->bad = list->bad || record->fault != OK || list->names->count > 0;
    if (list->bad)
        return OK;
    if (record->count > LIST_MAX) {
        list->names->count = record->count;
        return OK;
    }
    items = ARENA_ARRAY(list->arena, struct bytes, record->count);
    if (items == NULL)
        return no_memory(err);
    for (size_t i = 0; i < record->count; i++) {
        items[i] = arena_copy(list->arena, record->cells[i].text);
        if (items[i].data == NULL)
            return no_memory(err);
    }
    *list->names = (struct csv_names){items, record->count};
    return OK;
}

/* Empty text is an empty list. */
static enum code parse_list(const struct setting *setting, struct csv_names *names,
                            struct error *err)
{
    struct list list = {setting->arena, names, false};
    struct csv_reader reader = {
        .take = take_list,
        .context = &list,
        .arena = setting->arena,
        .separator = ',',
        .record_bytes_max = SIZE_MAX / 2,
        .cells_max = LIST_MAX,
    };
    enum code code;

    *names = (struct csv_names){0};
    csv_reader_init(&reader);
    code = csv_reader_feed(&reader, setting->value, err);
    if (code == OK)
        code = csv_reader_finish(&reader, err);
    csv_reader_release(&reader);
    if (code == OK && names->count > LIST_MAX)
        code = refuse(setting, "more than 4096 names", err);
    if (code == OK && list.bad)
        code = refuse(setting,
                      "want names with commas between; one that holds a comma or a quote "
                      "is written as in CSV, \"a,b\"",
                      err);
    return code;
}

/* A list of columns, each once. */
static enum code parse_columns(const struct setting *setting, struct csv_names *names,
                               struct error *err)
{
    enum code code = parse_list(setting, names, err);

    for (size_t i = 0; code == OK && i < names->count; i++) {
        if (names->items[i].size == 0)
            return refuse(setting, "a column's name is empty", err);
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(names->items[i], names->items[k]))
                return refuse(setting, "a column stands twice", err);
    }
    return code;
}

/* --- one function for each parameter --- */

static enum code set_measurement(const struct setting *setting, struct error *err)
{
    if (setting->value.size == 0)
        return refuse(setting, "the name is empty", err);
    setting->options->measurement = setting->value;
    return OK;
}

static enum code set_measurement_column(const struct setting *setting, struct error *err)
{
    if (setting->value.size == 0)
        return refuse(setting, "the name is empty", err);
    setting->options->measurement_column = setting->value;
    return OK;
}

static enum code set_time(const struct setting *setting, struct error *err)
{
    enum code code = parse_columns(setting, &setting->options->time, err);

    if (code == OK && setting->options->time.count > CSV_TIME_COLUMNS_MAX)
        return refuse(setting, "want one column, or two that are joined by a space", err);
    return code;
}

static enum code set_time_format(const struct setting *setting, struct error *err)
{
    return csv_time_format_parse(setting->value, &setting->options->time_format, err);
}

static enum code set_period(const struct setting *setting, struct error *err)
{
    if (setting->value.size == 0)
        return refuse(setting, "the name is empty", err);
    setting->options->period = setting->value;
    return OK;
}

static enum code set_period_length(const struct setting *setting, struct error *err)
{
    int64_t *ns = &setting->options->period_ns;

    if (duration_parse(setting->value, ns, err) != OK)
        return E_BAD_PARAMETER;
    if (*ns > day_ns)
        return refuse(setting, "a period is at most a day", err);
    return OK;
}

static enum code set_zone(const struct setting *setting, struct error *err)
{
    return zone_open(setting->value, setting->arena, &setting->options->zone, err);
}

static enum code set_tags(const struct setting *setting, struct error *err)
{
    return parse_columns(setting, &setting->options->tags, err);
}

static enum code set_fields(const struct setting *setting, struct error *err)
{
    setting->options->fields_only = true;
    return parse_columns(setting, &setting->options->fields, err);
}

static enum code set_ignore(const struct setting *setting, struct error *err)
{
    return parse_columns(setting, &setting->options->ignore, err);
}

/* "zip:string", split at its last colon. */
static bool parse_type(struct bytes item, struct csv_type *type)
{
    static const enum value_type known[] = {TYPE_F64, TYPE_I64, TYPE_U64, TYPE_BOOL, TYPE_STRING};
    const char *colon = item.size == 0 ? NULL : memrchr(item.data, ':', item.size);
    size_t size = colon == NULL ? 0 : (size_t)(colon - item.data);

    type->name = bytes_slice(item, 0, size);
    for (size_t i = 0; size > 0 && i < COUNT_OF(known); i++)
        if (bytes_equal(bytes_slice(item, size + 1, item.size),
                        bytes_of(value_type_name(known[i])))) {
            type->type = known[i];
            return true;
        }
    return false;
}

static enum code set_types(const struct setting *setting, struct error *err)
{
    struct csv_names items;
    struct csv_type *types;
    enum code code = parse_columns(setting, &items, err);

    if (code)
        return code;
    types = ARENA_ARRAY(setting->arena, struct csv_type, items.count);
    if (types == NULL)
        return no_memory(err);
    for (size_t i = 0; i < items.count; i++) {
        if (!parse_type(items.items[i], &types[i]))
            return refuse(setting,
                          "want COLUMN:TYPE with commas between; types are f64, i64, u64, bool, "
                          "string",
                          err);
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(types[i].name, types[k].name))
                return refuse(setting, "a column stands twice", err);
    }
    setting->options->types = types;
    setting->options->type_count = items.count;
    return OK;
}

static enum code set_null(const struct setting *setting, struct error *err)
{
    struct csv_names *nulls = &setting->options->nulls;
    struct bytes *items = ARENA_ARRAY(setting->arena, struct bytes, NULLS_MAX);

    if (nulls->count == NULLS_MAX)
        return refuse(setting, "more than 16 texts for no value", err);
    if (items == NULL)
        return no_memory(err);
    if (nulls->count > 0)
        memcpy(items, nulls->items, nulls->count * sizeof(*items));
    items[nulls->count] = setting->value;
    *nulls = (struct csv_names){items, nulls->count + 1};
    return OK;
}

static enum code set_header(const struct setting *setting, struct error *err)
{
    static const struct {
        struct bytes name;
        enum csv_header header;
    } names[] = {
        {BYTES("yes"),  CSV_HEADER_YES },
        {BYTES("no"),   CSV_HEADER_NO  },
        {BYTES("skip"), CSV_HEADER_SKIP},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (bytes_equal(setting->value, names[i].name)) {
            setting->options->header = names[i].header;
            return OK;
        }
    return refuse(setting,
                  "say yes (the first line names the columns), no (there is none) or skip "
                  "(columns= names them instead)",
                  err);
}

/* An empty name is of a column that is passed over. */
static enum code set_columns(const struct setting *setting, struct error *err)
{
    enum code code = parse_list(setting, &setting->options->columns, err);

    if (code == OK && setting->options->columns.count == 0)
        return refuse(setting, "want the names of all columns with commas between", err);
    return code;
}

static enum code set_separator(const struct setting *setting, struct error *err)
{
    static const struct {
        struct bytes name;
        char separator;
    } names[] = {
        {BYTES(","),         ',' },
        {BYTES("comma"),     ',' },
        {BYTES(";"),         ';' },
        {BYTES("semicolon"), ';' },
        {BYTES("\t"),        '\t'},
        {BYTES("tab"),       '\t'},
        {BYTES("|"),         '|' },
        {BYTES("pipe"),      '|' },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (bytes_equal(setting->value, names[i].name)) {
            setting->options->separator = names[i].separator;
            return OK;
        }
    return refuse(setting,
                  "say comma, semicolon, tab or pipe (or the character itself; in a URL "
                  "';' is written %3B)",
                  err);
}

static enum code set_decimal(const struct setting *setting, struct error *err)
{
    if (bytes_equal(setting->value, BYTES(",")) || bytes_equal(setting->value, BYTES("comma")))
        setting->options->decimal = ',';
    else if (bytes_equal(setting->value, BYTES(".")) || bytes_equal(setting->value, BYTES("point")))
        setting->options->decimal = '.';
    else
        return refuse(setting, "say point or comma (or the character itself)", err);
    return OK;
}

static const struct option {
    const char *name;
    enum code (*set)(const struct setting *setting, struct error *err);
} table[] = {
    {"measurement",        set_measurement       },
    {"measurement_column", set_measurement_column},
    {"time",               set_time              },
    {"time_format",        set_time_format       },
    {"period",             set_period            },
    {"period_length",      set_period_length     },
    {"tz",                 set_zone              },
    {"tags",               set_tags              },
    {"fields",             set_fields            },
    {"ignore",             set_ignore            },
    {"types",              set_types             },
    {"null",               set_null              },
    {"header",             set_header            },
    {"columns",            set_columns           },
    {"separator",          set_separator         },
    {"decimal",            set_decimal           },
};

_Static_assert(COUNT_OF(table) <= 32, "options.given has a bit for each");

/* COUNT_OF(table) when there is none. */
static size_t find(struct bytes name)
{
    size_t index = 0;

    while (index < COUNT_OF(table) && !bytes_equal(bytes_of(table[index].name), name))
        index++;
    return index;
}

bool csv_option_known(struct bytes name)
{
    return find(name) < COUNT_OF(table);
}

bool csv_option_given(const struct csv_options *options, const char *name)
{
    size_t index = find(bytes_of(name));

    assert(index < COUNT_OF(table));
    return (options->given >> index & 1) != 0;
}

enum code csv_option_set(struct csv_options *options, struct bytes name, struct bytes value,
                         struct arena *arena, struct error *err)
{
    size_t index = find(name);
    struct setting setting = {options, NULL, value, arena};
    uint64_t sizes[2] = {index, value.size};
    struct hash128_state digest;
    enum code code;

    assert(index < COUNT_OF(table));
    setting.name = table[index].name;
    code = table[index].set(&setting, err);
    if (code == E_BAD_PARAMETER)
        error_point(err, name);
    options->given |= UINT32_C(1) << index;
    hash128_begin(&digest);
    hash128_add(&digest, (struct bytes){(const char *)&options->digest, sizeof(options->digest)});
    hash128_add(&digest, (struct bytes){(const char *)sizes, sizeof(sizes)});
    hash128_add(&digest, value);
    options->digest = hash128_end(&digest);
    return code;
}

static enum code conflict(const char *name, const char *what, struct error *err)
{
    error_point(err, bytes_of(name));
    return error_set(err, E_BAD_PARAMETER, "%s", what);
}

enum code csv_options_check(const struct csv_options *options, struct error *err)
{
    bool named = options->measurement.size > 0, column = options->measurement_column.size > 0;
    bool period = options->period.size > 0, length = options->period_ns > 0;

    if (!named && !column) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER,
                         "CSV has no place for the measurement; say measurement=NAME, or "
                         "measurement_column=COLUMN when a column holds it");
    }
    if (named && column)
        return conflict("measurement_column",
                        "measurement= and measurement_column= are both given; leave one out", err);
    if (period != length)
        return conflict(period ? "period_length" : "period",
                        "period=COLUMN and period_length=DURATION belong together: the column "
                        "counts periods of that length from 1",
                        err);
    if (period && options->time.count == 0)
        return conflict("period", "period= needs time=: the column of the day", err);
    if (options->header == CSV_HEADER_YES && options->columns.count > 0)
        return conflict("columns", "columns= is for header=no, or header=skip", err);
    if (options->header != CSV_HEADER_YES && options->columns.count == 0)
        return conflict("header", "without a header columns= has to name the columns", err);
    if (options->decimal == options->separator)
        return conflict("decimal", "decimal=comma needs another separator=, as semicolon", err);
    if (options->time_format.kind == CSV_TIME_EPOCH && csv_option_given(options, "tz"))
        return conflict("tz", "tz= says nothing of time_format=epoch, which counts in UTC", err);
    return OK;
}
