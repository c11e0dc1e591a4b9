#include "handlers/peer_names.h"

#include "catalog/catalog.h"
#include "codec/json_doc.h"
#include "handlers/app.h"
#include "http/reply.h"

enum { NAMES_BYTES_MAX = 32 << 20 };

/* Of a tenant that nobody wrote here there are none. */
static enum code put_names(struct request *request, struct bytes name, struct buf *out,
                           struct error *err)
{
    struct catalog *catalog = app_of(request)->catalog;
    const struct tenant *tenant = catalog_tenant_find(catalog, name);
    struct bytes *names;
    struct arena arena;
    size_t count = 0;
    enum code code = OK;

    arena_init(&arena, NAMES_BYTES_MAX, NULL);
    if (tenant != NULL)
        code = catalog_measurements(catalog, tenant, BYTES(""), PEER_NAMES_MAX + 1, &arena, &names,
                                    &count, err);
    if (code == OK && count > PEER_NAMES_MAX)
        code = error_set(err, E_QUERY_RESULT, "the tenant has more than %d measurements",
                         PEER_NAMES_MAX);
    buf_put_text(out, "{\"measurements\":[");
    for (size_t i = 0; code == OK && i < count; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        json_put_text(out, names[i]);
    }
    buf_put_text(out, "]}\n");
    arena_release(&arena);
    return code ? code : buf_finish(out, err);
}

static void names_finish(struct request *request)
{
    struct buf out = BUF_INIT(NAMES_BYTES_MAX);
    struct error err = {0};
    struct bytes tenant;
    enum code code = OK;

    if (!request_parameter(request, "tenant", &tenant)) {
        error_point(&err, BYTES("tenant"));
        code = error_set(&err, E_MISSING_PARAMETER, "tenant= is needed: whose measurements");
    }
    if (code == OK)
        code = put_names(request, tenant, &out, &err);
    if (reply_unless_ok(request, code, &err))
        reply_buf_take(request, 200, "application/json", &out);
    else
        buf_release(&out);
}

const char *const peer_names_parameter_names[] = {"tenant", NULL};

const struct handler peer_names_handler = {.finish = names_finish};
