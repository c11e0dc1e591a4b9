/* All routes.  openapi/openapi.json describes each, and a test holds the two together. */
#include "handlers/app.h"
#include "handlers/deletions.h"
#include "handlers/influx_probe.h"
#include "handlers/influx_query.h"
#include "handlers/influx_shape.h"
#include "handlers/influx_write.h"
#include "handlers/lists.h"
#include "handlers/live.h"
#include "handlers/operations.h"
#include "handlers/points.h"
#include "handlers/queries.h"
#include "handlers/shard_records.h"
#include "handlers/source_records.h"
#include "handlers/source_trials.h"
#include "handlers/tenant_records.h"
#include "query/query.h"

const struct route app_routes[] = {
    {METHOD_POST,   "/v1/points",                        SCOPE_WRITE,    &points_handler,          points_parameter_names,      false},
    {METHOD_DELETE, "/v1/points",                        SCOPE_WRITE,    &deletion_handler,        deletion_parameter_names,    false},
    {METHOD_GET,    "/v1/query",                         SCOPE_READ,     &query_handler,           query_parameter_names,       false},
    {METHOD_POST,   "/v1/query",                         SCOPE_READ,     &query_post_handler,      query_parameter_names,       true },
    {METHOD_GET,    "/v1/changes",                       SCOPE_READ,     &changes_handler,         changes_parameter_names,     false},
    {METHOD_GET,    "/v1/stats",                         SCOPE_READ,     &stats_handler,           stats_parameter_names,       false},
    {METHOD_GET,    "/v1/live",                          SCOPE_READ,     &live_handler,            live_parameter_names,        false},
    {METHOD_GET,    "/v1/measurements",                  SCOPE_READ,     &measurements_handler,
     measurements_parameter_names,                                                                                              false},
    {METHOD_GET,    "/v1/series",                        SCOPE_READ,     &series_handler,          series_parameter_names,      false},
    {METHOD_GET,    "/v1/fields",                        SCOPE_READ,     &fields_handler,          measurement_parameter_names, false},
    {METHOD_GET,    "/v1/tags",                          SCOPE_READ,     &tags_handler,            measurement_parameter_names, false},
    {METHOD_GET,    "/v1/tags/{key}/values",             SCOPE_READ,     &tag_values_handler,
     measurement_parameter_names,                                                                                               false},
    {METHOD_POST,   "/v1/admin/flush",                   SCOPE_OPERATOR, &flush_handler,           NULL,                        false},
    {METHOD_POST,   "/v1/admin/compact",                 SCOPE_ADMIN,    &compact_handler,         NULL,                        false},
    {METHOD_GET,    "/v1/admin/tenants",                 SCOPE_OPERATOR, &tenant_list_handler,     NULL,                        false},
    {METHOD_GET,    "/v1/admin/tenants/{tenant}",        SCOPE_OPERATOR, &tenant_get_handler,      NULL,                        false},
    {METHOD_PUT,    "/v1/admin/tenants/{tenant}",        SCOPE_OPERATOR, &tenant_put_handler,      NULL,                        false},
    {METHOD_DELETE, "/v1/admin/tenants/{tenant}",        SCOPE_OPERATOR, &tenant_delete_handler,   NULL,
     false                                                                                                                           },
    {METHOD_GET,    "/v1/admin/tenants/{tenant}/tokens", SCOPE_OPERATOR, &token_list_handler,      NULL,
     false                                                                                                                           },
    {METHOD_POST,   "/v1/admin/tenants/{tenant}/tokens", SCOPE_OPERATOR, &token_add_handler,       NULL,
     false                                                                                                                           },
    {METHOD_DELETE, "/v1/admin/tenants/{tenant}/tokens", SCOPE_OPERATOR, &token_revoke_handler,
     token_revoke_parameter_names,                                                                                              false},
    {METHOD_GET,    "/v1/admin/shards",                  SCOPE_OPERATOR, &shard_list_handler,      NULL,                        false},
    {METHOD_GET,    "/v1/admin/shards/{shard}",          SCOPE_OPERATOR, &shard_get_handler,       NULL,                        false},
    {METHOD_PUT,    "/v1/admin/shards/{shard}",          SCOPE_OPERATOR, &shard_put_handler,       NULL,                        false},
    {METHOD_DELETE, "/v1/admin/shards/{shard}",          SCOPE_OPERATOR, &shard_delete_handler,    NULL,                        false},
    {METHOD_GET,    "/v1/members",                       SCOPE_OPERATOR, &member_list_handler,     NULL,                        false},
    {METHOD_POST,   "/v1/members/{number}/drain",        SCOPE_OPERATOR, &member_drain_handler,    NULL,                        false},
    {METHOD_POST,   "/v1/members/{number}/forget",       SCOPE_OPERATOR, &member_forget_handler,   NULL,
     false                                                                                                                           },
    {METHOD_GET,    "/v1/sources",                       SCOPE_READ,     &source_list_handler,     NULL,                        false},
    {METHOD_GET,    "/v1/sources/{source}",              SCOPE_READ,     &source_get_handler,      NULL,                        false},
    {METHOD_PUT,    "/v1/sources/{source}",              SCOPE_ADMIN,    &source_put_handler,      NULL,                        false},
    {METHOD_DELETE, "/v1/sources/{source}",              SCOPE_ADMIN,    &source_delete_handler,   NULL,                        false},
    {METHOD_GET,    "/v1/sources/{source}/fetches",      SCOPE_READ,     &source_fetches_handler,
     source_fetches_names,                                                                                                      false},
    {METHOD_POST,   "/v1/sources/{source}/pause",        SCOPE_ADMIN,    &source_pause_handler,    NULL,                        false},
    {METHOD_POST,   "/v1/sources/{source}/resume",       SCOPE_ADMIN,    &source_resume_handler,   NULL,                        false},
    {METHOD_POST,   "/v1/sources/{source}/pull",         SCOPE_ADMIN,    &source_pull_handler,     NULL,                        false},
    {METHOD_POST,   "/v1/sources/{source}/backfill",     SCOPE_ADMIN,    &source_backfill_handler,
     source_backfill_names,                                                                                                     false},
    {METHOD_POST,   "/v1/sources:test",                  SCOPE_ADMIN,    &source_test_handler,     NULL,                        false},
    {METHOD_GET,    "/metrics",                          SCOPE_OPERATOR, &metrics_handler,         NULL,                        false},
    {METHOD_GET,    "/healthz",                          SCOPE_NONE,     &healthz_handler,         NULL,                        false},
    {METHOD_GET,    "/readyz",                           SCOPE_NONE,     &readyz_handler,          NULL,                        false},
    {METHOD_GET,    "/openapi.json",                     SCOPE_NONE,     &openapi_handler,         NULL,                        false},
    {METHOD_GET,    "/docs/errors",                      SCOPE_NONE,     &errors_handler,          NULL,                        false},
 /* As InfluxDB has them. */
    {METHOD_POST,   "/write",                            SCOPE_WRITE,    &influx_1_write_handler,  influx_1_write_names,        false},
    {METHOD_POST,   "/api/v2/write",                     SCOPE_WRITE,    &influx_2_write_handler,  influx_write_names,          false},
    {METHOD_POST,   "/api/v3/write_lp",                  SCOPE_WRITE,    &influx_3_write_handler,  influx_write_names,
     false                                                                                                                           },
    {METHOD_GET,    "/query",                            SCOPE_ANY,      &influx_query_handler,    influx_query_names,          false},
    {METHOD_POST,   "/query",                            SCOPE_ANY,      &influx_query_handler,    influx_query_names,          true },
    {METHOD_GET,    "/ping",                             SCOPE_NONE,     &influx_ping_handler,     influx_ping_names,           false},
    {METHOD_GET,    "/health",                           SCOPE_NONE,     &influx_health_handler,   NULL,                        false},
    {METHOD_GET,    "/ready",                            SCOPE_NONE,     &influx_ready_handler,    NULL,                        false},
    {METHOD_GET,    "/api/v2/buckets",                   SCOPE_NONE,     &influx_none_handler,     influx_none_names,           false},
    {METHOD_POST,   "/api/v2/buckets",                   SCOPE_NONE,     &influx_none_handler,     influx_none_names,           false},
    {METHOD_POST,   "/api/v2/query",                     SCOPE_NONE,     &influx_none_handler,     influx_none_names,           false},
    {METHOD_POST,   "/api/v2/delete",                    SCOPE_NONE,     &influx_none_handler,     influx_none_names,           false},
};

const size_t app_route_count = COUNT_OF(app_routes);

const struct refusal_shape app_shapes[] = {
    {"/write",   influx_status, influx_1_print},
    {"/query",   influx_status, influx_1_print},
    {"/ping",    influx_status, influx_1_print},
    {"/health",  influx_status, influx_2_print},
    {"/ready",   influx_status, influx_2_print},
    {"/api/v2/", influx_status, influx_2_print},
    {"/api/v3/", influx_status, influx_3_print},
};

const size_t app_shape_count = COUNT_OF(app_shapes);
