#include "server/arguments.h"

#include <assert.h>

#include "base/nearest.h"

enum { NAMES_MAX = 128, NAME_WIDTH = 40 };

static enum code unknown(struct bytes name, const struct arguments *tables, size_t table_count,
                         struct error *err)
{
    const char *names[NAMES_MAX + 1], *near;
    size_t count = 0;

    for (size_t t = 0; t < table_count; t++) {
        assert(count + tables[t].count <= NAMES_MAX);
        for (size_t i = 0; i < tables[t].count; i++)
            names[count++] = tables[t].rows[i].name;
    }
    names[count] = NULL;
    near = nearest_name(name, names);
    return error_set(err, E_CONFIG, "unknown flag --%.*s%s%s%s", BYTES_ARG(name),
                     near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static bool find(struct bytes name, const struct arguments *tables, size_t table_count,
                 const struct argument_row **row, const char ***value)
{
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (bytes_equal(name, bytes_of(tables[t].rows[i].name))) {
                *row = &tables[t].rows[i];
                *value = &tables[t].values[i];
                return true;
            }
    return false;
}

enum code arguments_read(int argc, char **argv, struct arguments *tables, size_t table_count,
                         struct error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i], *equals = strchr(argv[i], '=');
        const struct argument_row *row;
        const char **value;
        struct bytes name;

        if (strncmp(text, "--", 2) != 0)
            return error_set(err, E_CONFIG, "\"%s\" is not a flag (--name value)", text);
        name = (struct bytes){text + 2, equals ? (size_t)(equals - text) - 2 : strlen(text) - 2};
        if (!find(name, tables, table_count, &row, &value))
            return unknown(name, tables, table_count, err);
        if (*value)
            return error_set(err, E_CONFIG, "--%s is given twice", row->name);
        if (equals)
            *value = equals + 1;
        else if (!row->value)
            *value = "true";
        else if (i + 1 < argc)
            *value = argv[++i];
        else
            return error_set(err, E_CONFIG, "--%s needs a value: --%s %s", row->name, row->name,
                             row->value);
    }
    return OK;
}

bool arguments_ask_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

void arguments_print(const struct arguments *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct argument_row *row = &table->rows[i];
        int width = fprintf(out, "  --%s%s%s", row->name, row->value ? " " : "",
                            row->value ? row->value : "");

        fprintf(out, "%*s%s\n", width < NAME_WIDTH ? NAME_WIDTH - width : 1, "", row->help);
    }
}
