#include "server/arguments.h"

#include <assert.h>

#include "base/nearest.h"

enum { NAMES_MAX = 128, NAME_WIDTH = 40 };

/* Where the value of a flag goes. */
struct place {
    const struct argument_row *row;
    const char **value;         /* of a flag that stands once, else NULL */
    struct argument_list *list; /* of one that repeats */
};

static enum code unknown(struct bytes name, const struct arguments *tables, size_t table_count,
                         const struct argument_more *more, struct error *err)
{
    const char *names[NAMES_MAX + 1], *near;
    size_t count = 0;

    for (size_t t = 0; t < table_count; t++) {
        assert(count + tables[t].count <= NAMES_MAX);
        for (size_t i = 0; i < tables[t].count; i++)
            names[count++] = tables[t].rows[i].name;
    }
    assert(count + more->count <= NAMES_MAX);
    for (size_t i = 0; i < more->count; i++)
        names[count++] = more->rows[i].name;
    names[count] = NULL;
    near = nearest_name(name, names);
    return error_set(err, E_CONFIG, "unknown flag --%.*s%s%s%s", BYTES_ARG(name),
                     near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static bool find(struct bytes name, const struct arguments *tables, size_t table_count,
                 const struct argument_more *more, struct place *place)
{
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (bytes_equal(name, bytes_of(tables[t].rows[i].name))) {
                *place = (struct place){&tables[t].rows[i], &tables[t].values[i], NULL};
                return true;
            }
    for (size_t i = 0; i < more->count; i++)
        if (bytes_equal(name, bytes_of(more->rows[i].name))) {
            *place = (struct place){&more->rows[i], NULL, &more->lists[i]};
            return true;
        }
    return false;
}

static enum code place_put(const struct place *place, const char *value, struct error *err)
{
    const char *name = place->row->name;

    assert((place->value != NULL) != (place->list != NULL)); /* the one or the other */
    if (place->value && *place->value)
        return error_set(err, E_CONFIG, "--%s is given twice", name);
    if (place->value)
        *place->value = value;
    else if (place->list->count == ARGUMENT_REPEATS_MAX)
        return error_set(err, E_CONFIG, "--%s is given more than %d times", name,
                         ARGUMENT_REPEATS_MAX);
    else
        place->list->items[place->list->count++] = value;
    return OK;
}

static bool is_switch(const struct argument_row *row)
{
    return !row->value || !*row->value;
}

/* --name=text of a switch: false is as if it were not there. */
static enum code switch_put(const struct place *place, const char *text, struct error *err)
{
    if (place->row->value || strcmp(text, "true") == 0)
        return place_put(place, text, err);
    if (strcmp(text, "false") == 0)
        return OK;
    return error_set(err, E_CONFIG, "--%s: \"%s\" is neither true nor false", place->row->name,
                     text);
}

/* The flag at argv[*at], which is moved on to the last word of it. */
static enum code take_flag(int argc, char **argv, int *at, const struct arguments *tables,
                           size_t table_count, const struct argument_more *more, struct error *err)
{
    const char *text = argv[*at], *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : strlen(text);
    struct bytes name = {text + 2, size - 2};
    struct place place;

    if (!find(name, tables, table_count, more, &place))
        return unknown(name, tables, table_count, more, err);
    if (equals)
        return is_switch(place.row) ? switch_put(&place, equals + 1, err)
                                    : place_put(&place, equals + 1, err);
    if (is_switch(place.row))
        return place_put(&place, "true", err);
    if (*at + 1 == argc)
        return error_set(err, E_CONFIG, "--%s needs a value: --%s %s", place.row->name,
                         place.row->name, place.row->value);
    return place_put(&place, argv[++*at], err);
}

enum code arguments_read_more(int argc, char **argv, struct arguments *tables, size_t table_count,
                              struct argument_more *more, struct error *err)
{
    bool flags_end = false;

    more->rest = argv + 1;
    more->rest_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        enum code code = OK;

        if (more->takes_rest && !flags_end && strcmp(text, "--") == 0)
            flags_end = true;
        else if (!flags_end && strncmp(text, "--", 2) == 0)
            code = take_flag(argc, argv, &i, tables, table_count, more, err);
        else if (more->takes_rest && (flags_end || text[0] != '-' || text[1] == '\0'))
            more->rest[more->rest_count++] = argv[i];
        else
            code = error_set(err, E_CONFIG, "\"%s\" is not a flag (--name value)", text);
        if (code)
            return code;
    }
    return OK;
}

enum code arguments_read(int argc, char **argv, struct arguments *tables, size_t table_count,
                         struct error *err)
{
    struct argument_more none = {.count = 0};

    return arguments_read_more(argc, argv, tables, table_count, &none, err);
}

bool arguments_ask_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

void argument_row_print(const struct argument_row *row, FILE *out)
{
    int width = fprintf(out, "  --%s%s%s", row->name, is_switch(row) ? "" : " ",
                        is_switch(row) ? "" : row->value);

    fprintf(out, "%*s%s\n", width < NAME_WIDTH ? NAME_WIDTH - width : 1, "", row->help);
}

void arguments_print(const struct arguments *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++)
        argument_row_print(&table->rows[i], out);
}
