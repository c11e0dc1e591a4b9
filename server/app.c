#include "server/app.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "discovery/cluster_secret.h"
#include "discovery/follower.h"
#include "discovery/registered.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "discovery/secrets.h"
#include "handlers/app.h"
#include "handlers/erasers.h"
#include "handlers/live.h"
#include "handlers/peers.h"
#include "http/server.h"
#include "ingest/idempotency.h"
#include "ingest/rate.h"
#include "server/caretaker.h"
#include "server/collectors.h"
#include "server/compaction.h"
#include "server/delivery.h"
#include "server/guests.h"
#include "server/membership.h"
#include "server/peer_listener.h"
#include "server/pulses.h"
#include "server/registry_place.h"
#include "server/version.h"
#include "store/backup_label.h"
#include "store/delivery/away.h"
#include "store/delivery/delivery.h"
#include "store/guests/guests.h"
#include "store/index.h"
#include "store/store.h"

/* Who answers at all does so sooner, and then a start has what is true now. */
enum { JOBS_MAX = 4096, REGISTRY_WAIT_MS = 2000 };

struct server {
    const struct settings *settings;
    struct app app;
    struct budget ingest_budget, ingest_promises;
    struct drain ingest_drain;
    struct fs *fs;
    struct index *index;
    struct idempotency *idempotency;
    struct rate *rate;
    struct compaction_rules rules;
    struct member_hands hands;
    struct delivery_rules delivery_rules;
    struct guest_sources guest_sources;
    struct guest_rules guest_rules;
    struct guests *guests; /* NULL: no registry, nobody else */
    struct caretaker_sources caretaker_sources;
    struct caretaker_rules caretaker_rules;
    struct caretaker *caretaker; /* likewise */
    struct collectors *collectors;
    struct http_server *http;
    struct http_server *peers; /* NULL: other members ask this one nothing */
    struct pulses *pulses;     /* NULL: nor it them */
};

static unsigned cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : (unsigned)count;
}

/* The lock on the data directory is ours from here on. */
static enum code open_data(struct server *server, struct error *err)
{
    const struct settings *settings = server->settings;
    enum code code = fs_posix_open(settings->data, &server->fs, err);

    if (code == OK)
        code = backup_label_refuse(server->fs, settings->data, err);
    if (code == OK) {
        code = fs_posix_lock(server->fs, "lock", err);
        if (code)
            error_context(err, "%s", settings->data);
    }
    return code;
}

static void registry_changed(void *context)
{
    const struct app *app = context;

    follower_changed(app->follower);
    membership_changed(app->membership);
}

/* A registry that does not answer is no reason not to serve: what was last seen of it is on disk.
 */
static enum code open_registry(struct server *server, struct error *err)
{
    const struct settings *settings = server->settings;
    struct app *app = &server->app;
    struct registry_rules rules = {.fs = server->fs, .snapshot_path = REGISTRY_COPY};
    struct error late = {0};
    enum code code = directory_open_registered(&settings->limits, &app->directory, err);

    if (code == OK)
        code = follower_new(app->directory, server->fs, &app->follower, err);
    if (code == OK)
        code = membership_new(&app->membership, err);
    if (code)
        return code;
    if (settings->peer_secret_file != NULL) {
        code = cluster_secret_open(settings->peer_secret_file, &app->secret, err);
        if (code) {
            error_context(err, "peer_secret_file");
            return code;
        }
        code = roll_new(&app->roll, err);
        if (code)
            return code;
        server->hands.roll = app->roll;
    }
    rules.changed = registry_changed;
    rules.context = app;
    code = registry_place_open(settings, &rules, &app->registry, err);
    if (code) {
        error_context(err, "registry");
        return code;
    }
    if (registry_wait_connected(app->registry, REGISTRY_WAIT_MS, &late))
        log_error(LOG_WARN, "the registry does not answer: what was last seen of it is in force",
                  &late);
    return follower_start(app->follower, app->registry, err);
}

static enum code open_directory(struct server *server, struct error *err)
{
    const struct settings *settings = server->settings;
    enum code code;

