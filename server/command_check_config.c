#include "discovery/cluster_secret.h"
#include "discovery/directory.h"
#include "server/command_line.h"

enum { PRINTED_BYTES_MAX = 1 << 20 };

static const char usage[] =
    "usage: weir check-config [--config FILE] [--print-effective] [settings]\n"
    "\n"
    "Reads the configuration as `weir serve` would, the tenants file and the members' secret, and\n"
    "says what is wrong.\n"
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

/* So is the secret of the members. */
static enum code check_secret(const struct settings *settings, struct error *err)
{
    struct cluster_secret *secret;
    enum code code;

    if (!settings->peer_secret_file)
        return OK;
    code = cluster_secret_open(settings->peer_secret_file, &secret, err);
    cluster_secret_close(secret);
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
    if (exit_code == COMMAND_DONE && check_secret(config_settings(config), &err))
        exit_code = command_fail(&err);
    if (exit_code == COMMAND_DONE)
        fputs("weir: the configuration is good\n", stderr);
    buf_release(&printed);
    config_free(config);
    return exit_code;
}
