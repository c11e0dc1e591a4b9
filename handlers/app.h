/* What the handlers work with, and who the client is.  server/app.c makes one. */
#ifndef WEIR_HANDLERS_APP_H
#define WEIR_HANDLERS_APP_H

#include "base/metric.h"
#include "discovery/directory.h"
#include "handlers/lending.h"
#include "http/request.h"
#include "ingest/intake.h"

struct cluster_secret;
struct erasers;
struct follower;
struct live;
struct membership;
struct guests;
struct peers;
struct puller;
struct registry;
struct roll;
struct secrets;
struct tails;

struct app {
    struct store *store;       /* all borrowed */
    struct delivery *delivery; /* of its packs; NULL: there is none */
    struct away *away;         /* those that are at shards alone; likewise */
    struct catalog *catalog;
    struct directory *directory;
    struct registry *registry;     /* that the directory is of; NULL: there is none */
    struct registry *declared;     /* what tenants declared: the same, else the node's own */
    struct secrets *secrets;       /* of tenants, for what they declared */
    struct follower *follower;     /* of it, likewise */
    struct membership *membership; /* in it, likewise */
    struct roll *roll;             /* how other members said they are; NULL: none is asked */
    struct cluster_secret *secret; /* of its members; NULL: they ask this one nothing */
    struct peers *peers;           /* who is asked for rows; NULL: nobody */
    struct erasers *erasers; /* of what is to be gone from others, too; NULL: there are none */
    struct guests *guests;   /* what others delivered; NULL: no registry, nobody else */
    struct puller *puller;   /* of declared sources; NULL: nothing is pulled */
    struct tails *tails;     /* of those that are files that grow; NULL: none are followed */
    struct clock *clock;
    struct metrics *metrics;
    struct workers *workers;
    struct workers *peer_workers; /* for questions of other members; NULL: they ask nothing */
    const struct limits *limits;  /* the node's */
    struct lending lending;       /* of them */
    struct live *live;
    struct budget query_memory;  /* of all queries under way */
    _Atomic uint64_t trials;     /* pages of sources that are tried now */
    uint64_t at_once_values_max; /* of a question that the HTTP thread answers; 0 = none */
    struct intake_environment intake;
    uint64_t slow_query_ms; /* a question that takes so long is told in the log; 0 = none is */
    const char *version;
    bool open_to_all; /* without tokens: every client may do everything, not only those here */
    _Atomic bool draining;
};

/* Who asks; request->session of every route with a scope. */
struct session {
    struct directory_snapshot *snapshot; /* a reference: keeps settings alive */
    struct token_grant grant;
    const struct tenant_settings *settings;
    const struct tenant *tenant;
    struct bytes token; /* .data is NULL without tokens */
    enum scope scope;   /* that the route needs */
};

static inline struct app *app_of(const struct request *request)
{
    return request->app;
}

static inline const struct session *session_of(const struct request *request)
{
    return request->session;
}

/* "Scheme rest", in any case of the scheme's letters; false: it is another one, or nothing. */
bool authorization_is(struct bytes authorization, const char *scheme, struct bytes *rest);

/* For http_options. */
bool app_authorize(struct request *request, enum scope scope);
void app_conclude(struct request *request);
/* Whether the client of a request that goes on for long may still ask it: its token may have been
 * taken away, or have expired.  Any thread that holds the request. */
bool app_is_authorized(const struct request *request);

extern const struct route app_routes[];
extern const size_t app_route_count;
/* Paths whose refusals are no problems. */
extern const struct refusal_shape app_shapes[];
extern const size_t app_shape_count;

/* E_BAD_PARAMETER (pointing at the parameter) unless it is a whole number in [least, most]; absent
 * gives `initial`. */
MUST_USE enum code parameter_number(const struct request *request, const char *name, uint64_t least,
                                    uint64_t most, uint64_t initial, uint64_t *value,
                                    struct error *err);
/* E_BAD_PARAMETER when a parameter other than `repeatable` (NULL = none) stands twice: which of the
 * two was meant has no safe answer. */
MUST_USE enum code parameters_once(const struct request *request, const char *repeatable,
                                   struct error *err);
/* Replies the problem and gives false, unless code is OK. */
bool reply_unless_ok(struct request *request, enum code code, const struct error *err);

#endif
