/* weir restore: a data directory out of a backup, or of what was delivered to shards, verified
 * before it has its name. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/secrets.h"
#include "net/mongo.h"
#include "server/app.h"
#include "server/command_line.h"
#include "server/declared_copy.h"
#include "server/interrupt.h"
#include "server/progress.h"
#include "server/recovery.h"
#include "server/registry_place.h"
#include "server/remote.h"
#include "server/staging.h"
#include "store/restore.h"

enum { PATH_SIZE = 4096, TEXT_BYTES_MAX = 64 << 10, TOLD_BYTES_MAX = 1 << 20 };

/* A replica set has a new primary within half a minute; nobody types the command again at night. */
static const int64_t shard_patience_ns = INT64_C(300) * 1000000000;

enum flag { FROM, TENANT, INCARNATION, JSON, QUIET, NO_PROGRESS, FLAG_COUNT };

static const char usage[] =
    "usage: weir restore --from BACKUP --data DIRECTORY [flags]\n"
    "       weir restore --tenants FILE [--tenant NAME,...] [--incarnation HEX] --data DIRECTORY\n"
    "       weir restore --registry WHERE [--tenant NAME,...] [--incarnation HEX] --data "
    "DIRECTORY\n"
    "\n"
    "  weir restore --from /backup/weir-2026-07-01T0300 --data weir-data\n"
    "  weir restore --from monday --data weir-data && weir serve --data weir-data\n"
    "  weir restore --tenants tenants.yaml --data weir-data\n"
    "\n"
    "Makes a data directory out of what `weir backup` made, which is left as it is; or, without\n"
    "--from, out of what was delivered to the shards of the tenants file or the registry.  The\n"
    "directory must not exist, or be empty.  Every file and document is held against its hash,\n"
    "every block decoded; what is damaged is named and nothing is left.  The new directory is a\n"
    "store of its own (another incarnation): it may live beside the one that it came from.\n"
    "\n"
    "exit codes: 0 done, 1 failed (nothing is left), 2 usage, 130 interrupted (nothing is left)\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [FROM] = {"from",        "BACKUP",   "What `weir backup --to` made."                       },
    [TENANT] = {"tenant",      "NAME,...", "Of these alone; without it of all that have a shard."},
    [INCARNATION] = {"incarnation", "HEX",
              "Of the data directory that delivered, if there were several."                   },
    [JSON] = {"json",        NULL,       "Print what it is as JSON."                           },
    [QUIET] = {"quiet",       NULL,       "Say nothing but errors."                             },
    [NO_PROGRESS] = {"no-progress", NULL,       "No progress line, also on a terminal."               },
};

static enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    if (interrupt_came())
        return error_set(err, E_CANCELLED, "interrupted");
    progress_tell(context, done, total, done == total ? "verifying" : "");
    return OK;
}

/* *staging is the directory to be, `path` its index. */
static enum code stage(const char *data, struct staging **staging, char path[PATH_SIZE],
                       struct error *err)
{
    enum code code = staging_open(data, true, staging, err);

    if (code == OK &&
        (size_t)snprintf(path, PATH_SIZE, "%s/index", staging_path(*staging)) >= PATH_SIZE)
        code = error_set(err, E_CONFIG, "--data: the path is too long");
    return code;
}

/* --- out of a backup --- */

static enum code restore(const char *backup, const char *data, struct progress *progress,
                         struct restore_report *report, struct declared_report *declared,
                         struct error *err)
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
        code = stage(data, &staging, path, err);
    if (code == OK) {
        options.to = staging_fs(staging);
        options.index_path = path;
        code = restore_run(&options, report, err);
        if (code == E_NOT_FOUND)
            code = error_set(err, E_NOT_FOUND, "%s is no backup: it has no " BACKUP_LABEL_NAME,
                             backup);
        if (code == OK)
            code = declared_restore(options.from, report->label.declared, staging_path(staging),
                                    declared, err);
        if (code && code != E_NOT_FOUND && code != E_CANCELLED)
            error_context(err, "%s", backup);
    }
    if (code == OK)
        code = staging_finish(staging, err);
    staging_close(staging);
    fs_posix_close(options.from);
    return code;
}

static enum code print_json(const char *backup, const char *data,
                            const struct restore_report *report,
                            const struct declared_report *declared, struct error *err)
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
               ",\"known_gaps\":%" PRIu64 ",\"sources\":%" PRIu64 ",\"secrets\":%" PRIu64 "}\n",
               incarnation, totals->packs, totals->rows, report->series, report->tombstones,
               report->notes, report->gaps, declared->sources, declared->secrets);
    code = buf_finish(&out, err);
    if (code == OK)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

