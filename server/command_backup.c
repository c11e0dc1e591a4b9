/* weir backup: on the machine of the data directory, as the user of the server.  The lock of the
 * directory tells whether a server runs; one that does is asked to flush and is not disturbed
 * otherwise, and without one we hold the lock and seal ourselves what is in the wal. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "codec/json_doc.h"
#include "server/app.h"
#include "server/command_line.h"
#include "server/config.h"
#include "server/declared_copy.h"
#include "server/interrupt.h"
#include "server/remote_flags.h"
#include "server/staging.h"
#include "server/version.h"
#include "store/backup.h"
#include "store/backup_label.h"
#include "store/index.h"
#include "store/store.h"

enum { PATH_SIZE = 4096, TEXT_BYTES_MAX = 64 << 10, ANSWER_DEPTH_MAX = 4, BACKGROUND_NICE = 10 };

enum { COMMAND_LEFT_OUT = 3 }; /* done, but rows not yet in packs are not in it */

enum flag { TO, NO_FLUSH, COPY, JSON, FLAG_COUNT };

static const char usage[] =
    "usage: weir backup --to DIRECTORY [flags] [settings]\n"
    "\n"
    "  weir backup --data weir-data --to /backup/weir-$(date +%Y-%m-%dT%H%M)\n"
    "  weir backup --data weir-data --to /mnt/nas/monday --url http://127.0.0.1:8090\n"
    "  weir backup --config /etc/weir/weir.yaml --token-file operator.token --to /backup/monday "
    "--json\n"
    "\n"
    "A copy of a data directory, also while a server works on it: the index and the packs it "
    "names.\n"
    "The server is asked to flush first (scope operator), so that all acknowledged before is in "
    "it.\n"
    "On the same file system packs are linked, which takes no room and no time; else they are\n"
    "copied, and each is held against its hash.  `weir restore` makes a data directory of it.\n"
    "Run it as the user of the server.\n"
    "\n"
    "exit codes: 0 done, 1 failed (nothing is left), 2 usage, 3 done with --no-flush: what was "
    "not\n"
    "in packs is left out, 130 interrupted (nothing is left)\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [TO] = {"to",       "DIRECTORY",
            "Made once it is whole (DIRECTORY.part until then); must not exist."  },
    [NO_FLUSH] = {"no-flush", NULL,        "Take what is in packs, and ask no server."  },
    [COPY] = {"copy",     NULL,        "Copy packs also where they could be linked."},
    [JSON] = {"json",     NULL,        "Print what it is as JSON."                  },
};

struct backing {
    struct remote remote;
    const char *values[FLAG_COUNT];
    const struct settings *settings;
    struct fs *fs; /* of the data directory */
    struct index *index;
    struct staging *staging;
    bool hot;
    struct backup_report report;
};

/* --- the command line: its flags, those of a server's clients, the settings --- */

static void help_print(const struct backing *backing)
{
    const struct arguments own = {rows, FLAG_COUNT, NULL},
                           shared = {remote_rows, REMOTE_FLAG_COUNT, NULL};

    (void)backing;
    fputs(usage, stdout);
    fputs("\nflags:\n", stdout);
    arguments_print(&own, stdout);
    fputs("\nthe server that runs on it, if one does:\n", stdout);
    arguments_print(&shared, stdout);
    fputs("\nsettings, as `weir serve` takes them: --data DIR is what is copied (weir-data), "
          "--config "
          "FILE may\nname it\n",
          stdout);
}

/* False: the command ends with *exit_code. */
static bool line_read(struct backing *backing, int argc, char **argv, struct config **config,
                      int *exit_code)
{
    const char *remote_values[REMOTE_FLAG_COUNT] = {NULL};
    struct arguments tables[] = {
        {rows,             FLAG_COUNT, backing->values},
        {remote_rows, REMOTE_FLAG_COUNT, remote_values},
        {0     }
    };
    struct error err = {0};

    *exit_code = COMMAND_FAILED;
    if (arguments_ask_help(argc, argv)) {
        help_print(backing);
        *exit_code = COMMAND_DONE;
        return false;
    }
    if (config_new(config, &err)) {
        command_fail(&err);
        return false;
    }
    tables[2] = *config_arguments(*config);
    *exit_code = COMMAND_USAGE;
    if (arguments_read(argc, argv, tables, COUNT_OF(tables), &err)) {
        fprintf(stderr, "weir backup: %s (weir backup --help tells all)\n", err.text);
        return false;
    }
    if (backing->values[TO] == NULL || *backing->values[TO] == '\0') {
        fprintf(stderr, "weir backup: --to DIRECTORY is missing: where shall it go?\n");
        return false;
    }
    if (remote_flags_apply(remote_values, &backing->remote, &err)) {
        fprintf(stderr, "weir backup: %s\n", err.text);
        return false;
    }
    *exit_code = COMMAND_FAILED;
    if (config_load(*config, environ, &err)) {
        command_fail(&err);
        return false;
    }
    backing->settings = config_settings(*config);
    return true;
}

