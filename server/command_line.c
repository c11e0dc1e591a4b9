#include "server/command_line.h"

#include <unistd.h>

static void data_print(const struct arguments *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->rows[i].name, "config") == 0 ||
            strcmp(settings->rows[i].name, "data") == 0)
            argument_row_print(&settings->rows[i], stdout);
}

static void help_print(const struct command_line *line, struct config *config)
{
    fputs(line->usage, stdout);
    if (line->own) {
        fputs("\nflags:\n", stdout);
        arguments_print(line->own, stdout);
    }
    if (config && line->data_alone) {
        fputs("\nsettings (all others of `weir serve` are taken, too, and change nothing here):\n",
              stdout);
        data_print(config_arguments(config));
    } else if (config) {
        fputs("\nsettings (each is also a key of the file and a variable, WEIR_…):\n", stdout);
        arguments_print(config_arguments(config), stdout);
    }
}

int command_fail(const struct error *err)
{
    fprintf(stderr, "weir: %s\n", err->text);
    return COMMAND_FAILED;
}

bool command_line_read(const struct command_line *line, int argc, char **argv, int *exit_code)
{
    struct arguments tables[2];
    struct config *config = NULL;
    struct error err = {0};
    size_t count = 0;

    *exit_code = COMMAND_FAILED;
    if (line->config && config_new(&config, &err)) {
        command_fail(&err);
        return false;
    }
    if (arguments_ask_help(argc, argv)) {
        help_print(line, config);
        *exit_code = COMMAND_DONE;
        goto end;
    }
    if (line->own)
        tables[count++] = *line->own;
    if (config)
        tables[count++] = *config_arguments(config);
    if (arguments_read(argc, argv, tables, count, &err)) {
        fprintf(stderr, "weir %s: %s (weir %s --help tells all)\n", argv[0], err.text, argv[0]);
        *exit_code = COMMAND_USAGE;
        goto end;
    }
    if (config && config_load(config, environ, &err)) {
        *exit_code = command_fail(&err);
        goto end;
    }
    if (line->config)
        *line->config = config;
    return true;

end:
    config_free(config);
    return false;
}
