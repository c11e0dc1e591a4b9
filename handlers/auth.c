/* Who asks: the tenant comes from the token and from nowhere else. */
#include <strings.h>

#include <sodium.h>

#include "catalog/catalog.h"
#include "handlers/app.h"
#include "http/reply.h"

bool authorization_is(struct bytes authorization, const char *scheme, struct bytes *rest)
{
    size_t size = strlen(scheme);

    if (authorization.size <= size || strncasecmp(authorization.data, scheme, size) != 0 ||
        authorization.data[size] != ' ')
        return false;
    *rest = bytes_slice(authorization, size + 1, authorization.size);
    while (rest->size > 0 && rest->data[0] == ' ')
        *rest = bytes_slice(*rest, 1, rest->size);
    return rest->size > 0;
}

/* The password of "user:password" in base64; the user is not looked at. */
static bool basic_token(struct request *request, struct bytes encoded, struct bytes *token)
{
    char *text = arena_alloc(&request->arena, encoded.size + 1);
    const char *colon;
    size_t size = 0;

    if (text == NULL ||
        sodium_base642bin((unsigned char *)text, encoded.size, encoded.data, encoded.size, NULL,
                          &size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    colon = memchr(text, ':', size);
    if (colon == NULL)
        return false;
    *token = (struct bytes){colon + 1, size - (size_t)(colon + 1 - text)};
    return true;
}

/* Clients of InfluxDB 1 say "Token user:password"; the user is not looked at. */
static bool influx_token(struct bytes authorization, struct bytes *token)
{
    const char *colon;

    if (!authorization_is(authorization, "Token", token))
        return false;
    colon = memchr(token->data, ':', token->size);
    if (colon != NULL)
        *token = bytes_slice(*token, (size_t)(colon + 1 - token->data), token->size);
    return true;
}

/* ... or u=user&p=password, on the routes that know both.  Queries are in no log. */
static bool parameter_token(const struct request *request, struct bytes *token)
{
    bool user = false, password = false;

    for (const char *const *name = request->route->parameters; name != NULL && *name != NULL;
         name++) {
        user |= strcmp(*name, "u") == 0;
        password |= strcmp(*name, "p") == 0;
    }
    return user && password && request_parameter(request, "p", token) && token->size > 0;
}

static bool request_token(struct request *request, struct bytes *token)
{
    struct bytes rest;

    if (authorization_is(request->authorization, "Bearer", token) ||
        influx_token(request->authorization, token))
        return true;
    if (authorization_is(request->authorization, "Basic", &rest) &&
        basic_token(request, rest, token))
        return true;
    return parameter_token(request, token);
}

/* The port of "name:port" is cut off; an IPv6 literal keeps its brackets. */
static struct bytes host_name(struct bytes host)
{
    size_t first = 0;

    if (host.size > 0 && host.data[0] == '[')
        while (first < host.size && host.data[first] != ']')
            first++;
    for (size_t i = first; i < host.size; i++)
        if (host.data[i] == ':')
            return bytes_slice(host, 0, i);
    return host;
}

static bool names_this_machine(struct bytes host)
{
    struct bytes name = host_name(host);

    if (name.size > 4 && memcmp(name.data, "127.", 4) == 0) {
        for (size_t i = 0; i < name.size; i++)
            if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
                return false;
        return true;
    }
    return bytes_equal(name, BYTES("[::1]")) ||
           (name.size == 9 && strncasecmp(name.data, "localhost", 9) == 0);
}

/* A page of somebody else's, open in a browser on this machine, can send requests too: it is
 * betrayed by its Origin, or by the name it called us by (DNS rebinding). */
static bool from_a_strange_page(const struct request *request)
{
    struct bytes origin = request_header(request, "Origin");
    const char *host;

    if (!names_this_machine(request_header(request, "Host")))
        return true;
    if (origin.data == NULL)
        return false;
    host = memmem(origin.data, origin.size, "://", 3);
    return host == NULL ||
           !names_this_machine(bytes_slice(origin, (size_t)(host + 3 - origin.data), origin.size));
}

/* No tokens are configured: whoever is on this machine (or, where that was asked for, whoever
 * comes) may do everything, as tenant "default". */
static enum code grant_open(const struct request *request, struct session *session,
                            struct error *err)
{
    if (!app_of(request)->open_to_all && (!request->loopback || request->forwarded))
        return error_set(err, E_UNAUTHORIZED,
                         "without a tenants file only direct clients on this machine are served; "
                         "start weir with --tenants FILE and send a token");
    if (!app_of(request)->open_to_all && from_a_strange_page(request))
        return error_set(
            err, E_FORBIDDEN,
            "without a tenants file the Host (and the Origin, if any) must be localhost, "
            "127.x or [::1]: a page of another site must not use this server");
    session->settings = directory_tenant(session->snapshot, BYTES("default"));
    if (session->settings == NULL)
        return error_set(err, E_INTERNAL, "the directory has no tenant \"default\"");
    session->grant.scopes = SCOPE_ANY; /* all of them */
    return OK;
}

/* `known`: whether there was anything to know before the snapshot was taken. */
static enum code grant_token(struct request *request, struct session *session, bool known,
                             struct error *err)
{
    struct app *app = app_of(request);
    struct bytes token;

    if (!request_token(request, &token))
        return error_set(err, E_UNAUTHORIZED,
                         "send a token: Authorization: Bearer weir_<id>_<secret>");
    session->token = token;
    if (!known)
        return error_set(err, E_NOT_READY,
                         "the registry was not reached yet, and nothing of it is on disk: no token "
                         "is known");
    if (!directory_grant(session->snapshot, token, clock_wall_ns(app->clock), &session->grant))
        return error_set(err, E_UNAUTHORIZED, "the token is not known or has expired");
    session->settings = session->grant.tenant;
    return OK;
}

/* A token has one scope at least, so that none lacks SCOPE_ANY. */
static const char *const scope_names[SCOPE_ANY + 1] = {
    [SCOPE_READ] = "read",         [SCOPE_WRITE] = "write", [SCOPE_ADMIN] = "admin",
    [SCOPE_OPERATOR] = "operator", [SCOPE_ANY] = "read",
};

bool app_authorize(struct request *request, enum scope scope)
{
    struct app *app = app_of(request);
    struct session *session = ARENA_NEW(&request->arena, struct session);
    struct error err = {0};
    enum code code;
    bool known;

    if (session == NULL) {
        error_set(&err, E_MEMORY, "no memory for a request");
        reply_problem(request, &err);
        return false;
    }
    known = directory_known(app->directory);
    session->snapshot = directory_get(app->directory);
    session->scope = scope;
    request->session = session;
    code = directory_open_mode(app->directory) ? grant_open(request, session, &err)
                                               : grant_token(request, session, known, &err);
    if (code == OK && (session->grant.scopes & scope) == 0)
        code = error_set(&err, E_FORBIDDEN, "this needs a token with the scope \"%s\"",
                         scope_names[scope]);
    if (code == OK) {
        session->tenant = catalog_tenant(app->catalog, session->settings->name);
        if (session->tenant == NULL)
            code = error_set(&err, E_MEMORY, "no memory for a tenant");
        else
            request->tenant = session->tenant->name;
    }
    return reply_unless_ok(request, code, &err);
}

bool app_is_authorized(const struct request *request)
{
    const struct app *app = app_of(request);
    const struct session *session = session_of(request);
    struct directory_snapshot *snapshot;
    struct token_grant grant;
    bool granted;

    if (session->token.data == NULL)
        return true;
    snapshot = directory_get(app->directory);
    granted = directory_grant(snapshot, session->token, clock_wall_ns(app->clock), &grant) &&
              (grant.scopes & session->scope) != 0 &&
              bytes_equal(grant.tenant->name, session->tenant->name);
    directory_put(snapshot);
    return granted;
}

void app_conclude(struct request *request)
{
    struct session *session = request->session;

    directory_put(session->snapshot);
}
