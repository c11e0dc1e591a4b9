#include "handlers/peer_routes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/number.h"
#include "catalog/catalog.h"
#include "discovery/cluster_secret.h"
#include "discovery/registry.h"
#include "handlers/app.h"
#include "handlers/member_state.h"
#include "handlers/peer_erase.h"
#include "handlers/peer_names.h"
#include "handlers/peer_pulse.h"
#include "handlers/peer_question.h"
#include "handlers/peer_rows.h"
#include "handlers/peer_source.h"
#include "http/reply.h"
#include "model/member.h"

const struct route peer_routes[] = {
    {METHOD_GET,  "/peer/v1/pulse",  SCOPE_PEER, &peer_pulse_handler,  NULL,                        false},
    {METHOD_GET,  "/peer/v1/names",  SCOPE_PEER, &peer_names_handler,  peer_names_parameter_names,
     false                                                                                               },
    {METHOD_GET,  "/peer/v1/source", SCOPE_PEER, &peer_source_handler, peer_source_parameter_names,
     false                                                                                               },
    {METHOD_POST, "/peer/v1/rows",   SCOPE_PEER, &peer_rows_handler,   NULL,                        false},
    {METHOD_POST, "/peer/v1/erase",  SCOPE_PEER, &peer_erase_handler,  NULL,                        false},
};

const size_t peer_route_count = COUNT_OF(peer_routes);

void peer_take_piece(struct request *request, struct buf *question, struct bytes piece)
{
    struct error err = {0};

    buf_put(question, piece);
    if (question->failed) {
        (void)error_set(&err, E_BODY_LARGE, "a question has at most %d bytes",
                        PEER_QUESTION_BYTES_MAX);
        reply_problem(request, &err);
    }
}

enum code peer_find_tenant(const struct request *request, struct bytes name,
                           const struct tenant **tenant, struct error *err)
{
    struct app *app = app_of(request);
    struct directory_snapshot *snapshot;
    bool known;

    *tenant = catalog_tenant_find(app->catalog, name);
    if (*tenant != NULL)
        return OK;
    snapshot = directory_get(app->directory);
    known = directory_tenant(snapshot, name) != NULL;
    directory_put(snapshot);
    if (!known)
        return error_set(err, E_NOT_FOUND, "this member knows no such tenant yet");
    *tenant = catalog_tenant(app->catalog, name);
    return *tenant != NULL ? OK : error_set(err, E_MEMORY, "no memory for a tenant");
}

static enum code read_caller(const struct request *request, struct peer_caller *caller,
                             struct error *err)
{
    struct bytes clock = request_header(request, "Weir-Clock");
    uint64_t number;

    if (number_parse_u64(request_header(request, "Weir-Peer"), &number) ||
        number > MEMBER_NUMBER_MAX)
        return error_set(err, E_BAD_REQUEST,
                         "Weir-Peer must be the number of the member that asks, 0 to %d",
                         MEMBER_NUMBER_MAX);
    if (number_parse_i64(clock, &caller->clock_ns))
        return error_set(err, E_BAD_REQUEST,
                         "Weir-Clock must be the wall clock of the member that asks, in whole "
                         "nanoseconds since 1970");
    caller->number = (unsigned)number;
    return OK;
}

PRINTF_LIKE(3, 4)
static void add_header(struct request *request, const char *name, const char *format, ...)
{
    char text[32];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reply_header(request, name, (struct bytes){text, (size_t)size});
}

/* What every reply carries to who is a member. */
static void tell_who_answers(struct request *request)
{
    const struct app *app = app_of(request);
    struct registry_snapshot *records = registry_get(app->registry);

    add_header(request, "Weir-Member", "%u", member_of(app));
    add_header(request, "Weir-Clock", "%" PRId64, clock_wall_ns(app->clock));
    add_header(request, "Weir-Registry-Version", "%" PRIu64, records->version);
    registry_snapshot_put(records);
}

bool peer_authorize(struct request *request, enum scope scope)
{
    struct peer_caller *caller = ARENA_NEW(&request->arena, struct peer_caller);
    struct bytes shown;
    struct error err = {0};

    (void)scope;
    if (caller == NULL) {
        (void)error_set(&err, E_MEMORY, "no memory for a request");
    } else if (!authorization_is(request->authorization, "Bearer", &shown) ||
               !cluster_secret_is(app_of(request)->secret, shown)) {
        (void)error_set(&err, E_UNAUTHORIZED, "this is for members of the registry alone");
    } else {
        tell_who_answers(request);
        request->session = caller;
        (void)read_caller(request, caller, &err);
    }
    return reply_unless_ok(request, err.code, &err);
}
