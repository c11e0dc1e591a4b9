/* The routes that members of a registry have for one another, docs/formats/peer.md: on a listener
 * of their own, for who shows the cluster's secret. */
#ifndef WEIR_HANDLERS_PEER_ROUTES_H
#define WEIR_HANDLERS_PEER_ROUTES_H

#include "http/request.h"

/* Who asks; request->session of every such route. */
struct peer_caller {
    unsigned number;  /* of the member; 0: it has none yet */
    int64_t clock_ns; /* its wall clock */
};

extern const struct route peer_routes[];
extern const size_t peer_route_count;

/* For http_options, where app->secret is there. */
bool peer_authorize(struct request *request, enum scope scope);

static inline const struct peer_caller *peer_caller_of(const struct request *request)
{
    return request->session;
}

#endif
