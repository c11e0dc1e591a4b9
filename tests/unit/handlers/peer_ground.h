/* A node as a member of a registry of files, and its listener for other members.  What is asked of
 * that one goes through ask(), too: aim_at_peers() says which. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_PEER_GROUND_H
#define WEIR_TESTS_UNIT_HANDLERS_PEER_GROUND_H

#include "tests/unit/handlers/serving.h"

#include <inttypes.h>

#include "discovery/cluster_secret.h"
#include "discovery/membership.h"
#include "discovery/registry_files.h"
#include "handlers/peer_routes.h"
#include "store/member.h"

#define PEER_SECRET "canary-of-the-cluster-0123456789"
#define PEER_INCARNATION "00112233445566778899aabbccddeeff"
#define PEER_HEADERS                                                                               \
    "Authorization: Bearer " PEER_SECRET                                                           \
    "\r\nWeir-Peer: 7\r\nWeir-Clock: 1700000000000000000\r\nWeir-Incarnation: " PEER_INCARNATION   \
    "\r\n"

struct peer_ground {
    struct serving serving;
    struct registry *registry;
    struct membership *membership;
    struct http_server *peers;
    uint16_t public_port, peer_port;
    char secret_path[96], incarnation[HASH128_TEXT_SIZE];
};

static struct peer_ground ground;
static const struct compaction_rules *peer_ground_rules; /* NULL: nothing is compacted */

static enum code peer_ground_note(void *context, unsigned number, struct error *err)
{
    (void)context;
    return store_member_note(ground.serving.ground.store, number, err);
}

static void peer_ground_join(void *context)
{
    (void)context;
}

static void peer_ground_part(void *context, const struct error *why)
{
    (void)context, (void)why;
}

static void peer_ground_stand(void *context, enum member_state state)
{
    (void)context, (void)state;
}

static enum code peer_ground_leave(void *context, struct error *why)
{
    (void)context;
    return error_set(why, E_BUSY, "the test has more to deliver");
}

static void peer_ground_changed(void *context)
{
    (void)context;
    membership_changed(ground.membership);
}

static inline void peer_secret_write(const char *text)
{
    FILE *file = fopen(ground.secret_path, "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fputs(text, file);
    fclose(file);
}

static inline void aim_at_peers(bool peers)
{
    ground.serving.port = peers ? ground.peer_port : ground.public_port;
}

static inline uint16_t port_of(const struct http_server *server)
{
    return (uint16_t)strtoul(strrchr(http_server_address(server), ':') + 1, NULL, 10);
}

static inline int peer_ground_open(void **state)
{
    struct app *app = &ground.serving.app;
    struct registry_rules rules = {.changed = peer_ground_changed};
    struct membership_rules member = {
        .program = "0.1.0",
        .actions = {.note = peer_ground_note,
                    .join = peer_ground_join,
                    .part = peer_ground_part,
                    .stand = peer_ground_stand,
                    .leave = peer_ground_leave},
    };
    struct http_options options = {
        .listen = "127.0.0.1:0",
        .threads = 1,
        .limits = &ground.serving.ground.limits,
        .routes = peer_routes,
        .route_count = peer_route_count,
        .app = app,
        .authorize = peer_authorize,
        .clock = clock_system(),
    };
    struct error err = {0};
    char place[96];

    (void)state;
    serving_init(&ground.serving);
    ground.serving.ground.rules = peer_ground_rules;
    serving_start(&ground.serving, NULL);
    store_incarnation(app->store, ground.incarnation);
    snprintf(place, sizeof(place), "%s/registry", ground.serving.ground.directory);
    snprintf(ground.secret_path, sizeof(ground.secret_path), "%s/secret",
             ground.serving.ground.directory);
    peer_secret_write(PEER_SECRET "\n");
    if (membership_new(&ground.membership, &err) != OK ||
        registry_files_open(place, &rules, &ground.registry, &err) != OK ||
        cluster_secret_open(ground.secret_path, &app->secret, &err) != OK)
        fail_msg("%s", err.text);
    member.registry = app->registry = ground.registry;
    member.incarnation = bytes_of(ground.incarnation);
    app->membership = ground.membership;
    app->limits = &ground.serving.ground.limits;
    options.metrics = ground.serving.ground.metrics;
    if (membership_start(ground.membership, &member, &err) != OK ||
        workers_start(1, 10, clock_system(), &app->peer_workers, &err) != OK ||
        http_server_start(&options, &ground.peers, &err) != OK)
        fail_msg("%s", err.text);
    ground.public_port = ground.serving.port;
    ground.peer_port = port_of(ground.peers);
    aim_at_peers(true);
    return 0;
}

static inline int peer_ground_close(void **state)
{
    struct app *app = &ground.serving.app;

    (void)state;
    http_server_stop(ground.peers, 1000);
    workers_stop(app->peer_workers);
    http_server_stop(ground.serving.http, 1000);
    ground.serving.http = NULL;
    membership_stop(ground.membership);
    registry_close(ground.registry);
    membership_free(ground.membership);
    cluster_secret_close(app->secret);
    app->registry = NULL;
    app->membership = NULL;
    serving_stop(&ground.serving);
    return 0;
}

/* Of a member that shows the secret. */
static inline void expect_peer(const char *what, const char *body, int status, const char *text)
{
    int got = ask(&ground.serving, what, PEER_HEADERS, body);

    if (got != status || strstr(ground.serving.answer, text) == NULL)
        fail_msg("%s: want %d with %s, got:\n%s", what, status, text, ground.serving.answer);
    if (strstr(ground.serving.answer, "canary") != NULL)
        fail_msg("%s tells the secret:\n%s", what, ground.serving.answer);
}

#endif
