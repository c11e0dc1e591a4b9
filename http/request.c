#include "http/exchange.h"
#include "http/mhd.h"
#include "http/server_state.h"

#include <assert.h>

bool request_parameter(const struct request *request, const char *name, struct bytes *value)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (bytes_equal(request->parameters[i].name, bytes_of(name))) {
            *value = request->parameters[i].value;
            return true;
        }
    }
    return false;
}

struct bytes request_header(const struct request *request, const char *name)
{
    const struct exchange *x = exchange_of(request);

    for (size_t i = 0; i < x->header_count; i++)
        if (x->headers[i].name.size == strlen(name) &&
            strncasecmp(x->headers[i].name.data, name, x->headers[i].name.size) == 0)
            return x->headers[i].value;
    return (struct bytes){NULL, 0};
}

bool request_may_wait(struct request *request)
{
    return waiters_admit(exchange_of(request));
}

bool request_others_wait(const struct request *request)
{
    return exchange_of(request)->server->waiters.count > 0;
}

void request_wait(struct request *request)
{
    struct exchange *x = exchange_of(request);

    assert(x->step == STEP_BODY);
    assert(!x->reply.made);
    assert(request->route->handler->again != NULL);
    x->step = STEP_WAIT;
    client_phase(x->client, PHASE_WAIT, server_now(x->server));
    metric_move(x->server->meter.waiting, 1);
    exchange_suspend(x);
    waiters_add(x);
}

void request_park(struct request *request)
{
    struct exchange *x = exchange_of(request);

    assert(x->step == STEP_FINISH);
    assert(!x->parked);
    x->parked = true;
    metric_move(x->server->meter.parked, 1);
    exchange_suspend(x);
}

void request_resume(struct request *request)
{
    assert(exchange_of(request)->reply.made);
    exchange_resume(exchange_of(request));
}

bool request_cancelled(const struct request *request)
{
    return exchange_of(request)->cancelled;
}