    if (settings->registry != NULL)
        return open_registry(server, err);
    code = directory_open(settings->tenants, &settings->limits, &server->app.directory, err);

    if (code == OK && settings->tenants == NULL)
        log_event(LOG_WARN, "no tenants file: open to every client on this machine",
                  LOG_CSTR("tenant", "default"));
    return code;
}

/* What tenants declare, and the key of their secrets.  It lies in the registry; a node without one
 * has files of its own for it. */
static enum code open_declared(struct server *server, struct error *err)
{
    /* Others change them seldom: restored and edited files. */
    const struct registry_rules rules = {.called = "files of what tenants declare", .look_ms = 500};
    struct app *app = &server->app;
    char path[4096];
    enum code code;

    code = secrets_open(server->fs, server->settings->secrets_key_file, app->registry != NULL,
                        &app->secrets, err);
    if (code) {
        error_context(err, "secrets_key_file");
        return code;
    }
    app->declared = app->registry;
    if (app->registry != NULL)
        return OK;
    snprintf(path, sizeof(path), "%s/declared", server->settings->data);
    code = registry_files_open(path, &rules, &app->declared, err);
    return code ? code : fs_sync_dir(server->fs, "", err); /* the new directory's name */
}

static enum code open_store(struct server *server, struct error *err)
{
    const struct settings *settings = server->settings;
    struct app *app = &server->app;
    struct store_options store = {
        .clock = app->clock,
        .metrics = app->metrics,
        .limits = &settings->limits,
        .accept_clock = settings->accept_clock,
        .ballast_bytes = settings->ballast_bytes,
        .joins = app->registry != NULL,
    };
    char path[4096];
    enum code code;

    snprintf(path, sizeof(path), "%s/index", settings->data);
    code = index_lmdb_open(path, INDEX_MAP_BYTES, false, &server->index, err);
    if (code == OK) /* the new directory's name */
        code = fs_sync_dir(server->fs, "", err);
    if (code == OK)
        code = catalog_new(&app->catalog, err);
    if (code == OK)
        code = rate_new(app->clock, &server->rate, err);
    if (code == OK)
        code = idempotency_new(&settings->limits, app->clock, &server->idempotency, err);
    if (code)
        return code;
    store.fs = server->fs;
    store.index = server->index;
    store.registry = catalog_registry(app->catalog);
    store.notes = idempotency_sink(server->idempotency);
    server->rules = compaction_rules_of(app->directory);
    store.rules = &server->rules;
    code = store_open(&store, &app->store, err);
    if (code == OK)
        idempotency_believe(server->idempotency, store_clock(app->store));
    if (code == OK)
        code = store_start(app->store, err);
    server->delivery_rules = delivery_rules_of(app->directory);
    server->delivery_rules.given_up = &server->hands.given_up;
    if (code == OK && app->registry != NULL)
        code = store_enter(app->membership, app->registry, app->directory, app->store,
                           &server->delivery_rules, &server->hands, err);
    return code;
}

/* Also without any shard: a reload may bring one. */
static enum code open_delivery(struct server *server, struct error *err)
{
    struct app *app = &server->app;
    enum code code;

    code = delivery_new(app->store, &server->delivery_rules, &app->delivery, err);
    if (code == OK)
        code = away_new(app->store, &server->delivery_rules, &app->away, err);
    if (code == OK) /* first: a pack that is delivered may have to be brought */
        code = away_start(app->away, err);
    if (code == OK)
        code = delivery_start(app->delivery, err);
    return code;
}

/* Who shows the secret may ask, whether it is asked itself or not. */
static enum code open_peers(struct server *server, struct error *err)
{
    struct app *app = &server->app;
    const struct peers_parts parts = {
        .store = app->store,
        .registry = app->registry,
        .roll = app->roll,
        .guests = server->guests,
        .secret = app->secret,
        .clock = app->clock,
        .metrics = app->metrics,
        .limits = &server->settings->limits,
    };

    return peers_new(&parts, &app->peers, err);
}

static enum code open_erasers(struct server *server, struct error *err)
{
    struct app *app = &server->app;
    const struct erasers_parts parts = {
        .store = app->store,
        .registry = app->registry,
        .guests = server->guests,
        .secret = app->secret,
        .clock = app->clock,
        .limits = &server->settings->limits,
    };