/* Sources and secrets; a key is in no backup, so nothing opens the secrets until it is there. */
static void say_declared(const char *data, const struct declared_report *declared)
{
    if (declared->sources > 0)
        fprintf(stderr,
                "weir: %" PRIu64 " declared sources came with it: from its start on it pulls them, "
                "also beside the directory that they are of\n",
                declared->sources);
    if (declared->secrets > 0)
        fprintf(stderr,
                "weir: %" PRIu64 " secrets came with it, sealed, without the key (%.*s%s): put the "
                "file " SECRETS_KEY_OWN " of the directory that they are of into %s, or name the "
                "one of secrets_key_file; else set them again: weir secret set NAME --host HOST "
                "--value-file FILE\n",
                declared->secrets, BYTES_ARG(buf_bytes(&declared->names)),
                declared->names.failed ? ", ..." : "", data);
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

static enum code from_backup(const char *const *values, const char *data, struct progress *progress,
                             struct error *err)
{
    struct declared_report declared = {.sources = 0};
    struct restore_report report;
    enum code code = restore(values[FROM], data, progress, &report, &declared, err);

    if (code == OK && values[JSON] != NULL)
        code = print_json(values[FROM], data, &report, &declared, err);
    progress_wipe(progress);
    if (code == OK && values[QUIET] == NULL) {
        say(data, &report);
        say_declared(data, &declared);
    }
    buf_release(&declared.names);
    return code;
}

/* --- out of shards --- */

static enum code recover(const struct recovery *recovery, const char *data,
                         struct progress *progress, struct recover_report *report,
                         struct error *err)
{
    struct recover_options options = {
        .map_bytes = INDEX_MAP_BYTES,
        .step = step,
        .context = progress,
        .patience_ns = shard_patience_ns,
    };
    struct staging *staging = NULL;
    char path[PATH_SIZE];
    enum code code = stage(data, &staging, path, err);

    options.tenants = recovery_tenants(recovery, &options.tenant_count);
    if (code == OK) {
        options.to = staging_fs(staging);
        options.index_path = path;
        code = recover_run(&options, report, err);
    }
    if (code == OK)
        code = staging_finish(staging, err);
    staging_close(staging);
    return code;
}

static enum code print_recovered_json(const struct recovery *recovery, const char *data,
                                      const struct recover_report *report, struct error *err)
{
    struct buf out = BUF_INIT(TOLD_BYTES_MAX);
    char incarnation[HASH128_TEXT_SIZE], through[TIMESTAMP_TEXT_SIZE];
    size_t count;
    const struct recover_tenant *tenants = recovery_tenants(recovery, &count);
    enum code code;

    hash128_print(&report->incarnation, incarnation);
    buf_put_text(&out, "{\"data\":");
    json_put_text(&out, bytes_of(data));
    buf_printf(&out,
               ",\"incarnation\":\"%s\",\"packs\":%" PRIu64 ",\"rows\":%" PRIu64
               ",\"series\":%" PRIu64 ",\"deletions\":%" PRIu64 ",\"idempotency_notes\":%" PRIu64
               ",\"tenants\":[",
               incarnation, report->packs, report->rows, report->series, report->tombstones,
               report->notes);
    for (size_t i = 0; i < count; i++) {
        const struct chain_about *about = recovery_about(recovery, i);
        struct bytes shard = recovery_shard(recovery, i);

        hash128_print(&about->incarnation, incarnation);
        buf_printf(&out, "%s{\"tenant\":\"%.*s\",\"shard\":\"%.*s\",\"incarnation\":\"%s\"",
                   i == 0 ? "" : ",", BYTES_ARG(tenants[i].name), BYTES_ARG(shard), incarnation);
        if (about->through != INT64_MIN) {
            through[timestamp_print(about->through, through)] = '\0';
            buf_printf(&out, ",\"delivered_through\":\"%s\"", through);
        }
        buf_printf(&out, ",\"packs\":%" PRIu64 ",\"rows\":%" PRIu64 "}", about->packs, about->rows);
    }
    buf_put_text(&out, "]}\n");
    code = buf_finish(&out, err);
    if (code == OK)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

static void say_recovered(const struct recovery *recovery, const char *data,
                          const struct recover_report *report)
{
    char through[TIMESTAMP_TEXT_SIZE];
    size_t count;
    const struct recover_tenant *tenants = recovery_tenants(recovery, &count);

    for (size_t i = 0; i < count; i++) {
        const struct chain_about *about = recovery_about(recovery, i);
        struct bytes shard = recovery_shard(recovery, i);

        fprintf(stderr, "weir: tenant %.*s: %" PRIu64 " rows in %" PRIu64 " packs of shard %.*s",
                BYTES_ARG(tenants[i].name), about->rows, about->packs, BYTES_ARG(shard));
        if (about->through != INT64_MIN) {
            through[timestamp_print(about->through, through)] = '\0';
            fprintf(stderr, ", all that was acknowledged by %s", through);
        }
        fputs("\n", stderr);
    }
    fprintf(stderr,
            "weir: %s: %" PRIu64 " rows in %" PRIu64 " packs, %" PRIu64 " series, verified\n", data,
            report->rows, report->packs, report->series);
}

static enum code from_shards(const char *const *values, const struct settings *settings,
                             struct progress *progress, struct error *err)
{
    struct recovery_options options = {
        .tenants = settings->tenants != NULL ? settings->tenants : "the registry",
        .limits = &settings->limits,
        .names = values[TENANT],
        .incarnation = values[INCARNATION],
        .open = mongo_archive_open,
    };
    struct buf told = BUF_INIT(TOLD_BYTES_MAX);
    struct recovery *recovery = NULL;
    struct recover_report report;
    enum code code = OK;

    if (settings->tenants == NULL)
        code = registry_place_directory(settings, values[TENANT] == NULL, &options.snapshot, err);
    if (code == OK)
        code = recovery_open(&options, &recovery, &told, err);

    if (told.size > 0 && (code || values[QUIET] == NULL))
        fprintf(stderr, "%.*s", BYTES_ARG(buf_bytes(&told)));
    if (code == OK)
        code = recover(recovery, settings->data, progress, &report, err);
    if (code == OK && values[JSON] != NULL)
        code = print_recovered_json(recovery, settings->data, &report, err);
    progress_wipe(progress);
    if (code == OK && values[QUIET] == NULL)
        say_recovered(recovery, settings->data, &report);
    recovery_close(recovery);
    buf_release(&told);
    return code;
}

static int run(const char *const *values, const struct settings *settings)
{
    bool quiet = values[QUIET] != NULL;
    struct progress progress;
    struct error err = {0};
    enum code code;

    progress_begin(&progress,
                   !quiet && values[NO_PROGRESS] == NULL && isatty(STDERR_FILENO) ? stderr : NULL);
    code = values[FROM] != NULL ? from_backup(values, settings->data, &progress, &err)
                                : from_shards(values, settings, &progress, &err);
    progress_wipe(&progress);
    if (code == E_CANCELLED) {
        if (!quiet)
            fprintf(stderr, "weir: interrupted; nothing is left of the restore\n");
        return COMMAND_INTERRUPTED;
    }
    return code == OK ? COMMAND_DONE : command_fail(&err);
}

/* What is wrong with the flags together, or NULL. */
static const char *usage_fault(const char *const *values, const struct settings *settings)
{
    if (values[FROM] != NULL && *values[FROM] == '\0')
        return "--from BACKUP is empty: which backup?";
    if (values[FROM] != NULL && (values[TENANT] != NULL || values[INCARNATION] != NULL))
        return "--tenant and --incarnation are of shards: a backup has all tenants of one";
    if (values[FROM] == NULL && settings->tenants == NULL && settings->registry == NULL)
        return "--from BACKUP is missing: which backup? (or --tenants FILE or --registry WHERE, to "
               "restore from shards)";
    return NULL;
}

int command_restore(int argc, char **argv)
{
    const char *values[FLAG_COUNT] = {NULL};
    struct arguments own = {rows, FLAG_COUNT, values};
    struct config *config;
    const struct command_line line = {usage, &own, &config, true};
    const char *fault;
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    fault = usage_fault(values, config_settings(config));
    if (fault != NULL) {
        fprintf(stderr, "weir restore: %s\n", fault);
        exit_code = COMMAND_USAGE;
    } else {
        log_setup(LOG_WARN, config_log_format(config));
        interrupt_watch();
        signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), not our death */
        exit_code = run(values, config_settings(config));
    }
    config_free(config);
    return exit_code;
}
