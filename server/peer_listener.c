#include "server/peer_listener.h"

#include <ctype.h>

#include "handlers/app.h"
#include "handlers/peer_routes.h"
#include "http/server.h"
#include "server/listen_address.h"

enum {
    /* Of those that may be there, 1023, each asks over one connection or few, now and then; the
     * others wait to be accepted. */
    CONNECTIONS_MAX = 256,
    BODY_BYTES_MAX = 64 * 1024, /* of questions, which name a measurement and a range */
    SLOW_MS_MAX = 10000,        /* for a head or a body; whoever asks gives up sooner */
    STOP_MS = 2000,             /* likewise */
};

/* As in 0.0.0.0:8091 and [::]:8091. */
static bool is_wildcard(const char *address)
{
    return strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0;
}

static enum code check_address(const char *address, struct error *err)
{
    bool loopback;
    enum code code = listen_address_check(bytes_of(address), &loopback, err);

    if (code)
        return code;
    for (const char *at = address; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr(".-_:[]", *at) == NULL)
            return error_set(err, E_CONFIG, "\"%s\" is not an address: node1.example:8091 is",
                             address);
    if (is_wildcard(address) ||
        strspn(strrchr(address, ':') + 1, "0") == strlen(strrchr(address, ':') + 1))
        return error_set(err, E_CONFIG, "%s: nobody can be reached there", address);
    return OK;
}

enum code peer_listener_check(const struct settings *settings, struct error *err)
{
    bool loopback;
    enum code code;

    if (settings->peer_listen == NULL) {
        if (settings->peer_secret_file != NULL || settings->peer_address != NULL)
            return error_set(err, E_CONFIG, "%s is of peer_listen, which is not set",
                             settings->peer_secret_file != NULL ? "peer_secret_file"
                                                                : "peer_address");
        return OK;
    }
    if (settings->registry == NULL)
        return error_set(err, E_CONFIG, "peer_listen is for members of a registry: name one");
    if (settings->peer_secret_file == NULL)
        return error_set(err, E_CONFIG,
                         "peer_listen needs peer_secret_file: whoever has the secret may read and "
                         "erase what all tenants have");
    code = listen_address_check(bytes_of(settings->peer_listen), &loopback, err);
    if (code) {
        error_context(err, "peer_listen");
        return code;
    }
    if (settings->peer_address == NULL && is_wildcard(settings->peer_listen))
        return error_set(err, E_CONFIG,
                         "peer_listen: %s is no address to be reached by; name one as peer_address",
                         settings->peer_listen);
    if (settings->peer_address == NULL)
        return OK;
    code = check_address(settings->peer_address, err);
    if (code)
        error_context(err, "peer_address");
    return code;
}

static void lower(uint64_t *limit, uint64_t most)
{
    if (*limit > most)
        *limit = most;
}

enum code peer_listener_start(const struct settings *settings, struct app *app,
                              struct http_server **server, struct error *err)
{
    struct limits limits = settings->limits;
    struct http_options options = {
        .listen = settings->peer_listen,
        .threads = 1,
        .limits = &limits,
        .routes = peer_routes,
        .route_count = peer_route_count,
        .app = app,
        .authorize = peer_authorize,
        .clock = app->clock,
        .metrics = app->metrics,
    };
    enum code code;

    *server = NULL;
    if (settings->peer_listen == NULL)
        return OK;
    lower(&limits.connections_max, CONNECTIONS_MAX);
    lower(&limits.body_bytes_max, BODY_BYTES_MAX);
    lower(&limits.header_ms_max, SLOW_MS_MAX);
    lower(&limits.body_ms_max, SLOW_MS_MAX);
    code = http_server_start(&options, server, err);
    if (code == OK && settings->peer_address == NULL && is_wildcard(http_server_address(*server))) {
        code =
            error_set(err, E_CONFIG, "%s is no address to be reached by; name one as peer_address",
                      http_server_address(*server));
        peer_listener_stop(*server);
        *server = NULL;
    }
    if (code)
        error_context(err, "peer_listen");
    return code;
}

const char *peer_listener_address(const struct settings *settings, const struct http_server *server)
{
    if (server == NULL)
        return NULL;
    return settings->peer_address != NULL ? settings->peer_address : http_server_address(server);
}

void peer_listener_stop(struct http_server *server)
{
    http_server_stop(server, STOP_MS);
}