/* --- everything into packs --- */

/* No server: what `weir serve` would do at its start, and a seal. */
static enum code seal_here(struct backing *backing, struct error *err)
{
    struct store_options options = {
        .fs = backing->fs,
        .clock = clock_system(),
        .limits = &backing->settings->limits,
    };
    char path[PATH_SIZE];
    struct catalog *catalog = NULL;
    struct index *index = NULL;
    struct store *store = NULL;
    struct stat owner;
    bool did = true;
    enum code code = OK;

    if (stat(backing->settings->data, &owner) == 0 && owner.st_uid != geteuid())
        return error_set(err, E_CONFIG,
                         "no server runs, so what is in the wal has to be sealed here, and the "
                         "directory is of user %u: run this as that user, or add --no-flush",
                         (unsigned)owner.st_uid);
    (void)snprintf(path, sizeof(path), "%s/index", backing->settings->data);
    code = index_lmdb_open(path, INDEX_MAP_BYTES, false, &index, err);
    if (code == OK)
        code = catalog_new(&catalog, err);
    if (code == OK) {
        options.index = index;
        options.registry = catalog_registry(catalog);
        code = store_open(&options, &store, err);
    }
    while (code == OK && did)
        code = store_step_seal(store, true, &did, err);
    store_close(store);
    catalog_free(catalog);
    index_lmdb_close(index);
    return code;
}

/* The address may be that of another server: rows would be missing and nobody would know. */
static enum code expect_mark(const struct backing *backing, struct error *err)
{
    const struct remote *remote = &backing->remote;
    struct identity identity;
    struct json *answer = NULL;
    const struct json *mark;
    char want[HASH128_TEXT_SIZE];
    bool same;
    enum code code = identity_read(backing->index, &identity, err);

    if (code == OK)
        code = json_doc_parse(buf_bytes(&remote->answer), ANSWER_DEPTH_MAX, &answer, err);
    if (code)
        return code;
    identity_mark(&identity.incarnation, want);
    mark = json_member(answer, "store");
    same = mark != NULL && json_kind(mark) == JSON_KIND_TEXT &&
           bytes_equal(json_text_of(mark), bytes_of(want));
    json_doc_free(answer);
    return same ? OK
                : error_set(err, E_CONFIG,
                            "the server at %.*s serves another data directory than %s: --url says "
                            "where the right one is",
                            BYTES_ARG(buf_bytes(&remote->url)), backing->settings->data);
}

static enum code ask_to_flush(struct backing *backing, struct error *err)
{
    const struct remote_request request = {.method = "POST", .target = BYTES("/v1/admin/flush")};
    enum code code = remote_send(&backing->remote, &request, NULL, NULL, err);

    if (code) {
        if (code != E_CANCELLED)
            error_context(err, "flush (a server, or another command, works on %s)",
                          backing->settings->data);
        return code;
    }
    return expect_mark(backing, err);
}

/* --- the work --- */

static enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    struct backing *backing = context;

    if (interrupt_came())
        return error_set(err, E_CANCELLED, "interrupted");
    progress_tell(&backing->remote.progress, done, total, "packs");
    return OK;
}

static enum code data_open(struct backing *backing, struct error *err)
{
    const char *data = backing->settings->data;
    char path[PATH_SIZE];
    enum code code;

    /* Nothing is made where nothing is. */
    if ((size_t)snprintf(path, sizeof(path), "%s/index/data.mdb", data) >= sizeof(path) ||
        access(path, F_OK) != 0)
        return error_set(err, E_NOT_FOUND, "%s is no data directory: it has no index/data.mdb",
                         data);
    code = fs_posix_open(data, &backing->fs, err);
    if (code)
        return code;
    code = backup_label_refuse(backing->fs, data, err);
    if (code)
        return code;
    code = fs_posix_lock(backing->fs, "lock", err);
    backing->hot = code == E_BUSY;
    return backing->hot ? OK : code;
}

static enum code take(struct backing *backing, struct error *err)
{
    struct backup_options options = {
        .from = backing->fs,
        .map_bytes = INDEX_MAP_BYTES,
        .link = backing->values[COPY] == NULL,
        .hot = backing->hot,
        .step = step,
        .context = backing,
    };
    char path[PATH_SIZE], target[PATH_SIZE];
    enum code code = OK;

