/* One request on its way in: body pieces -> decompressed -> decoded into a batch -> checked ->
 * submitted -> acknowledged.  Its memory is reserved from the ingest budget before the body is
 * read.
 *
 * Thread: one at a time (the request's); the store calls back from its applier. */
#ifndef WEIR_INGEST_INTAKE_H
#define WEIR_INGEST_INTAKE_H

#include "base/budget.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/drain.h"
#include "base/metric.h"
#include "base/time_text.h"
#include "model/limits.h"
#include "model/matcher.h"
#include "model/note.h"

struct batch;
struct catalog;
struct csv_options;
struct delivery;
struct idempotency;
struct rate;
struct store;
struct intake;

/* What all requests share; lives as long as the server. */
struct intake_environment {
    struct store *store;
    struct catalog *catalog;
    struct idempotency *idempotency;
    struct rate *rate;
    struct clock *clock;
    struct budget *budget;
    struct budget *promises;   /* what requests under way are expected to take of it at their end */
    struct drain *drain;       /* of the budget */
    struct delivery *delivery; /* to the tenants' shards; NULL: there are none */
    struct metrics *metrics;
};

struct intake_request {
    const struct tenant *tenant;
    const struct limits *limits;                 /* the tenant's; borrowed until intake_free() */
    struct bytes content_type, content_encoding; /* borrowed during intake_new() */
    struct bytes idempotency_key;                /* {NULL, 0} = none; copied */
    uint64_t content_length;                     /* UINT64_MAX = unknown */
    enum time_unit precision;
    bool skip_bad;                 /* on_error=skip */
    bool patient;                  /* E_BUSY is not told to the client: it comes again */
    const struct csv_options *csv; /* of a body of CSV; borrowed until intake_free() */
};

/* The answer: a status with a body of JSON, or an error. */
struct intake_answer {
    enum code code;    /* OK: `status` and `body`; else `err` and `errors` */
    unsigned status;   /* 204, or 200 with a body */
    struct bytes body; /* JSON, lives until intake_free() */
    struct error err;
    struct bytes errors; /* for reply_problem_with(): ",\"errors\":[...]" or empty */
    bool repeated;       /* by an earlier request with this Idempotency-Key */
};

/* What a tenant's shard lacks stays here and nowhere else until it is back: so much and no more.
 * E_OUTBOX_FULL. */
MUST_USE enum code intake_outbox(const struct intake_environment *environment,
                                 const struct tenant *tenant, const struct limits *limits,
                                 struct error *err);
/* What it will come to of the ingest budget, all of it at most; 0 = little, or it does not say. */
size_t intake_expects(const struct intake_environment *environment,
                      const struct intake_request *request);
/* E_RATE_LIMIT when the tenant owes points; E_OUTBOX_FULL when its shard lacks too much; neither
 * when its Idempotency-Key was answered before.  E_BUSY when the ingest budget is taken;
 * E_UNSUPPORTED_TYPE, E_UNSUPPORTED_ENCODING, E_BODY_LARGE by Content-Length, and what the decoder
 * says of its options. */
MUST_USE enum code intake_new(const struct intake_environment *environment,
                              const struct intake_request *request, struct intake **intake,
                              struct error *err);
/* A failure stays: later pieces are ignored and intake_finish() tells it again. */
enum code intake_feed(struct intake *intake, struct bytes piece, struct error *err);
/* The body is whole.  True: intake_answer() has the answer.  False: it is to be submitted. */
MUST_USE bool intake_prepare(struct intake *intake);
/* True: done(context) will be called once, on the store's applier thread, perhaps before this
 * returns; then intake_answer() has the answer.  False: refused, the answer is there and done() is
 * not called. */
MUST_USE bool intake_submit(struct intake *intake, void (*done)(void *context), void *context);
const struct intake_answer *intake_answer(const struct intake *intake);
uint64_t intake_points(const struct intake *intake); /* decoded */
/* Of the rows that the answer is about, which an earlier request with this Idempotency-Key may have
 * stored; 0 = none were. */
int64_t intake_ingest(const struct intake *intake);
/* There is an answer: all but it is given back, since somebody waits for something else now. */
void intake_settle(struct intake *intake);
/* For its rejects, once there is an answer. */
const struct batch *intake_batch(const struct intake *intake);
void intake_free(struct intake *intake); /* NULL is fine; not while it is submitted */

#endif
