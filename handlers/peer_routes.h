/* The routes that members of a registry have for one another, docs/formats/peer.md: on a listener
 * of their own, for who shows the cluster's secret. */
#ifndef WEIR_HANDLERS_PEER_ROUTES_H
#define WEIR_HANDLERS_PEER_ROUTES_H

#include "base/buf.h"
#include "http/request.h"

struct tenant;

/* Who asks; request->session of every such route. */
struct peer_caller {
    unsigned number;  /* of the member; 0: it has none yet */
    int64_t clock_ns; /* its wall clock */
};

extern const struct route peer_routes[];
extern const size_t peer_route_count;

/* For http_options, where app->secret is there. */
bool peer_authorize(struct request *request, enum scope scope);

/* A piece of a question, at most PEER_QUESTION_BYTES_MAX in all; more is refused. */
void peer_take_piece(struct request *request, struct buf *question, struct bytes piece);
/* Of one that nobody wrote here yet nothing was acknowledged; but it must be known that none will
 * be at or below a moment, so it is found or made.  E_NOT_FOUND: this member does not know it. */
MUST_USE enum code peer_find_tenant(const struct request *request, struct bytes name,
                                    const struct tenant **tenant, struct error *err);

static inline const struct peer_caller *peer_caller_of(const struct request *request)
{
    return request->session;
}

#endif
