/* Pulls all sources of all tenants, for ever: what is due is asked, within what hosts allow, and
 * what comes is written with how far it has come (docs/decisions/0052-collectors.md).
 *
 * Threads: one of its own asks and decides; readers of its own decode and write.  Functions here
 * may be called by any thread, and wait for nothing but puller_close(). */
#ifndef WEIR_INGEST_PULL_PULLER_H
#define WEIR_INGEST_PULL_PULLER_H

#include "base/fs.h"
#include "ingest/intake.h"
#include "ingest/pace/limiter.h"
#include "ingest/pull/progress.h"
#include "net/fetcher.h"

struct puller;

struct puller_parts {
    const struct intake_environment *intake; /* all borrowed */
    const struct recall *recall;
    struct fs *fs; /* of the data directory: what was asked is kept there; NULL: nowhere */
    struct fetcher_options fetcher;
    struct clock *clock;                      /* wall and boot */
    const char *user_agent;                   /* of requests that say none */
    unsigned readers;                         /* threads; 0 = 1 */
    uint64_t plain_bytes_max, body_bytes_max; /* of the node */
    /* The tenant's limits and retention now; false: there is none of that name. */
    bool (*tenant)(void *context, struct bytes name, const struct tenant **tenant,
                   struct limits *limits, int64_t *retention_ns);
    /* A secret's value, if it may go to that host ("api.example.org"); copied into the arena. */
    enum code (*secret)(void *context, struct bytes tenant, struct bytes name, struct bytes host,
                        struct arena *arena, struct bytes *value, struct error *err);
    /* Whether this node is to pull what shares that limit; asked again and again.  NULL: all. */
    bool (*leased)(void *context, struct bytes key);
    void *context;
};

MUST_USE enum code puller_open(const struct puller_parts *parts, struct puller **puller,
                               struct error *err);
/* Ends what is under way, whose pages are asked again the next time.  NULL is fine. */
void puller_close(struct puller *puller);

/* There is such a source from now on, or it has this document now, or rests; `json` with .data
 * NULL: there is none any more.  A document that is wrong stops it, and its status says why.
 * E_MEMORY. */
MUST_USE enum code puller_declare(struct puller *puller, struct bytes tenant, struct bytes name,
                                  uint64_t version, bool paused, struct bytes json,
                                  struct error *err);

/* All that was ever asked of the source beside its schedule, in place of what was said before; it
 * waits until the source's progress is known.  Told in front of puller_declare(), so that what was
 * done long ago is not taken for new.  E_MEMORY. */
struct pull_wishes;
MUST_USE enum code puller_wish(struct puller *puller, struct bytes tenant, struct bytes name,
                               const struct pull_wishes *wishes, struct error *err);

/* Secrets of the tenant were set or deleted: sources of it that have a credential and failed are
 * tried now, and not when they are due.  E_MEMORY. */
MUST_USE enum code puller_secrets(struct puller *puller, struct bytes tenant, struct error *err);

struct trial_terms;
/* Asks for the first page that `terms` would (its body, status and headers are of the answer), and
 * before it for a token and a list of partitions where the source needs them,
 * within what the host allows, and appends a trial's members (ingest/pull/trial.h) and what was
 * asked to `out`, which has "{"; closes it.  It waits.  E_BUSY: the host may not be asked for a
 * minute; E_DRAINING; E_TIMEOUT: also of the terms' patience; and what fetcher_begin() says of an
 * answer that did not come. */
MUST_USE enum code puller_try(struct puller *puller, struct bytes tenant,
                              const struct trial_terms *terms, struct buf *out, struct error *err);
/* Whoever waits in it, and who comes from now on, is told E_DRAINING: before a stop waits for them.
 * Any thread. */
void puller_tries_end(struct puller *puller);

/* Sets what is counted of all sources.  NULL is fine. */
struct metrics;
void puller_measure(struct puller *puller, struct metrics *metrics);

/* Whether this node pulls it, as far as it knows now. */
bool puller_holds(struct puller *puller, struct bytes tenant, struct bytes name);
/* Appends an object of JSON: how the source is; or a list of its last fetches, the newest first.
 * False: there is none. */
bool puller_status(struct puller *puller, struct bytes tenant, struct bytes name, struct buf *out);
bool puller_fetches(struct puller *puller, struct bytes tenant, struct bytes name, size_t limit,
                    struct buf *out);

#endif