    if (!backing->hot && backing->values[NO_FLUSH] == NULL)
        code = seal_here(backing, err);
    (void)snprintf(path, sizeof(path), "%s/index", backing->settings->data);
    if (code == OK)
        code = index_lmdb_open(path, INDEX_MAP_BYTES, true, &backing->index, err);
    if (code == OK && backing->hot && backing->values[NO_FLUSH] == NULL)
        code = ask_to_flush(backing, err);
    if (code)
        return code;
    if ((size_t)snprintf(target, sizeof(target), "%s/index", staging_path(backing->staging)) >=
        sizeof(target))
        return error_set(err, E_CONFIG, "--to: the path is too long");
    options.to = staging_fs(backing->staging);
    options.source = backing->index;
    options.index_path = target;
    code = backup_take(&options, &backing->report, err);
    if (code == OK)
        code = declared_save(backing->settings->data, options.to, &backing->report.label.declared,
                             err);
    if (code)
        return code;
    backing->report.label.created_ns = clock_wall_ns(clock_system());
    backing->report.label.flushed = backing->values[NO_FLUSH] == NULL;
    code = backup_write_label(options.to, &backing->report.label, WEIR_VERSION, err);
    return code ? code : staging_finish(backing->staging, err);
}

/* --- what is said --- */

static enum code print_json(const struct backing *backing, struct error *err)
{
    struct buf out = BUF_INIT(TEXT_BYTES_MAX);
    const struct backup_report *report = &backing->report;
    enum code code;

    buf_put_text(&out, "{\"backup\":");
    json_put_text(&out, bytes_of(backing->values[TO]));
    buf_printf(&out, ",\"hot\":%s,\"linked\":%" PRIu64 ",\"copied\":%" PRIu64 ",\"tries\":%u,",
               backing->hot ? "true" : "false", report->linked, report->copied, report->tries);
    buf_put_text(&out, "\"label\":");
    backup_label_encode(&report->label, WEIR_VERSION, &out);
    for (size_t i = 0; i < out.size; i++) /* the label is of many lines, this is of one */
        if (out.data[i] == '\n')
            out.data[i] = ' ';
    buf_put_text(&out, "}\n");
    code = buf_finish(&out, err);
    if (code == OK)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

static void say(struct backing *backing)
{
    const struct backup_report *report = &backing->report;
    const struct pack_totals *totals = &report->label.totals;
    struct buf size = BUF_INIT(64);

    progress_print_size(&size, totals->file_bytes + report->label.index_bytes);
    buf_put_char(&size, '\0');
    remote_say(&backing->remote,
               "%s: %" PRIu64 " rows in %" PRIu64 " packs, %s (%" PRIu64 " files linked, %" PRIu64
               " copied)",
               backing->values[TO], totals->rows, totals->packs, size.failed ? "" : size.data,
               report->linked, report->copied);
    if (backing->values[NO_FLUSH] != NULL)
        remote_say(&backing->remote,
                   "nothing was flushed: rows that were not in packs yet are left out");
    buf_release(&size);
}

static int run(struct backing *backing)
{
    struct error err = {0};
    int exit_code;
    enum code code = data_open(backing, &err);

    if (code == OK)
        code = staging_open(backing->values[TO], false, &backing->staging, &err);
    if (code == OK)
        code = take(backing, &err);
    if (code == OK && backing->values[JSON] != NULL)
        code = print_json(backing, &err);
    if (code == E_CANCELLED)
        remote_say(&backing->remote, "interrupted; nothing is left of the backup");
    exit_code = code                                ? remote_fail(&backing->remote, &err)
                : backing->values[NO_FLUSH] != NULL ? COMMAND_LEFT_OUT
                                                    : COMMAND_DONE;
    if (code == OK)
        say(backing);
    staging_close(backing->staging);
    index_lmdb_close(backing->index);
    fs_posix_close(backing->fs);
    return exit_code;
}

int command_backup(int argc, char **argv)
{
    struct backing backing = {.hot = false};
    struct config *config = NULL;
    int exit_code;

    if (line_read(&backing, argc, argv, &config, &exit_code)) {
        log_setup(LOG_WARN, config_log_format(config));
        interrupt_watch();
        signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), not our death */
        (void)setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE); /* the server comes first */
        exit_code = run(&backing);
    }
    remote_close(&backing.remote);
    config_free(config);
    return exit_code;
}
