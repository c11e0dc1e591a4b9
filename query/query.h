/* Questions about a time range: parsed, planned, run at one S, streamed out.
 * docs/reference/query.md
 *
 * Thread: query_parse() on an HTTP thread; query_run() on a query worker (it may wait), with
 * at_once_values_max on any. */
#ifndef WEIR_QUERY_QUERY_H
#define WEIR_QUERY_QUERY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "model/limits.h"
#include "model/matcher.h"

struct catalog;
struct helpers;
struct store;
struct tenant;
struct view;
struct query; /* in the arena it was parsed into */

struct query_parameter {
    struct bytes name, value;
};

/* `accept` chooses the format where format= does not.  Errors point at the parameter.  now_ns is
 * for "now-1h".  The query lives in `arena`; names and values must live as long. */
MUST_USE enum code query_parse(const struct query_parameter *parameters, size_t count,
                               struct bytes accept, int64_t now_ns, struct arena *arena,
                               struct query **query, struct error *err);

/* As query_parse(), of a JSON document: one question, or a join of several.  Errors point into it
 * ("/selections/load/every").  Nothing of `text` is needed afterwards. */
MUST_USE enum code query_parse_json(struct bytes text, struct bytes accept, int64_t now_ns,
                                    struct arena *arena, struct query **query, struct error *err);
/* As query_parse(), for what changed (GET /v1/changes); since= is needed. */
MUST_USE enum code changes_parse(const struct query_parameter *parameters, size_t count,
                                 struct bytes accept, int64_t now_ns, struct arena *arena,
                                 struct query **query, struct error *err);
/* As query_parse(), for statistics (GET /v1/stats). */
MUST_USE enum code stats_parse(const struct query_parameter *parameters, size_t count,
                               struct bytes accept, int64_t now_ns, struct arena *arena,
                               struct query **query, struct error *err);
/* As query_parse(), for what changes from now on (GET /v1/live): an answer is data lines of an
 * event stream, at most about page_bytes of them at once.  `since` is that of the parameters, or of
 * `last_id` (Last-Event-ID) where that is not empty; *from_now tells that there was neither. */
MUST_USE enum code live_parse(const struct query_parameter *parameters, size_t count,
                              struct bytes last_id, int64_t now_ns, uint64_t page_bytes,
                              struct arena *arena, struct query **query, bool *from_now,
                              struct error *err);
/* The same question about changes since `since`; or where `next` (of an answer to it) is not empty,
 * its rest.  `next` is parsed into `arena`. */
MUST_USE enum code live_go_on(struct query *query, int64_t since, struct bytes next,
                              struct arena *arena, struct error *err);
int64_t live_since(const struct query *query);

/* What the head of an answer says. */
struct query_head {
    const char *content_type;
    struct bytes etag;
    const char *cache_control;
    struct bytes next; /* cursor of the next page, for a Link header; empty: none, or the body will
                          tell (JSON, NDJSON) */
    int64_t as_of;     /* S */
    const struct bytes *missing; /* from the answer, as texts, as far as is known by now; CSV has no
                                    other place to say it */
    size_t missing_count;
    const struct bytes *warnings; /* what the question names and nobody knows, as texts */
    size_t warning_count;
    bool whole; /* the next write is all there is, and not large */
};

/* Where the answer goes.  All calls from query_run()'s thread. */
struct query_sink {
    /* Once, before the first write, as late as can be: with the first 64 KiB, or the end. */
    enum code (*begin)(struct query_sink *sink, const struct query_head *head, struct error *err);
    enum code (*write)(struct query_sink *sink, struct bytes bytes, struct error *err);
    bool (*cancelled)(struct query_sink *sink);
};

/* What a question reads of a tenant: rows of [start, end) of the series that all matchers select.
 */
struct query_range {
    struct bytes measurement;
    int64_t start, end;
    const struct matcher *matchers; /* borrowed */
    uint32_t matcher_count;
};

struct query_environment {
    struct store *store;
    struct catalog *catalog;
    const struct tenant *tenant;      /* NULL: the tenant has written nothing yet */
    const struct limits *limits;      /* the tenant's */
    int64_t retention_ns, history_ns; /* INT64_MAX = for ever */
    struct clock *clock;
    struct budget *memory;         /* of all queries; NULL = unbounded */
    struct bytes if_none_match;    /* an equal ETag ends with *not_modified before any decode */
    _Atomic bool *lost;            /* set when the answer holds memory for too long; or NULL */
    struct bytes content_encoding; /* part of the ETag: compressed bytes are other bytes */
    struct view *view; /* whose moment holds, of another question of the same answer; borrowed.
                          NULL: the question's own */
    /* In place of store_view(), where others may have rows of these ranges that are not here: they
     * are in the view, or told as missing.  It may wait.  NULL: there is nobody. */
    enum code (*open_view)(void *opener, const struct tenant *tenant, int64_t as_of,
                           const struct query_range *ranges, size_t count, struct view **view,
                           struct error *err);
    void *opener;
    const struct query_range *ranges; /* of all questions that the view is for; NULL: the question's
                                         own is all */
    size_t range_count;
    struct helpers *helpers; /* NULL: there are none, and nothing is cut into pieces */
    void (*wait)(void *waiter, bool waiting); /* as in struct patience; or NULL */
    void *waiter;
    /* Not 0: only if all it needs is at hand, no more than so many values of blocks and the head,
     * and takes no longer than a millisecond.  Any failure then says no more than that it is to be
     * run without this. */
    uint64_t at_once_values_max;
};

static inline bool query_is_at_once(const struct query_environment *environment)
{
    return environment->at_once_values_max > 0;
}

struct query_outcome {
    bool begun;        /* sink->begin() was called: a failure from now on must cut the stream */
    bool not_modified; /* answer 304 with the etag */
    char etag[48];
    uint64_t rows_scanned, rows_out, bytes_out;
    uint64_t helped; /* pieces of the work that other threads did */
    uint64_t series; /* that were selected; of a join 0 */
};

/* Runs to the end.  OK also for an empty answer.  `outcome` is set whatever the code. */
MUST_USE enum code query_run(const struct query *query, const struct query_environment *environment,
                             struct query_sink *sink, struct query_outcome *outcome,
                             struct error *err);

/* The parameters query_parse() knows (also those it answers with not_supported),
 * NULL-terminated, for the route table. */
extern const char *const query_parameter_names[], *const changes_parameter_names[],
                                                      *const live_parameter_names[];
extern const char *const stats_parameter_names[];

#endif
