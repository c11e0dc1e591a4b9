/* weir verify: everything a data directory holds, read and checked while no server uses it. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "server/app.h"
#include "server/command_line.h"
#include "store/backup_label.h"
#include "store/index.h"
#include "store/verify.h"

static const char usage[] = "usage: weir verify [--data DIR] [--accept-loss]\n"
                            "\n"
                            "Reads all packs, the index and the wal, decodes every block and "
                            "record, and compares the sums that\n"
                            "stand beside them.  Changes nothing, unless told to accept a loss.  "
                            "Exit code 1: damage found.\n"
                            "\n"
                            "  weir verify --data weir-data\n"
                            "  weir verify --data weir-data --accept-loss\n";

static void tell(void *context, const char *fault)
{
    (void)context;
    printf("damaged: %s\n", fault);
}

static void print_report(const struct verify_report *report)
{
    printf("packs %" PRIu64 " (%" PRIu64 " rows, %" PRIu64 " bytes)\n", report->packs,
           report->blocks_rows, report->pack_bytes);
    if (report->packs_away > 0)
        printf("of these at shards alone %" PRIu64 " (%" PRIu64
               " bytes): what stays of them here was checked, their blocks were not read\n",
               report->packs_away, report->away_bytes);
    printf("wal %" PRIu64 " records (%" PRIu64 " rows), %" PRIu64 " torn\n", report->wal_records,
           report->wal_rows, report->wal_records_torn);
    printf("index %" PRIu64 " series, %" PRIu64 " deletions, %" PRIu64 " idempotency notes\n",
           report->series, report->tombstones, report->notes);
    printf("%" PRIu64 " faults\n", report->faults);
}

static enum code verify(const char *data, bool accept_loss, bool *sound, struct error *err)
{
    struct verify_report report = {0};
    struct index *index = NULL;
    struct fs *fs = NULL;
    uint64_t forgotten = 0;
    char path[4096];
    enum code code;

    if (access(data, F_OK) != 0)
        return error_set(err, E_NOT_FOUND, "there is no data directory %s", data);
    snprintf(path, sizeof(path), "%s/index", data);
    code = fs_posix_open(data, &fs, err);
    if (code == OK)
        code = backup_label_refuse(fs, data, err);
    if (code == OK)
        code = fs_posix_lock(fs, "lock", err);
    if (code == E_BUSY)
        code = error_set(err, E_BUSY,
                         "%s is in use: a server, or another command, holds %s/lock.  weir verify "
                         "works offline: stop the server first",
                         data, data);
    if (code == OK)
        code = index_lmdb_open(path, INDEX_MAP_BYTES, !accept_loss, &index, err);
    if (code == OK && accept_loss)
        code = store_accept_loss(index, &forgotten, err);
    if (code == OK && accept_loss)
        printf("accepted %" PRIu64 " losses that were told at earlier starts\n", forgotten);
    if (code == OK)
        code = store_verify(fs, index, tell, NULL, &report, err);
    if (code == OK)
        print_report(&report);
    if (code == OK && accept_loss && report.faults > 0)
        printf("what is still damaged goes on making answers partial.  A gap in the wal can be "
               "accepted once\nthe rows around it are in packs: start, POST /v1/admin/flush, stop, "
               "accept\n");
    *sound = report.faults == 0;
    index_lmdb_close(index);
    fs_posix_close(fs);
    return code;
}

int command_verify(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        {"accept-loss", NULL, "Forget the losses that were told at earlier starts."},
    };
    const char *values[COUNT_OF(rows)] = {NULL};
    struct arguments own = {rows, COUNT_OF(rows), values};
    struct config *config;
    const struct command_line line = {usage, &own, &config, true};
    struct error err = {0};
    bool sound = false;
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    if (verify(config_settings(config)->data, values[0] != NULL, &sound, &err))
        exit_code = command_fail(&err);
    else
        exit_code = sound ? COMMAND_DONE : COMMAND_FAILED;
    config_free(config);
    return exit_code;
}
