/* A thread follows the records of sources: each that is new, has changed or is gone is told to the
 * puller, which knows nothing of the registry. */
#include "server/collectors.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "codec/json_scan.h"
#include "discovery/registry.h"
#include "discovery/secret_document.h"
#include "discovery/secrets.h"
#include "discovery/source_record.h"
#include "handlers/app.h"
#include "handlers/recall.h"
#include "ingest/follow/tails.h"
#include "ingest/pull/puller.h"
#include "ingest/source/source.h"
#include "server/config.h"
#include "server/pull_leases.h"
#include "server/version.h"
#include "store/member.h"
#include "store/store.h"

/* Leases are looked at so often; a node without others waits for what is declared alone. */
enum {
    LEASES_MS = 500,
    REST_MS = 60000,
    MEMORY_BYTES_MAX = 64 << 10,
    CONNECTIONS_MAX = 512,
    DEPTH_MAX = 64
};

/* What the puller was told of last. */
struct told {
    struct told *next;
    uint64_t version;
    size_t size;
    char name[]; /* of the record */
};

struct collectors {
    struct app *app;
    struct recall recall;
    struct pull_leases *leases; /* NULL: there is no other node */
    char directory[4096], user_agent[SETTING_CONTACT_SIZE_MAX + 32];
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    struct told *told;
};

/* --- what the puller asks --- */

static bool find_tenant(void *context, struct bytes name, const struct tenant **tenant,
                        struct limits *limits, int64_t *retention_ns)
{
    const struct collectors *collectors = context;
    struct directory_snapshot *snapshot = directory_get(collectors->app->directory);
    const struct tenant_settings *settings = directory_tenant(snapshot, name);

    *tenant = NULL;
    if (settings != NULL) {
        *tenant = catalog_tenant(collectors->app->catalog, name);
        *limits = settings->limits;
        *retention_ns = settings->retention_ns;
    }
    directory_put(snapshot);
    return *tenant != NULL;
}

static enum code find_secret(void *context, struct bytes tenant, struct bytes name,
                             struct bytes host, struct arena *arena, struct bytes *value,
                             struct error *err)
{
    const struct collectors *collectors = context;

    return secrets_recall(collectors->app->secrets, collectors->app->declared, tenant, name, host,
                          arena, value, err);
}

/* A number stays a store's: also without a registry it goes on under the one that it was given. */
static enum code print_node(void *context, char node[TAIL_NODE_SIZE], struct error *err)
{
    const struct collectors *collectors = context;
    unsigned number = store_member(collectors->app->store);

    if (number == 0 && collectors->app->registry != NULL)
        return error_set(err, E_NOT_READY,
                         "files are read once this node has a number of its registry, which tells "
                         "what it read from what others did");
    *node = '\0';
    if (number > 0)
        (void)snprintf(node, TAIL_NODE_SIZE, "%u", number);
    return OK;
}

static bool is_leased(void *context, struct bytes key)
{
    const struct collectors *collectors = context;

    return pull_leased(collectors->leases, key);
}

/* --- following --- */

static struct told *find_told(const struct collectors *collectors, struct bytes name)
{
    struct told *told = collectors->told;

    while (told != NULL && !bytes_equal((struct bytes){told->name, told->size}, name))
        told = told->next;
    return told;
}

static struct told *note_told(struct collectors *collectors, struct bytes name)
{
    struct told *told = malloc(sizeof(*told) + name.size);

    if (told == NULL)
        return NULL;
    *told = (struct told){.next = collectors->told, .size = name.size};
    memcpy(told->name, name.data, name.size);
    collectors->told = told;
    return told;
}

/* Whether it has a block of files, by the names of its members alone: most have none, and the
 * puller reads them whole.  What is no JSON has none. */
