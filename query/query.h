/* Questions about a time range: parsed, planned, run at one S, streamed out.
 *
 * Thread: query_parse() on an HTTP thread; query_run() on a query worker (it may wait). */
#ifndef WEIR_QUERY_QUERY_H
#define WEIR_QUERY_QUERY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "model/limits.h"
#include "model/matcher.h"

struct catalog;
struct store;
struct tenant;
struct query; /* in the arena it was parsed into */

struct query_parameter {
    struct bytes name, value;
};

/* `accept` chooses the format where format= does not.  Errors point at the parameter.  now_ns is
 * for "now-1h".  The query lives in `arena`. */
MUST_USE enum code query_parse(const struct query_parameter *parameters, size_t count,
                               struct bytes accept, int64_t now_ns, struct arena *arena,
                               struct query **query, struct error *err);

/* Where the answer goes.  Both calls from query_run()'s thread. */
struct query_sink {
    /* Once, before the first write, when nothing can be refused any more. `etag` and
     * `cache_control` are header values, `next` an opaque cursor for the Link header or empty
     * (streamed answers carry it in the body). */
    enum code (*begin)(struct query_sink *sink, const char *content_type, struct bytes etag,
                       const char *cache_control, struct error *err);
    enum code (*write)(struct query_sink *sink, struct bytes bytes, struct error *err);
    bool (*cancelled)(struct query_sink *sink);
};

struct query_environment {
    struct store *store;
    struct catalog *catalog;
    const struct tenant *tenant; /* NULL: the tenant has written nothing yet */
    const struct limits *limits; /* the tenant's */
    int64_t retention_ns, history_ns;
    struct clock *clock;
    struct bytes if_none_match; /* an equal ETag ends with *not_modified before any decode */
};

struct query_outcome {
    bool begun;        /* sink->begin() was called: a failure from now on must cut the stream */
    bool not_modified; /* answer 304 with the etag */
    char etag[48];
    uint64_t rows_scanned, rows_out, bytes_out;
};

/* Runs to the end.  OK also for an empty answer. */
MUST_USE enum code query_run(const struct query *query, const struct query_environment *environment,
                             struct query_sink *sink, struct query_outcome *outcome,
                             struct error *err);

/* The parameters query_parse() knows, NULL-terminated, for the route table. */
extern const char *const query_parameter_names[];

#endif
