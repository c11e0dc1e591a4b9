#include "handlers/peer_source.h"

#include "handlers/app.h"
#include "http/reply.h"
#include "ingest/pull/puller.h"

enum { FETCHES_MAX = 1000, TOLD_BYTES_MAX = 1 << 20 };

static enum code missing(const char *name, struct error *err)
{
    error_point(err, bytes_of(name));
    return error_set(err, E_MISSING_PARAMETER, "%s= is needed", name);
}

/* Who does not pull it has nothing to say of it that who asks does not know. */
static enum code tell(const struct request *request, struct buf *out, struct error *err)
{
    struct puller *puller = app_of(request)->puller;
    struct bytes tenant, source;
    uint64_t limit;
    enum code code;

    if (!request_parameter(request, "tenant", &tenant))
        return missing("tenant", err);
    if (!request_parameter(request, "source", &source))
        return missing("source", err);
    code = parameter_number(request, "limit", 0, FETCHES_MAX, 0, &limit, err);
    if (code)
        return code;
    if (puller == NULL || !puller_holds(puller, tenant, source) ||
        !(limit == 0 ? puller_status(puller, tenant, source, out)
                     : puller_fetches(puller, tenant, source, (size_t)limit, out)))
        buf_put_text(out, "{}"); /* no refusal: nothing is wrong with this member */
    return buf_finish(out, err);
}

static void source_finish(struct request *request)
{
    struct buf out = BUF_INIT(TOLD_BYTES_MAX);
    struct error err = {0};
    enum code code = tell(request, &out, &err);

    if (reply_unless_ok(request, code, &err))
        reply_buf_take(request, 200, "application/json", &out);
    else
        buf_release(&out);
}

const char *const peer_source_parameter_names[] = {"tenant", "source", "limit", NULL};

const struct handler peer_source_handler = {.finish = source_finish};
