#include "discovery/directory.h"
#include "discovery/secret_line.h"
#include "server/command_line.h"

enum { PRINTED_BYTES_MAX = 1 << 20 };

static const char usage[] =
    "usage: weir check-config [--config FILE] [--print-effective] [settings]\n"
    "\n"
    "Reads the configuration as `weir serve` would, the tenants file, the members' secret and the\n"
    "key of secrets, and says what is wrong.\n"
    "\n"
    "  weir check-config --config weir.yaml\n"
    "  weir check-config --print-effective --limit-body-bytes-max 64MiB\n";

/* The tenants file is part of it: a mistake there stops the server as well. */
static enum code check_tenants(const struct settings *settings, struct error *err)
{
    struct directory *directory;
    enum code code;

    if (!settings->tenants)
        return OK;
    code = directory_open(settings->tenants, &settings->limits, &directory, err);
    if (!code)
        directory_close(directory);
    return code;
}

/* So are the secret of the members and the key of tenants' secrets. */
static enum code check_line(const char *name, const char *path, struct error *err)
{
    struct buf file = BUF_INIT(SECRET_LINE_FILE_BYTES_MAX);
    struct bytes line;
    enum code code;

    if (!path)
        return OK;
    code = secret_line_read(path, &file, &line, err);
    if (code)
        error_context(err, "%s", name);
    secret_line_release(&file);
    return code;
}

int command_check_config(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        {"print-effective", NULL, "Print every value and where it came from, as a file."},
    };
    const char *values[COUNT_OF(rows)] = {NULL};
    struct arguments own = {rows, COUNT_OF(rows), values};
    struct buf printed = BUF_INIT(PRINTED_BYTES_MAX);
    const struct settings *settings;
    struct config *config;
    const struct command_line line = {usage, &own, &config, false};
    struct error err = {0};
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    exit_code = COMMAND_DONE;
    if (values[0]) {
        config_print(config, &printed);
        if (buf_finish(&printed, &err))
            exit_code = command_fail(&err);
        else
            fwrite(printed.data, 1, printed.size, stdout);
    }
    if (exit_code == COMMAND_DONE && check_tenants(config_settings(config), &err))
        exit_code = command_fail(&err);
    settings = config_settings(config);
    if (exit_code == COMMAND_DONE &&
        (check_line("peer_secret_file", settings->peer_secret_file, &err) ||
         check_line("secrets_key_file", settings->secrets_key_file, &err)))
        exit_code = command_fail(&err);
    if (exit_code == COMMAND_DONE)
        fputs("weir: the configuration is good\n", stderr);
    buf_release(&printed);
    config_free(config);
    return exit_code;
}
