/* All routes.  openapi/openapi.json describes each, and a test holds the two together. */
#include "handlers/app.h"
#include "handlers/deletions.h"
#include "handlers/lists.h"
#include "handlers/operations.h"
#include "handlers/points.h"
#include "handlers/queries.h"
#include "query/query.h"

const struct route app_routes[] = {
    {METHOD_POST,   "/v1/points",            SCOPE_WRITE, &points_handler,       points_parameter_names,      false},
    {METHOD_DELETE, "/v1/points",            SCOPE_WRITE, &deletion_handler,     deletion_parameter_names,    false},
    {METHOD_GET,    "/v1/query",             SCOPE_READ,  &query_handler,        query_parameter_names,       false},
    {METHOD_POST,   "/v1/query",             SCOPE_READ,  &query_handler,        query_parameter_names,       true },
    {METHOD_GET,    "/v1/measurements",      SCOPE_READ,  &measurements_handler,
     measurements_parameter_names,                                                                            false},
    {METHOD_GET,    "/v1/series",            SCOPE_READ,  &series_handler,       series_parameter_names,      false},
    {METHOD_GET,    "/v1/fields",            SCOPE_READ,  &fields_handler,       measurement_parameter_names, false},
    {METHOD_GET,    "/v1/tags",              SCOPE_READ,  &tags_handler,         measurement_parameter_names, false},
    {METHOD_GET,    "/v1/tags/{key}/values", SCOPE_READ,  &tag_values_handler,
     measurement_parameter_names,                                                                             false},
    {METHOD_POST,   "/v1/admin/flush",       SCOPE_ADMIN, &flush_handler,        NULL,                        false},
    {METHOD_GET,    "/metrics",              SCOPE_ADMIN, &metrics_handler,      NULL,                        false},
    {METHOD_GET,    "/healthz",              SCOPE_NONE,  &healthz_handler,      NULL,                        false},
    {METHOD_GET,    "/readyz",               SCOPE_NONE,  &readyz_handler,       NULL,                        false},
    {METHOD_GET,    "/openapi.json",         SCOPE_NONE,  &openapi_handler,      NULL,                        false},
};

const size_t app_route_count = COUNT_OF(app_routes);