    return erasers_new(&parts, &app->erasers, err);
}

/* After those whose chains it looks at. */
static enum code open_caretaker(struct server *server, struct error *err)
{
    enum code code;

    server->caretaker_sources =
        (struct caretaker_sources){server->app.registry, &server->delivery_rules};
    server->caretaker_rules = caretaker_rules_of(&server->caretaker_sources);
    code = caretaker_new(server->app.store, server->guests, &server->caretaker_rules,
                         &server->caretaker, err);
    return code ? code : caretaker_start(server->caretaker, err);
}

/* Of a registry alone: a tenants file knows no members. */
static enum code open_guests(struct server *server, struct error *err)
{
    struct app *app = &server->app;
    enum code code;

    if (app->registry == NULL)
        return OK;
    server->guest_sources = (struct guest_sources){app->directory, app->registry, app->follower,
                                                   &server->delivery_rules};
    server->guest_rules = guest_rules_of(&server->guest_sources);
    code = guests_new(app->store, &server->guest_rules, &server->guests, err);
    if (code == OK)
        code = guests_start(server->guests, err);
    app->guests = server->guests;
    if (code == OK)
        code = open_erasers(server, err);
    if (code == OK)
        code = open_caretaker(server, err);
    return code == OK && app->secret != NULL ? open_peers(server, err) : code;
}

static void announce(const struct server *server)
{
    const char *path = server->settings->port_file;
    FILE *file;

    log_event(LOG_INFO, "listening", LOG_CSTR("address", http_server_address(server->http)),
              LOG_CSTR("data", server->settings->data), LOG_CSTR("version", WEIR_VERSION));
    if (server->peers != NULL)
        log_event(LOG_INFO, "listening for other members",
                  LOG_CSTR("address", http_server_address(server->peers)),
                  LOG_CSTR("reached", peer_listener_address(server->settings, server->peers)));
    if (path == NULL)
        return;
    file = fopen(path, "w");
    if (file == NULL || fprintf(file, "%s\n", http_server_address(server->http)) < 0)
        log_event(LOG_ERROR, "cannot write the port file", LOG_CSTR("path", path));
    if (file != NULL)
        fclose(file);
}

static enum code open_http(struct server *server, struct error *err)
{
    const struct settings *settings = server->settings;
    struct app *app = &server->app;
    struct http_options http = {
        .listen = settings->listen,
        .threads = settings->http_threads == 0 ? cores() : (unsigned)settings->http_threads,
        .limits = &settings->limits,
        .routes = app_routes,
        .route_count = app_route_count,
        .shapes = app_shapes,
        .shape_count = app_shape_count,
        .app = app,
        .authorize = app_authorize,
        .conclude = app_conclude,
        .clock = app->clock,
        .metrics = app->metrics,
    };
    unsigned threads = settings->query_threads == 0 ? cores() : (unsigned)settings->query_threads;
    enum code code = workers_start(threads, JOBS_MAX, app->clock, &app->workers, err);

    app->at_once_values_max = settings->query_at_once_values_max;
    if (code == OK)
        lending_init(&app->lending, app->workers, (unsigned)settings->query_helpers_max,
                     app->metrics);
    if (code == OK)
        code = live_start(app, &settings->limits, &app->live, err);
    if (code == OK)
        code = http_server_start(&http, &server->http, err);
    if (code == OK && settings->peer_listen != NULL)
        code = workers_start(threads, JOBS_MAX, app->clock, &app->peer_workers, err);
    if (code == OK)
        code = peer_listener_start(settings, app, &server->peers, err);
    if (code == OK && app->membership != NULL)
        code = membership_serve(app->membership, http_server_address(server->http),
                                peer_listener_address(settings, server->peers), err);
    if (code == OK && app->roll != NULL)
        code = pulses_start(app, &server->pulses, err);
    return code;
}

enum code server_start(const struct settings *settings, struct server **out, struct error *err)
{
    struct server *server = calloc(1, sizeof(*server));
    enum code code;