static bool has_files(struct bytes document, struct arena *arena)
{
    char *text = arena_zero(arena, document.size + JSON_SCAN_SLACK);
    struct json_scan scan = {.arena = arena, .depth_max = DEPTH_MAX};
    struct error err = {0};
    bool more = true;

    if (text == NULL)
        return true; /* for source_parse() to say */
    memcpy(text, document.data, document.size);
    scan.start = scan.at = text;
    scan.end = text + document.size;
    if (json_scan_peek(&scan) != '{' || json_scan_open(&scan, '{', &err) != OK)
        return false;
    for (bool first = true;; first = false) {
        struct bytes name;

        if (json_scan_more(&scan, '}', first, &more, &err) != OK || !more ||
            json_scan_name(&scan, &name, &err) != OK)
            return false;
        if (bytes_equal(name, BYTES("files")))
            return true;
        if (json_scan_skip(&scan, &err) != OK)
            return false;
    }
}

/* A source is of the one kind or of the other, and may have been of the other before.  What is
 * wrong with a document the puller tells. */
static enum code declare_kind(struct collectors *collectors, struct bytes tenant,
                              struct bytes source, uint64_t version,
                              const struct source_record *record, struct bytes document,
                              struct error *err)
{
    struct app *app = collectors->app;
    struct source_faults faults;
    struct source *parsed = NULL;
    struct error why = {0};
    struct arena arena;
    enum code code = OK;

    arena_init(&arena, SIZE_MAX, NULL);
    if (document.data != NULL && has_files(document, &arena) &&
        source_parse(source, document, &arena, &parsed, &faults, &why) == OK &&
        !parsed->files.given) {
        source_free(parsed);
        parsed = NULL;
    }
    arena_release(&arena);
    if (parsed != NULL)
        document = (struct bytes){0};
    if (document.data != NULL)
        code = puller_wish(app->puller, tenant, source, &record->wishes, err);
    if (code == OK)
        code = puller_declare(app->puller, tenant, source, version, record->paused, document, err);
    if (code == OK)
        return tails_declare(app->tails, tenant, source, record->paused, parsed, err);
    source_free(parsed);
    return code;
}

static enum code declare(struct collectors *collectors, struct bytes name, uint64_t version,
                         const struct source_record *record, struct error *err)
{
    struct bytes tenant, source, document = record->document;

    if (!source_record_split(name, &tenant, &source))
        return OK;
    if (record->deleted)
        document = (struct bytes){0};
    return declare_kind(collectors, tenant, source, version, record, document, err);
}

/* Which has no document, and is nobody's to pull: whoever failed for want of it is tried again. */
static enum code declare_secrets(const struct collectors *collectors, struct bytes name,
                                 struct error *err)
{
    const char *dot = name.size > 0 ? memchr(name.data, '.', name.size) : NULL;
    struct bytes tenant = {name.data, dot != NULL ? (size_t)(dot - name.data) : 0};
    char own[REGISTRY_NAME_SIZE_MAX];

    if (dot == NULL || !bytes_equal(secret_record_name(tenant, own), name))
        return OK;
    return puller_secrets(collectors->app->puller, tenant, err);
}

static enum code take_changed(struct collectors *collectors, const struct registry_record *record,
                              struct error *err)
{
    struct source_record source;
    struct bytes tenant, name;
    struct arena arena;
    enum code code;

    if (!source_record_split(record->name, &tenant, &name))
        return declare_secrets(collectors, record->name, err);
    arena_init(&arena, SIZE_MAX, NULL);
    code = source_record_parse(record->text, &arena, &source, err);
    if (code == OK)
        code = declare(collectors, record->name, record->version, &source, err);
    arena_release(&arena);
    return code;
}

static enum code take_record(struct collectors *collectors, const struct registry_record *record,
                             struct error *err)
{
    struct told *told = find_told(collectors, record->name);
    enum code code;

    if (told != NULL && told->version == record->version)
        return OK;
    code = take_changed(collectors, record, err);
    if (code == OK && told == NULL)
        told = note_told(collectors, record->name);
    if (code == OK && told != NULL)
        told->version = record->version;
    return code;
}

static void take_snapshot(struct collectors *collectors, const struct registry_snapshot *records)
{
    size_t first, end;

    registry_range(records, REGISTRY_SOURCES, &first, &end);
    for (size_t i = first; i < end; i++) {
        struct error err = {0};

        if (take_record(collectors, &records->records[i], &err))
            log_error(LOG_WARN, "a declared source cannot be taken up", &err);
    }
    /* One that is gone is a fault of the registry (discovery/registry.h): it is pulled on. */
}

