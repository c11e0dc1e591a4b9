/* weir restore: a data directory out of a backup, verified before it has its name. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/json_doc.h"
#include "server/app.h"
#include "server/command_line.h"
#include "server/interrupt.h"
#include "server/progress.h"
#include "server/remote.h"
#include "server/staging.h"
#include "store/restore.h"

enum { PATH_SIZE = 4096, TEXT_BYTES_MAX = 64 << 10 };

enum flag { FROM, JSON, QUIET, NO_PROGRESS, FLAG_COUNT };

static const char usage[] =
    "usage: weir restore --from BACKUP --data DIRECTORY [flags]\n"
    "\n"
    "  weir restore --from /backup/weir-2026-07-01T0300 --data weir-data\n"
    "  weir restore --from monday --data weir-data && weir serve --data weir-data\n"
    "\n"
    "Makes a data directory out of what `weir backup` made, which is left as it is.  The "
    "directory\n"
    "must not exist, or be empty.  Every file is held against its hash, every block decoded; what\n"
    "is damaged is named and nothing is left.  The new directory is a store of its own (another\n"
    "incarnation): it may live beside the one that it came from.\n"
    "\n"
    "exit codes: 0 done, 1 failed (nothing is left), 2 usage, 130 interrupted (nothing is left)\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [FROM] = {"from",        "BACKUP", "What `weir backup --to` made."        },
    [JSON] = {"json",        NULL,     "Print what it is as JSON."            },
    [QUIET] = {"quiet",       NULL,     "Say nothing but errors."              },
    [NO_PROGRESS] = {"no-progress", NULL,     "No progress line, also on a terminal."},
};

static enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    if (interrupt_came())
        return error_set(err, E_CANCELLED, "interrupted");
    progress_tell(context, done, total, done == total ? "verifying" : "");
    return OK;
}

static enum code restore(const char *backup, const char *data, struct progress *progress,
                         struct restore_report *report, struct error *err)
{
    struct restore_options options = {
        .map_bytes = INDEX_MAP_BYTES,
        .step = step,
        .context = progress,
    };
    struct staging *staging = NULL;
    char path[PATH_SIZE];
    enum code code = OK;

    if (access(backup, F_OK) != 0) /* opening would make it */
        code = error_set(err, E_NOT_FOUND, "there is no backup %s", backup);
    if (code == OK)
        code = fs_posix_open(backup, &options.from, err);
    if (code == OK)
        code = staging_open(data, true, &staging, err);
    if (code == OK &&
        (size_t)snprintf(path, sizeof(path), "%s/index", staging_path(staging)) >= sizeof(path))
        code = error_set(err, E_CONFIG, "--data: the path is too long");
    if (code == OK) {
        options.to = staging_fs(staging);
        options.index_path = path;
        code = restore_run(&options, report, err);
        if (code == E_NOT_FOUND)
            code = error_set(err, E_NOT_FOUND, "%s is no backup: it has no " BACKUP_LABEL_NAME,
                             backup);
        else if (code && code != E_CANCELLED)
            error_context(err, "%s", backup);
    }
    if (code == OK)
        code = staging_finish(staging, err);
    staging_close(staging);
    fs_posix_close(options.from);
    return code;
}

static enum code print_json(const char *backup, const char *data,
                            const struct restore_report *report, struct error *err)
{
    struct buf out = BUF_INIT(TEXT_BYTES_MAX);
    const struct pack_totals *totals = &report->label.totals;
    char incarnation[HASH128_TEXT_SIZE];
    enum code code;

    hash128_print(&report->incarnation, incarnation);
    buf_put_text(&out, "{\"data\":");
    json_put_text(&out, bytes_of(data));
    buf_put_text(&out, ",\"backup\":");
    json_put_text(&out, bytes_of(backup));
    buf_printf(&out,
               ",\"incarnation\":\"%s\",\"packs\":%" PRIu64 ",\"rows\":%" PRIu64
               ",\"series\":%" PRIu64 ",\"deletions\":%" PRIu64 ",\"idempotency_notes\":%" PRIu64
               ",\"known_gaps\":%" PRIu64 "}\n",
               incarnation, totals->packs, totals->rows, report->series, report->tombstones,
               report->notes, report->gaps);
    code = buf_finish(&out, err);
    if (code == OK)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

static void say(const char *data, const struct restore_report *report)
{
    fprintf(stderr,
            "weir: %s: %" PRIu64 " rows in %" PRIu64 " packs, %" PRIu64 " series, verified\n", data,
            report->label.totals.rows, report->label.totals.packs, report->series);
    if (!report->label.flushed)
        fprintf(stderr, "weir: the backup was made with --no-flush: rows that were not in packs "
                        "then are not in it\n");
    if (report->gaps > 0)
        fprintf(stderr,
                "weir: %" PRIu64 " losses that the source knew of came with it; `weir verify` "
                "tells them\n",
                report->gaps);
}

static int run(const char *const *values, const char *data)
{
    bool quiet = values[QUIET] != NULL;
    struct restore_report report;
    struct progress progress;
    struct error err = {0};
    enum code code;

    progress_begin(&progress,
                   !quiet && values[NO_PROGRESS] == NULL && isatty(STDERR_FILENO) ? stderr : NULL);
    code = restore(values[FROM], data, &progress, &report, &err);
    if (code == OK && values[JSON] != NULL)
        code = print_json(values[FROM], data, &report, &err);
    progress_wipe(&progress);
    if (code == E_CANCELLED) {
        if (!quiet)
            fprintf(stderr, "weir: interrupted; nothing is left of the restore\n");
        return COMMAND_INTERRUPTED;
    }
    if (code)
        return command_fail(&err);
    if (!quiet)
        say(data, &report);
    return COMMAND_DONE;
}

int command_restore(int argc, char **argv)
{
    const char *values[FLAG_COUNT] = {NULL};
    struct arguments own = {rows, FLAG_COUNT, values};
    struct config *config;
    const struct command_line line = {usage, &own, &config, true};
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    if (values[FROM] == NULL || *values[FROM] == '\0') {
        fprintf(stderr, "weir restore: --from BACKUP is missing: which backup?\n");
        exit_code = COMMAND_USAGE;
    } else {
        log_setup(LOG_WARN, config_log_format(config));
        interrupt_watch();
        signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), not our death */
        exit_code = run(values, config_settings(config)->data);
    }
    config_free(config);
    return exit_code;
}