    *out = NULL;
    if (server == NULL)
        return error_set(err, E_MEMORY, "no memory to start");
    server->settings = settings;
    server->app.clock = clock_system();
    server->app.limits = &settings->limits;
    server->app.version = WEIR_VERSION;
    server->app.open_to_all = settings->insecure_listen;
    server->app.slow_query_ms = settings->slow_query_ms;
    server->ingest_budget.bytes_max = settings->limits.ingest_bytes_max;
    server->app.query_memory.bytes_max = settings->limits.queries_bytes_max;
    server->ingest_promises.bytes_max = settings->limits.ingest_bytes_max;
    drain_init(&server->ingest_drain, server->app.clock);
    code = metrics_new(&server->app.metrics, err);
    if (code == OK)
        code = open_data(server, err);
    if (code == OK)
        code = open_directory(server, err);
    if (code == OK)
        code = open_declared(server, err);
    if (code == OK)
        code = open_store(server, err);
    if (code == OK)
        code = open_delivery(server, err);
    if (code == OK)
        code = open_guests(server, err);
    server->app.intake = (struct intake_environment){
        .store = server->app.store,
        .catalog = server->app.catalog,
        .idempotency = server->idempotency,
        .rate = server->rate,
        .clock = server->app.clock,
        .budget = &server->ingest_budget,
        .promises = &server->ingest_promises,
        .drain = &server->ingest_drain,
        .delivery = server->app.delivery,
        .metrics = server->app.metrics,
    };
    if (code == OK)
        code = collectors_start(settings, server->fs, &server->app, &server->collectors, err);
    if (code == OK)
        code = open_http(server, err);
    if (code) {
        server_stop(server);
        return code;
    }
    announce(server);
    *out = server;
    return OK;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    server->app.draining = true;
    store_compact_stop(server->app.store); /* else whoever waits for one would hold the stop up */
    erasers_stop(server->app.erasers);     /* likewise */
    delivery_await_stop(server->app.delivery); /* likewise */
    collectors_hurry(server->collectors);      /* likewise */
    live_close(server->app.live);
    http_server_stop(server->http, (int64_t)server->settings->drain_ms);
    peer_listener_stop(server->peers);
    workers_stop(server->app.workers);
    workers_stop(server->app.peer_workers);
    live_stop(server->app.live);
    collectors_stop(server->collectors);
    pulses_stop(server->pulses);
    membership_stop(server->app.membership); /* it speaks to the store */
    erasers_free(server->app.erasers);
    peers_free(server->app.peers);
    caretaker_free(server->caretaker);
    guests_free(server->guests);
    delivery_free(server->app.delivery);
    store_compact_end(server->app.store); /* packs that it lets go of have parts in what is next */
    away_free(server->app.away);
    store_close(server->app.store);
    idempotency_free(server->idempotency);
    rate_free(server->rate);
    drain_release(&server->ingest_drain);
    catalog_free(server->app.catalog);
    index_lmdb_close(server->index);
    follower_stop(server->app.follower);
    if (server->app.declared != server->app.registry)
        registry_close(server->app.declared);
    secrets_close(server->app.secrets);
    registry_close(server->app.registry);
    follower_free(server->app.follower);
    membership_free(server->app.membership);
    roll_free(server->app.roll);
    cluster_secret_close(server->app.secret);
    directory_close(server->app.directory);
    fs_posix_close(server->fs);
    metrics_free(server->app.metrics);
    free(server);
}

const char *server_address(const struct server *server)
{
    return http_server_address(server->http);
}

/* Of two files one may be right. */
enum code server_reload(struct server *server, struct error *err)
{
    enum code code, secret = OK;

    if (server->app.registry == NULL)
        return directory_reload(server->app.directory, err);
    code = registry_place_renew(server->settings, server->app.registry, err);
    if (server->app.secret != NULL)
        secret = cluster_secret_renew(server->app.secret, code ? NULL : err);
    return code ? code : secret;
}

enum code server_check(struct server *server, struct error *err)
{
    enum code code = store_ready(server->app.store, err);

    return code == E_IO ? E_IO : OK;
}