static void *follow(void *context)
{
    struct collectors *collectors = context;
    uint64_t sequence = 0;

    while (!collectors->stop) {
        struct registry_snapshot *records = registry_get(collectors->app->declared);

        if (records->sequence != sequence) {
            sequence = records->sequence;
            take_snapshot(collectors, records);
        }
        registry_snapshot_put(records);
        if (collectors->leases != NULL)
            pull_leases_turn(collectors->leases);
        (void)registry_wait_or_stop(collectors->app->declared, sequence,
                                    collectors->leases == NULL ? REST_MS : LEASES_MS,
                                    &collectors->stop);
    }
    return NULL;
}

/* --- begin and end --- */

static void user_agent_make(const char *contact, char text[SETTING_CONTACT_SIZE_MAX + 32])
{
    (void)snprintf(text, SETTING_CONTACT_SIZE_MAX + 32, "weir/" WEIR_VERSION "%s%s%s",
                   contact != NULL ? " (+" : "", contact != NULL ? contact : "",
                   contact != NULL ? ")" : "");
}

static enum code follow_files(struct collectors *collectors, const struct settings *settings,
                              struct error *err)
{
    struct app *app = collectors->app;
    struct tails_parts parts = {
        .intake = &app->intake,
        .recall = &collectors->recall,
        .places = &settings->pull_files,
        .clock = store_clock(app->store),
        .node = print_node,
        .tenant = find_tenant,
        .context = collectors,
    };

    return tails_open(&parts, &app->tails, err);
}

enum code collectors_start(const struct settings *settings, struct fs *fs, struct app *app,
                           struct collectors **out, struct error *err)
{
    struct collectors *collectors = calloc(1, sizeof(*collectors));
    struct puller_parts parts = {
        .intake = &app->intake,
        .fs = fs,
        .clock = store_clock(app->store),
        .plain_bytes_max = settings->pull_plain_bytes_max,
        .body_bytes_max = settings->pull_body_bytes_max,
        .tenant = find_tenant,
        .secret = find_secret,
        .context = collectors,
    };
    enum code code = OK;

    *out = NULL;
    if (collectors == NULL)
        return error_set(err, E_MEMORY, "no memory for the collectors");
    collectors->app = app;
    collectors->recall = recall_of(app);
    snprintf(collectors->directory, sizeof(collectors->directory), "%s", settings->data);
    user_agent_make(settings->pull_contact, collectors->user_agent);
    parts.user_agent = collectors->user_agent;
    parts.recall = &collectors->recall;
    parts.fetcher = (struct fetcher_options){.allowed = &settings->pull_allow,
                                             .directory = collectors->directory,
                                             .memory_bytes_max = MEMORY_BYTES_MAX,
                                             .connections_max = CONNECTIONS_MAX};
    if (app->registry != NULL) {
        code = pull_leases_new(app->registry, app->store, &collectors->leases, err);
        parts.leased = is_leased;
    }
    if (code == OK)
        code = puller_open(&parts, &app->puller, err);
    if (code == OK)
        code = follow_files(collectors, settings, err);
    if (code == OK && pthread_create(&collectors->thread, NULL, follow, collectors) != 0)
        code = error_set(err, E_MEMORY, "no thread for the collectors");
    collectors->started = code == OK;
    if (code)
        collectors_stop(collectors);
    else
        *out = collectors;
    return code;
}

void collectors_hurry(struct collectors *collectors)
{
    if (collectors != NULL)
        puller_tries_end(collectors->app->puller);
}

void collectors_stop(struct collectors *collectors)
{
    if (collectors == NULL)
        return;
    collectors->stop = true;
    if (collectors->started) {
        registry_wake(collectors->app->declared);
        pthread_join(collectors->thread, NULL);
    }
    tails_close(collectors->app->tails);
    collectors->app->tails = NULL;
    puller_close(collectors->app->puller);
    collectors->app->puller = NULL;
    pull_leases_free(collectors->leases);
    while (collectors->told != NULL) {
        struct told *told = collectors->told;

        collectors->told = told->next;
        free(told);
    }
    free(collectors);
}
